package engine

import (
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/challenge"
	"github.com/fitmq/fitmq/fitness/chat"
	"github.com/fitmq/fitmq/fitness/workout"
	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// MQTT 5 reason codes of refusals.
const (
	codeUnspecified   = 0x80
	codeSpecific      = 0x83 // implementation specific error
	codeNotAuthorized = 0x87
	codeRate          = 0x96 // message rate too high
	codeQuota         = 0x97 // quota exceeded
	codePayload       = 0x99 // payload format invalid
)

// reasonCodes translates the kinds of errors, once for MQTT.
var reasonCodes = map[fitness.Kind]byte{
	fitness.Internal: codeUnspecified, fitness.Unavailable: codeUnspecified,
	fitness.Malformed: codePayload, fitness.Invalid: codeSpecific, fitness.Conflict: codeSpecific,
	fitness.Forbidden: codeNotAuthorized, fitness.NotFound: codeNotAuthorized,
	fitness.Quota: codeQuota, fitness.Rate: codeRate,
}

// maxReason bounds a reason in bytes: it travels in an acknowledgement.
const maxReason = 1024

// Handle implements Handler. Topics that mean nothing to the engine are accepted
// as ordinary messages: delivered, retained where the client asks for it outside
// the fitness names, state where the topic is one.
func (e *Engine) Handle(in Inbound) Outcome {
	at := moment(in.At)
	e.presence.touch(in.Sender.ClientID, at)
	var out Outcome
	var err error
	switch t := topics.Parse(in.Topic); t.Kind {
	case topics.SessionProgress:
		out, err = e.handleProgress(in, t.ID, t.User, at)
	case topics.SessionControl:
		out, err = e.handleControl(in, t.ID, at)
	case topics.ChallengeActivity:
		out, err = e.handleActivity(in, t.ID, at)
	case topics.SessionForm:
		out, err = e.handleForm(in, t.ID, t.User)
	case topics.SessionFormSeen:
		out, err = e.handleFormSeen(in, t.ID, t.User)
	case topics.SessionChat:
		out, err = e.handleMessage(in, sessionPrefix+t.ID, chat.Place{Session: t.ID}, at)
	case topics.ChatMessage:
		out, err = e.handleMessage(in, t.Conversation, chat.Place{Conversation: t.Conversation}, at)
	case topics.ChatRead:
		out, err = e.handleRead(in, t.Conversation)
	case topics.ChatTyping:
		out, err = e.handleTyping(in, t.Conversation, at)
	case topics.UserNotification:
		out, err = e.handleNotification(in, t.User, at)
	case topics.UserNotificationRead:
		out, err = e.handleReading(in)
	case topics.UserAway:
		out, err = e.handleAway(in, at)
	case topics.MatchBeacon:
		out, err = e.handleBeacon(in, at)
	case topics.MatchReply:
		out, err = e.handleReply(in, at)
	case topics.MatchBlock:
		out, err = e.handleBlock(in, at)
	default:
		return Outcome{Deliver: true, Retain: in.Retain && !topics.IsFitness(in.Topic), State: topics.IsState(t.Kind)}
	}
	if err == nil {
		return out
	}
	e.stats.Refused.Add(1)
	kind := fitness.KindOf(err)
	if kind == fitness.Rate || kind == fitness.Quota {
		e.stats.RefusedRate.Add(1)
	}
	reason := fitness.Message(err)
	if len(reason) > maxReason {
		reason = reason[:maxReason]
	}
	return Outcome{Code: reasonCodes[kind], Reason: reason}
}

// Applied implements Handler.
func (e *Engine) Applied(pos store.Pos, in Inbound) {
	e.apply.Lock()
	defer e.apply.Unlock()
	if pos <= e.saver.position() {
		return // applied and saved before the restart
	}
	at := moment(in.At)
	switch t := topics.Parse(in.Topic); t.Kind {
	case topics.SessionControl:
		e.applyControl(in, t.ID, at)
	case topics.ChallengeActivity:
		// Kept before it is published: what Publish says of an award comes behind.
		if id, err := challenge.ParseWithdrawal(in.Payload); id != "" && err == nil {
			e.saver.applied(0, e.applyWithdrawal(in, t.ID, id, at))
		} else {
			e.saver.applied(0, e.applyActivity(pos, in, t.ID, at))
		}
	case topics.SessionChat:
		e.applyMessage(pos, in, sessionPrefix+t.ID, at)
	case topics.ChatMessage:
		e.applyMessage(pos, in, t.Conversation, at)
	case topics.UserNotification:
		e.applyNotification(pos, in, t.User)
	case topics.UserNotificationRead:
		e.applyReading(in, t.User, at)
	case topics.ChatRead:
		e.applyRead(pos, in, t.Conversation, at)
	case topics.MatchReply:
		e.applyReply(pos, in, at)
	case topics.MatchBlock:
		e.applyBlock(pos, in)
	}
	e.out.drain()
	e.applyDone(pos)
}

// applyDone notes the position, and saves where too much is unsaved.
func (e *Engine) applyDone(pos store.Pos) {
	unsaved := e.saver.applied(pos, appliedRows{}) + int(e.chats.unsaved.Load())
	if unsaved < saveSoon {
		return
	}
	select {
	case e.saver.full <- struct{}{}:
	default: // Run has the sign already
	}
	if unsaved >= saveNow {
		e.saveInline()
	}
}

// handleProgress judges live samples and takes them into the live leaderboard.
// Of a batch subscribers see the newest sample, as if it had come alone: it is
// what the topic's retained message must be, and a viewer's figures must not run
// through the past. The others count for legs and findings.
func (e *Engine) handleProgress(in Inbound, sessionID, userID string, at time.Time) (Outcome, error) {
	samples, batch, err := workout.Parse(in.Payload, at)
	if err != nil {
		return Outcome{}, err
	}
	s, err := e.findSession("", sessionID)
	if err != nil {
		return Outcome{}, err
	}
	connected := e.presence.since(in.Sender.ClientID)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rec.State != workout.Live || s.gone {
		return Outcome{}, fitness.Errorf("", fitness.Conflict, "session %s is %s: samples are taken while it is live", sessionID, s.rec.State)
	}
	if !s.allowed(userID) {
		return Outcome{}, fitness.Errorf("", fitness.Forbidden, "user %s is not a member of session %s", userID, sessionID)
	}
	if s.people[userID] == nil && s.full(userID) {
		e.stats.JoinsRefused.Add(1)
		return Outcome{}, fitness.Errorf("", fitness.Quota, "session %s is full: its capacity is %d", sessionID, s.rec.Capacity)
	}
	p := s.person(userID, e.opt.MaxMembers)
	if p == nil {
		return Outcome{}, fitness.Errorf("", fitness.Quota, "session %s has %d participants, the limit", sessionID, e.opt.MaxMembers)
	}
	if !p.mayPublish(in.Sender.ClientID, at, e.opt.ProgressRate) {
		return Outcome{}, fitness.Errorf("", fitness.Rate, "progress comes too fast: over the limit of %g messages a second from a device", e.opt.ProgressRate)
	}
	track, newest := e.following(s, userID, p), false
	for i := range samples {
		isNewest, flags := track.Take(in.Sender.ClientID, connected, &samples[i], at, batch)
		if len(flags) > 0 {
			e.stats.SamplesFlagged.Add(1)
		}
		newest = isNewest || newest
	}
	e.stats.ProgressAccepted.Add(1)
	e.stats.SamplesAccepted.Add(uint64(len(samples)))
	if newest {
		e.newStanding(s, userID, p, at)
		e.tellMilestones(s, userID, p, at)
	}
	out := Outcome{Deliver: true, Retain: newest, State: newest}
	if batch {
		out.Payload = samples[len(samples)-1].Raw
	}
	return out, nil
}

// mayPublish takes one message from the device's allowance.
func (p *person) mayPublish(clientID string, at time.Time, perSecond float64) bool {
	burst := max(perSecond, 1)
	oldest := 0
	for i := range p.devices {
		if p.devices[i].client == clientID {
			return p.devices[i].take(at, burst, perSecond)
		}
		if p.devices[i].at.Before(p.devices[oldest].at) {
			oldest = i
		}
	}
	d := device{client: clientID}
	ok := d.take(at, burst, perSecond)
	if len(p.devices) < maxDevices {
		p.devices = append(p.devices, d)
	} else {
		p.devices[oldest] = d
	}
	return ok
}

// Recall takes a kept live sample back into its session's standings after a
// start: those are saved only now and then, while the newest sample of everybody
// is kept as the topic's retained message. What is older than the standings
// changes nothing. stale reports that it is of a session that is gone, or has ended
// with everything saved, or of somebody who was removed, and must not be kept any
// longer: a crash came before its removal was. It is called before anybody connects.
func (e *Engine) Recall(in Inbound) (stale bool) {
	t := topics.Parse(in.Topic)
	if t.Kind != topics.SessionProgress {
		return false
	}
	s := e.sessions.get(t.ID)
	if s == nil {
		return true
	}
	at := moment(in.At)
	samples, batch, err := workout.Parse(in.Payload, at)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rec.State == workout.Ended && s.rec.Summed {
		return s.rec.Cleared // else the first ticks remove it
	}
	if !s.allowed(t.User) {
		return true
	}
	p := s.person(t.User, e.opt.MaxMembers)
	if err != nil || p == nil {
		return false // accepted by other rules than today's
	}
	lost := p.track == nil
	track, newest := e.following(s, t.User, p), false
	if lost { // killed before the first of it was saved
		track.Resume()
	}
	for i := range samples {
		isNewest, _ := track.Take(in.Sender.ClientID, time.Time{}, &samples[i], at, batch)
		newest = isNewest || newest
	}
	if newest {
		e.newStanding(s, t.User, p, at)
		e.tellMilestones(s, t.User, p, at)
	}
	return false
}

// newStanding ranks a participant whose newest sample has changed, and sees to
// it that the board is published and the standing saved. s.mu is held.
func (e *Engine) newStanding(s *session, userID string, p *person, at time.Time) {
	s.rank(userID, p)
	s.rec.Updated = at
	s.out.board = true
	if len(s.dirty.later) == 0 {
		e.saver.session(s)
	}
	s.dirty.later[userID] = struct{}{}
	e.wake.session(s, s.out.boardNext)
}
