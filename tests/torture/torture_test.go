package torture_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The long form sets these: `go test ./tests/torture -run Torture -args -rounds 500 -lanes 3`.
var (
	rounds    = flag.Int("rounds", 0, "rounds to run; 0 = as many as begin within -for")
	during    = flag.Duration("for", 10*time.Second, "begin new rounds for so long; with -rounds unused")
	lanes     = flag.Int("lanes", 2, "brokers tortured at the same time, each with rounds of its own")
	seed      = flag.Uint64("seed", 0, "seed of all schedules; 0 = a new one, printed")
	first     = flag.Int("first", 1, "the first round, to begin where a fault was")
	race      = flag.Bool("race-broker", false, "build the broker with the race detector")
	deadline  = flag.Duration("deadline", 4*time.Minute, "a round that takes longer hangs: what everybody does is written down, and the broker ended")
	keepIn    = flag.String("keep", "", "directory for what a failing round leaves; empty = the system's temporary one")
	onlyPrint = flag.Bool("plan", false, "print the schedule of the first round and run nothing")
)

// total is what all rounds came to.
type total struct {
	mu                                        sync.Mutex // guards below
	rounds, kills, stops, published, received int
	cuts, failed                              int
}

// TestBroker_Torture holds every promise of delivery against random clients,
// cuts and kills.
func TestBroker_Torture(t *testing.T) {
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", *seed)
	if *onlyPrint {
		t.Logf("%s", describe(makePlan(*seed, *first)))
		return
	}
	program := build(t)
	var sum total
	var wg sync.WaitGroup
	next := make(chan int)
	for lane := range *lanes {
		wg.Go(func() { runLane(t, program, lane, next, &sum) })
	}
	began := time.Now()
	for n := *first; ; n++ {
		if *rounds > 0 && n >= *first+*rounds || *rounds == 0 && time.Since(began) > *during {
			break
		}
		next <- n
	}
	close(next)
	wg.Wait()
	t.Logf("%d rounds in %.0f s: %d kills, %d stops, %d connections cut or ended, %d messages sent, %d received, %d rounds failed",
		sum.rounds, time.Since(began).Seconds(), sum.kills, sum.stops, sum.cuts, sum.published, sum.received, sum.failed)
	if sum.received == 0 || sum.rounds == 0 {
		t.Error("nothing was delivered: the torture has tested nothing")
	}
}

func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "fitmq")
	args := []string{"build", "-o", program}
	if *race {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "../../cmd/fitmq")...).CombinedOutput(); err != nil {
		t.Fatalf("build the broker: %v\n%s", err, out)
	}
	return program
}

// newHookedBroker is newBroker of one that tells a hook what happens.
func newHookedBroker(t *testing.T, program, lane string) (*process, *hook) {
	t.Helper()
	dir, err := os.MkdirTemp(*keepIn, "fitmq-torture-"+lane+"-")
	if err != nil {
		t.Fatal(err)
	}
	h, err := newHook(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.server.Close)
	return startBroker(t, program, dir), h
}

// newBroker starts a broker on a directory of its own, named after the lane.
func newBroker(t *testing.T, program, lane string) *process {
	t.Helper()
	dir, err := os.MkdirTemp(*keepIn, "fitmq-torture-"+lane+"-")
	if err != nil {
		t.Fatal(err)
	}
	return startBroker(t, program, dir)
}

// watch ends the broker when the round takes too long, and says what everybody did.
func (p *process) watch(t *testing.T, round int) *time.Timer {
	return time.AfterFunc(*deadline, func() {
		t.Errorf("seed %d, round %d has not ended after %v: the goroutines of the broker and of the test, and the broker's metrics, are in %s",
			*seed, round, *deadline, p.dir)
		if err := p.autopsy(); err != nil {
			t.Error(err)
		}
	})
}

// runLane runs rounds on one broker, and on a new one after a failure, whose
// directory is kept.
func runLane(t *testing.T, program string, lane int, next <-chan int, sum *total) {
	var b *process
	for n := range next {
		if b == nil {
			b = newBroker(t, program, fmt.Sprint(lane))
		}
		late := b.watch(t, n)
		res := runRound(makePlan(*seed, n), b)
		late.Stop()
		sum.add(&res)
		if text := b.complaints(); text != "" {
			res.found = append(res.found, violation{rule: "the broker's log is clean", text: text})
		}
		if len(res.found) == 0 {
			continue
		}
		sum.mu.Lock()
		sum.failed++
		sum.mu.Unlock()
		t.Errorf("seed %d, round %d: %d violations; data, broker log and record are in %s\n%s",
			*seed, n, len(res.found), b.dir, report(&res, b.dir))
		if b.running() {
			_ = b.kill() // it is replaced
		}
		b = nil
	}
	if b != nil {
		if b.running() {
			if err := b.stop(); err != nil {
				t.Error(err)
			}
		}
		_ = os.RemoveAll(b.dir) // it is below the system's temporary directory
	}
}

func (s *total) add(r *result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rounds++
	s.kills += r.killed
	s.stops += len(r.plan.faults) - r.killed
	for i := range r.events {
		switch r.events[i].kind {
		case kPublish:
			s.published++
		case kRecv:
			s.received++
		case kClosed:
			s.cuts++
		}
	}
}

// shown is how many violations are printed; all are in the file.
const shown = 6

// report writes the record and the violations to files and returns the first
// violations, each with the end of its client's and topic's trace.
func report(r *result, dir string) string {
	var all, short strings.Builder
	for i, v := range r.found {
		fmt.Fprintln(&all, v)
		if i < shown {
			fmt.Fprintln(&short, v)
			short.WriteString(trace(r.events, v))
		}
	}
	var record strings.Builder
	for i := range r.events {
		record.WriteString(r.events[i].String())
		record.WriteByte('\n')
	}
	for name, text := range map[string]string{
		"violations.txt": all.String(), "record.txt": record.String(), "plan.txt": describe(r.plan),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			fmt.Fprintln(&short, err)
		}
	}
	return short.String()
}

// traced is how many lines of a trace are printed.
const traced = 40

// trace is what the client and, about the stream, its publisher did before.
func trace(events []event, v violation) string {
	var lines []string
	for i := range events {
		e := &events[i]
		if e.at > v.at {
			break
		}
		aboutStream := e.stream() == v.stream
		session := e.who == v.who && e.topic == "" && e.kind != kAck && e.kind != kRelease
		change := e.who == v.who && (e.kind == kSubscribe || e.kind == kSuback || e.kind == kUnsubscribe)
		here := (e.who == v.who || e.who == v.stream.pub) && aboutStream
		if e.who == "" || session || change || here || e.at == v.at {
			lines = append(lines, e.String())
		}
	}
	if len(lines) > traced {
		lines = slices.Concat([]string{fmt.Sprintf("  (%d lines before)", len(lines)-traced)}, lines[len(lines)-traced:])
	}
	return "    " + strings.Join(lines, "\n    ") + "\n"
}

// describe prints a schedule.
func describe(p plan) string {
	var b strings.Builder
	for _, f := range p.faults {
		fmt.Fprintf(&b, "broker %+v\n", f)
	}
	for _, s := range p.scripts {
		fmt.Fprintf(&b, "%s version %d ws=%t lasting=%t window=%d\n", s.name, s.version, s.ws, s.lasting, s.window)
		for _, st := range s.steps {
			o, sub := st.open, st.sub
			st.open, st.sub = nil, nil
			fmt.Fprintf(&b, "  %+v", st)
			if o != nil {
				w := o.will
				plain := *o
				plain.will = nil
				fmt.Fprintf(&b, " open %+v", plain)
				if w != nil {
					fmt.Fprintf(&b, " will %+v", *w)
				}
			}
			if sub != nil {
				fmt.Fprintf(&b, " sub %+v", *sub)
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}
