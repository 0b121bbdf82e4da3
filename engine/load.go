package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fitmq/fitmq/fitness/challenge"
	"github.com/fitmq/fitmq/fitness/workout"
	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// load fills a new engine from the tables.
func (e *Engine) load(ctx context.Context) error {
	now := e.now()
	for _, step := range []func(context.Context, time.Time) error{
		e.loadPosition, e.loadSessions, e.loadMembers, e.loadLive, e.loadChallenges, e.loadLinks, e.loadChats, e.loadGone, e.loadBlocks, e.loadMatches, e.loadPreferences, e.loadPresence, e.loadNotes, e.loadNews,
	} {
		if err := step(ctx, now); err != nil {
			return fmt.Errorf("load engine: %w", err)
		}
	}
	return nil
}

func (e *Engine) loadPosition(ctx context.Context, _ time.Time) error {
	v, err := e.opt.Store.Get(ctx, tableEngine, keyApplied)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("get the applied position: %w", err)
	}
	if len(v.Data) != 8 {
		return fmt.Errorf("the applied position has %d bytes, want 8", len(v.Data))
	}
	pos := binary.BigEndian.Uint64(v.Data)
	e.saver.saved.Store(pos)
	e.saver.pos = store.Pos(pos)
	return nil
}

func (e *Engine) loadSessions(ctx context.Context, now time.Time) error {
	return scan(ctx, e.opt.Store, tableSessions, "", func(id string, rec *sessionRecord) {
		s := newSession(id, *rec, &e.sessionsOf, now)
		e.sessions.put(id, s)
		e.wake.session(s, time.Time{})
	})
}

func (e *Engine) loadMembers(ctx context.Context, _ time.Time) error {
	return scan(ctx, e.opt.Store, tableMembers, "", func(key string, rec *memberRecord) {
		id, user, _ := strings.Cut(key, "/")
		if s := e.sessions.get(id); s != nil {
			s.members[user] = *rec
			s.place(user)
		}
	})
}

// loadLive brings back who took part, in their grace: who returns within it has
// neither left nor joined.
func (e *Engine) loadLive(ctx context.Context, now time.Time) error {
	err := scan(ctx, e.opt.Store, tableLive, "", func(key string, rec *liveRecord) {
		id, user, _ := strings.Cut(key, "/")
		s := e.sessions.get(id)
		if s == nil || !rec.Present && rec.Track == nil {
			return
		}
		p := s.person(user, e.opt.MaxMembers)
		if p == nil {
			return
		}
		if rec.Present {
			p.present, p.joinedAt = true, rec.JoinedAt
			p.went(anyClient, absence{now.Add(e.opt.RestartGrace), LeftLost}, now)
			s.present++
		}
		if rec.Track != nil {
			p.track = workout.Restore(rec.Track, now)
			s.rank(user, p)
		}
	})
	for _, s := range e.sessions.m { // nobody else is here yet
		s.out.closing = s.rec.State == workout.Ended && !(s.rec.Cleared && s.rec.Summed)
	}
	return err
}

func (e *Engine) loadChallenges(ctx context.Context, now time.Time) error {
	var bad error
	err := scan(ctx, e.opt.Store, tableChallenges, "", func(id string, rec *challengeRecord) {
		switch {
		case rec.Deleted:
		case rec.Spec == nil:
			bad = fmt.Errorf("read %s/%s: it has no definition", tableChallenges, id)
		default:
			e.challenges.put(id, newContest(id, *rec, &e.challengesOf))
		}
	})
	if err = errors.Join(err, bad); err != nil {
		return err
	}
	told, err := e.loadAwards(ctx, now)
	if err != nil {
		return err
	}
	err = e.opt.Store.Scan(ctx, tableParticipants, "", "", func(v store.Value) bool {
		var rec participantRecord
		if rec, bad = readParticipant(v.Data); bad != nil {
			bad = fmt.Errorf("read %s/%s: %w", tableParticipants, v.Key, bad)
			return false
		}
		id, user, _ := strings.Cut(v.Key, "/")
		if c := e.challenges.get(id); c != nil {
			c.board.SetJoined(user, !rec.Left, rec.Changes)
			c.place(user)
			e.joinedLately(c, user, &rec, now)
			if rec.first() && now.Sub(rec.JoinedAt) < welcomeAgain && !told[v.Key] {
				e.welcome(c, user, rec.JoinedAt)
			}
		}
		return true
	})
	if err = errors.Join(err, bad); err != nil {
		return err
	}
	for _, c := range e.challenges.m { // nobody else is here yet
		c.board.Hold()
	}
	err = e.loadActivities(ctx, "", func(id string) *challenge.Board {
		if c := e.challenges.get(id); c != nil {
			return c.board
		}
		return nil
	}, func(user string, at time.Time) { e.quota.used(user, at, now) })
	if err != nil {
		return err
	}
	for _, c := range e.challenges.m { // nobody else is here yet
		c.board.Release()
		c.out.period = c.board.Spec().PeriodAt(now)
	}
	if err := e.loadPeriods(ctx); err != nil {
		return err
	}
	for _, c := range e.challenges.m {
		e.tellAll(c, 0)
		e.wake.challenge(c, time.Time{})
	}
	return nil
}

// readParticipant reads a participantRecord. A start reads a million of them, and
// all but few are as encode writes one who joined, or was put in, once.
func readParticipant(b []byte) (rec participantRecord, err error) {
	at, ok := bytes.CutPrefix(b, []byte(`{"joinedAt":"`))
	at, rest, found := bytes.Cut(at, []byte(`","changes":1`))
	by := []byte{}
	if ok = ok && found; ok && string(rest) != "}" {
		by, ok = bytes.CutPrefix(rest, []byte(`,"putBy":"`))
		by = bytes.TrimSuffix(by, []byte(`"}`))
		ok = ok && topics.ValidID(string(by))
	}
	if ok {
		if rec.JoinedAt, err = time.Parse(time.RFC3339, string(at)); err == nil {
			rec.Changes, rec.PutBy = 1, string(by)
			return rec, nil
		}
	}
	err = json.Unmarshal(b, &rec)
	return rec, err
}

// loadPeriods finds whose retained ranks are of a period that has ended since:
// they are told again, or that they have no rank yet.
func (e *Engine) loadPeriods(ctx context.Context) error {
	err := e.opt.Store.Scan(ctx, tableEngine, keyPeriod, "", func(v store.Value) bool {
		c := e.challenges.get(strings.TrimSuffix(v.Key[len(keyPeriod):], "/"))
		if c == nil {
			return true
		}
		p, err := c.board.Spec().FindPeriod(string(v.Data))
		if err != nil {
			return true // another definition since: it has told everybody
		}
		if c.out.told = p; p == c.out.period {
			return true
		}
		order := c.board.Standing(p).Order()
		for _, x := range order.Page(0, order.Len()) {
			c.out.ranks.sent[x.UserID] = 0
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("scan %s: %w", tableEngine, err)
	}
	return nil
}

// loadActivities applies the stored activities whose keys start with prefix to
// the boards of their challenges, and tells seen, if there is one, of each.
func (e *Engine) loadActivities(ctx context.Context, prefix string, board func(challengeID string) *challenge.Board, seen func(user string, at time.Time)) error {
	var bad error
	err := e.opt.Store.Scan(ctx, tableActivities, prefix, "", func(v store.Value) bool {
		id, rest, _ := strings.Cut(v.Key, "/")
		user, _, _ := strings.Cut(rest, "/")
		b := board(id)
		if b == nil {
			return true
		}
		row, err := decodeRow(v.Data)
		if err == nil {
			err = row.onto(b, user)
		}
		if err != nil {
			bad = fmt.Errorf("read %s/%s: %w", tableActivities, v.Key, err)
			return false
		}
		if seen != nil {
			seen(user, row.At)
		}
		return true
	})
	return errors.Join(err, bad)
}

func (e *Engine) loadLinks(ctx context.Context, now time.Time) error {
	return scan(ctx, e.opt.Store, tableLinks, "", func(key string, rec *linkRecord) {
		trainer, client, _ := strings.Cut(key, "/")
		e.links.set(link{trainer, client}, true)
		if now.Sub(rec.At) < newsAgain {
			e.tellLink(rec, trainer, client)
		}
	})
}
