package delivery

import (
	"fmt"
	"syscall"
	"testing"
)

// asked is a policy and a meaning that count how often they are asked.
type asked struct {
	Meaning
	n int
}

func (a *asked) Plain(string) bool                   { a.n++; return false }
func (a *asked) MayPublish(*Client, string) string   { a.n++; return "" }
func (a *asked) MaySubscribe(*Client, string) string { a.n++; return "" }
func (a *asked) MayReceive(*Client, string) bool     { a.n++; return true }

// decided is a hub with users who each have a session below session/s{i}, and
// their connections, all of whose rights are known.
func decided(tb testing.TB, users int) (a *asked, links []*link, names []string) {
	tb.Helper()
	a = &asked{}
	h := &Hub{ports: ports{policy: a, meaning: a}, index: newIndex()}
	for i := range users {
		s := newSession(h, fmt.Sprint("c", i))
		l := &link{s: s, client: &Client{ID: s.id}}
		l.open.Store(true)
		s.who.Store(l.client)
		s.link.Store(l)
		topic := fmt.Sprintf("session/s%d/progress/u%d", i, i)
		h.index.set(s, &subscription{filter: topic, qos: 1})
		links, names = append(links, l), append(names, topic)
	}
	for i, l := range links {
		l.known(names[i]).rights = l.s.rights.Load()
	}
	for i, l := range links { // a new filter may share its counter with a known topic
		if got := len(l.receivers().targets); got != 1 {
			tb.Fatalf("%s has %d receivers, want 1", names[i], got)
		}
	}
	return a, links, names
}

// While nothing changes, neither the right to publish to a topic nor to receive
// it is asked for again, and finding that out costs no memory.
func TestLink_DecisionIsKept(t *testing.T) {
	a, links, names := decided(t, 100)
	before, i := a.n, 0
	allocs := testing.AllocsPerRun(1000, func() {
		l, topic := links[i%len(links)], names[i%len(links)]
		if l.known(topic).rights != l.s.rights.Load() || len(l.receivers().targets) != 1 || len(l.s.hub.match(topic).targets) != 1 {
			t.Fatal("the decision is not known")
		}
		i++
	})
	if allocs != 0 || a.n != before {
		t.Errorf("%v allocations and %d questions, want none", allocs, a.n-before)
	}
	links[0].s.rights.Add(1)
	if links[0].known(names[0]).rights == links[0].s.rights.Load() {
		t.Error("a change of rights does not count")
	}
}

// BenchmarkDecision measures a decision that is known: of a publisher for the
// topic used last, of the publisher's connection for its receivers, and of the
// index for those of a topic that others publish to.
func BenchmarkDecision(b *testing.B) {
	for _, users := range []int{10, 1000, 100_000} {
		_, links, names := decided(b, users)
		step := 7919 // a prime, so that neighbours in memory are not asked one after the other
		for name, ask := range map[string]func(l *link, topic string) bool{
			"publish": func(l *link, topic string) bool { return l.known(topic).rights == l.s.rights.Load() },
			"deliver": func(l *link, _ string) bool { return len(l.receivers().targets) == 1 },
			"index":   func(l *link, topic string) bool { return len(l.s.hub.match(topic).targets) == 1 },
		} {
			b.Run(fmt.Sprintf("%s/users=%d", name, users), func(b *testing.B) {
				b.ReportAllocs()
				i, before := 0, processorTime(b)
				for b.Loop() {
					if i = (i + step) % users; !ask(links[i], names[i]) {
						b.Fatal("the decision is not known")
					}
				}
				b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

// processorTime is what the process has used so far, in nanoseconds.
func processorTime(tb testing.TB) int64 {
	tb.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		tb.Fatal(err)
	}
	return use.Utime.Nano() + use.Stime.Nano()
}
