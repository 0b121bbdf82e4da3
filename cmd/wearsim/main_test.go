package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
)

const csvFile = "elapsed_time,heart_rate,distance\n0,100,0\n1,101,3.5\n2,,7.25\n"

func mustWrite(tb testing.TB, name, content string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		tb.Fatalf("write %s: %v", name, err)
	}
	return path
}

// judge refuses what it is told to, as a broker hook.
type judge struct {
	mqtt.HookBase
	refuse string // topic prefix; "" refuses nothing
}

func (j *judge) ID() string           { return "judge" }
func (j *judge) Provides(b byte) bool { return b == mqtt.OnPublish }
func (j *judge) OnPublish(_ *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if j.refuse != "" && strings.HasPrefix(pk.TopicName, j.refuse) {
		return pk, packets.Code{Code: 0x99, Reason: "no"}
	}
	return pk, nil
}

func mustStartBroker(tb testing.TB, refuse string) string {
	tb.Helper()
	return "mqtt://" + mustListen(tb, refuse, nil)
}

func mustListen(tb testing.TB, refuse string, tlsConfig *tls.Config) string {
	tb.Helper()
	srv := mqtt.New(&mqtt.Options{Logger: slog.New(slog.DiscardHandler)})
	l := listeners.NewTCP(listeners.Config{ID: "tcp", Address: "127.0.0.1:0", TLSConfig: tlsConfig})
	for _, err := range []error{
		srv.AddHook(&auth.Hook{}, &auth.Options{Ledger: &auth.Ledger{Auth: auth.AuthRules{{Username: "ana", Password: "secret", Allow: true}}}}),
		srv.AddHook(&judge{refuse: refuse}, nil), srv.AddListener(l), srv.Serve(),
	} {
		if err != nil {
			tb.Fatalf("start broker: %v", err)
		}
	}
	tb.Cleanup(func() {
		if err := srv.Close(); err != nil {
			tb.Errorf("close broker: %v", err)
		}
	})
	return l.Address()
}

// mustCertify makes a certificate for 127.0.0.1 and writes it to a file.
func mustCertify(tb testing.TB) (cfg *tls.Config, caFile string) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatalf("generate key: %v", err)
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	if err != nil {
		tb.Fatalf("create certificate: %v", err)
	}
	caFile = mustWrite(tb, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, caFile
}

func TestRun_TLS(t *testing.T) {
	cfg, ca := mustCertify(t)
	addr := "mqtts://" + mustListen(t, "", cfg)
	args := []string{"--addr", addr, "--user", "ana", "--password", "secret", "--challenge", "c1", "--give-up", "500ms", mustWrite(t, "run.csv", csvFile)}
	t.Run("OK", func(t *testing.T) {
		if code, stdout, stderr := try(append(args, "--ca", ca)...); code != exitOK || !strings.Contains(stdout, "1 of 1 accepted") {
			t.Errorf("got %d:\n%s%s", code, stdout, stderr)
		}
	})
	t.Run("ErrUnknownAuthority", func(t *testing.T) {
		if code, _, stderr := try(args...); code != exitFailed || !strings.Contains(stderr, "certificate signed by unknown authority") {
			t.Errorf("got %d: %s", code, stderr)
		}
	})
}

// try runs the command.
func try(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(context.Background(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestRun_Replay(t *testing.T) {
	file := mustWrite(t, "run.csv", csvFile)
	addr := mustStartBroker(t, "")
	broker := []string{"--addr", addr, "--user", "ana", "--password", "secret", "--session", "s1", "--challenge", "c1", "--speed", "50"}

	t.Run("OK", func(t *testing.T) {
		code, stdout, stderr := try(append(broker, file)...)
		if code != exitOK || !strings.Contains(stdout, "3 of 3 sent") || !strings.Contains(stdout, "1 of 1 accepted") {
			t.Errorf("got %d:\n%s%s", code, stdout, stderr)
		}
		if !strings.Contains(stderr, "100%") || !strings.Contains(stderr, "--start-at 20") || strings.Contains(stderr, "\r") {
			t.Errorf("progress without a terminal is lines, with a hint: %q", stderr)
		}
	})
	t.Run("OKJSON", func(t *testing.T) {
		code, stdout, _ := try(append(broker, "--output", "json", "--quiet", file)...)
		var s summary
		if err := json.Unmarshal([]byte(stdout), &s); err != nil || code != exitOK || !s.OK || s.Sent != 3 || s.Accepted != 1 {
			t.Errorf("got %d, %v: %s", code, err, stdout)
		}
	})
	t.Run("OKSalvage", func(t *testing.T) {
		code, stdout, stderr := try(append(broker, "--salvage", mustWrite(t, "cut.csv", csvFile+"3,1"))...)
		if code != exitOK || !strings.Contains(stdout, "3 of 3 sent") || !strings.Contains(stderr, "salvaged 3 samples") {
			t.Errorf("got %d:\n%s%s", code, stdout, stderr)
		}
	})
	t.Run("ErrPassword", func(t *testing.T) {
		code, _, stderr := try("--addr", addr, "--user", "ana", "--password", "wrong", "--session", "s1", file)
		if code != exitRefused || !strings.Contains(stderr, "0x86 bad user name or password") {
			t.Errorf("got %d: %s", code, stderr)
		}
	})
	t.Run("ErrRefused", func(t *testing.T) {
		code, stdout, stderr := try("--addr", mustStartBroker(t, "challenge/"), "--user", "ana", "--password", "secret", "--challenge", "c1", file)
		if code != exitRefused || !strings.Contains(stdout, "0 of 1 accepted, 1 refused") || !strings.Contains(stderr, "0x99") {
			t.Errorf("got %d:\n%s%s", code, stdout, stderr)
		}
	})
	t.Run("ErrClockOfCSV", func(t *testing.T) {
		code, _, stderr := try(append(broker, "--clock", "2024-05-01T08:00:00Z", file)...)
		if code != exitUsage || !strings.Contains(stderr, "--lag") {
			t.Errorf("got %d: %s", code, stderr)
		}
	})
}

func TestRun_DryRun(t *testing.T) {
	file := mustWrite(t, "run.csv", csvFile)
	t.Run("OKTable", func(t *testing.T) {
		code, stdout, stderr := try("--dry-run", "--sport", "rowing", file)
		if code != exitOK || !strings.Contains(stdout, "3 samples over 0:02 in 1 leg") || !strings.Contains(stdout, "rowing") || !strings.Contains(stdout, "7.25") {
			t.Errorf("got %d:\n%s%s", code, stdout, stderr)
		}
	})
	t.Run("OKJSON", func(t *testing.T) {
		code, stdout, _ := try("--dry-run", "--output", "json", file)
		var p plan
		if err := json.Unmarshal([]byte(stdout), &p); err != nil || code != exitOK || len(p.Legs) != 1 || *p.Legs[0].TotalDistance != 7.25 {
			t.Errorf("got %d, %v: %s", code, err, stdout)
		}
	})
	t.Run("ErrDamaged", func(t *testing.T) {
		code, stdout, stderr := try("--dry-run", mustWrite(t, "cut.csv", csvFile+"3,1"))
		if code != exitDamaged || stdout != "" || !strings.Contains(stderr, "line 5") || !strings.Contains(stderr, "--salvage") {
			t.Errorf("got %d:\n%s%s", code, stdout, stderr)
		}
	})
	t.Run("ErrNoRecording", func(t *testing.T) {
		code, _, stderr := try("--dry-run", "--salvage", mustWrite(t, "notes.txt", "hello"))
		if code != exitDamaged || !strings.Contains(stderr, "not a FIT, TCX, GPX or CSV recording") {
			t.Errorf("got %d: %s", code, stderr)
		}
	})
}

func TestRun_Usage(t *testing.T) {
	file := mustWrite(t, "run.csv", csvFile)
	t.Run("OKHelp", func(t *testing.T) {
		code, stdout, _ := try("--help")
		if code != exitOK || !strings.Contains(stdout, "Examples:") || !strings.Contains(stdout, "--salvage") {
			t.Errorf("got %d: %s", code, stdout)
		}
	})
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"ErrNoFile":     {[]string{"--dry-run"}, "<file>"},
		"ErrMissing":    {[]string{"--dry-run", "/nowhere/x.fit"}, "no such file"},
		"ErrFlag":       {[]string{"--sped", "3", file}, "unknown flag"},
		"ErrAddr":       {[]string{"--user", "ana", "--session", "s", file}, "--addr is needed"},
		"ErrScheme":     {[]string{"--addr", "http://x", "--user", "ana", "--session", "s", file}, "use mqtt://"},
		"ErrUser":       {[]string{"--addr", "mqtt://x", "--user", "a/b", "--session", "s", file}, "--user"},
		"ErrNoTarget":   {[]string{"--addr", "mqtt://x", "--user", "ana", file}, "--session or --challenge"},
		"ErrSpeed":      {[]string{"--dry-run", "--speed", "0", file}, "--speed"},
		"ErrSpeedNaN":   {[]string{"--dry-run", "--speed", "nan", file}, "--speed"},
		"ErrSuffix":     {[]string{"--dry-run", "--activity-id-suffix", "a b", file}, "--activity-id-suffix"},
		"ErrClockLag":   {[]string{"--dry-run", "--clock", "2024-05-01T08:00:00Z", "--lag", "2s", file}, "exclude each other"},
		"ErrSessionID":  {[]string{"--addr", "mqtt://x", "--user", "ana", "--session", "s/#", file}, "--session takes"},
		"ErrStartAt":    {[]string{"--dry-run", "--start-at", "noon", file}, "start-at"},
		"ErrMissingCA":  {[]string{"--addr", "mqtts://127.0.0.1:1", "--ca", "/nowhere.pem", "--user", "ana", "--session", "s", file}, "--ca"},
		"ErrOutputForm": {[]string{"--dry-run", "--output", "xml", file}, "--output"},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := try(c.args...)
			if code != exitUsage || !strings.Contains(stderr, c.want) {
				t.Errorf("got %d, %q, want %d and %q", code, stderr, exitUsage, c.want)
			}
		})
	}
}
