package engine

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/fitmq/fitmq/fitness/challenge"
	"github.com/fitmq/fitmq/fitness/leaderboard"
	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// Achievement is the payload of user/{uid}/achievement and of
// challenge/{cid}/achievements: an award. Each is given once for a user, a
// challenge and period, a kind and a threshold; AchievementID is made of these.
type Achievement struct {
	AchievementID string              `json:"achievementId"`
	Kind          challenge.AwardKind `json:"kind"`
	UserID        string              `json:"userId"`
	Name          string              `json:"name"`
	ChallengeID   string              `json:"challengeId"`
	Period        string              `json:"period,omitempty"`
	Title         string              `json:"title,omitempty"`
	Value         leaderboard.Score   `json:"value"`
	Unit          string              `json:"unit,omitempty"`
	Threshold     leaderboard.Score   `json:"threshold"`
	ActivityID    string              `json:"activityId,omitempty"`
	Timestamp     time.Time           `json:"timestamp"`
}

const (
	// joinedToFeed is up to how many participants a challenge's feed tells who
	// joined: in a larger one that would be all that it tells.
	joinedToFeed = 1000
	// welcomeAgain is how far back a start looks for users whose joining was
	// not told: of those before, it was.
	welcomeAgain = time.Hour
	// maxLater bounds what waits for a publisher; the oldest stay, and what
	// finds no room is published by the next start.
	maxLater = 1 << 20
)

// awardHead is the length of the moment in front of an award's row.
const awardHead = 8

// awardRow is an award as it is stored: the moment, and the payload until the
// log has it. A start hands the payloads that it finds to the log, which drops
// what it has.
func awardRow(at time.Time, payload []byte) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(at.UnixMilli())), payload...)
}

// achievement is the award as others see it. c.mu is held.
func (e *Engine) achievement(c *contest, a challenge.Award) Achievement {
	id := challenge.DigestOf([]byte(c.awardID(a.User, a.Key())))
	return Achievement{
		AchievementID: hex.EncodeToString(id[:]), Kind: a.Kind, UserID: a.User, Name: e.name(a.User), ChallengeID: c.id,
		Period: a.Period, Title: a.Title, Value: a.Value, Unit: a.Unit, Threshold: a.Threshold,
		ActivityID: a.Activity, Timestamp: moment(a.At),
	}
}

// awardID is the id of an award's log record. c.mu is held.
func (c *contest) awardID(user, key string) string {
	return fmt.Sprintf("award/%s~%d/%s/%s", c.id, c.rec.Generation, user, key)
}

// giveAwards queues what the board has given and returns the rows to be written.
// The saver must have them before drain follows. c.mu is held.
func (e *Engine) giveAwards(c *contest) []store.Put {
	var rows []store.Put
	for _, a := range c.board.TakeAwards() {
		payload := encode(e.achievement(c, a))
		rows = append(rows, store.Put{Key: c.id + "/" + a.User + "/" + a.Key(), Data: awardRow(a.At, payload)})
		e.publishAward(c, a.User, a.Key(), a.Kind, a.At, payload)
		e.happened(TellAward, a.User, c.awardID(a.User, a.Key()), a.At, json.RawMessage(payload))
		e.tellRank(c, a)
		e.stats.Awards.Add(1)
	}
	return rows
}

// publishAward queues an award for the challenge's feed, which does not tell who
// was overtaken, and for its user, and has its row cut once the log has both.
// c.mu is held.
func (e *Engine) publishAward(c *contest, user, key string, kind challenge.AwardKind, at time.Time, payload []byte) {
	id := c.awardID(user, key)
	if kind != challenge.Overtaken && (kind != challenge.ChallengeJoined || c.board.Participants() <= joinedToFeed) {
		e.sendAward(Outgoing{Topic: topics.ChallengeAchievementsTopic(c.id), Payload: payload, QoS: 1, RecordID: id + "/feed"})
	}
	row := store.Put{Key: c.id + "/" + user + "/" + key, Data: awardRow(at, nil)}
	e.sendAward(Outgoing{
		Topic: topics.UserAchievementTopic(user), Payload: payload, QoS: 1, RecordID: id,
		Stored: func(err error) { // the log keeps the order: it has what went before
			if err == nil {
				e.cutAward(c, row)
			}
		},
	})
}

// cutAward notes that the log has an award, unless the challenge is deleted.
func (e *Engine) cutAward(c *contest, row store.Put) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !c.gone {
		e.saver.applied(0, appliedRows{awards: []store.Put{row}})
	}
}

// sendAward queues an award, for later where there is no publisher yet.
func (e *Engine) sendAward(m Outgoing) {
	if e.out.to.Load() != nil {
		e.out.push(m)
		return
	}
	e.later.Lock()
	defer e.later.Unlock()
	if len(e.later.list) < maxLater {
		e.later.list = append(e.later.list, m)
	}
}

// sendLater queues some of the awards that waited for the publisher.
func (e *Engine) sendLater() {
	e.later.Lock()
	defer e.later.Unlock()
	n := min(len(e.later.list), e.opt.RankBudget)
	for _, m := range e.later.list[:n] {
		e.out.push(m)
	}
	if e.later.list = e.later.list[n:]; len(e.later.list) == 0 {
		e.later.list = nil
	}
}

// loadAwards tells the boards what was given, and hands to the log what it may
// not have. It returns the keys of the rows that say that a joining was told.
func (e *Engine) loadAwards(ctx context.Context, now time.Time) (told map[string]bool, err error) {
	told = make(map[string]bool)
	var bad error
	err = e.opt.Store.Scan(ctx, tableAwards, "", "", func(v store.Value) bool {
		id, rest, _ := strings.Cut(v.Key, "/")
		user, key, _ := strings.Cut(rest, "/")
		_, kind, _ := strings.Cut(key, "/")
		kind, _, _ = strings.Cut(kind, "/")
		c := e.challenges.get(id)
		if c == nil {
			return true
		}
		if len(v.Data) < awardHead {
			bad = fmt.Errorf("read %s/%s: it is cut off", tableAwards, v.Key)
			return false
		}
		at := time.UnixMilli(int64(binary.BigEndian.Uint64(v.Data))).UTC()
		if challenge.AwardKind(kind) == challenge.ChallengeJoined {
			if now.Sub(at) < welcomeAgain {
				told[id+"/"+user] = true
			}
			return true
		}
		c.board.Given(user, key, challenge.AwardKind(kind), at)
		if len(v.Data) > awardHead {
			e.publishAward(c, user, key, challenge.AwardKind(kind), at, append([]byte(nil), v.Data[awardHead:]...))
		}
		return true
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		return nil, fmt.Errorf("scan %s: %w", tableAwards, err)
	}
	return told, nil
}

// welcome gives a user the award for coming the first time. That the user has
// come is stored: until the row says that it was told, a start tells it again.
// c.mu is held.
func (e *Engine) welcome(c *contest, user string, at time.Time) {
	a := challenge.Join(user, at)
	payload := encode(e.achievement(c, a))
	e.publishAward(c, user, a.Key(), a.Kind, at, payload)
	e.happened(TellAward, user, c.awardID(user, a.Key()), at, json.RawMessage(payload))
}
