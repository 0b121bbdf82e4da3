package bolt_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/store/bolt"
)

const crashDir = "FITMQ_CRASH_DIR"

// TestMain makes the test binary the victim of TestStore_Crash when asked to.
func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if err := victim(dir); err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// victim appends and puts until it is killed, from several goroutines, and
// prints what was acknowledged. It trims now and then.
func victim(dir string) error {
	s, err := bolt.Open(dir, bolt.Options{GenerationRecords: 50})
	if err != nil {
		return err
	}
	ctx := context.Background()
	start, _ := s.Applied()
	errs := make(chan error)
	for w := range 3 {
		go func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("%d.%d.%d", start, w, n)
				recs := []store.Record{{ID: id, Topic: fmt.Sprint("w/", w), Data: []byte(id)}}
				for range n % 4 {
					recs = append(recs, store.Record{Topic: "filler", Data: make([]byte, 300)})
				}
				recs = append(recs, store.Record{ID: id + "e", Topic: fmt.Sprint("w/", w), Data: []byte(id + "e")})
				last, err := s.Append(ctx, recs)
				if err != nil {
					errs <- err
					return
				}
				if _, err := s.Put(ctx, "t", fmt.Sprint("w", w), []byte(id), store.Any, 0); err != nil {
					errs <- err
					return
				}
				// One write(2) a line: the parent sees whole lines.
				fmt.Printf("acked %d %d %s\n", w, last, id)
				if w == 0 && n%40 == 39 && last > 1000 {
					if err := s.Trim(ctx, last-1000); err != nil {
						errs <- err
						return
					}
				}
			}
		}()
	}
	return <-errs
}

// TestStore_Crash kills a process that writes, at random moments, again and
// again on one directory: what it acknowledged is there, whole and in order.
// FITMQ_CRASH_ROUNDS sets the rounds (10).
func TestStore_Crash(t *testing.T) {
	rounds := 10
	if v := os.Getenv("FITMQ_CRASH_ROUNDS"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			t.Fatalf("FITMQ_CRASH_ROUNDS: %v", err)
		}
		rounds = n
	}
	dir := t.TempDir()
	total := 0
	for round := range rounds {
		acked := crash(t, dir, time.Duration(20+rand.IntN(300))*time.Millisecond)
		total += len(acked)
		if r, err := bolt.Check(dir); err != nil || len(r.Problems) > 0 {
			t.Fatalf("round %d: check: %+v, %v", round, r, err)
		}
		s := mustOpen(t, dir, bolt.Options{GenerationRecords: 50})
		checkCrash(t, s, acked)
		mustClose(t, s)
	}
	if total == 0 {
		t.Error("no victim lived to acknowledge anything")
	}
	t.Logf("%d rounds, %d acknowledged appends", rounds, total)
}

// ack is a line that a victim printed.
type ack struct {
	writer int
	last   store.Pos
	id     string
}

// crash runs a victim and kills it some time after its first acknowledgement.
func crash(t *testing.T, dir string, after time.Duration) (acked []ack) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var a ack
		if _, err := fmt.Sscanf(lines.Text(), "acked %d %d %s", &a.writer, &a.last, &a.id); err != nil {
			t.Errorf("the victim says %q", lines.Text())
			continue
		}
		if len(acked) == 0 {
			time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) // SIGKILL; it may be dead already
		}
		acked = append(acked, a)
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("the victim ended with %v, want to be killed", err)
	}
	return acked
}

// checkCrash looks for what was acknowledged: every append whole, each
// writer's in order, nothing twice, and each writer's key no older than its
// last acknowledgement.
func checkCrash(t *testing.T, s *bolt.Store, acked []ack) {
	t.Helper()
	last, ready := s.Applied()
	if !ready {
		t.Error("the store is not ready")
	}
	entries, err := s.Read(background, []store.Span{{Filter: "w/#"}}, last, 1<<30)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	pos := map[string]store.Pos{}
	whole := map[string]bool{}
	for _, e := range entries {
		if pos[e.ID] != 0 {
			t.Errorf("%s is there twice", e.ID)
		}
		pos[e.ID] = e.Pos
		if base, end := strings.CutSuffix(e.ID, "e"); end {
			whole[base] = true
		}
	}
	for id := range pos {
		if !strings.HasSuffix(id, "e") && !whole[id] {
			t.Errorf("the append of %s is there by half", id)
		}
	}
	before := map[int]store.Pos{}
	for _, a := range acked {
		if a.last < s.Floor() {
			continue // trimmed since
		}
		if got := pos[a.id+"e"]; got != a.last {
			t.Errorf("acknowledged %s at %d: got it at %d", a.id, a.last, got)
		}
		if a.last <= before[a.writer] {
			t.Errorf("writer %d: position %d after %d", a.writer, a.last, before[a.writer])
		}
		before[a.writer] = a.last
	}
	checkCrashKeys(t, s, acked)
}

func checkCrashKeys(t *testing.T, s *bolt.Store, acked []ack) {
	t.Helper()
	newest := map[int]string{}
	for _, a := range acked {
		newest[a.writer] = a.id
	}
	for w, id := range newest {
		v, err := s.Get(background, "t", fmt.Sprint("w", w))
		if err != nil {
			t.Errorf("get: %v", err)
			continue
		}
		number := func(id string) (n int) {
			if _, err := fmt.Sscan(id[strings.LastIndexByte(id, '.')+1:], &n); err != nil {
				t.Errorf("id %q: %v", id, err)
			}
			return n
		}
		if got := number(string(v.Data)); got < number(id) || got > number(id)+1 {
			t.Errorf("writer %d: got key %s, want %s or the one after", w, v.Data, id)
		}
	}
}
