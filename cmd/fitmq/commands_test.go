package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fitmq/fitmq/broker"
	"github.com/fitmq/fitmq/broker/brokertest"
)

// running is the data directory of a server that runs, with its addresses.
func running(t *testing.T) (dir string, s *brokertest.Server) {
	t.Helper()
	dir = t.TempDir()
	s = brokertest.Start(t, func(o *broker.Options) { o.DataDir = dir })
	data, err := json.Marshal(addresses{HTTP: s.HTTP, MQTT: s.MQTT})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, addressesFile), data, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, s
}

// Each command does what it says, from the top to the bottom.
func TestCommands(t *testing.T) {
	dir, s := running(t)
	definition := filepath.Join(t.TempDir(), "june.json")
	if err := os.WriteFile(definition, []byte(`{"awards":[{"threshold":5000,"title":"5 km"}],"goal":9}`), 0o600); err != nil {
		t.Fatal(err)
	}
	wrong := definition + ".wrong"
	if err := os.WriteFile(wrong, []byte(`{"award":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		line string // _ stands for a space in an argument
		code int
		want []string // parts of what is printed, errors too
	}{
		{"user put tess --role trainer", 0, []string{"trainer"}},
		{"user put ana --name Ana_Abel", 0, []string{"member"}},
		{"user put ben", 0, nil},
		{"user put shop --role service", 0, nil},
		{"user show ana --json", 0, []string{`"name":"Ana Abel"`}},

		{"link add tess ana", 0, []string{"tess trains ana"}},
		{"link list tess", 0, []string{"ana", "Ana Abel", "offline"}},
		{"link add ben ana", 1, []string{"422", "ben is not a trainer"}},
		{"link add nope ana", 1, []string{"422", "trainer nope is not a user"}},
		{"link get tess ben", 1, []string{"404", `"tess" has no client "ben"`, "fitmq link list"}},
		{"link delete tess ben", 1, []string{"404", "fitmq link list"}},

		{"session put legs --host tess --trainer tess --kind training --title Leg_day --visibility open", 0, []string{"session legs is live"}},
		{"session put legs --capacity 5", 0, nil},
		{"session get legs --json", 0, []string{`"title":"Leg day"`, `"capacity":5`, `"kind":"training"`}},
		{"session add legs ana", 0, []string{"ana is a member of session legs"}},
		{"session show legs", 0, []string{"legs  live  training  open  Leg day", "host tess, trainer tess", "Ana Abel"}},
		{"session list", 0, []string{"legs", "Leg day"}},
		{"session control legs pause", 0, []string{"session legs: pause\n"}},
		{"session list", 0, []string{"paused"}},
		{"session control legs resume ben", 1, []string{"remove names a user"}},
		{"session control legs remove ana", 0, nil},
		{"session control legs fly", 2, []string{`"fly"`}},
		{"session put x --host nobody", 1, []string{"422", "host nobody is not a user"}},
		{"session delete legs", 0, []string{"is deleted"}},
		{"session get legs", 1, []string{"404", "fitmq session list"}},

		{"challenge put june --title June --organizer tess --starts-at 2026-01-01T00:00:00Z --ends-at 2035-01-01T00:00:00Z --sports running,cycling", 0, []string{"challenge june is active"}},
		{"challenge put june --visibility open --file " + definition, 0, nil},
		{"challenge put june --goal 20", 0, nil},
		{"challenge get june --json", 0, []string{`"title":"June"`, `"goal":20`, `"threshold":5000`, `"visibility":"open"`, `"sports":["running","cycling"]`}},
		{"challenge put june --file " + wrong, 1, []string{`"award"`, "docs/protocol.md"}},
		{"challenge put june --file /nowhere", 1, []string{"/nowhere"}},
		{"challenge put june --starts-at tomorrow", 2, []string{"tomorrow"}},
		{"challenge add june ana", 0, []string{"ana takes part"}},
		{"challenge show june", 0, []string{"sum of distance in m, by tess", "Ana Abel"}},
		{"challenge list", 0, []string{"june", "active", "once", "tess"}},
		{"challenge board june", 0, []string{"0 of 0, revision"}},
		{"challenge board june --around ana", 1, []string{"404", "not ranked"}},
		{"challenge board june --limit 0", 1, []string{"400", "limit"}},
		{"challenge remove june ana", 0, nil},
		{"challenge rebuild june", 0, []string{"identical"}},
		{"challenge delete june", 0, nil},
		{"challenge delete june", 1, []string{"404", "fitmq challenge list"}},

		{"conversation put crew --title Crew --member ana,ben", 0, []string{"members ana, ben"}},
		{"conversation put crew --title The_crew", 0, []string{"The crew", "members ana, ben"}},
		{"conversation remove crew ben", 0, nil},
		{"conversation get crew", 0, []string{"members ana\n"}},
		{"conversation messages crew", 0, nil},
		{"conversation list", 0, nil},
		{"conversation delete crew", 0, nil},
		{"conversation get crew", 1, []string{"404"}},

		{"notify ana Closed_today --from shop --kind news --ttl 8h --collapse hours --urgent --id n1", 0, []string{"sent as n1"}},
		{"notify ana Good_work --from tess", 0, []string{"sent as "}},
		{"notify ana Hello", 1, []string{"403", "only services and that user's trainers"}},
		{"notify ana Hello --from ben", 1, []string{"403"}},
		{"notify ana Hello --from nobody", 1, []string{"404"}},

		{"user disable ana", 0, []string{"disabled"}},
		{"token issue ana", 1, []string{"422", "user ana is disabled"}},
		{"user list --url nonsense", 1, []string{`"nonsense" is not the address`, "http://localhost:8080"}},
		{"user list --url https://" + s.HTTP, 1, []string{"HTTP response to HTTPS client", "http or https"}},
		{"user list --url http://" + s.MQTT, 1, []string{"This port speaks MQTT"}},
	} {
		args := append(strings.Fields(c.line), "--data", dir)
		for i := range args[:len(args)-1] {
			args[i] = strings.ReplaceAll(args[i], "_", " ")
		}
		out, errs := fitmq(t, c.code, args...)
		for _, want := range c.want {
			if !strings.Contains(out+errs, want) {
				t.Errorf("fitmq %s printed %q, want %q in it", c.line, out+errs, want)
			}
		}
	}
}

// Every command that goes to a server explains itself.
func TestCommands_Help(t *testing.T) {
	for command, names := range map[string]string{
		"user": "put get list disable enable delete", "device": "add list delete", "link": "add get list delete", "token": "issue",
		"session": "put get list control add delete", "challenge": "put get list board add remove rebuild delete",
		"conversation": "put get list messages remove delete",
	} {
		for name := range strings.FieldsSeq(names) {
			out, _ := fitmq(t, exitOK, command, name, "--help")
			if !strings.Contains(out, "Example") || !strings.Contains(out, "--json") || !strings.Contains(out, "fitmq "+command+" "+name) {
				t.Errorf("fitmq %s %s --help: %s", command, name, out)
			}
		}
	}
}
