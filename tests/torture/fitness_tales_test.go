package torture_test

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// order is a round in which everything is as it must be: ana hands in two
// activities and writes to ben, who reads it; tess corrects ana.
func order() (*ledger, *findings) {
	l := newLedger()
	l.users, l.trainer, l.session = []string{"ana", "ben"}, "tess", "legs"
	l.thresholds, l.streak, l.goal = []float64{3000, 9000}, 2, 5000
	l.activities["ana"] = map[string]activity{"a0": {metres: 2000.5, day: 0}, "a1": {metres: 4000, day: 1}}
	l.activities["ben"] = map[string]activity{"a0": {metres: 2500, day: 0}}
	l.members["ana.ben"] = []string{"ana", "ben"}
	l.said["ana.ben"] = []saying{{Sender: "ana", ID: "m0", Content: "hi"}, {Sender: "ana", ID: "m1", Content: "ho"}}
	l.read["ana.ben"] = map[string][]string{"ben": {"ana/m0"}}
	l.forms["ana"] = map[string]byte{"k0": 1}
	l.pauses = 1
	l.moved["ana"] = 500

	f := &findings{
		board: []standing{{1, "ana", 6000.5}, {2, "ben", 2500}}, identical: true,
		history: map[string][]saying{"ana.ben": {{"ana", "m0", "hi", 1}, {"ana", "m1", "ho", 2}}},
		unread:  map[string]map[string]uint64{"ana": {}, "ben": {"ana.ben": 1}},
	}
	sum := summed{SessionID: "legs", UserID: "ana", Final: true, TotalDistance: 500}
	f.summaries, f.workouts = []summed{sum}, map[string][]summed{"ana": {sum}}
	award := func(user, kind string, threshold float64) arrival {
		return arrival{conn: 1, topic: "user/" + user + "/achievement", payload: fmt.Sprintf(
			`{"achievementId":"%s-%s-%g","kind":%q,"threshold":%g}`, user, kind, threshold, kind, threshold)}
	}
	said := func(user string, seq int, text string) arrival {
		return arrival{conn: 1, topic: "user/" + user + "/chat/ana.ben", payload: fmt.Sprintf(
			`{"senderId":"ana","messageId":"m%d","content":%q,"seq":%d}`, seq-1, text, seq)}
	}
	receipt := func(id, state, by string) arrival {
		return arrival{conn: 1, topic: "user/ana/receipt", payload: fmt.Sprintf(
			`{"messageId":%q,"conversation":"ana.ben","state":%q,"by":%q}`, id, state, by)}
	}
	news := func(typ, reason string) arrival {
		return arrival{conn: 1, topic: "session/legs/events", payload: fmt.Sprintf(`{"type":%q,"reason":%q}`, typ, reason)}
	}
	all := map[string][]arrival{
		"ana": {
			award("ana", "challengeJoined", 0), award("ana", "distance", 3000), award("ana", "challengeCompleted", 5000), award("ana", "streak", 2),
			said("ana", 1, "hi"), receipt("m0", "stored", ""), said("ana", 2, "ho"), receipt("m1", "stored", ""),
			receipt("m0", "read", "ben"), receipt("m1", "delivered", "ben"),
			{conn: 1, topic: "session/legs/form/ana", payload: `{"correctionId":"k0"}`},
		},
		"ben":  {award("ben", "challengeJoined", 0), said("ben", 1, "hi"), said("ben", 2, "ho")},
		"tess": {news("session-paused", ""), news("session-started", "resumed"), news("session-ended", "")},
	}
	match(l, f, all)
	f.live, f.away = map[string][]arrival{}, map[string][]arrival{}
	for user, list := range all {
		f.live[user], f.away[user] = slices.Clone(list), slices.Clone(list)
	}
	return l, f
}

// match has ada and bea matched, cem with an accepted offer of ada, and dan blocked by
// ada; bea has read the first of three notifications, nina is never there.
func match(l *ledger, f *findings, all map[string][]arrival) {
	l.challenge, l.absent, l.seekers = "c1", "nina", []string{"ada", "bea", "cem", "dan"}
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	yes := func(partnerID string) []reply { return []reply{{partnerID: partnerID, accept: true, sure: true}} }
	l.pair("ada", "bea").replies = map[string][]reply{"ada": yes("p1"), "bea": yes("p2")}
	l.pair("ada", "cem").replies = map[string][]reply{"cem": yes("p3")}
	l.pair("ada", "dan").blocks["ada"] = block{sure: true, at: at}
	f.matches = map[string][]meeting{
		"ada": {{State: "matched", PartnerID: "p1", UserID: "bea", Conversation: "ada.bea", Timestamp: at}},
		"bea": {{State: "matched", PartnerID: "p2", UserID: "ada", Conversation: "ada.bea", Timestamp: at}},
		"cem": {{State: "accepted", PartnerID: "p3", Name: "Ada", Timestamp: at}},
	}
	f.talks = map[string][]string{"ada": {"ada.bea"}, "bea": {"ada.bea"}}
	news := func(user, text string, args ...any) {
		all[user] = append(all[user], arrival{conn: 1, topic: "user/" + user + "/match", payload: fmt.Sprintf(text, args...)})
	}
	news("bea", `{"state":"proposed","partnerId":"p2","name":"Ada"}`)
	for user, other := range map[string]string{"ada": "bea", "bea": "ada"} {
		news(user, `{"state":"matched","userId":%q,"conversation":"ada.bea","timestamp":%q}`, other, at.Format(time.RFC3339))
	}
	l.notes["bea"] = []*note{{id: "n0", key: "plan", read: true, maybe: true}, {id: "n1", key: "plan"}, {id: "n2", key: "plan"}, {id: "n3"}}
	l.notes["nina"] = []*note{{id: "n0"}}
	f.boxes = map[string]box{
		"bea":  {Items: []boxed{{"n3", "tess", false}, {"n2", "tess", false}, {"n0", "tess", true}}, Unread: 2, told: 2},
		"nina": {Items: []boxed{{"n0", "tess", false}}, Unread: 1, told: 1},
	}
	for _, n := range l.notes["bea"] {
		all["bea"] = append(all["bea"], arrival{conn: 1, topic: "user/bea/notification", payload: fmt.Sprintf(`{"messageId":%q}`, n.id)})
	}
	f.hooks = map[string]int{
		"session.started legs  /": 1, "session.ended legs  /": 1, "notification.absent  nina /n0": 1,
		"activity.accepted c1 ana a0/": 1, "activity.accepted c1 ana a1/": 1, "activity.accepted c1 ben a0/": 1,
	}
	for user, kinds := range map[string][]string{"ana": {"challengeJoined-0", "distance-3000", "challengeCompleted-5000", "streak-2"}, "ben": {"challengeJoined-0"}} {
		for _, kind := range kinds {
			f.hooks["award c1 "+user+" "+user+"-"+kind+"/"] = 1
		}
	}
}

// without takes the n-th arrival out of both of a user's devices.
func (f *findings) without(user string, n int) {
	f.live[user] = slices.Delete(f.live[user], n, n+1)
	f.away[user] = slices.Delete(f.away[user], n, n+1)
}

// only is the inbox with no other lines than those.
func (b box) only(lines ...int) box {
	var out box
	for _, i := range lines {
		out.Items = append(out.Items, b.Items[i])
		if !b.Items[i].Read {
			out.Unread++
		}
	}
	out.told = out.Unread
	return out
}

// endMatch has bea take the match with ada back.
func endMatch(l *ledger, f *findings) {
	p := l.pair("ada", "bea")
	p.replies["bea"] = append(p.replies["bea"], reply{partnerID: "p2", sure: true})
	f.matches["ada"], f.matches["bea"] = nil, nil
	for user, other := range map[string]string{"ada": "bea", "bea": "ada"} {
		f.away[user] = append(f.away[user], arrival{conn: 1, topic: "user/" + user + "/match", payload: fmt.Sprintf(`{"state":"ended","userId":%q}`, other)})
	}
}

// The judge of the fitness flows finds what is wrong, each in its place.
func TestJudgeFitness(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(l *ledger, f *findings)
		want  []string
	}{
		{"OK", func(*ledger, *findings) {}, nil},
		{"OKRepeatedAfterAReturn", func(_ *ledger, f *findings) {
			again := f.live["ana"][4]
			again.conn = 2
			f.live["ana"] = append(f.live["ana"], again)
		}, nil},
		{"ErrCountedTwice", func(_ *ledger, f *findings) { f.board[0].Score += 4000 }, []string{ruleBoard}},
		{"ErrNotCounted", func(_ *ledger, f *findings) { f.board = f.board[:1] }, []string{ruleBoard}},
		{"ErrRanks", func(_ *ledger, f *findings) { f.board[1].Rank = 1 }, []string{ruleBoard}},
		{"ErrRebuiltOtherwise", func(_ *ledger, f *findings) { f.identical = false }, []string{ruleRebuild}},
		{"ErrAwardMissing", func(_ *ledger, f *findings) { f.without("ana", 1) }, []string{ruleAward}},
		{"ErrStreakMissing", func(_ *ledger, f *findings) { f.without("ana", 3) }, []string{ruleAward}},
		{"ErrAwardTwice", func(_ *ledger, f *findings) {
			f.away["ana"] = append(f.away["ana"], arrival{conn: 1, topic: "user/ana/achievement", payload: `{"achievementId":"new","kind":"distance","threshold":3000}`})
		}, []string{ruleAward, ruleHook}},
		{"ErrAwardNotEarned", func(l *ledger, _ *findings) { delete(l.activities["ana"], "a1") }, []string{ruleAward, ruleBoard}},
		{"ErrMessageLost", func(_ *ledger, f *findings) { f.history["ana.ben"] = f.history["ana.ben"][:1] }, []string{ruleHistory, ruleUnread}},
		{"ErrMessageTwice", func(_ *ledger, f *findings) {
			f.history["ana.ben"] = append(f.history["ana.ben"], saying{"ana", "m0", "hi", 3})
		}, []string{ruleHistory, ruleUnread}},
		{"ErrSeqGap", func(_ *ledger, f *findings) { f.history["ana.ben"][1].Seq = 3 }, []string{ruleHistory, ruleUnread}},
		{"ErrMessageChanged", func(_ *ledger, f *findings) { f.history["ana.ben"][0].Content = "ha" }, []string{ruleHistory}},
		{"ErrFeedMisses", func(_ *ledger, f *findings) { f.without("ben", 2) }, []string{ruleFeed}},
		{"ErrFeedReordered", func(_ *ledger, f *findings) {
			f.away["ben"][1], f.away["ben"][2] = f.away["ben"][2], f.away["ben"][1]
		}, []string{ruleFeed}},
		{"ErrFeedTwice", func(_ *ledger, f *findings) { f.away["ben"] = append(f.away["ben"], f.away["ben"][1]) }, []string{ruleRepeated}},
		{"ErrTwiceOverOneConnection", func(_ *ledger, f *findings) { f.live["ben"] = append(f.live["ben"], f.live["ben"][1]) }, []string{ruleRepeated}},
		{"ErrUnread", func(_ *ledger, f *findings) { f.unread["ben"]["ana.ben"] = 2 }, []string{ruleUnread}},
		{"ErrNotStored", func(_ *ledger, f *findings) { f.without("ana", 5) }, []string{ruleReceipt}},
		{"ErrNotDelivered", func(_ *ledger, f *findings) { f.without("ana", 9) }, []string{ruleReceipt}},
		{"ErrNotRead", func(_ *ledger, f *findings) { f.without("ana", 8) }, []string{ruleReceipt}},
		{"ErrReceiptAgain", func(_ *ledger, f *findings) {
			again := f.away["ana"][8]
			again.payload += " " // at another moment
			f.away["ana"] = append(f.away["ana"], again)
		}, []string{ruleReceipt}},
		{"ErrCorrectionMissing", func(_ *ledger, f *findings) { f.without("ana", 10) }, []string{ruleForm}},
		{"ErrCorrectionOfNobody", func(l *ledger, _ *findings) { clear(l.forms["ana"]) }, []string{ruleForm}},
		{"ErrNewsMissing", func(_ *ledger, f *findings) { f.without("tess", 2) }, []string{ruleNews}},
		{"ErrNewsTwice", func(_ *ledger, f *findings) {
			f.away["tess"] = append(f.away["tess"], arrival{conn: 1, topic: "session/legs/events", payload: `{"type":"session-ended","timestamp":"later"}`})
		}, []string{ruleNews}},
		{"ErrNoSummary", func(_ *ledger, f *findings) { f.summaries = nil }, []string{ruleSummary}},
		{"ErrTwoSummaries", func(_ *ledger, f *findings) { f.workouts["ana"] = append(f.workouts["ana"], f.summaries[0]) }, []string{ruleSummary}},
		{"ErrSummaryOfLess", func(_ *ledger, f *findings) { f.summaries[0].TotalDistance = 400 }, []string{ruleSummary}},
		{"ErrSummaryNotFinal", func(_ *ledger, f *findings) { f.summaries[0].Final = false }, []string{ruleSummary}},
		{"OKReplacedBeforeItWasRead", func(_ *ledger, f *findings) { f.boxes["bea"] = f.boxes["bea"].only(0, 1) }, nil},
		{"OKMatchEnded", func(l *ledger, f *findings) { endMatch(l, f) }, nil},
		{"ErrOneSideMatched", func(_ *ledger, f *findings) { f.matches["bea"] = nil }, []string{ruleMatch, ruleOffer}},
		{"ErrNotMatched", func(_ *ledger, f *findings) { f.matches["ada"], f.matches["bea"] = nil, nil }, []string{ruleMatch, ruleOffer}},
		{"ErrMatchedWithoutAYes", func(l *ledger, _ *findings) { l.pair("ada", "bea").replies["bea"] = nil }, []string{ruleMatch}},
		{"ErrMatchedAfterANo", func(l *ledger, _ *findings) {
			p := l.pair("ada", "bea")
			p.replies["bea"] = append(p.replies["bea"], reply{partnerID: "p2", sure: true})
		}, []string{ruleMatch}},
		{"ErrNoConversation", func(_ *ledger, f *findings) { f.talks["bea"] = nil }, []string{ruleMatch}},
		{"ErrMatchToldTwice", func(_ *ledger, f *findings) {
			f.away["ada"] = append(f.away["ada"], arrival{conn: 1, topic: "user/ada/match", payload: `{"state":"matched","userId":"bea","timestamp":"2026-05-01T13:00:00Z"}`})
		}, []string{ruleMatched}},
		{"ErrMatchNotTold", func(_ *ledger, f *findings) { f.without("ada", 0) }, []string{ruleMatched}},
		{"ErrAcceptedAndLost", func(_ *ledger, f *findings) { f.matches["cem"] = nil }, []string{ruleOffer}},
		{"ErrMatchedThoughBlocked", func(l *ledger, f *findings) {
			l.pair("ada", "bea").blocks["ada"] = block{sure: true, at: f.matches["ada"][0].Timestamp.Add(-time.Second)}
		}, []string{ruleBlock}},
		{"ErrNameTold", func(_ *ledger, f *findings) {
			f.live["bea"][0].payload = `{"state":"proposed","partnerId":"p2","name":"Ada","userId":"ada"}`
		}, []string{ruleSecret}},
		{"ErrNoteLost", func(_ *ledger, f *findings) { f.boxes["bea"] = f.boxes["bea"].only(1, 2) }, []string{ruleInbox}},
		{"ErrNoteTwice", func(_ *ledger, f *findings) { f.boxes["bea"] = f.boxes["bea"].only(0, 1, 1) }, []string{ruleInbox}},
		{"ErrNoteNotReplaced", func(_ *ledger, f *findings) {
			b := f.boxes["bea"]
			b.Items = append(b.Items, boxed{"n1", "tess", false})
			b.Unread, b.told = 3, 3
			f.boxes["bea"] = b
		}, []string{ruleInbox}},
		{"ErrUnreadAgain", func(_ *ledger, f *findings) {
			f.boxes["bea"].Items[2].Read = false
			f.boxes["bea"] = f.boxes["bea"].only(0, 1, 2)
		}, []string{ruleRead}},
		{"ErrReadByNobody", func(_ *ledger, f *findings) {
			f.boxes["bea"].Items[0].Read = true
			f.boxes["bea"] = f.boxes["bea"].only(0, 1, 2)
		}, []string{ruleRead}},
		{"ErrUnreadCount", func(_ *ledger, f *findings) {
			b := f.boxes["bea"]
			b.told = 3
			f.boxes["bea"] = b
		}, []string{ruleRead}},
		{"ErrNoteTwiceDelivered", func(_ *ledger, f *findings) {
			again := f.away["bea"][len(f.away["bea"])-1]
			f.away["bea"] = append(f.away["bea"], again)
		}, []string{ruleNote}},
		{"ErrNoteNotDelivered", func(_ *ledger, f *findings) { f.away["bea"] = f.away["bea"][:len(f.away["bea"])-1] }, []string{ruleNote}},
		{"ErrHookNotTold", func(_ *ledger, f *findings) { delete(f.hooks, "activity.accepted c1 ana a1/") }, []string{ruleHook}},
		{"ErrHookUnderTwoIDs", func(_ *ledger, f *findings) { f.hooks["session.ended legs  /"] = 2 }, []string{ruleHook}},
		{"ErrSampleKept", func(_ *ledger, f *findings) { f.samples = []string{"session/legs/progress/ana"} }, []string{ruleSamples}},
		{"ErrRefused", func(l *ledger, _ *findings) { l.refused = []string{"0x97"} }, []string{ruleRefused}},
		{"ErrError", func(_ *ledger, f *findings) {
			f.live["ben"] = append(f.live["ben"], arrival{conn: 1, topic: "user/ben/error", payload: "{}"})
		}, []string{ruleRefused}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, f := order()
			tt.spoil(l, f)
			var got []string
			for _, v := range l.judge(f) {
				if !slices.Contains(got, v.rule) {
					got = append(got, v.rule)
				}
			}
			slices.Sort(got)
			if want := slices.Sorted(slices.Values(tt.want)); !slices.Equal(got, want) {
				t.Errorf("rules broken: %q, want %q", got, want)
			}
		})
	}
}

// The judge waits as long as what is missing goes on to come, and no longer.
func TestVigil_Ends(t *testing.T) {
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	type look struct {
		after   time.Duration // since the one before
		missing int
	}
	for name, tt := range map[string]struct {
		looks []look
		ends  bool // at the last one
	}{
		"OK less every time":       {[]look{{0, 3}, {settling, 2}, {settling, 1}, {settling, 1}}, false},
		"Err nothing comes":        {[]look{{0, 3}, {settling, 3}, {time.Millisecond, 3}}, true},
		"Err it comes and goes":    {[]look{{0, 1}, {settling, 2}, {time.Millisecond, 1}}, true},
		"OK a slow look finds one": {[]look{{0, 2}, {2 * settling, 1}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			v, now := vigil{}, at
			for i, l := range tt.looks {
				now = now.Add(l.after)
				if got, want := v.ends(l.missing, now), tt.ends && i == len(tt.looks)-1; got != want {
					t.Errorf("look %d: got %t, want %t", i, got, want)
				}
			}
		})
	}
}
