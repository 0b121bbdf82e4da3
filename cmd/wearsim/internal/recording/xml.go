package recording

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// walker reads an XML file as a stream of elements, so that what came before a
// damage is kept and memory does not grow with the file.
type walker struct {
	dec    *xml.Decoder
	format Format
	path   []string // local names of the open elements
	text   strings.Builder
}

// maxDepth bounds how deep elements nest; recordings need about ten.
const maxDepth = 64

func newWalker(r io.Reader, format Format) *walker {
	dec := xml.NewDecoder(r)
	// The two formats are UTF-8 in practice; for the rest, ASCII is all that the
	// fields read here contain.
	dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	return &walker{dec: dec, format: format}
}

// walk calls open at each start element and closed at each end element with the
// text directly within it. The element's name is the last of w.path in both.
func (w *walker) walk(open func(xml.StartElement) error, closed func(text string) error) error {
	for {
		tok, err := w.dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return w.damage("not well-formed XML", err)
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if len(w.path) >= maxDepth {
				return w.damage(fmt.Sprintf("elements nest deeper than %d", maxDepth), nil)
			}
			w.path = append(w.path, t.Name.Local)
			w.text.Reset()
			if err := open(t); err != nil {
				return err
			}
		case xml.CharData:
			w.text.Write(t)
		case xml.EndElement:
			if err := closed(strings.TrimSpace(w.text.String())); err != nil {
				return err
			}
			w.path = w.path[:len(w.path)-1]
			w.text.Reset()
		default:
			// comments and processing instructions carry no measurement
		}
	}
}

// name is the element that is being read, parent the one around it.
func (w *walker) name() string { return w.path[len(w.path)-1] }

func (w *walker) parent() string {
	if len(w.path) < 2 {
		return ""
	}
	return w.path[len(w.path)-2]
}

// within reports whether an element of that name is open.
func (w *walker) within(name string) bool {
	for _, p := range w.path {
		if p == name {
			return true
		}
	}
	return false
}

// damage places an error at the current line and byte.
func (w *walker) damage(what string, err error) error {
	line, _ := w.dec.InputPos()
	return &DamageError{Format: w.format, Line: line, Offset: w.dec.InputOffset(), What: what, Err: err}
}

// number reads the element's text as a finite number.
func (w *walker) number(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err == nil && num(v) == nil {
		err = errors.New("not a finite number")
	}
	if err != nil {
		return 0, w.damage(fmt.Sprintf("<%s> is not a number", w.name()), err)
	}
	return v, nil
}

// moment reads the element's text as a time (xsd:dateTime); without a zone it is UTC.
func (w *walker) moment(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, w.damage(fmt.Sprintf("<%s> %q is not a time", w.name(), text), nil)
}

// set stores the element's number through dst.
func (w *walker) set(dst **float64, text string) error {
	v, err := w.number(text)
	if err == nil {
		*dst = &v
	}
	return err
}
