package config

import (
	"encoding"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxFileSize bounds a configuration file. What is larger was not meant to be
// one, and is refused unread.
const maxFileSize = 1 << 20

// Load reads the file over the defaults and validates the whole. What is wrong
// with its content comes as [Problems], all of it at once; a file that cannot
// be read comes as the system's error.
func Load(path string) (Config, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	if info.Size() > maxFileSize {
		return Config{}, Problems{{File: path, Msg: fmt.Sprintf("%d bytes are over the limit of %d for a configuration", info.Size(), maxFileSize)}}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	c, err := Parse(data)
	var problems Problems
	if errors.As(err, &problems) {
		for i := range problems {
			problems[i].File = path
		}
		return Config{}, problems
	}
	return c, err
}

// Parse is [Load] for content that is already read.
func Parse(data []byte) (Config, error) {
	c := Default()
	d := decoder{lines: map[string]int{}, broken: map[string]bool{}}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return Config{}, Problems{syntaxProblem(err)}
	}
	for i, doc := range file.Docs {
		if i > 0 {
			d.add(doc.Body, "", "a second document: one file is one configuration")
			break
		}
		d.mapping(doc.Body, "", reflect.ValueOf(&c).Elem())
	}
	for _, p := range c.validate(func(field string) int { return d.lines[field] }) {
		if !d.unread(p.Field) { // a value that could not be read is reported once
			d.problems = append(d.problems, p)
		}
	}
	if err := d.problems.orNil(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// syntaxProblem is what the YAML reader could not make sense of.
func syntaxProblem(err error) Problem {
	p := Problem{Msg: err.Error()}
	var ye yaml.Error
	if errors.As(err, &ye) {
		p.Msg = ye.GetMessage()
		if t := ye.GetToken(); t != nil && t.Position != nil {
			p.Line = t.Position.Line
		}
	}
	return p
}

// decoder fills the structs and gathers what is wrong, instead of stopping at
// the first mistake as a general YAML decoder does.
type decoder struct {
	problems Problems
	lines    map[string]int  // where each field stands
	broken   map[string]bool // fields whose value could not be read
}

// unread reports whether the field, or a part of it, could not be read.
func (d *decoder) unread(field string) bool {
	for name := range d.broken {
		if rest, ok := strings.CutPrefix(name, field); ok && (rest == "" || rest[0] == '.') {
			return true
		}
	}
	return false
}

func (d *decoder) add(n ast.Node, field, format string, args ...any) {
	p := Problem{Field: field, Msg: fmt.Sprintf(format, args...)}
	if n != nil && n.GetToken() != nil && n.GetToken().Position != nil {
		p.Line = n.GetToken().Position.Line
	}
	d.broken[field] = true
	d.problems = append(d.problems, p)
}

// mapping reads a section into a struct. An empty one (`mqtt:` with nothing
// below) changes nothing.
func (d *decoder) mapping(n ast.Node, prefix string, v reflect.Value) {
	section := strings.TrimSuffix(prefix, ".")
	var entries []*ast.MappingValueNode
	switch n := n.(type) {
	case nil, *ast.NullNode, *ast.CommentGroupNode:
		return
	case *ast.MappingNode:
		entries = n.Values
	case *ast.MappingValueNode:
		entries = []*ast.MappingValueNode{n}
	default:
		d.add(n, section, "must be a section of `name: value` lines, not %s", describe(n))
		return
	}
	for _, e := range entries {
		d.entry(e, prefix, v)
	}
}

// entry reads one `name: value`.
func (d *decoder) entry(e *ast.MappingValueNode, prefix string, v reflect.Value) {
	name, isName := e.Key.(*ast.StringNode)
	if !isName {
		d.add(e.Key, strings.TrimSuffix(prefix, "."), "%s cannot be the name of a setting", describe(e.Key))
		return
	}
	field := prefix + name.Value
	names := make([]string, v.NumField())
	for i := range v.NumField() {
		names[i] = v.Type().Field(i).Tag.Get("yaml")
		if names[i] != name.Value {
			continue
		}
		d.lines[field] = e.Key.GetToken().Position.Line
		if v.Field(i).Kind() == reflect.Struct {
			d.mapping(e.Value, field+".", v.Field(i))
			return
		}
		d.value(e.Value, field, v.Field(i))
		return
	}
	d.add(e.Key, field, "unknown setting%s", hint(name.Value, names))
}

// value reads one leaf.
func (d *decoder) value(n ast.Node, field string, v reflect.Value) {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		s, ok := n.(ast.ScalarNode)
		if !ok {
			d.add(n, field, "must be a word, not %s", describe(n))
		} else if err := u.UnmarshalText([]byte(s.GetToken().Value)); err != nil {
			d.add(n, field, "%s", err)
		}
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		if b, ok := n.(*ast.BoolNode); ok {
			v.SetBool(b.Value)
		} else {
			d.add(n, field, "must be true or false, not %s", describe(n))
		}
	case reflect.Int:
		d.integer(n, field, v)
	case reflect.String:
		switch s := n.(type) {
		case *ast.StringNode:
			v.SetString(s.Value)
		case *ast.LiteralNode: // a text of several lines, after | or >
			v.SetString(s.Value.Value)
		default:
			d.add(n, field, "must be a text, not %s: put it in quotes", describe(n))
		}
	case reflect.Slice:
		d.list(n, field, v)
	}
}

func (d *decoder) integer(n ast.Node, field string, v reflect.Value) {
	if i, ok := n.(*ast.IntegerNode); ok {
		switch x := i.Value.(type) {
		case int64:
			v.SetInt(x)
			return
		case uint64:
			if x <= 1<<62 {
				v.SetInt(int64(x))
				return
			}
		}
	}
	d.add(n, field, "must be a whole number, not %s", describe(n))
}

// list reads a list of texts or of sections; a single text is not taken for a list of one,
// so that a file means one thing only.
func (d *decoder) list(n ast.Node, field string, v reflect.Value) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.add(n, field, "must be a list like [a, b], not %s", describe(n))
		return
	}
	out := reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values))
	for i, item := range seq.Values {
		if isSections(v.Type()) {
			name := itemField(field, i)
			if item != nil && item.GetToken() != nil {
				d.lines[name] = item.GetToken().Position.Line
			}
			d.mapping(item, name+".", out.Index(i))
			continue
		}
		d.value(item, field, out.Index(i))
	}
	v.Set(out)
}

// describe names a node as its author sees it.
func describe(n ast.Node) string {
	switch n := n.(type) {
	case nil:
		return "nothing"
	case *ast.NullNode:
		return "nothing"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a section"
	case *ast.SequenceNode:
		return "a list"
	case ast.ScalarNode:
		return fmt.Sprintf("%q", n.GetToken().Value)
	}
	return fmt.Sprintf("%q", n.String())
}

// hint proposes the known name that was probably meant.
func hint(got string, names []string) string {
	best, distance := "", 3
	for _, name := range names {
		if n := editDistance(strings.ToLower(got), strings.ToLower(name)); n < distance {
			best, distance = name, n
		}
	}
	if best != "" {
		return fmt.Sprintf(": did you mean %s?", best)
	}
	return "; known here: " + strings.Join(names, ", ")
}

// editDistance counts the insertions, removals and replacements between two words.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
