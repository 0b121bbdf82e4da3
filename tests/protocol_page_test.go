package tests_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// protocolPage is the page whose examples are run.
const protocolPage = "../docs/protocol.md"

// example is a step of the page's examples: commands, and the lines that they
// print, in which ... stands for anything. Commands that end in & listen while the
// others run.
type example struct {
	line      int // of the page
	listeners []string
	commands  []string
	want      []string
}

func (x *example) String() string {
	return fmt.Sprintf("%s:%d: %s", protocolPage, x.line, strings.Join(append(x.listeners, x.commands...), "\n"))
}

// all is every command of the step.
func (x *example) all() []string { return append(append([]string(nil), x.listeners...), x.commands...) }

// block returns the content of the page's first block in that language.
func block(t testing.TB, page, language string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, "```"+language+"\n")
	if !ok {
		t.Fatalf("%s has no block of %s", protocolPage, language)
	}
	content, _, _ := strings.Cut(rest, "```")
	return content
}

// readPage reads the page.
func readPage(t testing.TB) string {
	t.Helper()
	page, err := os.ReadFile(protocolPage)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// examples reads the steps of all ```sh blocks. A step is a command with what it
// prints, or listeners with all commands up to what they all print; an empty line
// ends it.
func examples(page string) (list []*example) {
	inBlock, step, command := false, (*example)(nil), ""
	end := func() {
		if step != nil && len(step.all()) > 0 {
			list = append(list, step)
		}
		step = nil
	}
	for i, line := range strings.Split(page, "\n") {
		switch {
		case strings.HasPrefix(line, "```"):
			end()
			inBlock = line == "```sh"
			continue
		case !inBlock:
			continue
		case line == "":
			end()
			continue
		}
		if want, ok := strings.CutPrefix(line, "#> "); ok {
			step.want = append(step.want, want)
			continue
		}
		if step != nil && command == "" && (len(step.want) > 0 || len(step.commands) > 0 && len(step.listeners) == 0) {
			end()
		}
		if step == nil {
			step = &example{line: i + 1}
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		if more, ok := strings.CutSuffix(line, `\`); ok {
			command += more
			continue
		}
		command += line
		if listener, ok := strings.CutSuffix(command, " &"); ok {
			step.listeners = append(step.listeners, listener)
		} else {
			step.commands = append(step.commands, command)
		}
		command = ""
	}
	return list
}

// mismatch compares what a step printed with what the page says it prints, in any
// order, and returns what is different.
func (x *example) mismatch(got []string) string {
	missing, more := x.compare(got)
	switch {
	case missing != "":
		return "not printed: " + missing
	case more != "" && len(x.want) > 0 && !slices.Contains(x.want, "..."):
		return "printed, and not on the page: " + more
	}
	return ""
}

// compare returns the first line that is missing, and the first that there is
// beside; "" for none.
func (x *example) compare(got []string) (missing, more string) {
	left := slices.Clone(got)
	for _, want := range x.want {
		pattern := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(want), `\.\.\.`, `.*`) + "$")
		i := slices.IndexFunc(left, pattern.MatchString)
		switch {
		case want == "...":
		case i < 0:
			return want, ""
		default:
			left = slices.Delete(left, i, i+1)
		}
	}
	if len(left) > 0 {
		more = left[0]
	}
	return "", more
}

func TestExamples(t *testing.T) {
	page := "text\n```sh\n# what\nlisten 1 &\nsay \\\n  more\nnow\n#> {\"a\":1,...}\n#> b\nnext\nlast\n```\n```json\nno\n```\n"
	list := examples(page)
	if len(list) != 3 || list[0].line != 3 || list[0].listeners[0] != "listen 1" || list[0].commands[0] != "say   more" || list[0].commands[1] != "now" || len(list[0].want) != 2 {
		t.Fatalf("read %v", list)
	}
	for name, tc := range map[string]struct {
		got  []string
		want string
	}{
		"OK":         {[]string{"b", `{"a":1,"b":2}`}, ""},
		"ErrMissing": {[]string{"b", `{"a":2,"b":2}`}, `not printed: {"a":1,...}`},
		"ErrMore":    {[]string{"b", `{"a":1,}`, "c"}, "printed, and not on the page: c"},
	} {
		if got := list[0].mismatch(tc.got); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}
