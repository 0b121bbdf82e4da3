package fitness_test

import (
	"strings"
	"testing"

	"github.com/fitmq/fitmq/fitness"
)

func TestNoSport(t *testing.T) {
	for s, want := range map[string]string{
		"running": "", "generic": "", "jump_rope": "", "e_biking": "",
		"run": "write running", "Running": "such as running", "": "such as running", "all": "such as running", "quidditch": `sports[0] "quidditch" is not a sport`,
	} {
		if got := fitness.NoSport("sports[0]", s); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
}
