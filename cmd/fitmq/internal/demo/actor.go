package demo

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
)

// actor is somebody of the cast with a client of their own: hears what comes,
// and acts once a second.
type actor struct {
	stage *Stage
	*account
	filters []string
	// hear takes what comes; it must not wait. tick acts. Both run on one goroutine.
	hear func(topic string, payload []byte)
	tick func(now time.Time)

	m       *autopaho.ConnectionManager
	ctx     context.Context // of run, for say
	heard   chan message
	planned []plan
	answer  int
}

type message struct {
	topic   string
	payload []byte
}

// plan is something that is done later.
type plan struct {
	at time.Time
	do func()
}

// maxHeard bounds the messages that an actor has not looked at; over it they
// are missed, as people miss things.
const maxHeard = 256

// newActor is somebody who listens to what is meant for them, and below the
// sessions named.
func newActor(s *Stage, who string, sessions ...string) *actor {
	a := &actor{stage: s, account: s.cast[who], heard: make(chan message, maxHeard), filters: []string{"user/" + who + "/#"}}
	for _, id := range sessions {
		a.filters = append(a.filters, "session/"+id+"/#")
	}
	return a
}

// run plays until ctx ends.
func (a *actor) run(ctx context.Context) error {
	w := &watcher{id: a.id, password: a.password, addr: a.stage.opts.MQTTAddr, filters: a.filters, onMessage: func(topic string, payload []byte) {
		select {
		case a.heard <- message{topic, payload}:
		default: // missed
		}
	}}
	// The connection outlives ctx for as long as it takes to sign off.
	m, err := w.connect(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	defer bye(m)
	a.m, a.ctx = m, ctx
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case got := <-a.heard:
			a.take(got)
		case <-second.C:
			a.act(a.stage.opts.Now())
		}
	}
}

// take looks at a message.
func (a *actor) take(got message) {
	switch {
	case got.topic == "user/"+a.id+"/error":
		a.stage.report.refuse(string(got.payload))
	case strings.HasPrefix(got.topic, "user/"+a.id+"/chat/"):
		a.written(strings.TrimPrefix(got.topic, "user/"+a.id+"/chat/"), got.payload)
	}
	if a.hear != nil {
		a.hear(got.topic, got.payload)
	}
}

// act does what is due.
func (a *actor) act(now time.Time) {
	due := a.planned
	a.planned = nil
	for _, p := range due {
		if p.at.After(now) {
			a.planned = append(a.planned, p)
		} else {
			p.do()
		}
	}
	if a.tick != nil {
		a.tick(now)
	}
}

// maxPlanned bounds what is planned; over it further things are not done.
const maxPlanned = 32

// later does something after a while.
func (a *actor) later(d time.Duration, do func()) {
	if len(a.planned) < maxPlanned {
		a.planned = append(a.planned, plan{a.stage.opts.Now().Add(d), do})
	}
}

// say publishes.
func (a *actor) say(topic string, qos byte, body any) {
	a.stage.send(a.ctx, a.m, topic, qos, body)
}

// written answers what the watcher writes: reads it, types, and says something.
// In the group only one of them answers.
func (a *actor) written(conversation string, payload []byte) {
	var m struct {
		SenderID  string `json:"senderId"`
		MessageID string `json:"messageId"`
		Kind      string `json:"kind"`
	}
	if json.Unmarshal(payload, &m) != nil || m.SenderID != WatcherID || m.Kind != "" {
		return
	}
	topic := "chat/" + conversation + "/"
	a.later(time.Second, func() { a.say(topic+"read", 1, map[string]string{"messageId": m.MessageID}) })
	if conversation == groupID && a.id != marcoID {
		return
	}
	a.later(2*time.Second, func() { a.say(topic+"typing", 0, map[string]bool{"typing": true}) })
	a.later(5*time.Second, func() {
		a.say(topic+"message", 1, map[string]string{"content": answers[a.answer%len(answers)]})
		a.answer++
	})
}
