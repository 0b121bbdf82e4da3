package torture_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// judgeAwards wants those that do not depend on the order of activities, and each
// one once.
func (l *ledger) judgeAwards(device, user string, payloads []string, fail failing) {
	times := map[string]int{}
	ids := map[string]bool{}
	for _, text := range payloads {
		var a struct {
			AchievementID, Kind string
			Threshold           float64
		}
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			fail(ruleAward, device, "%v: %s", err, text)
			continue
		}
		if ids[a.AchievementID] {
			fail(ruleAward, device, "another award with the id of one before: %s", text)
		}
		ids[a.AchievementID] = true
		if a.Kind != "overtaken" { // may come again after six hours
			times[fmt.Sprintf("%s %g", a.Kind, a.Threshold)]++
		}
	}
	want := map[string]bool{"challengeJoined 0": true, fmt.Sprintf("challengeCompleted %g", l.goal): l.score(user) >= l.goal}
	for _, t := range l.thresholds {
		want[fmt.Sprintf("distance %g", t)] = l.score(user) >= t
	}
	want[fmt.Sprintf("streak %d", l.streak)] = l.run(user) >= l.streak
	if user == l.trainer {
		clear(want) // takes no part
	}
	for what, due := range want {
		if due && times[what] == 0 {
			fail(ruleAward, device, "%s is missing", what)
		}
		if !due && times[what] > 0 {
			fail(ruleAward, device, "%s came, which was not earned", what)
		}
	}
	for what, n := range times {
		if n > 1 && !strings.HasPrefix(what, "personalBest") {
			fail(ruleAward, device, "%s came %d times", what, n)
		}
	}
}

// judgeReceipts wants, for each own message, that it is stored; for the newest in
// a conversation of two that it was delivered (or read, which says more), and for the newest that the other
// one has read that it was read.
func (l *ledger) judgeReceipts(device, user string, payloads []string, exact bool, fail failing) {
	type state struct{ conversation, id, state, by string }
	times := map[state]int{}
	for _, text := range payloads {
		var r struct {
			Conversation, MessageID, State, By string
			Count                              int
		}
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			fail(ruleReceipt, device, "%v: %s", err, text)
			continue
		}
		if r.Count > 0 || r.By == "" && r.State != "stored" {
			r.By = fmt.Sprint(r.Count)
		}
		s := state{r.Conversation, r.MessageID, r.State, r.By}
		if times[s]++; times[s] == 2 && exact {
			fail(ruleReceipt, device, "%+v came again", s)
		}
	}
	for conversation, said := range l.said {
		newest := -1
		for i, s := range said {
			if s.Sender != user {
				continue
			}
			if times[state{conversation, s.ID, "stored", ""}] == 0 {
				fail(ruleReceipt, device, "no word that %s is stored", s.key())
			}
			if newest < 0 || s.Seq > said[newest].Seq {
				newest = i
			}
		}
		if newest < 0 || !strings.Contains(conversation, ".") {
			continue
		}
		other := l.members[conversation][0]
		if other == user {
			other = l.members[conversation][1]
		}
		last := said[newest]
		if times[state{conversation, last.ID, "delivered", other}]+times[state{conversation, last.ID, "read", other}] == 0 {
			fail(ruleReceipt, device, "no word that %s was delivered", last.key())
		}
		if s, ok := l.newestRead(conversation, user, other); ok && times[state{conversation, s.ID, "read", other}] == 0 {
			fail(ruleReceipt, device, "no word that %s was read", s.key())
		}
	}
}

// newestRead is the user's newest message that the other one has said to have
// read.
func (l *ledger) newestRead(conversation, user, other string) (saying, bool) {
	at := map[string]uint64{}
	for _, s := range l.said[conversation] {
		at[s.key()] = s.Seq
	}
	to := uint64(0)
	for _, key := range l.read[conversation][other] {
		to = max(to, at[key])
	}
	// What was there before the other one wrote counts as read, without a word.
	written := uint64(0)
	for _, s := range l.said[conversation] {
		if s.Sender == other {
			written = max(written, s.Seq)
		}
	}
	own := slices.DeleteFunc(slices.Clone(l.said[conversation]), func(s saying) bool {
		return s.Sender != user || s.Seq > to || s.Seq <= written
	})
	if len(own) == 0 {
		return saying{}, false
	}
	return slices.MaxFunc(own, func(a, b saying) int { return int(a.Seq) - int(b.Seq) }), true
}
