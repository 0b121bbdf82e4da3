package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/fitmq/fitmq/topics"
)

// rooms are the packages whose types are wire payloads.
var rooms = []string{"engine", "fitness/workout", "fitness/challenge", "fitness/training", "fitness/chat", "fitness/notify", "fitness/match", "fitness/leaderboard"}

// shape is an interface of TypeScript.
type shape struct {
	name, from, doc string
	// required are the members that must be there although Go has them as
	// pointers, to tell absent from zero.
	required []string
	// types replace what Go says of a member; the value is TypeScript, or
	// "consts:package.Prefix" for the string constants of that prefix.
	types map[string]string
	// more are lines for members that Go does not read by name.
	more []string
}

var shapes = []shape{
	{name: "SessionInfo", from: "engine.Session", doc: "session/{sid}/info",
		types: map[string]string{"kind": "consts:workout.Kind", "visibility": "'open' | 'invite'"}},
	{name: "Participant", from: "engine.Participant", types: map[string]string{"role": "'host' | 'trainer' | 'participant'"}},
	{name: "Roster", from: "engine.Roster", doc: "session/{sid}/participants"},
	{name: "Milestone", from: "workout.Milestone"},
	{name: "SessionEvent", from: "engine.Event", doc: "session/{sid}/events", types: map[string]string{"type": "consts:engine.Event", "reason": "string"}},
	{name: "LiveSample", from: "workout.wire", doc: "session/{sid}/progress/{uid}: SI units; what was not measured is absent", required: []string{"seq", "timestamp"}},
	{name: "FormCorrection", from: "training.correction", doc: "session/{sid}/form/{uid}: a trainer's word to a client",
		required: []string{"correctionId", "exercise", "severity"},
		types: map[string]string{"severity": "'info' | 'warning' | 'stop'",
			"joint":   "'knee' | 'hip' | 'elbow' | 'shoulder' | 'spine' | 'ankle' | 'wrist' | 'neck'",
			"measure": "'angle' | 'rangeOfMotion' | 'tempo' | 'symmetry' | 'depth'"}},
	{name: "BoardEntry", from: "engine.BoardEntry"},
	{name: "TeamEntry", from: "engine.TeamEntry"},
	{name: "Leaderboard", from: "engine.Board", doc: "challenge/{cid}/leaderboard and session/{sid}/leaderboard"},
	{name: "Rank", from: "engine.RankCard", doc: "challenge/{cid}/rank/{uid}"},
	{name: "PeriodStatus", from: "engine.PeriodStatus"},
	{name: "ChallengeStatus", from: "engine.ChallengeStatus", doc: "challenge/{cid}/status"},
	{name: "AwardRule", from: "challenge.AwardRule", types: map[string]string{"kind": "string"}},
	{name: "Limits", from: "challenge.Limits"},
	{name: "Team", from: "challenge.Team"},
	{name: "ChallengeInfo", from: "engine.Challenge", doc: "challenge/{cid}/info", types: map[string]string{"visibility": "'open' | 'invite'"}},
	{name: "Activity", from: "challenge.totals", doc: "challenge/{cid}/activity: a finished activity, counted once for its activityId",
		required: []string{"totalElapsedTime"},
		more:     []string{"activityId: string", "sport: string", "/** RFC 3339. */", "startTime: string", "device?: string", "manual?: boolean"}},
	{name: "Achievement", from: "engine.Achievement", doc: "user/{uid}/achievement and challenge/{cid}/achievements", types: map[string]string{"kind": "string"}},
	{name: "Message", from: "chat.stamped", doc: "A message, as it comes: chat/{conversation}/message, user/{uid}/chat/{conversation}, session/{sid}/chat",
		types: map[string]string{"kind?": "'edit' | 'delete'", "content?": "string", "target?": "string"},
		more:  []string{"type: 'chat'", "recipientId?: string", "conversation?: string", "sessionId?: string", "editedAt?: string", "deletedAt?: string"}},
	{name: "Receipt", from: "engine.Receipt", doc: "user/{uid}/receipt: what became of a message that I sent", types: map[string]string{"state": "consts:engine.Receipt"}},
	{name: "Notification", from: "notify.wire", doc: "user/{uid}/notification, and an entry of GET /api/v1/me/notifications",
		required: []string{"type", "content", "senderId", "recipientId", "messageId"},
		types:    map[string]string{"type": "'notification'", "priority": "'normal' | 'urgent'"},
		more:     []string{"timestamp: string", "expiresAt?: string", "data?: unknown", "/** Whether it was read, in the list. */", "read?: boolean"}},
	{name: "Match", from: "engine.Match", doc: "user/{uid}/match: a partner who is proposed, or what became of a proposal; until both have accepted no more than a band",
		types: map[string]string{"state": "consts:engine.Match"}},
	{name: "Beacon", from: "match.payload", doc: "match/beacon: who looks for company; the position is snapped to a cell before anything is done with it",
		required: []string{"latitude", "longitude", "sport"},
		types:    map[string]string{"levels?": "readonly string[]", "visibility?": "'open' | 'hidden'"}},
	{name: "Presence", from: "engine.Presence", types: map[string]string{"state": "'online' | 'away' | 'offline'"}},
	{name: "Unread", from: "engine.Unread", doc: "user/{uid}/unread"},
	{name: "Refusal", from: "engine.Refusal", doc: "user/{uid}/error: why a publish of mine was refused", more: []string{"activityId?: string"}},
	{name: "ConversationMember", from: "engine.ConversationMember", doc: "A member of a conversation, and how far they have come: had and read up to these seqs."},
	{name: "Conversation", from: "engine.Conversation", doc: "An entry of GET /api/v1/conversations"},
}

func (s *source) write(out *bytes.Buffer, sh shape) error {
	members, err := s.members(sh.from)
	if err != nil {
		return err
	}
	doc := strings.TrimSpace(sh.doc)
	if doc == "" {
		doc = strings.Join(strings.Fields(s.docs[sh.from]), " ")
	}
	fmt.Fprintf(out, "\n/** %s */\nexport interface %s {\n", doc, sh.name)
	for _, m := range members {
		typ, optional := m.typ, m.optional && !slices.Contains(sh.required, m.name)
		if t, ok := sh.types[m.name]; ok {
			typ = t
		}
		if t, ok := sh.types[m.name+"?"]; ok {
			typ, optional = t, true
		}
		if prefix, ok := strings.CutPrefix(typ, "consts:"); ok {
			if typ = s.constants(prefix); typ == "" {
				return fmt.Errorf("no constants begin with %s", prefix)
			}
		}
		if m.doc != "" {
			fmt.Fprintf(out, "  /** %s */\n", strings.Join(strings.Fields(m.doc), " "))
		}
		mark := ""
		if optional {
			mark = "?"
		}
		fmt.Fprintf(out, "  readonly %s%s: %s\n", m.name, mark, typ)
	}
	for _, line := range sh.more {
		if !strings.HasPrefix(line, "/**") {
			line = "readonly " + line
		}
		fmt.Fprintf(out, "  %s\n", line)
	}
	out.WriteString("}\n")
	return nil
}

// constants is the union of a package's string constants whose names begin so.
func (s *source) constants(prefix string) string {
	pkg, start, _ := strings.Cut(prefix, ".")
	var values []string
	for _, name := range s.order[pkg] {
		if strings.HasPrefix(name, start) {
			values = append(values, s.consts[pkg+"."+name])
		}
	}
	return union(values)
}

// writeTopics writes the topic patterns, those marked of which only the newest
// value matters, and the type of their names. The names are made from the
// patterns when the client is loaded: that way they are not shipped.
func writeTopics(out *bytes.Buffer) {
	var names, patterns []string
	for k := range topics.Kind(topics.NumKinds) {
		pattern := k.String()
		if !topics.IsFitness(strings.ReplaceAll(pattern, "{}", "x")) {
			continue
		}
		names = append(names, camel(pattern))
		if topics.IsState(k) {
			pattern += "!"
		}
		patterns = append(patterns, pattern)
	}
	out.WriteString("\n/** The topics' patterns, with {} for an id and ! after those of which only the newest value matters. */\n")
	fmt.Fprintf(out, "export const patterns =\n  '%s'\n", strings.Join(patterns, " ' +\n  '"))
	fmt.Fprintf(out, "\n/** The name of a row of the topic tables: session/{}/form/{}/seen is sessionFormSeen. */\nexport type TopicKind =\n  | '%s'\n", strings.Join(names, "'\n  | '"))
}

// camel makes sessionFormSeen of session/{}/form/{}/seen.
func camel(pattern string) string {
	name := ""
	for part := range strings.SplitSeq(pattern, "/") {
		switch {
		case part == "{}":
		case name == "":
			name = part
		default:
			name += strings.ToUpper(part[:1]) + part[1:]
		}
	}
	return name
}
