package storetest

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/fitmq/fitmq/store"
)

// model is the oracle of the simulation: the store's promises on plain maps.
type model struct {
	log    []store.Entry
	ids    map[string]store.Pos
	tables map[string]map[string]store.Value
	gone   map[string]store.Rev // highest revision that a deleted key had
}

// testSimulation does random things to the store and the model and compares,
// with the store closed and opened again in between. FITMQ_SEED repeats a run.
func testSimulation(t *testing.T, open Open) {
	seed := uint64(time.Now().UnixNano())
	if v := os.Getenv("FITMQ_SEED"); v != "" {
		n, err := strconv.ParseUint(v, 10, 64)
		if err != nil {
			t.Fatalf("FITMQ_SEED: %v", err)
		}
		seed = n
	}
	t.Logf("seed: FITMQ_SEED=%d", seed)
	sim := &simulation{
		T: t, rnd: rand.New(rand.NewPCG(seed, 0)), dir: t.TempDir(),
		model: model{ids: map[string]store.Pos{}, tables: map[string]map[string]store.Value{}, gone: map[string]store.Rev{}},
	}
	sim.store = open(t, sim.dir)
	steps := []func(){sim.append, sim.append, sim.append, sim.put, sim.put, sim.putMany, sim.delete, sim.get, sim.read, sim.trim}
	for i := range 1500 {
		steps[sim.rnd.IntN(len(steps))]()
		if i%300 == 299 {
			sim.store = restart(t, open, sim.dir, sim.store)
			sim.compare()
		}
		if t.Failed() {
			t.Fatalf("step %d failed: FITMQ_SEED=%d", i, seed)
		}
	}
	mustClose(t, sim.store)
}

type simulation struct {
	*testing.T
	rnd   *rand.Rand
	dir   string
	store store.Store
	model model
}

func (s *simulation) topic() string {
	words := []string{"a", "b", "c", "", "$s"}
	topic := words[s.rnd.IntN(len(words))]
	for range s.rnd.IntN(3) {
		topic += "/" + words[s.rnd.IntN(len(words))]
	}
	return topic
}

func (s *simulation) data() []byte {
	data := make([]byte, s.rnd.IntN(50))
	if s.rnd.IntN(50) == 0 {
		data = make([]byte, s.rnd.IntN(20000))
	}
	for i := range data {
		data[i] = byte(s.rnd.Uint32())
	}
	return data
}

func (s *simulation) append() {
	recs := make([]store.Record, s.rnd.IntN(6))
	var kept []int
	for i := range recs {
		recs[i] = store.Record{Kind: store.Kind(s.rnd.Uint32()), Topic: s.topic(), Data: s.data()}
		if s.rnd.IntN(3) == 0 {
			recs[i].ID = fmt.Sprint(s.rnd.IntN(300))
			if _, known := s.model.ids[recs[i].ID]; known {
				continue
			}
			s.model.ids[recs[i].ID] = 0 // where, is known after the append
		}
		kept = append(kept, i)
	}
	before, _ := s.store.Applied()
	mustAppend(s, s.store, recs...)
	added := everything(s, s.store, before)
	rising(s, added, before)
	if len(added) != len(kept) {
		s.Fatalf("append: got %d new entries, want %d", len(added), len(kept))
	}
	for n, i := range kept {
		want := store.Entry{Pos: added[n].Pos, Record: recs[i]}
		if text(added[n : n+1])[0] != text([]store.Entry{want})[0] {
			s.Fatalf("append: got %q, want %q", text(added[n:n+1]), text([]store.Entry{want}))
		}
		s.model.log = append(s.model.log, want)
		if recs[i].ID != "" {
			s.model.ids[recs[i].ID] = want.Pos
		}
	}
}

func (s *simulation) key() (table, key string) {
	return fmt.Sprint("t", s.rnd.IntN(3)), fmt.Sprint("k", s.rnd.IntN(40))
}

// value returns the model's value of a key, and one with revision 0 if absent.
func (s *simulation) value(table, key string) store.Value { return s.model.tables[table][key] }

func (s *simulation) set(table, key string, data []byte, rev store.Rev) {
	if old := max(s.value(table, key).Rev, s.model.gone[table+key]); rev <= old {
		s.Fatalf("%s/%s: revision %d does not rise above %d", table, key, rev, old)
	}
	if s.model.tables[table] == nil {
		s.model.tables[table] = map[string]store.Value{}
	}
	s.model.tables[table][key] = store.Value{Key: key, Data: data, Rev: rev}
}

func (s *simulation) remove(table, key string) {
	s.model.gone[table+key] = max(s.model.gone[table+key], s.value(table, key).Rev)
	delete(s.model.tables[table], key)
}

func (s *simulation) cond(rev store.Rev) store.Cond {
	return []store.Cond{store.Any, store.Absent, store.IfRev(rev), store.IfRev(rev + 1)}[s.rnd.IntN(4)]
}

func (s *simulation) put() {
	table, key := s.key()
	old := s.value(table, key)
	cond, data := s.cond(old.Rev), s.data()
	rev, err := s.store.Put(background, table, key, data, cond, time.Duration(s.rnd.IntN(2))*time.Hour)
	switch {
	case cond.Holds(old.Rev) && err == nil:
		s.set(table, key, data, rev)
	case cond.Holds(old.Rev) || !errors.Is(err, store.ErrConflict):
		s.Errorf("put %s/%s at revision %d with %+v: got %v", table, key, old.Rev, cond, err)
	}
}

func (s *simulation) putMany() {
	table, _ := s.key()
	var puts []store.Put
	for range s.rnd.IntN(10) {
		_, key := s.key()
		p := store.Put{Key: key, Data: s.data()}
		if s.rnd.IntN(3) == 0 {
			p.Data = nil
		}
		puts = append(puts, p)
	}
	if err := s.store.PutMany(background, table, puts); err != nil {
		s.Fatalf("put many: %v", err)
	}
	for i, p := range puts {
		switch {
		case slices.ContainsFunc(puts[i+1:], func(later store.Put) bool { return later.Key == p.Key }):
		case p.Data == nil:
			s.remove(table, p.Key)
		default:
			v, err := s.store.Get(background, table, p.Key)
			if err != nil {
				s.Fatalf("get: %v", err)
			}
			s.set(table, p.Key, p.Data, v.Rev)
		}
	}
}

func (s *simulation) delete() {
	table, key := s.key()
	old := s.value(table, key)
	cond := s.cond(old.Rev)
	var want error
	switch {
	case old.Rev == 0:
		want = store.ErrNotFound
	case !cond.Holds(old.Rev):
		want = store.ErrConflict
	}
	if err := s.store.Delete(background, table, key, cond); !errors.Is(err, want) {
		s.Errorf("delete %s/%s at revision %d with %+v: got %v, want %v", table, key, old.Rev, cond, err, want)
	}
	if want == nil {
		s.remove(table, key)
	}
}

func (s *simulation) get() {
	table, key := s.key()
	if want := s.value(table, key); want.Rev == 0 {
		absent(s, s.store, table, key)
	} else {
		expect(s, s.store, table, key, string(want.Data), want.Rev)
	}
}

func (s *simulation) read() {
	last, _ := s.store.Applied()
	filters := []string{"a/#", "#", "+/b", "a/+/c", "+/+/+", "$s/#", "b", "/", "c/+"}
	var spans []store.Span
	for range 1 + s.rnd.IntN(3) {
		spans = append(spans, store.Span{
			Filter: filters[s.rnd.IntN(len(filters))], After: store.Pos(s.rnd.Uint64N(uint64(last) + 2)),
		})
	}
	checkSpans(s.T, s.store, s.model.log, spans, store.Pos(s.rnd.Uint64N(uint64(last)+2)), s.rnd.IntN(50))
}

func (s *simulation) trim() {
	if s.rnd.IntN(5) > 0 || len(s.model.log) == 0 {
		return
	}
	before := s.model.log[s.rnd.IntN(len(s.model.log))].Pos
	if err := s.store.Trim(background, before); err != nil {
		s.Fatalf("trim: %v", err)
	}
	floor := s.store.Floor()
	if floor > before {
		s.Fatalf("trim before %d: floor is %d", before, floor)
	}
	s.model.log = slices.DeleteFunc(s.model.log, func(e store.Entry) bool { return e.Pos < floor })
	maps.DeleteFunc(s.model.ids, func(_ string, pos store.Pos) bool { return pos < floor })
}

// compare looks at everything.
func (s *simulation) compare() {
	if got := text(everything(s, s.store, 0)); !slices.Equal(got, text(s.model.log)) {
		s.Fatalf("the log differs: got %d entries, want %d", len(got), len(s.model.log))
	}
	for table, values := range s.model.tables {
		keys := slices.Sorted(maps.Keys(values))
		if got := scan(s, s.store, table, "", "", 1<<30); !slices.Equal(got, keys) {
			s.Fatalf("table %s: got keys %q, want %q", table, got, keys)
		}
		for _, k := range keys {
			expect(s, s.store, table, k, string(values[k].Data), values[k].Rev)
		}
	}
}
