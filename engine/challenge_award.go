package engine

import (
	"context"
	"encoding/binary"
	"encoding/hex"
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
	// awardsAgain is how far back a start hands awards to the log again: it
	// drops those that it has, which are all but those of the last moments.
	awardsAgain = time.Hour
	// maxLater bounds what waits for a publisher; the oldest stay, and what
	// finds no room is published by the next start.
	maxLater = 1 << 20
)

// awardRow is an award as it is stored: the moment in front, so that a start
// need not read the rest.
func awardRow(a challenge.Award, payload []byte) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(a.At.UnixMilli())), payload...)
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
// drain must follow. c.mu is held.
func (e *Engine) giveAwards(c *contest) []store.Put {
	var rows []store.Put
	for _, a := range c.board.TakeAwards() {
		payload := encode(e.achievement(c, a))
		rows = append(rows, store.Put{Key: c.id + "/" + a.User + "/" + a.Key(), Data: awardRow(a, payload)})
		e.publishAward(c, a.User, a.Key(), a.Kind, payload)
		e.stats.Awards.Add(1)
	}
	return rows
}

// publishAward queues an award for its user and for the challenge's feed, which
// does not tell who was overtaken. c.mu is held.
func (e *Engine) publishAward(c *contest, user, key string, kind challenge.AwardKind, payload []byte) {
	id := c.awardID(user, key)
	e.sendAward(Outgoing{Topic: topics.UserAchievementTopic(user), Payload: payload, QoS: 1, RecordID: id})
	if kind == challenge.Overtaken || kind == challenge.ChallengeJoined && c.board.Participants() > joinedToFeed {
		return
	}
	e.sendAward(Outgoing{Topic: topics.ChallengeAchievementsTopic(c.id), Payload: payload, QoS: 1, RecordID: id + "/feed"})
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

// loadAwards tells the boards what was given, and hands what was given lately
// to the log again: it may be that the log has not kept it.
func (e *Engine) loadAwards(ctx context.Context, now time.Time) error {
	var bad error
	err := e.opt.Store.Scan(ctx, tableAwards, "", "", func(v store.Value) bool {
		id, rest, _ := strings.Cut(v.Key, "/")
		user, key, _ := strings.Cut(rest, "/")
		_, kind, _ := strings.Cut(key, "/")
		kind, _, _ = strings.Cut(kind, "/")
		c := e.challenges.get(id)
		if c == nil {
			return true
		}
		if len(v.Data) < 8 {
			bad = fmt.Errorf("read %s/%s: it is cut off", tableAwards, v.Key)
			return false
		}
		at := time.UnixMilli(int64(binary.BigEndian.Uint64(v.Data))).UTC()
		c.board.Given(user, key, challenge.AwardKind(kind), at)
		if now.Sub(at) < awardsAgain {
			e.publishAward(c, user, key, challenge.AwardKind(kind), append([]byte(nil), v.Data[8:]...))
		}
		return true
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		return fmt.Errorf("scan %s: %w", tableAwards, err)
	}
	return nil
}

// welcome gives a user the award for coming the first time. That the user has
// come is stored, so the award needs no row. c.mu is held.
func (e *Engine) welcome(c *contest, user string, at time.Time) {
	a := challenge.Join(user, at)
	e.publishAward(c, user, a.Key(), a.Kind, encode(e.achievement(c, a)))
}
