package torture_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Rules of the fitness flows.
const (
	ruleBoard    = "the board is the sum of the accepted activities"
	ruleRebuild  = "a board built again is the same, byte for byte"
	ruleAward    = "each award once, and none missing"
	ruleHistory  = "a conversation has every message once, numbered without a gap"
	ruleFeed     = "everybody gets every message, in order"
	ruleUnread   = "unread is what came after what was read"
	ruleReceipt  = "receipts tell what became of a message, each once"
	ruleForm     = "form corrections arrive"
	ruleNews     = "a session's news are told once"
	ruleSummary  = "who took part has one summary, of all their samples"
	ruleSamples  = "no live sample of an ended session stays retained"
	ruleRefused  = "what is right is not refused"
	ruleRepeated = "nothing comes twice over one connection"
)

// activity is one that was handed in, and how many days ago it ended.
type activity struct {
	metres float64
	day    int
}

// saying is a chat message.
type saying struct {
	Sender  string `json:"senderId"`
	ID      string `json:"messageId"`
	Content string `json:"content"`
	Seq     uint64 `json:"seq"`
}

func (s *saying) key() string { return s.Sender + "/" + s.ID }

// ledger is all that was handed in and acknowledged in a round.
type ledger struct {
	users      []string
	trainer    string
	session    string
	thresholds []float64 // of awards for the distance
	streak     int       // days, of the award
	goal       float64   // of each

	activities map[string]map[string]activity // by user and id
	said       map[string][]saying            // by conversation
	members    map[string][]string            // of conversations
	read       map[string]map[string][]string // by conversation and user: message keys
	forms      map[string]map[string]byte     // by user: correction -> QoS
	moved      map[string]float64             // by user: metres of the last live sample
	pauses     int                            // of the session
	refused    []string

	challenge string
	seekers   []string            // who look for partners
	absent    string              // is never there
	pairs     map[string]*pairing // of seekers, by their conversation
	notes     map[string][]*note  // by user: to seekers, and to absent
	readAll   map[string]bool     // by user: tried to read all
}

func newLedger() *ledger {
	return &ledger{
		activities: map[string]map[string]activity{}, said: map[string][]saying{}, members: map[string][]string{},
		read: map[string]map[string][]string{}, forms: map[string]map[string]byte{},
		moved: map[string]float64{}, pairs: map[string]*pairing{}, notes: map[string][]*note{}, readAll: map[string]bool{},
	}
}

// arrival is a message that came to a device.
type arrival struct {
	conn           int
	topic, payload string
	retained       bool
}

// standing is one line of a board.
type standing struct {
	Rank   int     `json:"rank"`
	UserID string  `json:"userId"`
	Score  float64 `json:"score"`
}

// findings is what the broker shows in the end.
type findings struct {
	board     []standing
	identical bool
	history   map[string][]saying
	unread    map[string]map[string]uint64 // by user and conversation, from REST
	summaries []summed
	workouts  map[string][]summed  // by user: their own history
	live      map[string][]arrival // by user: the device that came and went
	away      map[string][]arrival // by user: a device that comes at the end only; nil = not yet
	matches   map[string][]meeting // by seeker, from REST
	talks     map[string][]string  // by seeker: conversations
	boxes     map[string]box       // by user
	hooks     map[string]int       // by what was told: under how many ids
	waiting   int                  // events that are not told yet, as the broker says
	samples   []string             // topics of live samples that are retained
}

// summed is a summary.
type summed struct {
	SessionID, UserID string
	Final             bool
	TotalDistance     float64
}

// score is what the user's activities come to.
func (l *ledger) score(user string) (sum float64) {
	for _, a := range l.activities[user] {
		sum += a.metres
	}
	return sum
}

// run is the longest row of days with an activity.
func (l *ledger) run(user string) (longest int) {
	days := map[int]bool{}
	for _, a := range l.activities[user] {
		days[a.day] = true
	}
	for day := range days {
		n := 1
		for days[day+n] {
			n++
		}
		longest = max(longest, n)
	}
	return longest
}

// judge compares what was handed in with what came of it.
func (l *ledger) judge(f *findings) []violation {
	var found []violation
	fail := func(rule, who, format string, args ...any) {
		found = append(found, violation{rule: rule, who: who, open: true, text: fmt.Sprintf(format, args...)})
	}
	for _, text := range l.refused {
		fail(ruleRefused, "", "%s", text)
	}
	l.judgeBoard(f, fail)
	for _, user := range l.users {
		l.judgeSummaries(user, "session", f.summaries, fail)
		l.judgeSummaries(user, "history", f.workouts[user], fail)
	}
	l.judgeMatches(f, fail)
	l.judgeNotes(f, fail)
	l.judgeHooks(f, fail)
	for _, topic := range f.samples {
		fail(ruleSamples, "", "%s is retained", topic)
	}
	for conversation := range l.members {
		l.judgeTalk(f, conversation, fail)
	}
	for _, user := range append([]string{l.trainer}, l.users...) {
		l.judgeDevice(user, f.live[user], false, fail)
		if f.away != nil {
			l.judgeDevice(user, f.away[user], true, fail)
		}
	}
	return found
}

type failing func(rule, who, format string, args ...any)

func (l *ledger) judgeBoard(f *findings, fail failing) {
	var want []standing
	for _, user := range l.users {
		if len(l.activities[user]) > 0 {
			want = append(want, standing{UserID: user, Score: l.score(user)})
		}
	}
	slices.SortFunc(want, func(a, b standing) int {
		if a.Score > b.Score {
			return -1
		}
		return 1
	})
	if len(f.board) != len(want) {
		fail(ruleBoard, "", "%d entries, want %d: %+v", len(f.board), len(want), f.board)
		return
	}
	for i, e := range want {
		if got := f.board[i]; got.UserID != e.UserID || got.Rank != i+1 || got.Score < e.Score-0.006 || got.Score > e.Score+0.006 {
			fail(ruleBoard, e.UserID, "place %d is %+v, want %.2f", i+1, got, e.Score)
		}
	}
	if !f.identical {
		fail(ruleRebuild, "", "it is not")
	}
}

func (l *ledger) judgeSummaries(user, where string, list []summed, fail failing) {
	n := 0
	for _, s := range list {
		if s.UserID != user {
			continue
		}
		n++
		if !s.Final || s.TotalDistance != l.moved[user] {
			fail(ruleSummary, user, "%s: %+v, want the final one with %g m", where, s, l.moved[user])
		}
	}
	want := 0
	if l.moved[user] > 0 {
		want = 1
	}
	if n != want {
		fail(ruleSummary, user, "%s: %d summaries, want %d", where, n, want)
	}
}

// judgeTalk looks at a conversation: its history, and who has how much unread.
func (l *ledger) judgeTalk(f *findings, conversation string, fail failing) {
	history := f.history[conversation]
	at, reads := map[string]uint64{}, map[string]string{}
	for i, s := range history {
		if s.Seq != uint64(i+1) {
			fail(ruleHistory, conversation, "message %d has seq %d", i+1, s.Seq)
		}
		if at[s.key()] != 0 {
			fail(ruleHistory, conversation, "%s is there twice, as %d and %d", s.key(), at[s.key()], s.Seq)
		}
		at[s.key()], reads[s.key()] = s.Seq, s.Content
	}
	for i := range l.said[conversation] {
		s := &l.said[conversation][i]
		s.Seq = at[s.key()]
		switch {
		case s.Seq == 0:
			fail(ruleHistory, conversation, "%s is lost", s.key())
		case reads[s.key()] != s.Content:
			fail(ruleHistory, conversation, "%s reads %q, want %q", s.key(), reads[s.key()], s.Content)
		}
	}
	if len(history) > len(l.said[conversation]) {
		fail(ruleHistory, conversation, "%d messages, want %d", len(history), len(l.said[conversation]))
	}
	for _, user := range l.members[conversation] {
		if got, want := f.unread[user][conversation], uint64(len(history))-l.readTo(user, conversation, at); got != want {
			fail(ruleUnread, user, "%d in %s, want %d", got, conversation, want)
		}
	}
}

// readTo is the last message that the user has read: said so, or written.
func (l *ledger) readTo(user, conversation string, at map[string]uint64) (seq uint64) {
	for _, key := range l.read[conversation][user] {
		seq = max(seq, at[key])
	}
	for _, s := range l.said[conversation] {
		if s.Sender == user {
			seq = max(seq, at[s.key()])
		}
	}
	return seq
}

// kept are the topics whose messages are not state: each counts.
func kept(topic string) bool {
	return !strings.HasSuffix(topic, "/unread") && !strings.HasSuffix(topic, "/presence") && !strings.Contains(topic, "/notification")
}

// judgeDevice looks at what came to one of the user's devices. exact: it was away
// until nothing happened any more, so that everything comes once; to the others
// QoS 1 may repeat what a lost connection left open.
func (l *ledger) judgeDevice(user string, list []arrival, exact bool, fail failing) {
	device := user
	if exact {
		device += " (away)"
	}
	got := map[string][]string{} // by topic, in order, the first of each
	seen := map[string]int{}     // the connection it came over last
	for _, a := range list {
		if !kept(a.topic) || a.retained {
			continue
		}
		key := a.topic + " " + a.payload
		switch before, ok := seen[key]; {
		case ok && (exact || before == a.conn):
			fail(ruleRepeated, device, "%s", key)
		case !ok:
			got[a.topic] = append(got[a.topic], a.payload)
		}
		seen[key] = a.conn
	}
	l.judgeAwards(device, user, got["user/"+user+"/achievement"], fail)
	l.judgeForms(device, user, got["session/"+l.session+"/form/"+user], exact, fail)
	l.judgeReceipts(device, user, got["user/"+user+"/receipt"], exact, fail)
	for conversation, members := range l.members {
		if slices.Contains(members, user) {
			l.judgeFeed(device, conversation, got["user/"+user+"/chat/"+conversation], fail)
		}
	}
	for _, text := range got["user/"+user+"/error"] {
		fail(ruleRefused, device, "%s", text)
	}
	if exact && user == l.trainer {
		l.judgeNews(device, got["session/"+l.session+"/events"], fail)
	}
}

func (l *ledger) judgeFeed(device, conversation string, payloads []string, fail failing) {
	last := uint64(0)
	for _, text := range payloads {
		var s saying
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			fail(ruleFeed, device, "%v: %s", err, text)
			continue
		}
		if s.Seq != last+1 {
			fail(ruleFeed, device, "%s: %d comes after %d", conversation, s.Seq, last)
		}
		last = s.Seq
	}
	if n := len(l.said[conversation]); int(last) < n {
		fail(ruleFeed, device, "%s: %d messages came, want %d", conversation, last, n)
	}
}

func (l *ledger) judgeForms(device, user string, payloads []string, exact bool, fail failing) {
	times := map[string]int{}
	for _, text := range payloads {
		var c struct{ CorrectionID string }
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			fail(ruleForm, device, "%v: %s", err, text)
		}
		times[c.CorrectionID]++
	}
	for id := range l.forms[user] {
		if times[id] == 0 {
			fail(ruleForm, device, "%s is missing", id)
		}
	}
	for id := range times {
		if _, ok := l.forms[user][id]; !ok && exact {
			fail(ruleForm, device, "%s was never sent", id)
		}
	}
}

func (l *ledger) judgeNews(device string, payloads []string, fail failing) {
	times := map[string]int{}
	for _, text := range payloads {
		var e struct{ Type string }
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			fail(ruleNews, device, "%v: %s", err, text)
		}
		times[e.Type]++
	}
	for typ, want := range map[string]int{"session-paused": l.pauses, "session-started": l.pauses, "session-ended": 1} {
		if times[typ] != want {
			fail(ruleNews, device, "%d times %s, want %d", times[typ], typ, want)
		}
	}
}
