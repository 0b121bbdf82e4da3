package workout

import (
	"slices"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/leaderboard"
)

// NewRunPause is how long a device must have been silent before a lower seq
// means a new run and not an old sample.
const NewRunPause = 60 * time.Second

// maxStreams bounds the devices remembered for an athlete; the one that has
// been silent longest makes room.
const maxStreams = 4

// Track follows one athlete's samples through a session: which is the newest,
// how legs add up, what looks odd.
//
// A device is told by its client id, and its samples are ordered by seq. A lower
// seq is an old sample, unless the timestamp has gone on and the device was
// silent for NewRunPause or has connected again: then it is a new run, and what
// it counts adds to what was counted before. Between devices the timestamp
// decides. The standing is that of the device whose sample is the newest; a
// device that takes over from one that fell silent goes on from its figures,
// one that runs beside it does not.
type Track struct {
	streams []*stream
	current *stream
	flags   map[string]int
	tally   *Tally
	profile Profile
	reached []Milestone
	resumed bool
}

// Resume tells that the athlete was followed before, by what has been lost: what
// the first sample has reached is told then.
func (t *Track) Resume() { t.resumed = true }

// SetProfile tells what is known of the athlete; it counts from the next sample on.
func (t *Track) SetProfile(p Profile) { t.profile = p }

// Milestones returns what was reached since the last call.
func (t *Track) Milestones() []Milestone {
	list := t.reached
	t.reached = nil
	return list
}

// stream is one device's part of a Track.
type stream struct {
	client string
	seq    int64
	sent   time.Time // timestamp of the newest sample
	at     time.Time // when a sample last arrived
	sport  string
	again  bool // is known from before a restart, and no sample came since

	counts [numCounts]count
	latest [numMeasures]float64 // of measures that are not counted up
	seen   uint32               // a bit for each measure that has a value
	look   *monitor             // nil while the device rests
}

// count is a measure that a device counts up over a leg.
type count struct {
	base    leaderboard.Score // of the legs before
	leg     leaderboard.Score // of this leg
	newLeg  bool              // the leg has changed since the value was last seen
	reached int64             // when the total last changed, ns since 1970
}

// countOf is the measure's index in stream.counts, or -1.
func countOf(m measure) int {
	switch m {
	case distance:
		return 0
	case calories:
		return 1
	case steps:
		return 2
	case repetitions:
		return 3
	}
	return -1
}

const numCounts = 4

// Take adds a sample of the client that arrived at the moment and reports
// whether it is the athlete's newest, and what was odd about it. late tells that
// it came in a batch; connected is when the client's connection began, zero when
// that is not known.
func (t *Track) Take(client string, connected time.Time, s *Sample, at time.Time, late bool) (newest bool, flags []fitness.Flag) {
	st, known := t.stream(client, s, at)
	newRun := false
	if known && s.Seq <= st.seq {
		newRun = s.Timestamp.After(st.sent) && (st.again || connected.After(st.at) || at.Sub(st.at) > NewRunPause)
		if !newRun {
			st.at = at
			return false, nil
		}
	}
	newLeg := newRun || known && s.Sport != "" && s.Sport != st.sport && st.sport != ""
	st.take(s, newLeg)
	st.at, st.again = at, false
	if st.look == nil {
		st.look = &monitor{}
	}
	flags = st.look.look(s, st.sport, newLeg || !known, at, late)
	t.count(flags)
	if t.current != nil && t.current != st && s.Timestamp.Before(t.current.sent) {
		return false, flags
	}
	t.current = st
	t.add(s, st.sport, newLeg)
	return true, flags
}

// add sums up the newest sample.
func (t *Track) add(s *Sample, sport string, newLeg bool) {
	total, _, _ := t.Standing(Distance)
	first := t.tally == nil
	if first {
		t.tally = newTally(s, total)
	}
	t.tally.take(s, sport, newLeg, total, t.profile.MaxHeartRate)
	calories, _, _ := t.Standing(Calories)
	t.reached = append(t.reached, t.tally.reached(&t.profile, calories, first && !t.resumed)...)
}

// stream returns the client's stream and whether there was one already.
func (t *Track) stream(client string, s *Sample, at time.Time) (*stream, bool) {
	for _, st := range t.streams {
		if st.client == client {
			return st, true
		}
	}
	st := &stream{client: client}
	if cur := t.current; cur != nil && at.Sub(cur.at) > NewRunPause && s.Timestamp.After(cur.sent) {
		st.counts, st.sport = cur.counts, cur.sport
		for i := range st.counts {
			st.counts[i].newLeg = true
		}
	}
	if len(t.streams) == maxStreams {
		oldest := slices.IndexFunc(t.streams, func(x *stream) bool { return x != t.current })
		for i, x := range t.streams {
			if x != t.current && x.at.Before(t.streams[oldest].at) {
				oldest = i
			}
		}
		t.streams = slices.Delete(t.streams, oldest, oldest+1)
	}
	t.streams = append(t.streams, st)
	return st, false
}

// take stores what the sample says.
func (st *stream) take(s *Sample, newLeg bool) {
	st.seq, st.sent = s.Seq, s.Timestamp
	if s.Sport != "" {
		st.sport = s.Sport
	}
	if newLeg {
		for i := range st.counts {
			st.counts[i].newLeg = true
		}
	}
	for m := range numMeasures {
		v, ok := s.get(m)
		if !ok {
			continue
		}
		if i := countOf(m); i >= 0 {
			st.counts[i].set(leaderboard.ScoreOf(v), s.Timestamp.UnixNano())
		} else {
			st.latest[m] = v
		}
		st.seen |= 1 << m
	}
}

// set takes the device's present count. A count that is lower after a leg
// change, or that has dropped to under a tenth, has started again.
func (c *count) set(v leaderboard.Score, at int64) {
	before := c.base.Add(c.leg)
	if v < c.leg && (c.newLeg || v < c.leg/10) {
		c.base = before
	}
	c.leg, c.newLeg = v, false
	if c.reached == 0 || c.base.Add(c.leg) != before {
		c.reached = at
	}
}

// count adds findings to the athlete's tally.
func (t *Track) count(flags []fitness.Flag) {
	for _, f := range flags {
		if t.flags == nil {
			t.flags = make(map[string]int)
		}
		t.flags[f.Field]++
	}
}

// Rest gives back the memory that only further samples need. They may still
// come: what looks odd over time is then looked for from there on.
func (t *Track) Rest() {
	for _, st := range t.streams {
		st.look = nil
	}
}

// Flags returns how often each field looked odd.
func (t *Track) Flags() map[string]int { return t.flags }

// Standing returns the athlete's score by the metric and when it was reached, in
// nanoseconds since 1970; false when nothing was measured yet. Where the newest
// sample's device does not measure it, the newest that does counts: a strap beside
// a watch changes nothing.
func (t *Track) Standing(m Metric) (score leaderboard.Score, reached int64, ok bool) {
	for i, x := range metrics {
		if x.name != m {
			continue
		}
		me := metricMeasure[i]
		st := t.measuring(me)
		if st == nil {
			return 0, 0, false
		}
		if c := countOf(me); c >= 0 {
			return st.counts[c].base.Add(st.counts[c].leg), st.counts[c].reached, true
		}
		return leaderboard.ScoreOf(st.latest[me]), st.sent.UnixNano(), true
	}
	return 0, 0, false
}

// measuring is the device that measures, the current one first, or nil.
func (t *Track) measuring(me measure) (found *stream) {
	if t.current == nil || t.current.seen&(1<<me) != 0 {
		return t.current
	}
	for _, st := range t.streams {
		if st.seen&(1<<me) != 0 && (found == nil || st.sent.After(found.sent)) {
			found = st
		}
	}
	return found
}

// Saved is what must be kept of a Track so that it goes on after a restart as
// if nothing had happened, but for the findings.
type Saved struct {
	Client string       `json:"c"`
	Seq    int64        `json:"q"`
	Sent   time.Time    `json:"t"`
	Sport  string       `json:"s,omitempty"`
	Seen   uint32       `json:"p"`
	Counts []SavedCount `json:"n"`
	Latest []float64    `json:"v"`
	// Beside are the other devices, Tally the sums of all.
	Beside []*Saved `json:"b,omitempty"`
	Tally  *Tally   `json:"y,omitempty"`
}

// SavedCount is a count of a Saved, in millionths.
type SavedCount struct {
	Base    int64 `json:"b,omitempty"`
	Leg     int64 `json:"l,omitempty"`
	Reached int64 `json:"r,omitempty"`
	NewLeg  bool  `json:"n,omitempty"`
}

// Save returns what to keep of the track, or nil before the first sample. It is
// good until the next one.
func (t *Track) Save() *Saved {
	if t.current == nil {
		return nil
	}
	s := t.current.save()
	s.Tally = t.tally
	for _, st := range t.streams {
		if st != t.current {
			s.Beside = append(s.Beside, st.save())
		}
	}
	return s
}

func (st *stream) save() *Saved {
	s := &Saved{Client: st.client, Seq: st.seq, Sent: st.sent, Sport: st.sport, Seen: st.seen, Latest: slices.Clone(st.latest[:])}
	for _, c := range st.counts {
		s.Counts = append(s.Counts, SavedCount{Base: int64(c.base), Leg: int64(c.leg), Reached: c.reached, NewLeg: c.newLeg})
	}
	return s
}

// Restore returns the track that goes on from what was kept, at a moment.
func Restore(s *Saved, at time.Time) *Track {
	if s == nil {
		return &Track{}
	}
	t := &Track{current: s.restore(at), tally: s.Tally}
	t.streams = append(t.streams, t.current)
	for _, other := range s.Beside[:min(len(s.Beside), maxStreams-1)] {
		t.streams = append(t.streams, other.restore(at))
	}
	return t
}

func (s *Saved) restore(at time.Time) *stream {
	st := &stream{client: s.Client, seq: s.Seq, sent: s.Sent, at: at, sport: s.Sport, seen: s.Seen, again: true}
	copy(st.latest[:], s.Latest)
	for i := range min(len(s.Counts), numCounts) {
		c := s.Counts[i]
		st.counts[i] = count{base: leaderboard.Score(c.Base), leg: leaderboard.Score(c.Leg), reached: c.Reached, newLeg: c.NewLeg}
	}
	return st
}
