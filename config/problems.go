package config

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	// File is the path that was read, or "" when there was no file.
	File string
	// Line is counted from 1; 0 when the value stands in no file.
	Line int
	// Field is the dotted name, like `mqtt.maxPacketSize`; "" for the file as a whole.
	Field string
	// Msg says what is wrong and what would be right.
	Msg string
}

// String returns `file:line: field: message`, leaving out what is unknown.
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File + ":")
	}
	if p.Line > 0 {
		fmt.Fprintf(&b, "%d:", p.Line)
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	if p.Field != "" {
		b.WriteString(p.Field + ": ")
	}
	return b.String() + p.Msg
}

// Problems is everything that is wrong, in the order of the file. It is the
// error of [Load] and [Config.Validate]; errors.As finds it.
type Problems []Problem

// Error returns one problem a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// orNil returns the problems as an error, sorted by line, or nil when there
// are none: a nil Problems in an error would not be a nil error.
func (p Problems) orNil() error {
	if len(p) == 0 {
		return nil
	}
	slices.SortStableFunc(p, func(a, b Problem) int { return a.Line - b.Line })
	return p
}
