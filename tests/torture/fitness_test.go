package torture_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestBroker_FitnessTorture kills the broker at any moment of what fitness apps
// do: activities, awards, chat, reading, form corrections, sessions, partner
// matching, notifications, webhooks. In the end nothing half-done is to be seen,
// nothing counts twice and nothing is missing.
func TestBroker_FitnessTorture(t *testing.T) {
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", *seed)
	program := build(t)
	var mu sync.Mutex // guards sum
	var sum struct{ rounds, kills, activities, messages, failed int }
	next := make(chan int)
	var wg sync.WaitGroup
	for lane := range *lanes {
		wg.Go(func() {
			var b *process
			var h *hook
			for n := range next {
				if b == nil {
					b, h = newHookedBroker(t, program, fmt.Sprintf("fit-%d", lane))
				}
				late := b.watch(t, n)
				s, kills, found := runScene(*seed, n, b, h)
				late.Stop()
				if text := b.complaints(); text != "" {
					found = append(found, violation{rule: "the broker's log is clean", text: text})
				}
				mu.Lock()
				sum.rounds++
				sum.kills += kills
				for user := range s.ledger.activities {
					sum.activities += len(s.ledger.activities[user])
				}
				for c := range s.ledger.said {
					sum.messages += len(s.ledger.said[c])
				}
				if len(found) > 0 {
					sum.failed++
				}
				mu.Unlock()
				if len(found) > 0 {
					t.Errorf("seed %d, fitness round %d: %d violations; data, broker log and record are in %s\n%s", *seed, n, len(found), b.dir, s.report(found))
					_ = b.kill() // it is replaced
					b = nil
				}
			}
			if b != nil {
				if err := b.stop(); err != nil {
					t.Error(err)
				}
				_ = os.RemoveAll(b.dir) // it is below the system's temporary directory
			}
		})
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
	t.Logf("%d fitness rounds in %.0f s: %d kills, %d activities, %d chat messages, %d rounds failed",
		sum.rounds, time.Since(began).Seconds(), sum.kills, sum.activities, sum.messages, sum.failed)
	if sum.rounds == 0 || sum.activities == 0 {
		t.Error("nothing was done: the torture has tested nothing")
	}
}

// runScene plays a round and judges it.
func runScene(seed uint64, round int, b *process, h *hook) (s *scene, kills int, found []violation) {
	s = newScene(round, b, h)
	r := rand.New(rand.NewPCG(seed, uint64(round)|1<<32))
	if err := s.setUp(); err != nil {
		return s, 0, []violation{{rule: ruleSeen, text: err.Error()}}
	}
	errs := make(chan error, athletes+len(seekers)+2)
	var people, faults sync.WaitGroup
	play := func(own *rand.Rand, user string) error {
		if s.moving {
			if err := s.move(own, user, s.live[user]); err != nil {
				return fmt.Errorf("%s: %w", user, err)
			}
		}
		for i := range 25 + own.IntN(20) {
			if err := s.act(own, user, s.live[user], i); err != nil {
				return fmt.Errorf("%s: %w", user, err)
			}
		}
		return nil
	}
	if s.moving = r.IntN(2) == 0; s.moving {
		s.sampled.Add(len(s.ledger.users))
	}
	for _, user := range s.ledger.users {
		own := rand.New(rand.NewPCG(r.Uint64(), 1))
		people.Go(func() { errs <- play(own, user) })
	}
	for _, user := range s.ledger.seekers {
		own := rand.New(rand.NewPCG(r.Uint64(), 3))
		people.Go(func() { errs <- s.seek(own, user, s.live[user]) })
	}
	trainer := rand.New(rand.NewPCG(r.Uint64(), 2))
	people.Go(func() { errs <- s.train(trainer, s.live[s.ledger.trainer]) })
	kills = 1 + r.IntN(5)
	pauses := make([]time.Duration, kills)
	for i := range pauses {
		pauses[i] = ms(r, 20, 900)
	}
	faults.Go(func() {
		for _, pause := range pauses {
			time.Sleep(pause) // the broker's time to live
			if err := cmp.Or(b.kill(), b.start()); err != nil {
				errs <- err
				return
			}
		}
	})
	people.Wait()
	faults.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			found = append(found, violation{rule: ruleSeen, text: err.Error()})
		}
	}
	return s, kills + 1, append(found, s.conclude()...)
}

// conclude waits until everything has come to rest, kills the broker once more,
// lets those who were away come, and judges.
func (s *scene) conclude() []violation {
	var all sync.WaitGroup
	for _, c := range s.live {
		all.Go(c.settle)
	}
	all.Wait()
	if found := s.judgeWhenQuiet(false); len(found) > 0 {
		return found
	}
	if err := cmp.Or(s.broker.kill(), s.broker.start()); err != nil {
		return []violation{{rule: ruleSeen, text: err.Error()}}
	}
	for _, c := range s.away {
		all.Go(c.settle)
	}
	all.Wait()
	found := append(s.judgeWhenQuiet(true), s.talk()...)
	for _, c := range s.h.all() {
		if c.kind == kFault {
			found = append(found, violation{rule: ruleSeen, who: c.who, text: c.note})
		}
	}
	for _, c := range slices.Concat(slices.Collect(maps.Values(s.live)), slices.Collect(maps.Values(s.away))) {
		if c.open(&opening{version: c.version, clean: true}) == nil {
			c.bye(&step{}) // leaves no session to the next round
		}
	}
	return found
}

// judgeWhenQuiet judges when nothing is missing any more, or when for a while no more
// of it has come.
func (s *scene) judgeWhenQuiet(away bool) []violation {
	for v := (vigil{}); ; time.Sleep(50 * time.Millisecond) { // what is missing may be on its way
		f, err := s.find(away)
		if err != nil {
			return []violation{{rule: ruleSeen, text: err.Error()}}
		}
		s.mu.Lock()
		found := s.ledger.judge(f)
		s.mu.Unlock()
		if len(found) == 0 {
			break
		}
		if v.ends(len(found), time.Now()) {
			return found
		}
	}
	time.Sleep(100 * time.Millisecond) // so may be what is too much
	f, err := s.find(away)
	if err != nil {
		return []violation{{rule: ruleSeen, text: err.Error()}}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ledger.judge(f)
}

// vigil is how the judge waits for what is missing: on a busy machine some hundred
// events can take longer to be told than any one of them may.
type vigil struct {
	least int // missing so far
	until time.Time
}

// ends reports whether the judge has waited long enough: whenever less is missing than
// ever before the time begins anew.
func (v *vigil) ends(missing int, now time.Time) bool {
	if v.until.IsZero() || missing < v.least {
		v.least, v.until = missing, now.Add(settling)
	}
	return now.After(v.until)
}

// find asks the broker for what it shows, and copies what has come.
func (s *scene) find(away bool) (*findings, error) {
	f := &findings{
		history: map[string][]saying{}, unread: map[string]map[string]uint64{},
		live: map[string][]arrival{}, away: map[string][]arrival{},
	}
	var board struct{ Entries []standing }
	if err := s.broker.call(http.MethodGet, "/challenges/"+s.id+"/leaderboard?limit=100", "", nil, &board); err != nil {
		return nil, err
	}
	f.board = board.Entries
	var rebuilt struct{ Identical bool }
	if err := s.broker.call(http.MethodPost, "/challenges/"+s.id+"/rebuild", "", struct{}{}, &rebuilt); err != nil {
		return nil, err
	}
	f.identical = rebuilt.Identical
	for conversation := range s.ledger.members {
		var page struct{ Items []saying }
		if err := s.broker.call(http.MethodGet, "/conversations/"+conversation+"/messages?after=0&limit=500", "", nil, &page); err != nil {
			return nil, err
		}
		f.history[conversation] = page.Items
	}
	for _, find := range []func(*findings) error{s.findSummaries, s.findMatches, s.findNotes, s.findSamples, s.findHooks} {
		if err := find(f); err != nil {
			return nil, err
		}
	}
	for _, user := range s.ledger.users {
		var list struct {
			Items []struct {
				ConversationID string
				Unread         uint64
			}
		}
		if err := s.broker.call(http.MethodGet, "/conversations?limit=100", s.tokens[user], nil, &list); err != nil {
			return nil, err
		}
		f.unread[user] = map[string]uint64{}
		for _, c := range list.Items {
			f.unread[user][c.ConversationID] = c.Unread
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for user, c := range s.live {
		f.live[user] = slices.Clone(s.arrived[c])
	}
	for user, c := range s.away {
		f.away[user] = slices.Clone(s.arrived[c])
	}
	if !away {
		f.away = nil
	}
	return f, nil
}

// findSummaries reads what the session and the users' own histories tell of it.
func (s *scene) findSummaries(f *findings) error {
	var of struct{ Items []summed }
	if err := s.broker.call(http.MethodGet, "/sessions/"+s.ledger.session+"/summaries", "", nil, &of); err != nil {
		return err
	}
	f.summaries, f.workouts = of.Items, map[string][]summed{}
	for _, user := range s.ledger.users {
		var own struct{ Items []summed }
		if err := s.broker.call(http.MethodGet, "/users/"+user+"/workouts", "", nil, &own); err != nil {
			return err
		}
		f.workouts[user] = own.Items
	}
	return nil
}

// findSamples looks for retained samples of the session.
func (s *scene) findSamples(f *findings) error {
	var kept struct{ Items []struct{ Topic string } }
	if err := s.broker.call(http.MethodGet, "/retained?filter="+url.QueryEscape("session/"+s.ledger.session+"/progress/+"), s.tokens[s.ledger.trainer], nil, &kept); err != nil {
		return err
	}
	for _, m := range kept.Items {
		f.samples = append(f.samples, m.Topic)
	}
	return nil
}

// report writes what came to whom into the broker's directory, and returns the
// first violations.
func (s *scene) report(found []violation) string {
	var short, all strings.Builder
	for i, v := range found {
		fmt.Fprintln(&all, v.rule+":", v.who, v.text)
		if i < 2*shown {
			fmt.Fprintf(&short, "    %s: %s %.300s\n", v.rule, v.who, v.text)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(&all, "\nledger: %+v\n", *s.ledger)
	for c, list := range s.arrived {
		for _, a := range list {
			fmt.Fprintf(&all, "%s/%d %s retained=%t %s\n", c.name, a.conn, a.topic, a.retained, a.payload)
		}
	}
	for _, e := range s.h.all() {
		fmt.Fprintln(&all, e.String())
	}
	if err := os.WriteFile(filepath.Join(s.broker.dir, "violations.txt"), []byte(all.String()), 0o644); err != nil {
		fmt.Fprintln(&short, err)
	}
	return short.String()
}
