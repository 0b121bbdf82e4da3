package config_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/config"
	"github.com/fitmq/fitmq/config/internal/docgen"
)

func TestDefault_Valid(t *testing.T) {
	if err := config.Default().Validate(); err != nil {
		t.Fatalf("defaults do not validate: %v", err)
	}
}

func TestLoad(t *testing.T) {
	t.Run("OK/full", func(t *testing.T) {
		got, err := config.Load("testdata/good_full.yml")
		if err != nil {
			t.Fatal(err)
		}
		want := config.Config{
			MQTT: config.MQTT{Addr: "127.0.0.1:2883", MaxPacketSize: 256 * config.KiB, ReceiveMaximum: 20,
				MaxConnections: 500, MaxConnectionsPerAddress: 50, ConnectRate: 20, PublishRate: 100, PublishBytes: 64 * config.KiB,
				ConnectTimeout: config.Duration(2 * time.Second),
				TLS: config.MQTTTLS{Addr: "127.0.0.1:2884", Cert: "mqtt.crt", Key: "mqtt.key", ClientCA: "clients.crt",
					ClientCertificates: config.Required, CRL: "clients.crl"}},
			HTTP: config.HTTP{Addr: "[::1]:9090", AllowedOrigins: []string{"https://app.example.com", "http://localhost:5173"},
				Compression: true, MaxBodySize: 64 * config.KiB, RequestRate: 7, MaxStreams: 8, RequestTimeout: config.Duration(5 * time.Second),
				TLS: config.HTTPTLS{Cert: "web.crt", Key: "web.key", ClientCA: "people.crt", ClientCertificates: config.Optional, CRL: "people.crl"}},
			Proxies:     config.Proxies{Trusted: []string{"10.0.0.0/8", "::1"}, Protocol: true},
			Durability:  config.Interval,
			Presence:    config.Presence{Grace: config.Duration(500 * time.Millisecond), Away: config.Duration(3 * time.Minute)},
			Chat:        config.Chat{Direct: config.Anyone},
			Match:       config.Match{BeaconInterval: config.Duration(30 * time.Second), ProposalBurst: 3, ProposalInterval: config.Duration(time.Minute), MaxPeople: 1000},
			Leaderboard: config.Leaderboard{Rate: 5, Top: 100},
			Sessions: config.Sessions{
				QueueMessages: 1000, QueueBytes: config.MiB, QueueAge: config.Duration(48 * time.Hour), LogSize: 1024 * config.MiB,
				Memory: 64 * config.MiB, RetainedMessages: 5000, RetainedBytes: 8 * config.MiB,
			},
			Workouts:  config.Workouts{IdleEnd: config.Duration(2 * time.Hour), MaxHeartRate: 185},
			Passwords: config.Passwords{Memory: 64 * config.MiB, Iterations: 3, Parallel: 1},
			SignIn:    config.SignIn{Order: []string{"password", "url"}, URL: "https://id.example.com/fitmq", Timeout: config.Duration(time.Second), UserFailures: 3, AddressFailures: 10, MaxWait: config.Duration(5 * time.Second)},
			Quotas: config.Quotas{
				Member: quota(func(q *config.Quota) {
					q.PublishRate, q.PublishBytes, q.Connections, q.Subscriptions = 50, 64*config.KiB, 10, 100
				}),
				Trainer: config.Quota{
					Connections: 20, Subscriptions: 1000, ActivitiesPerDay: 500, ActivityInterval: config.Duration(time.Second),
					ChatBurst: 60, ChatRate: 10, BeaconInterval: config.Duration(time.Minute),
				},
				Service:   quota(func(*config.Quota) {}),
				Admin:     quota(func(q *config.Quota) { q.Subscriptions = 5000 }),
				Anonymous: quota(func(q *config.Quota) { q.PublishRate, q.Connections = 5, 100 }),
			},
			Webhooks: []config.Webhook{
				{Name: "push", URL: "https://backend.example.com/fitmq", Secret: "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3", Events: []string{"message.absent", "award"}, Timeout: config.Duration(3 * time.Second)},
				{Name: "all", URL: "http://10.0.0.7/hook", SecretFile: "hook.txt"},
			},
			ACL: config.ACL{Rules: []config.ACLRule{
				{Deny: config.Both, Topic: "plant/secret/#"},
				{Allow: config.Publish, Topic: "plant/%c/up", User: "ana", Role: "member", Client: "watch-1"},
			}},
			Audit: config.Audit{MaxSize: config.MiB, Keep: 2},
			Tokens: config.Tokens{Secret: "0123456789abcdef0123456789abcdef", SecretFile: "hs.txt", Keys: []string{"idp.pem", "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n"},
				JWKS: "https://idp.example.com/jwks", JWKSRefresh: config.Duration(10 * time.Minute), Issuer: "idp", Audience: "fit",
				Leeway: config.Duration(time.Second), RequireUser: true},
			Dev: true,
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	})
	t.Run("OK/empty sections keep the defaults", func(t *testing.T) {
		got, err := config.Load("testdata/good_empty_sections.yml")
		if err != nil {
			t.Fatal(err)
		}
		if want := config.Default(); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want the defaults", got)
		}
	})
	t.Run("OK/empty file", func(t *testing.T) {
		got, err := config.Parse(nil)
		if err != nil {
			t.Fatal(err)
		}
		if want := config.Default(); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want the defaults", got)
		}
	})
	t.Run("ErrMissing", func(t *testing.T) {
		if _, err := config.Load("testdata/none.yml"); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("got %v, want a not-exist error", err)
		}
	})
	t.Run("ErrHuge", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "huge.yml")
		if err := os.WriteFile(path, make([]byte, 1<<20+1), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := config.Load(path); err == nil || !strings.Contains(err.Error(), "over the limit") {
			t.Fatalf("got %v, want a size refusal", err)
		}
	})
}

// Each bad file is refused with all of its problems; bad_X.want holds them as
// "line: field: message", and a bad file without one has a syntax error.
func TestLoad_Bad(t *testing.T) {
	files, err := filepath.Glob("testdata/bad_*.yml")
	if err != nil || len(files) < 5 {
		t.Fatalf("bad files: %d, %v", len(files), err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			_, err := config.Load(path)
			var got config.Problems
			if !errors.As(err, &got) {
				t.Fatalf("got %v, want Problems", err)
			}
			data, err := os.ReadFile(strings.TrimSuffix(path, ".yml") + ".want")
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Split(strings.TrimSpace(string(data)), "\n")
			for i := range max(len(got), len(want)) {
				var g, w string
				if i < len(got) {
					g = strings.TrimPrefix(got[i].String(), path+":")
				}
				if i < len(want) {
					w = want[i]
				}
				if g != w {
					t.Errorf("problem %d:\ngot  %s\nwant %s", i+1, g, w)
				}
			}
		})
	}
}

func TestConfig_Validate(t *testing.T) {
	c := config.Default()
	c.MQTT.ReceiveMaximum = 0
	c.Durability = "sometimes"
	c.Passwords.Memory = 8 * config.GiB
	err := c.Validate()
	want := "mqtt.receiveMaximum: 0 is under the limit of 1\n" +
		"durability: \"sometimes\" is not a durability: write commit or interval\n" +
		"passwords.memory: 8GiB is over the limit of 4GiB"
	if err == nil || err.Error() != want {
		t.Fatalf("got:\n%v\nwant:\n%s", err, want)
	}
}

func TestSize_Text(t *testing.T) {
	for _, tt := range []struct {
		word string
		want config.Size
		back string
	}{
		{"0B", 0, "0B"}, {"512B", 512, "512B"}, {"64KiB", 64 << 10, "64KiB"}, {"1024KiB", 1 << 20, "1MiB"},
		{"3 GiB", 3 << 30, "3GiB"}, {"1500B", 1500, "1500B"},
	} {
		var got config.Size
		if err := got.UnmarshalText([]byte(tt.word)); err != nil || got != tt.want || got.String() != tt.back {
			t.Errorf("%s: got %d %s %v, want %d %s", tt.word, got, got, err, tt.want, tt.back)
		}
	}
	for _, word := range []string{"", "64", "MiB", "-1B", "1.5MiB", "64MB", "9999999999999GiB"} {
		if err := new(config.Size).UnmarshalText([]byte(word)); err == nil {
			t.Errorf("%q was taken for a size", word)
		}
	}
}

func TestDuration_String(t *testing.T) {
	for word, want := range map[string]string{"60s": "1m", "90s": "1m30s", "1h": "1h", "0s": "0s", "20s": "20s", "250ms": "250ms", "1h10m": "1h10m"} {
		var d config.Duration
		if err := d.UnmarshalText([]byte(word)); err != nil || d.String() != want {
			t.Errorf("%s: got %s %v, want %s", word, d, err, want)
		}
	}
}

func TestDocs_Fresh(t *testing.T) {
	want, err := docgen.Markdown(".")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../docs/config.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Fatal("docs/config.md is not what the code says: run go generate ./config")
	}
}

// Whatever is in a file, the answer is a valid configuration or Problems.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := config.Parse(data)
		if err == nil {
			err = c.Validate()
			if err != nil {
				t.Fatalf("an accepted file does not validate: %v", err)
			}
			return
		}
		var p config.Problems
		if !errors.As(err, &p) || len(p) == 0 {
			t.Fatalf("got %v, want Problems", err)
		}
	})
}

func TestSecret(t *testing.T) {
	c := config.Default()
	c.Tokens.Secret = "a-very-secret-text-of-at-least-32-bytes"
	for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(form, c); strings.Contains(got, "very-secret") {
			t.Errorf("%s shows the secret: %s", form, got)
		}
	}
	c.Tokens.Secret = "short"
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "tokens.secret: 5 bytes are under the limit of 32") {
		t.Errorf("got %v", err)
	}
}

// quota is the default one with a change.
func quota(change func(*config.Quota)) config.Quota {
	q := config.Default().Quotas.Member
	change(&q)
	return q
}
