// Command gendocs writes docs/config.md; `go generate ./config` runs it.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/fitmq/fitmq/config/internal/docgen"
)

func main() {
	out := flag.String("o", "../docs/config.md", "file to write")
	flag.Parse()
	page, err := docgen.Markdown(".")
	if err == nil {
		err = os.WriteFile(*out, page, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gendocs:", err)
		os.Exit(1)
	}
}
