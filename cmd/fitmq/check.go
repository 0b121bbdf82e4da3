package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/fitmq/fitmq/store/bolt"
)

type checkCmd struct {
	Data string `required:"" placeholder:"DIR" type:"path" help:"Data directory to verify; no server may be using it."`
}

// errUnsound is the error of a directory with problems, which are printed.
var errUnsound = errors.New("the data directory is damaged")

// Run reads every page of a data directory and says what is in it and what is
// wrong. It changes nothing.
func (c *checkCmd) Run(e *env) error {
	r, err := bolt.Check(c.Data)
	if err != nil {
		return explain(err, c.Data)
	}
	fmt.Fprintf(e.stdout, "log     %d records in %d files, positions %d to %d\n", r.Records, r.Files, r.First, r.Last)
	for _, name := range slices.Sorted(maps.Keys(r.Tables)) {
		fmt.Fprintf(e.stdout, "table   %-16s %d keys\n", name, r.Tables[name])
	}
	for _, p := range r.Problems {
		fmt.Fprintf(e.stdout, "problem %s\n", p)
	}
	if len(r.Problems) > 0 {
		return hintError{errUnsound, "Keep a copy of the directory, and restore it from a backup."}
	}
	fmt.Fprintln(e.stdout, "sound")
	return nil
}
