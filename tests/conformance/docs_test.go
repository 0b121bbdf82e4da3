package conformance_test

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

const docsFile = "../../docs/conformance.md"

// stated is one numbered statement of a text.
type stated struct {
	id, asks string
	// why is why there is no row.
	why string
}

func statements(t *testing.T, file string) (list []stated) {
	data, err := os.ReadFile("statements/" + file)
	if err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(bytes.NewReader(data)); s.Scan(); {
		line := s.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.SplitN(line, " | ", 3)
		if len(fields) < 2 {
			t.Fatalf("%s: %q is not a statement", file, line)
		}
		st := stated{id: fields[0], asks: fields[1]}
		if len(fields) == 3 {
			st.why = fields[2]
		}
		list = append(list, st)
	}
	return list
}

// TestDocs holds rows, statements and docs/conformance.md together: every
// statement has a row or a reason, every row has statements that exist, and the
// page says so.
func TestDocs(t *testing.T) {
	checkKnown(t)
	var page bytes.Buffer
	page.WriteString(`# Conformance

Every numbered statement of MQTT 5.0 and MQTT 3.1.1, and what holds the broker to it: rows of the suite in
tests/conformance, which speaks raw packets over TCP and WebSocket. MQTT 3.1 runs the rows of 3.1.1, over TCP, as far as
it says the same. The words are ours; the OASIS texts say what counts.

This page is made from the suite and checked by it. ` + "`go test ./tests/conformance -run 'MQTT-3.8.3-2'`" + ` runs the rows of one statement.
`)
	for _, text := range []struct {
		title, file string
		version     byte
	}{{"MQTT 5.0", "mqtt5.txt", v5}, {"MQTT 3.1.1 and 3.1", "mqtt311.txt", v311}} {
		list := statements(t, text.file)
		byID := rowsByID(text.version)
		writeStatements(t, &page, text.title, list, byID)
		for id := range maps.Keys(byID) {
			if !slices.ContainsFunc(list, func(s stated) bool { return s.id == id }) {
				t.Errorf("%s has no statement %s; rows: %q", text.title, id, byID[id])
			}
		}
	}
	writeKnown(&page)
	if *update {
		if err := os.WriteFile(docsFile, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, page.Bytes()) {
		t.Error("docs/conformance.md is not what the suite says: run go test ./tests/conformance -run TestDocs -update")
	}
}

// rowsByID are the names of the rows of each statement.
func rowsByID(version byte) map[string][]string {
	m := map[string][]string{}
	for _, r := range rows {
		for id := range strings.FieldsSeq(r.ids(version)) {
			name := r.name
			if _, fails := known[knownKey{version, r.name}]; fails {
				name += " (**known fault**)"
			}
			m[id] = append(m[id], name)
		}
	}
	return m
}

func writeStatements(t *testing.T, page *bytes.Buffer, title string, list []stated, byID map[string][]string) {
	var without []stated
	fmt.Fprintf(page, "\n## %s\n\n", title)
	covered := 0
	for _, s := range list {
		if len(byID[s.id]) > 0 {
			covered++
		}
	}
	fmt.Fprintf(page, "%d statements, %d with rows.\n\n| statement | what it asks | rows |\n|---|---|---|\n", len(list), covered)
	for _, s := range list {
		names := byID[s.id]
		switch {
		case len(names) == 0 && s.why == "":
			t.Errorf("%s: %s has neither a row nor a reason", title, s.id)
		case len(names) > 0 && s.why != "":
			t.Errorf("%s: %s has rows and a reason why there are none", title, s.id)
		case len(names) == 0:
			without = append(without, s)
			continue
		}
		fmt.Fprintf(page, "| %s | %s | %s |\n", s.id, escape(s.asks), escape(strings.Join(names, "; ")))
	}
	page.WriteString("\nWithout a row, since no packet from outside can show them:\n\n| statement | what it asks | why |\n|---|---|---|\n")
	for _, s := range without {
		fmt.Fprintf(page, "| %s | %s | %s |\n", s.id, escape(s.asks), escape(s.why))
	}
}

func escape(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func writeKnown(page *bytes.Buffer) {
	page.WriteString("\n## Known faults\n\n")
	if len(known) == 0 {
		page.WriteString("None: every row passes.\n")
		return
	}
	page.WriteString("Rows that the broker does not pass yet. The suite reports them with every run, and fails when one begins to pass.\n\n")
	keys := slices.SortedFunc(maps.Keys(known), func(a, b knownKey) int {
		return cmp.Or(cmp.Compare(b.version, a.version), cmp.Compare(a.name, b.name))
	})
	for _, k := range keys {
		fmt.Fprintf(page, "- MQTT %s, %s: %s\n", map[byte]string{v5: "5", v311: "3.1.1", v31: "3.1"}[k.version], k.name, known[k])
	}
}

// checkKnown wants the table of known faults to name rows, and rows to have
// names of their own.
func checkKnown(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rows {
		if seen[r.name] {
			t.Errorf("two rows are called %q", r.name)
		}
		seen[r.name] = true
	}
	for k := range known {
		if !seen[k.name] {
			t.Errorf("the table of known faults names %q, which is no row", k.name)
		}
	}
}
