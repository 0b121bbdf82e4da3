// Command generate writes core/src/generated.ts: the topics and the payloads of
// the wire contract as TypeScript knows them, from the Go types that the broker
// reads and writes. Run it with go generate ./client/...
package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
)

//go:generate go run . ../.. ../core/src/generated.ts

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: generate REPOSITORY OUTPUT")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(root, output string) error {
	s := newSource()
	for _, dir := range rooms {
		if err := s.read(root, dir); err != nil {
			return err
		}
	}
	var out bytes.Buffer
	out.WriteString("// Made by client/generate from the broker's Go types: do not edit, run go generate ./client/...\n")
	writeTopics(&out)
	for _, s2 := range shapes {
		if err := s.write(&out, s2); err != nil {
			return fmt.Errorf("%s: %w", s2.name, err)
		}
	}
	if err := os.WriteFile(output, out.Bytes(), 0o644); err != nil { //nolint:gosec // a source file
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// source is what is known of the Go files, by "package.Name".
type source struct {
	types  map[string]*ast.TypeSpec
	docs   map[string]string
	enums  map[string][]string // a string type's constants
	consts map[string]string   // every string constant
	order  map[string][]string // a package's constants, as they are written
}

func newSource() *source {
	return &source{
		types: map[string]*ast.TypeSpec{}, docs: map[string]string{}, enums: map[string][]string{},
		consts: map[string]string{}, order: map[string][]string{},
	}
}

// read takes in the package of a folder, its tests aside.
func (s *source) read(root, dir string) error {
	fset := token.NewFileSet()
	files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
	if err != nil {
		return fmt.Errorf("list %s: %w", dir, err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			return fmt.Errorf("parse: %w", err)
		}
		for _, d := range file.Decls {
			if g, ok := d.(*ast.GenDecl); ok {
				s.take(file.Name.Name, g)
			}
		}
	}
	return nil
}

func (s *source) take(pkg string, g *ast.GenDecl) {
	for _, spec := range g.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			key := pkg + "." + spec.Name.Name
			s.types[key] = spec
			doc := spec.Doc
			if doc == nil {
				doc = g.Doc
			}
			s.docs[key] = doc.Text()
		case *ast.ValueSpec:
			if g.Tok == token.CONST {
				s.constant(pkg, spec)
			}
		}
	}
}

func (s *source) constant(pkg string, spec *ast.ValueSpec) {
	for i, name := range spec.Names {
		if i >= len(spec.Values) {
			continue
		}
		lit, ok := spec.Values[i].(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			continue
		}
		value, err := strconv.Unquote(lit.Value)
		if err != nil { // cannot be: it was parsed
			continue
		}
		key := pkg + "." + name.Name
		s.consts[key] = value
		s.order[pkg] = append(s.order[pkg], name.Name)
		if t, ok := spec.Type.(*ast.Ident); ok && value != "" {
			s.enums[pkg+"."+t.Name] = append(s.enums[pkg+"."+t.Name], value)
		}
	}
}

// member is a field of a JSON object.
type member struct {
	name, typ, doc string
	optional       bool
}

// members lists what a struct is in JSON, embedded structs flattened.
func (s *source) members(key string) ([]member, error) {
	spec, ok := s.types[key]
	if !ok {
		return nil, fmt.Errorf("there is no type %s", key)
	}
	pkg, _, _ := strings.Cut(key, ".")
	if alias, ok := s.named(pkg, spec.Type); ok {
		return s.members(alias)
	}
	st, ok := spec.Type.(*ast.StructType)
	if !ok {
		return nil, fmt.Errorf("%s is no struct", key)
	}
	var list []member
	for _, f := range st.Fields.List {
		if len(f.Names) == 0 {
			embedded, ok := s.named(pkg, f.Type)
			if !ok {
				return nil, fmt.Errorf("%s embeds what is not known", key)
			}
			more, err := s.members(embedded)
			if err != nil {
				return nil, err
			}
			list = append(list, more...)
			continue
		}
		if f.Tag == nil {
			continue
		}
		m, err := s.member(pkg, f)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", key, f.Names[0].Name, err)
		}
		if m.name != "-" { // not in JSON
			list = append(list, m)
		}
	}
	return list, nil
}

func (s *source) member(pkg string, f *ast.Field) (member, error) {
	tag, err := strconv.Unquote(f.Tag.Value)
	if err != nil {
		return member{}, fmt.Errorf("tag: %w", err)
	}
	name, options, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
	typ, err := s.typeOf(pkg, f.Type)
	if err != nil {
		return member{}, err
	}
	_, pointer := f.Type.(*ast.StarExpr)
	m := member{name: name, typ: typ, optional: pointer || options != "", doc: f.Doc.Text()}
	if m.doc == "" {
		m.doc = f.Comment.Text()
	}
	return m, nil
}

// named is the "package.Name" of a type that is one of ours.
func (s *source) named(pkg string, e ast.Expr) (string, bool) {
	key := ""
	switch e := e.(type) {
	case *ast.Ident:
		key = pkg + "." + e.Name
	case *ast.SelectorExpr:
		x, ok := e.X.(*ast.Ident)
		if !ok {
			return "", false
		}
		key = x.Name + "." + e.Sel.Name
	}
	_, ok := s.types[key]
	return key, ok
}

// basic are the types that are the same everywhere. Scores are written as
// numbers, times as RFC 3339.
var basic = map[string]string{
	"string": "string", "bool": "boolean", "time.Time": "string", "leaderboard.Score": "number", "json.RawMessage": "unknown",
	"int": "number", "int64": "number", "uint64": "number", "uint32": "number", "float64": "number",
}

// typeOf is a Go type's JSON in TypeScript.
func (s *source) typeOf(pkg string, e ast.Expr) (string, error) {
	switch e := e.(type) {
	case *ast.StarExpr:
		return s.typeOf(pkg, e.X)
	case *ast.ArrayType:
		elem, err := s.typeOf(pkg, e.Elt)
		return "readonly " + elem + "[]", err
	case *ast.MapType:
		elem, err := s.typeOf(pkg, e.Value)
		return "Readonly<Record<string, " + elem + ">>", err
	}
	name := ""
	switch e := e.(type) {
	case *ast.Ident:
		name = e.Name
	case *ast.SelectorExpr:
		if x, ok := e.X.(*ast.Ident); ok {
			name = x.Name + "." + e.Sel.Name
		}
	}
	if t, ok := basic[name]; ok {
		return t, nil
	}
	key, ok := s.named(pkg, e)
	if !ok {
		return "", fmt.Errorf("no TypeScript is known for %s", name)
	}
	for _, shape := range shapes {
		if shape.from == key {
			return shape.name, nil
		}
	}
	if values := s.enums[key]; len(values) > 0 {
		return union(values), nil
	}
	if t, ok := s.types[key].Type.(*ast.Ident); ok && basic[t.Name] != "" {
		return basic[t.Name], nil
	}
	return "", fmt.Errorf("%s is not among the shapes", key)
}

func union(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = "'" + v + "'"
	}
	return strings.Join(quoted, " | ")
}
