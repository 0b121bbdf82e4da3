package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/fitmq/fitmq/engine"
)

type challengeCmd struct {
	Rebuild challengeRebuildCmd `cmd:"" help:"Make a challenge's board again from the stored activities, and compare."`
}

type challengeRebuildCmd struct {
	remote
	ID string `arg:"" help:"The challenge."`
}

// Help shows an example.
func (*challengeRebuildCmd) Help() string {
	return `The exit code is 1 where the board at work was not, byte for byte, the one
that its activities make. Example:
  fitmq challenge rebuild june --data DIR`
}

// errDiffers is the error of a board that was not what its activities make.
var errDiffers = errors.New("the board at work differed from the rebuilt one, which has taken its place")

// Run asks the running server to rebuild the board.
func (c *challengeRebuildCmd) Run(e *env) error {
	var r engine.Rebuilt
	answer, err := c.call(e.ctx, http.MethodPost, path("challenges", c.ID, "rebuild"), nil, &r)
	if err != nil {
		return err
	}
	err = c.print(e, answer, func(w io.Writer) {
		fmt.Fprintf(w, "challenge %s: revision %d, %d ranked in %d periods\nsha256    %s\n", r.ChallengeID, r.Revision, r.Ranked, r.Periods, r.Digest)
		for _, d := range r.Differences {
			fmt.Fprintf(w, "%s\n  at work  %s\n  rebuilt  %s\n", d.Part, d.Present, d.Rebuilt)
		}
		if r.Identical {
			fmt.Fprintln(w, "identical")
		}
	})
	if err == nil && !r.Identical {
		return hintError{errDiffers, "Keep a copy of the data directory and report this: it should not happen."}
	}
	return err
}
