package engine

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/fitmq/fitmq/fitness/leaderboard"
	"github.com/fitmq/fitmq/fitness/workout"
	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// sessionRecord is a session as it is stored.
type sessionRecord struct {
	SessionSpec
	State     workout.State `json:"state"`
	CreatedAt time.Time     `json:"createdAt"`
	StartedAt time.Time     `json:"startedAt,omitzero"`
	EndedAt   time.Time     `json:"endedAt,omitzero"`
	// ChangedAt is when the state last changed: commands in the log from before
	// are history when they are applied again.
	ChangedAt time.Time `json:"changedAt"`
	// Untold are changes of the state whose events are not known to be in the log.
	Untold []news `json:"untold,omitempty"`
	// Changes counts them.
	Changes int `json:"changes,omitempty"`
	// Updated is when the last sample of the leaderboard came.
	Updated time.Time `json:"updated,omitzero"`
	// EmptySince is when the last participant left; zero while there is one, and
	// before the first.
	EmptySince time.Time `json:"emptySince,omitzero"`
	// Summed: the summaries of the ended session have been written.
	Summed bool `json:"summed,omitempty"`
	// Cleared: the retained samples of the ended session have been removed.
	Cleared bool `json:"cleared,omitempty"`
}

// memberRecord is a member of a session as it is stored. Removed: was taken out,
// and is not let in again by the session being open.
type memberRecord struct {
	Removed bool      `json:"removed,omitempty"`
	At      time.Time `json:"at"`
	// PutBy is who else made the user a member, and PutAt when: what they are told.
	PutBy string    `json:"putBy,omitempty"`
	PutAt time.Time `json:"putAt,omitzero"`
}

// liveRecord is what is stored of who takes part.
type liveRecord struct {
	Present  bool           `json:"present,omitempty"`
	JoinedAt time.Time      `json:"joinedAt,omitzero"`
	Track    *workout.Saved `json:"track,omitempty"`
}

// session is a session at work.
type session struct {
	id string

	mu      sync.RWMutex // guards what follows
	rec     sessionRecord
	gone    bool   // deleted: whoever still holds it changes nothing
	version uint64 // of rec: a stored change is made to the one it was computed from
	members map[string]memberRecord
	people  map[string]*person
	circles *circles // of all sessions
	present int      // how many of people take part
	order   *leaderboard.Board
	control forecast
	dirty   sessionDirty
	out     sessionOut
}

// forecast is the state that the session will have once the commands that wait
// for the log have been applied.
type forecast struct {
	waiting int
	state   workout.State
	since   time.Time // when the last one was accepted
}

// sessionDirty is what a checkpoint has to write.
type sessionDirty struct {
	record  bool
	writing bool                // a checkpoint has taken the record and is not done
	members map[string]struct{} // who was removed by command
	soon    map[string]struct{} // people who came or went
	later   map[string]struct{} // people with samples
	savedAt time.Time           // when later was last written
}

// sessionOut is what a tick has to publish.
type sessionOut struct {
	info, roster, board   bool
	rosterNext, boardNext time.Time // not before
	rosterRev, boardRev   uint64
	events                bucket
	closing               bool      // the session has ended, forget and sum are to be worked out
	forget                []string  // users whose retained sample must go
	forgetFrom            time.Time // not before
	sum                   []string  // users whose summary must be written
}

// person is a user's part in a session: on the roster, with samples, or both.
type person struct {
	present  bool
	joinedAt time.Time
	clients  map[string]struct{}        // connected and subscribed
	lost     map[string]absence         // clients in their grace
	track    *workout.Track             // nil before the first sample
	records  map[string]workout.Records // from the workouts before; nil while not known
	asked    bool                       // for records
	devices  []device
}

// device is the rate of one client's samples.
type device struct {
	client string
	bucket
}

// maxDevices bounds the clients of one person whose rate is remembered.
const maxDevices = 8

func newSession(id string, rec sessionRecord, all *circles, now time.Time) *session {
	s := &session{
		id: id, rec: rec,
		members: make(map[string]memberRecord), people: make(map[string]*person), circles: all,
		order: leaderboard.New(leaderboard.Desc),
	}
	s.dirty.soon, s.dirty.later, s.dirty.members = make(map[string]struct{}), make(map[string]struct{}), make(map[string]struct{})
	// Revisions rise by at most a few a second, so the milliseconds of the
	// session's life are over all that were used before a restart.
	rev := uint64(max(now.Sub(rec.CreatedAt).Milliseconds(), 0))
	s.out.rosterRev, s.out.boardRev = rev, rev
	s.out.info, s.out.roster, s.out.board = true, true, true
	s.place(rec.Host, rec.Trainer)
	return s
}

// resource is the session as others see it. s.mu is held.
func (e *Engine) resource(s *session) Session {
	r := Session{
		ID: s.id, SessionSpec: s.rec.SessionSpec, State: s.rec.State, HostName: e.name(s.rec.Host),
		CreatedAt: s.rec.CreatedAt, StartedAt: s.rec.StartedAt, EndedAt: s.rec.EndedAt,
	}
	if s.rec.Trainer != "" {
		r.TrainerName = e.name(s.rec.Trainer)
	}
	return r
}

// allowed reports whether the user may be in the session. s.mu is held.
func (s *session) allowed(userID string) bool {
	if userID == "" || s.gone {
		return false
	}
	if userID == s.rec.Host || userID == s.rec.Trainer {
		return true
	}
	m, ok := s.members[userID]
	return ok && !m.Removed || !ok && s.rec.Visibility == workout.Open
}

// controls reports whether the user commands the session. s.mu is held.
func (s *session) controls(userID string) bool {
	return userID != "" && !s.gone && (userID == s.rec.Host || userID == s.rec.Trainer)
}

// full reports whether there is no place for the user, who does not take part.
// s.mu is held.
func (s *session) full(userID string) bool {
	if s.rec.Capacity == 0 || s.controls(userID) {
		return false
	}
	taken := s.present
	for _, id := range []string{s.rec.Host, s.rec.Trainer} {
		if p := s.people[id]; p != nil && p.present {
			taken--
		}
	}
	if s.rec.Host == s.rec.Trainer && s.people[s.rec.Host] != nil && s.people[s.rec.Host].present {
		taken++ // counted twice
	}
	return taken >= s.rec.Capacity
}

// role is the user's role in the session. s.mu is held.
func (s *session) role(userID string) string {
	switch userID {
	case s.rec.Host:
		return "host"
	case s.rec.Trainer:
		return "trainer"
	}
	return "participant"
}

// person returns the user's part, made where there is room, or nil. s.mu is held.
func (s *session) person(userID string, limit int) *person {
	p := s.people[userID]
	if p == nil && len(s.people) < limit {
		p = &person{clients: make(map[string]struct{})}
		s.people[userID] = p
		s.place(userID)
	}
	return p
}

// rank puts the user where the samples say. s.mu is held.
func (s *session) rank(userID string, p *person) {
	if p.track == nil {
		return
	}
	score, at, ok := p.track.Standing(s.rec.RankBy)
	if ok {
		s.order.Set(userID, score, at)
	} else {
		s.order.Remove(userID)
	}
}

// sessionPuts is what a checkpoint writes of sessions, by table.
type sessionPuts struct {
	records, members, live []store.Put
	of                     map[*session]struct{}
}

// unsaved adds to puts what a checkpoint has to write. all includes the
// standings that may wait; wait tells that some still do.
func (s *session) unsaved(puts *sessionPuts, now time.Time, all bool) (wait bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return false
	}
	for userID := range s.dirty.members {
		puts.members = append(puts.members, store.Put{Key: s.id + "/" + userID, Data: encode(s.members[userID])})
	}
	clear(s.dirty.members)
	who := s.dirty.soon
	s.dirty.soon = make(map[string]struct{})
	if len(s.dirty.later) > 0 {
		if all || now.Sub(s.dirty.savedAt) >= saveLiveEvery {
			maps.Copy(who, s.dirty.later)
			s.dirty.later = make(map[string]struct{})
			s.dirty.savedAt = now
			s.dirty.record = true
		} else {
			wait = true
		}
	}
	for userID := range who {
		puts.live = append(puts.live, store.Put{Key: s.id + "/" + userID, Data: s.live(userID)})
	}
	if s.dirty.record {
		s.dirty.record, s.dirty.writing = false, true
		puts.records = append(puts.records, store.Put{Key: s.id, Data: encode(s.rec)})
	}
	return wait
}

// live is the stored form of a person, nil for one who is gone. s.mu is held.
func (s *session) live(userID string) []byte {
	p := s.people[userID]
	if p == nil {
		return nil
	}
	rec := liveRecord{Present: p.present}
	if p.present {
		rec.JoinedAt = p.joinedAt
	}
	if p.track != nil {
		rec.Track = p.track.Save()
	}
	return encode(rec)
}

// written notes what became of what unsaved gave: after a failure everything is
// unsaved again.
func (s *session) written(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirty.writing = false
	if err == nil {
		return
	}
	s.dirty.record = true
	for userID := range s.people {
		s.dirty.soon[userID] = struct{}{}
	}
	for userID, m := range s.members {
		if m.Removed {
			s.dirty.members[userID] = struct{}{}
		}
	}
}

// transition changes the record's state and returns the event that tells of it,
// or "" where the state is that already.
func (r *sessionRecord) transition(to workout.State, at time.Time) (event, reason string) {
	from := r.State
	if from == to {
		return "", ""
	}
	r.State, r.ChangedAt = to, at
	switch to {
	case workout.Live:
		if from == workout.Paused {
			return EventStarted, ReasonResumed
		}
		r.StartedAt = at
		return EventStarted, ""
	case workout.Paused:
		return EventPaused, ""
	case workout.Ended:
		r.EndedAt = at
		return EventEnded, ""
	}
	return "", ""
}

// entered does what follows from the state that the session has just got. s.mu
// is held.
func (s *session) entered(at time.Time) {
	s.out.info = true
	if s.rec.State != workout.Ended {
		return
	}
	s.out.board = true
	for _, p := range s.people {
		if p.track != nil {
			p.track.Rest()
		}
	}
	// The samples leave a moment later than the end becomes known, so that one
	// that was accepted just before does not come after its removal.
	s.out.closing, s.out.forgetFrom = true, at.Add(2*tickEvery)
	maps.Copy(s.dirty.soon, s.dirty.later)
	clear(s.dirty.later)
}

// withSamples lists who has sent samples, in order. s.mu is held.
func (s *session) withSamples() []string {
	var list []string
	for userID, p := range s.people {
		if p.track != nil {
			list = append(list, userID)
		}
	}
	slices.Sort(list)
	return list
}

// Events about people are bounded: over a burst of 200 and 50 a second, or less in
// a session so large that its copies would be over eventCopies a second, they are
// dropped and counted, and the roster tells the rest.
const (
	eventBurst  = 200
	eventPerSec = 50
)

// mayTell takes one event about somebody from the session's allowance. s.mu is held.
func (e *Engine) mayTell(s *session, at time.Time) bool {
	copies := float64(eventCopies) / float64(max(s.present, 1))
	if s.out.events.take(at, max(min(eventBurst, copies), 1), min(eventPerSec, copies)) {
		return true
	}
	e.stats.EventsDropped.Add(1)
	return false
}

// tell queues an event about somebody in the session. s.mu is held.
func (e *Engine) tell(s *session, typ, userID, reason string, at time.Time) {
	if !e.mayTell(s, at) {
		return
	}
	ev := Event{Type: typ, SessionID: s.id, UserID: userID, Name: e.name(userID), Reason: reason, Timestamp: at}
	e.out.event(topics.SessionEventsTopic(s.id), ev)
}

// touched asks for a tick and a save of the session. s.mu is held.
func (e *Engine) touched(s *session) {
	e.wake.session(s, time.Time{})
	e.saver.session(s)
}
