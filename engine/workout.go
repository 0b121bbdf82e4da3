package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/fitmq/fitmq/fitness/preference"
	"github.com/fitmq/fitmq/fitness/workout"
	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// profile is what is known of a participant beside the samples.
func (e *Engine) profile(userID string, p *person) workout.Profile {
	return workout.Profile{Miles: e.Units(userID) == preference.Miles, MaxHeartRate: e.zonesEnd(userID), Records: p.records}
}

// zonesEnd is where the user's heart-rate zones end, in bpm.
func (e *Engine) zonesEnd(userID string) float64 {
	if chosen := e.prefs.of(userID).MaxHeartRate; chosen != 0 {
		return chosen
	}
	return e.opt.MaxHeartRate
}

// tellZones has the rosters published again that list the user, whose zones have
// changed.
func (e *Engine) tellZones(userID string) {
	for _, id := range e.sessionsOf.common(userID, userID) {
		s := e.sessions.get(id)
		if s == nil {
			continue // deleted since
		}
		s.mu.Lock()
		if p := s.people[userID]; p != nil && p.present && !s.gone {
			s.out.roster = true
			e.touched(s)
		}
		s.mu.Unlock()
	}
}

// following returns the participant's track, begun where there was none. s.mu is
// held.
func (e *Engine) following(s *session, userID string, p *person) *workout.Track {
	if p.track == nil {
		p.track = &workout.Track{}
	}
	if p.records == nil && !p.asked {
		p.asked = e.saver.want(s, userID)
	}
	p.track.SetProfile(e.profile(userID, p))
	return p.track
}

// tellMilestones queues what the participant has reached: for the session and for
// the athlete, each once, whatever restarts. s.mu is held.
func (e *Engine) tellMilestones(s *session, userID string, p *person, now time.Time) {
	list := p.track.Milestones()
	for i := range list {
		m := &list[i]
		cause := fmt.Sprintf("milestone/%s~%d/%s/%s", s.id, s.rec.CreatedAt.UnixMilli(), userID, m.Key())
		e.milestoneEvent(s, userID, m, cause, now)
		e.notify(notice{
			To: userID, Kind: KindMilestone, Content: milestoneText(m), Cause: cause, Data: milestoneData(s.id, m), TTL: milestoneTTL,
		}, now)
	}
	if len(list) > 0 {
		s.dirty.soon[userID] = struct{}{} // that it was told must not wait
		e.touched(s)
	}
}

// milestoneTTL is after how long nobody cares that a milestone was reached: the
// summary has the rest.
const milestoneTTL = 24 * time.Hour

// milestoneData is the milestone as programs read it of a notification.
func milestoneData(sessionID string, m *workout.Milestone) map[string]any {
	data := map[string]any{
		"sessionId": sessionID, "milestone": m.Kind, "value": m.Value, "unit": m.Unit,
		"totalTimerTime": m.Timer, "totalDistance": m.Distance, "timestamp": moment(m.At),
	}
	for name, v := range map[string]string{"best": m.Best, "sport": m.Sport} {
		if v != "" {
			data[name] = v
		}
	}
	if m.Kind == workout.MilestoneBest {
		data["before"] = m.Before
	}
	return data
}

// milestoneEvent queues what the session is told of it. s.mu is held.
func (e *Engine) milestoneEvent(s *session, userID string, m *workout.Milestone, cause string, now time.Time) {
	e.stats.Milestones.Add(1)
	if !e.mayTell(s, now) {
		return
	}
	e.out.push(Outgoing{Topic: topics.SessionEventsTopic(s.id), QoS: 1, RecordID: cause + "/event", Payload: encode(Event{
		Type: EventMilestone, SessionID: s.id, UserID: userID, Name: e.name(userID), Milestone: m, Timestamp: moment(m.At),
	})})
}

// milestoneText says it in words.
func milestoneText(m *workout.Milestone) string {
	took := " in " + clock(m.Timer)
	if m.Vague {
		took = ""
	}
	switch m.Kind {
	case workout.MilestoneDistance:
		return fmt.Sprintf("%g %s%s", m.Value, m.Unit, took)
	case workout.MilestoneDuration:
		return fmt.Sprintf("%g minutes, %.2f km", m.Value, m.Distance.Units()/1000)
	case workout.MilestoneCalories:
		return fmt.Sprintf("%g kcal%s", m.Value, took)
	case workout.MilestoneZone:
		return fmt.Sprintf("Heart-rate zone %g", m.Value)
	}
	switch m.Best {
	case workout.FastestKm:
		return fmt.Sprintf("Your fastest kilometre: %s, before %s", clock(m.Value), clock(m.Before))
	case workout.FastestMile:
		return fmt.Sprintf("Your fastest mile: %s, before %s", clock(m.Value), clock(m.Before))
	case workout.LongestDistance:
		return fmt.Sprintf("Farther than ever: over %.2f km", m.Before/1000)
	}
	return fmt.Sprintf("Longer than ever: over %s", clock(m.Before))
}

// clock writes seconds as 4:05 or 1:04:05.
func clock(seconds float64) string {
	n := int(seconds)
	if n >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", n/3600, n/60%60, n%60)
	}
	return fmt.Sprintf("%d:%02d", n/60, n%60)
}

// athlete is a participant whose records are wanted.
type athlete struct {
	session *session
	user    string
}

// maxWanted bounds the athletes whose records wait to be read: for who is over it
// the next sample asks again.
const maxWanted = 100_000

// want asks for the user's records and reports whether there was room.
func (v *saver) want(s *session, userID string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.wanted) >= maxWanted {
		return false
	}
	v.wanted = append(v.wanted, athlete{s, userID})
	return true
}

// fetchRecords reads the records that are wanted.
func (e *Engine) fetchRecords(ctx context.Context) {
	v := &e.saver
	v.mu.Lock()
	list := v.wanted
	v.wanted = nil
	v.mu.Unlock()
	for _, a := range list {
		records, err := e.records(ctx, a.user)
		if err != nil {
			e.opt.Logger.Error("cannot read a user's records; their personal bests are not told", "user", a.user, "error", err)
		}
		a.session.mu.Lock()
		if p := a.session.people[a.user]; p != nil {
			p.records, p.asked = records, err == nil
		}
		a.session.mu.Unlock()
	}
}

// records are the user's by sport, empty for who has none.
func (e *Engine) records(ctx context.Context, userID string) (map[string]workout.Records, error) {
	v, err := e.opt.Store.Get(ctx, tableRecords, userID)
	if errors.Is(err, store.ErrNotFound) {
		return map[string]workout.Records{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("get records of %s: %w", userID, err)
	}
	records := make(map[string]workout.Records)
	if err := json.Unmarshal(v.Data, &records); err != nil {
		return nil, fmt.Errorf("read %s/%s: %w", tableRecords, userID, err)
	}
	return records, nil
}
