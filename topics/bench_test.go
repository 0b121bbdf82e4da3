package topics_test

import (
	"testing"

	"github.com/fitmq/fitmq/topics"
)

func TestAllocations(t *testing.T) {
	tests := map[string]func(){
		"Match":       func() { topics.Match("session/+/progress/#", "session/s1/progress/ana") },
		"Contains":    func() { topics.Contains("session/s1/#", "session/s1/progress/+") },
		"Overlap":     func() { topics.Overlap("session/+/progress/#", "session/s1/+/ana") },
		"Parse":       func() { topics.Parse("session/s1/form/ana/seen") },
		"ValidName":   func() { _ = topics.ValidName("session/s1/form/ana/seen") },
		"SplitShared": func() { _, _, _, _ = topics.SplitShared("$share/g/session/s1/#") },
	}
	for name, fn := range tests {
		if got := testing.AllocsPerRun(100, fn); got != 0 {
			t.Errorf("%s: got %v allocations, want 0", name, got)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	for b.Loop() {
		topics.Match("session/+/progress/#", "session/s1/progress/ana")
	}
}

func BenchmarkContains(b *testing.B) {
	for b.Loop() {
		topics.Contains("session/s1/#", "session/s1/progress/+")
	}
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		topics.Parse("session/s1/progress/ana")
	}
}
