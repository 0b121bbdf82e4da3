package gateway

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxFaults bounds the list of a problem: a body of nothing but mistakes is not
// answered with as much text.
const maxFaults = 20

// readBody reads a JSON object into v, strictly: exact member names, no member
// twice, nothing behind it. extra names members that v's own UnmarshalJSON knows
// beside its fields. The errors are Problems.
func readBody(r *http.Request, v any, extra ...string) error {
	if t := r.Header.Get("Content-Type"); t != "" {
		if m, _, err := mime.ParseMediaType(t); err != nil || m != "application/json" {
			return problem(http.StatusUnsupportedMediaType, "the body must be sent with Content-Type: application/json")
		}
	} else if r.Method == http.MethodPost {
		// A page of another origin can POST without a type, never with this one.
		return problem(http.StatusUnsupportedMediaType, "send the header Content-Type: application/json")
	}
	data, err := wholeBody(r)
	if err != nil {
		return err
	}
	if !utf8.Valid(data) {
		return problem(http.StatusBadRequest, "the body is not UTF-8")
	}
	if err := checkMembers(data, append(memberNames(reflect.TypeOf(v).Elem()), extra...)); err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return unmarshalProblem(err)
	}
	return nil
}

// wholeBody reads the body to its end. The errors are Problems.
func wholeBody(r *http.Request) ([]byte, error) {
	data, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, problem(http.StatusRequestEntityTooLarge, "the body is over the limit of %d bytes", tooLarge.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, problem(http.StatusRequestTimeout, "the body came too slowly")
	case err != nil:
		return nil, problem(http.StatusBadRequest, "the body could not be read to its end")
	}
	return data, nil
}

// memberNames are the JSON names of a struct's fields.
func memberNames(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			names = append(names, memberNames(f.Type)...)
		case f.IsExported() && name != "-" && name != "":
			names = append(names, name)
		}
	}
	return names
}

// checkMembers walks the top level of the body.
func checkMembers(data []byte, known []string) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	if len(bytes.TrimSpace(data)) == 0 {
		return problem(http.StatusBadRequest, "the body is empty: send a JSON object")
	}
	if t, err := dec.Token(); err != nil {
		return syntaxProblem(err)
	} else if t != json.Delim('{') {
		return problem(http.StatusBadRequest, "the body is not a JSON object")
	}
	var faults []Fault
	seen := map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return syntaxProblem(err)
		}
		name, _ := t.(string) // in an object the decoder gives nothing else here
		fault := ""
		switch {
		case !slices.Contains(known, name):
			fault = fmt.Sprintf("unknown member %s; known here: %s", quote(name), cmp.Or(strings.Join(known, ", "), "none"))
		case seen[name]:
			fault = fmt.Sprintf("member %s stands there twice", quote(name))
		}
		if fault != "" && len(faults) < maxFaults {
			faults = append(faults, Fault{Detail: fault, Pointer: pointer(name)})
		}
		seen[name] = true
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return syntaxProblem(err)
		}
	}
	if _, err := dec.Token(); err != nil {
		return syntaxProblem(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return problem(http.StatusBadRequest, "there is more behind the JSON object")
	}
	if len(faults) > 0 {
		return faulty(http.StatusUnprocessableEntity, faults)
	}
	return nil
}

func syntaxProblem(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return problem(http.StatusBadRequest, "the body is not JSON: %s at byte %d", syntax, syntax.Offset)
	}
	return problem(http.StatusBadRequest, "the body is not JSON: it ends too early")
}

// unmarshalProblem words a member of the wrong type. What a type's own reader
// says is meant for people already.
func unmarshalProblem(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		name := wrong.Field
		return faulty(http.StatusUnprocessableEntity, []Fault{{
			Detail:  fmt.Sprintf("%s must be %s, not %s", name, kindWord(wrong.Type), wrong.Value),
			Pointer: pointer(strings.ReplaceAll(name, ".", "/")),
		}})
	}
	var notTime *time.ParseError
	if errors.As(err, &notTime) {
		return problem(http.StatusUnprocessableEntity, "%q is not a time like 2026-05-01T08:00:00Z", clip(strings.Trim(notTime.Value, `"`)))
	}
	return problem(http.StatusUnprocessableEntity, "%s", err)
}

func kindWord(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	}
	return "a number"
}

// pointer returns a JSON pointer as a URI fragment (RFC 6901 section 6).
func pointer(path string) string { return "#/" + (&url.URL{Path: clip(path)}).EscapedPath() }

func quote(s string) string { return strconv.Quote(clip(s)) }

// clip bounds what an answer repeats of a request.
func clip(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "..."
	}
	return s
}

// queryFault refuses a query that cannot be read: what is wrong with it would
// otherwise be left out, and a whole list be the answer to a broken search.
func queryFault(r *http.Request) error {
	if _, err := url.ParseQuery(r.URL.RawQuery); err != nil {
		return problem(http.StatusBadRequest, "the query is broken: %s", clip(err.Error()))
	}
	return nil
}

// queryInt reads a query parameter; missing means the default.
func queryInt(q url.Values, name string, low, high, missing int) (int, *Fault) {
	if !q.Has(name) {
		return missing, nil
	}
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < low || n > high {
		return 0, &Fault{Detail: fmt.Sprintf("%s=%s is not a number from %d to %d", name, clip(q.Get(name)), low, high), Parameter: name}
	}
	return n, nil
}

// Limits of a page of a list.
const (
	defaultPage = 100
	maxPage     = 1000
)

// page reads ?after= and ?limit=.
func page(r *http.Request) (after string, limit int, err error) {
	q := r.URL.Query()
	limit, fault := queryInt(q, "limit", 1, maxPage, defaultPage)
	if fault != nil {
		return "", 0, faulty(http.StatusBadRequest, []Fault{*fault})
	}
	return q.Get("after"), limit, nil
}

// pageFrom answers with the part of a list that ?after= and ?limit= ask for.
func pageFrom[T any](r request, list func(after string, limit int) (items []T, next string, err error)) (reply, error) {
	after, limit, err := page(r.Request)
	if err != nil {
		return reply{}, err
	}
	items, next, err := list(after, limit)
	return reply{body: newList(items, next)}, err
}

// pageOf answers with the part of a whole list that ?after= and ?limit= ask for, in
// order of the keys.
func pageOf[T any](r request, all []T, key func(T) string) (reply, error) {
	after, limit, err := page(r.Request)
	if err != nil {
		return reply{}, err
	}
	all = slices.Clone(all) // it may be somebody's
	slices.SortFunc(all, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
	first, found := slices.BinarySearchFunc(all, after, func(item T, after string) int { return cmp.Compare(key(item), after) })
	if found {
		first++
	}
	all = all[first:]
	next := ""
	if len(all) > limit {
		all = all[:limit]
		next = key(all[limit-1])
	}
	return reply{body: newList(all, next)}, nil
}
