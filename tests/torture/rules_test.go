package torture_test

import "fmt"

// violation is a promise that was not kept.
type violation struct {
	rule   string
	who    string // client that saw it
	stream stream // zero: not about one
	at     int64  // place in the record
	text   string
	// open: more time could still heal it, because something has not arrived.
	open bool
}

func (v violation) String() string {
	return fmt.Sprintf("%s: client %s, %s/%s/%c, event %d: %s", v.rule, v.who, v.stream.pub, v.stream.topic, max(v.stream.class, '-'), v.at, v.text)
}

// Rules, as violations name them.
const (
	ruleSeen      = "the client saw a fault"
	ruleSession   = "session present is right"
	ruleID        = "no packet id is used again while it is in use"
	ruleDup       = "DUP only on what was sent before, never within one connection"
	ruleWindow    = "Receive Maximum is kept"
	ruleFilter    = "nothing without a subscription"
	rulePhantom   = "nothing that was never published"
	ruleOnce      = "QoS 2 exactly once"
	ruleRepeat    = "repeated only after a reconnect"
	ruleOrder     = "order per publisher and topic"
	ruleGap       = "no gap"
	ruleLost      = "nothing acknowledged is lost"
	ruleRetained  = "the retained value is the last one"
	ruleHandling  = "retained messages come as the retain handling says"
	ruleFlag      = "the retain flag is as published, where that was asked for"
	ruleSubID     = "deliveries have the identifiers of their subscriptions"
	ruleExpired   = "nothing is sent after its expiry, and the time left is told"
	ruleShared    = "each message to one member of a shared subscription"
	ruleShareLost = "nothing that a shared subscription is owed is lost"
	ruleWillOnce  = "a will is published at most once"
	ruleWillNever = "no will after a clean end or a return"
	ruleWillSent  = "a will is published after an unclean end"
	ruleWillEarly = "a will waits for its delay"
)
