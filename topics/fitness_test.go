package topics_test

import (
	"strings"
	"testing"

	"github.com/fitmq/fitmq/topics"
)

func TestParse(t *testing.T) {
	type P = topics.Parsed
	tests := map[string]P{
		"session/s1/info":         {Kind: topics.SessionInfo, ID: "s1"},
		"session/s1/participants": {Kind: topics.SessionParticipants, ID: "s1"},
		"session/s1/events":       {Kind: topics.SessionEvents, ID: "s1"},
		"session/s1/progress/ana": {Kind: topics.SessionProgress, ID: "s1", User: "ana"},
		"session/s1/form/ana":     {Kind: topics.SessionForm, ID: "s1", User: "ana"},
		"session/s1/form/seen":    {Kind: topics.SessionForm, ID: "s1", User: "seen"},
		"session/s1/form/a/seen":  {Kind: topics.SessionFormSeen, ID: "s1", User: "a"},
		"session/s1/leaderboard":  {Kind: topics.SessionLeaderboard, ID: "s1"},
		"session/s1/chat":         {Kind: topics.SessionChat, ID: "s1"},
		"session/s1/control":      {Kind: topics.SessionControl, ID: "s1"},

		"challenge/c-1/info":         {Kind: topics.ChallengeInfo, ID: "c-1"},
		"challenge/c-1/status":       {Kind: topics.ChallengeStatus, ID: "c-1"},
		"challenge/c-1/activity":     {Kind: topics.ChallengeActivity, ID: "c-1"},
		"challenge/c-1/leaderboard":  {Kind: topics.ChallengeLeaderboard, ID: "c-1"},
		"challenge/c-1/rank/b":       {Kind: topics.ChallengeRank, ID: "c-1", User: "b"},
		"challenge/c-1/achievements": {Kind: topics.ChallengeAchievements, ID: "c-1"},

		"chat/team/message":  {Kind: topics.ChatMessage, ID: "team", Conversation: "team"},
		"chat/ana.ben/read":  {Kind: topics.ChatRead, ID: "ana.ben", Conversation: "ana.ben"},
		"chat/team/typing":   {Kind: topics.ChatTyping, ID: "team", Conversation: "team"},
		"user/ana/chat/team": {Kind: topics.UserChat, ID: "ana", User: "ana", Conversation: "team"},
		"user/ana/chat/a.b":  {Kind: topics.UserChat, ID: "ana", User: "ana", Conversation: "a.b"},

		"user/ana/receipt":      {Kind: topics.UserReceipt, ID: "ana", User: "ana"},
		"user/ana/notification": {Kind: topics.UserNotification, ID: "ana", User: "ana"},
		"user/ana/achievement":  {Kind: topics.UserAchievement, ID: "ana", User: "ana"},
		"user/ana/match":        {Kind: topics.UserMatch, ID: "ana", User: "ana"},
		"user/ana/unread":       {Kind: topics.UserUnread, ID: "ana", User: "ana"},
		"user/ana/token":        {Kind: topics.UserToken, ID: "ana", User: "ana"},
		"user/ana/error":        {Kind: topics.UserError, ID: "ana", User: "ana"},
		"user/ana/presence":     {Kind: topics.UserPresence, ID: "ana", User: "ana"},
		"user/ana/away":         {Kind: topics.UserAway, ID: "ana", User: "ana"},

		"user/ana/notification/read": {Kind: topics.UserNotificationRead, ID: "ana", User: "ana"},

		"match/beacon": {Kind: topics.MatchBeacon},
		"match/reply":  {Kind: topics.MatchReply},
		"match/block":  {Kind: topics.MatchBlock},

		"$SYS":         {Kind: topics.Sys},
		"$SYS/uptime":  {Kind: topics.Sys},
		"a/b":          {Kind: topics.Other},
		"sessions/s/x": {Kind: topics.Other},
		"Session/s1":   {Kind: topics.Other},
		"/session/s1":  {Kind: topics.Other},
		"$share/g/x":   {Kind: topics.Other},
	}
	for topic, want := range tests {
		if got := topics.Parse(topic); got != want {
			t.Errorf("Parse(%q): got %+v, want %+v", topic, got, want)
		}
	}
	long := strings.Repeat("x", 65)
	for _, topic := range []string{
		"session", "session/", "session/s1", "session/s1/", "session//info", "session/s1/info/", "session/s1/info/x",
		"session/s 1/info", "session/s.1/info", "session/" + long + "/info", "session/s1/progress", "session/s1/progress/",
		"session/s1/progress/a/b", "session/s1/form/a/seen/", "session/s1/form/a/b/seen", "session/s1/form//seen",
		"session/s1/nothing", "session/ü/info", "challenge/c/rank", "challenge/c/rank/", "challenge/c/rank/a/b", "challenge/c",
		"chat/a.b", "chat/b.a/message", "chat/a.a/message", "chat/a.b.c/message", "chat/./message", "chat//message",
		"chat/" + long + "/message", "user/ana", "user/a.b/error", "user/ana/chat", "user/ana/chat/", "user/ana/chat/b.a",
		"user/ana/error/x", "match", "match/", "match/beacon/", "match/other",
	} {
		if got := topics.Parse(topic); got != (P{Kind: topics.Unknown}) {
			t.Errorf("Parse(%q): got %+v, want unknown", topic, got)
		}
		if !topics.IsFitness(topic) {
			t.Errorf("IsFitness(%q): got false, want true", topic)
		}
	}
}

// builders is every builder, called with the ids that its kind's pattern is
// filled with in the test below.
var builders = map[topics.Kind]string{
	topics.SessionInfo:           topics.SessionInfoTopic("i1"),
	topics.SessionParticipants:   topics.SessionParticipantsTopic("i1"),
	topics.SessionEvents:         topics.SessionEventsTopic("i1"),
	topics.SessionProgress:       topics.SessionProgressTopic("i1", "i2"),
	topics.SessionForm:           topics.SessionFormTopic("i1", "i2"),
	topics.SessionFormSeen:       topics.SessionFormSeenTopic("i1", "i2"),
	topics.SessionLeaderboard:    topics.SessionLeaderboardTopic("i1"),
	topics.SessionChat:           topics.SessionChatTopic("i1"),
	topics.SessionControl:        topics.SessionControlTopic("i1"),
	topics.ChallengeInfo:         topics.ChallengeInfoTopic("i1"),
	topics.ChallengeStatus:       topics.ChallengeStatusTopic("i1"),
	topics.ChallengeActivity:     topics.ChallengeActivityTopic("i1"),
	topics.ChallengeLeaderboard:  topics.ChallengeLeaderboardTopic("i1"),
	topics.ChallengeRank:         topics.ChallengeRankTopic("i1", "i2"),
	topics.ChallengeAchievements: topics.ChallengeAchievementsTopic("i1"),
	topics.ChatMessage:           topics.ChatMessageTopic("i1"),
	topics.ChatTyping:            topics.ChatTypingTopic("i1"),
	topics.ChatRead:              topics.ChatReadTopic("i1"),
	topics.UserChat:              topics.UserChatTopic("i1", "i2"),
	topics.UserReceipt:           topics.UserReceiptTopic("i1"),
	topics.UserNotification:      topics.UserNotificationTopic("i1"),
	topics.UserAchievement:       topics.UserAchievementTopic("i1"),
	topics.UserMatch:             topics.UserMatchTopic("i1"),
	topics.UserUnread:            topics.UserUnreadTopic("i1"),
	topics.UserToken:             topics.UserTokenTopic("i1"),
	topics.UserError:             topics.UserErrorTopic("i1"),
	topics.UserPresence:          topics.UserPresenceTopic("i1"),
	topics.UserAway:              topics.UserAwayTopic("i1"),
	topics.UserNotificationRead:  topics.UserNotificationReadTopic("i1"),
	topics.MatchBeacon:           topics.BeaconTopic,
	topics.MatchReply:            topics.ReplyTopic,
	topics.MatchBlock:            topics.BlockTopic,
}

func TestBuilders(t *testing.T) {
	for k := topics.SessionInfo; int(k) < topics.NumKinds; k++ {
		got, ok := builders[k]
		if !ok {
			t.Errorf("%v: no builder", k)
			continue
		}
		want := strings.Replace(strings.Replace(k.String(), "{}", "i1", 1), "{}", "i2", 1)
		if got != want {
			t.Errorf("%v: got %q, want %q", k, got, want)
		}
		if p := topics.Parse(got); p.Kind != k {
			t.Errorf("Parse(%q): got %v, want %v", got, p.Kind, k)
		}
	}
}

func TestIsState(t *testing.T) {
	states := 0
	for k := topics.Kind(0); int(k) < topics.NumKinds; k++ {
		last := k.String()[strings.LastIndexByte(strings.TrimSuffix(k.String(), "/{}"), '/')+1:]
		want := false
		switch last {
		case "info", "participants", "progress/{}", "status", "leaderboard", "rank/{}", "unread", "presence":
			want = true
			states++
		}
		if got := topics.IsState(k); got != want {
			t.Errorf("IsState(%v): got %v, want %v", k, got, want)
		}
	}
	if states != 10 {
		t.Errorf("got %d state kinds, want 10", states)
	}
}

func TestIsFitness(t *testing.T) {
	tests := []struct {
		filter     string
		is, may    bool
		space, id  string
		scopeFound bool
	}{
		{"session/s1/#", true, true, "session", "s1", true},
		{"session/s1/progress/+", true, true, "session", "s1", true},
		{"session/s1", true, true, "", "", false},
		{"session/+/info", true, true, "", "", false},
		{"session/#", true, true, "", "", false},
		{"challenge/c/info", true, true, "challenge", "c", true},
		{"user/ana/#", true, true, "user", "ana", true},
		{"chat/a.b/message", true, true, "chat", "a.b", true},
		{"chat/b.a/message", true, true, "", "", false},
		{"match/beacon", true, true, "", "", false},
		{"#", false, true, "", "", false},
		{"+/x/y", false, true, "", "", false},
		{"dev/s1/x", false, false, "", "", false},
		{"$SYS/#", false, false, "", "", false},
		{"sessions/a/b", false, false, "", "", false},
	}
	for _, tt := range tests {
		if got := topics.IsFitness(tt.filter); got != tt.is {
			t.Errorf("IsFitness(%q): got %v, want %v", tt.filter, got, tt.is)
		}
		if got := topics.MayMatchFitness(tt.filter); got != tt.may {
			t.Errorf("MayMatchFitness(%q): got %v, want %v", tt.filter, got, tt.may)
		}
		space, id, ok := topics.FilterScope(tt.filter)
		if space != tt.space || id != tt.id || ok != tt.scopeFound {
			t.Errorf("FilterScope(%q): got %q, %q, %v, want %q, %q, %v", tt.filter, space, id, ok, tt.space, tt.id, tt.scopeFound)
		}
	}
}

func TestValidID(t *testing.T) {
	for _, s := range []string{"a", "Z9_-", strings.Repeat("x", 64)} {
		if !topics.ValidID(s) {
			t.Errorf("ValidID(%q): got false, want true", s)
		}
	}
	for _, s := range []string{"", strings.Repeat("x", 65), "a.b", "a b", "ä", "a/b", "+", "#", "a\x00", "@", "[", "`", "{", "\x1f"} {
		if topics.ValidID(s) {
			t.Errorf("ValidID(%q): got true, want false", s)
		}
	}
}

func TestDirect(t *testing.T) {
	for _, users := range [][2]string{{"ana", "ben"}, {"ben", "ana"}} {
		c := topics.Direct(users[0], users[1])
		if c != "ana.ben" {
			t.Errorf("Direct(%q): got %q, want ana.ben", users, c)
		}
		if a, b, ok := topics.SplitDirect(c); a != "ana" || b != "ben" || !ok {
			t.Errorf("SplitDirect(%q): got %q, %q, %v", c, a, b, ok)
		}
	}
}
