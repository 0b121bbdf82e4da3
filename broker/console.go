package broker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"time"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/gateway"
	"github.com/fitmq/fitmq/topics"
)

// console shows operators what goes on.
type console struct {
	b       *Broker
	started time.Time
}

// Clients implements gateway.Console.
func (c *console) Clients(q gateway.ClientQuery) ([]gateway.ClientInfo, string) {
	found, next := c.b.hub.Clients(delivery.ClientQuery(q))
	list := make([]gateway.ClientInfo, len(found))
	for i, one := range found {
		list[i] = clientInfo(one)
	}
	return list, next
}

// Client implements gateway.Console.
func (c *console) Client(clientID string) (gateway.ClientInfo, error) {
	one, ok := c.b.hub.Client(clientID)
	if !ok {
		return gateway.ClientInfo{}, gateway.ErrNoClient
	}
	return clientInfo(one), nil
}

func clientInfo(c delivery.ClientInfo) gateway.ClientInfo {
	return gateway.ClientInfo{
		ClientID: c.ID, UserID: c.UserID, Role: c.Role, Connected: c.Connected, Via: c.Via, Version: c.Version, Remote: c.Remote,
		Since: c.Since, Expiry: c.Expiry, Subscriptions: c.Subscriptions,
		Inflight: c.Inflight, Waiting: c.Waiting, Behind: c.Behind && c.Expiry > 0, Will: c.Will,
		Window: c.Window, Dropped: c.Dropped,
	}
}

// Queue implements gateway.Console.
func (c *console) Queue(ctx context.Context, clientID string) (gateway.QueueInfo, error) {
	q, err := c.b.hub.Queue(ctx, clientID)
	if errors.Is(err, delivery.ErrNoSession) {
		return gateway.QueueInfo{}, gateway.ErrNoClient
	}
	return gateway.QueueInfo{ClientID: clientID, Inflight: q.Inflight, Messages: q.Messages, Bytes: q.Bytes, Oldest: when(q.Oldest)}, err
}

// when is a moment that may be missing.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// Queues implements gateway.Console.
func (c *console) Queues(ctx context.Context, byMessages bool, limit int) (gateway.Queues, error) {
	found, err := c.b.hub.Backlogs(ctx, byMessages, limit)
	q := gateway.Queues{Sessions: found.Sessions, Looked: found.Looked}
	for _, one := range found.List {
		q.Items = append(q.Items, gateway.ClientQueue{
			ClientID: one.ID, UserID: one.UserID, Connected: one.Connected, Since: one.Since, Inflight: one.Queue.Inflight, Window: one.Window,
			Messages: one.Messages, Bytes: one.Bytes, Oldest: when(one.Oldest), Dropped: one.Dropped,
		})
	}
	return q, err
}

// storage tells how full the data directory is, and how writing goes.
func (c *console) storage() gateway.Storage {
	u, commit := c.b.store.Usage(), &c.b.hub.Stats().Commit
	s := gateway.Storage{
		LogBytes: u.LogBytes, LogLimit: int64(c.b.opts.Config.Sessions.LogSize), LogFiles: u.LogFiles, TablesBytes: u.TablesBytes,
		First: uint64(u.First), Last: uint64(u.Last), DiskFree: u.DiskFree, DiskSize: u.DiskSize,
	}
	if at := commit.LastAt.Load(); at != 0 {
		s.LastCommit = when(time.Unix(0, at))
	}
	if failure := commit.LastFailure.Load(); failure != nil {
		s.LastFailure, s.Error = when(failure.At), failure.Err.Error()
	}
	return s
}

// Disconnect implements gateway.Console.
func (c *console) Disconnect(clientID string, forget bool) error {
	return streamError(c.b.hub.Disconnect(clientID, forget))
}

// Stats implements gateway.Console.
func (c *console) Stats() gateway.Stats {
	st, g, e := c.b.hub.Stats(), c.b.hub.Gauges(), c.b.engine.Stats()
	s := gateway.Stats{
		Version: version(), Time: time.Now().UTC(), StartedAt: c.started, Ready: c.b.readiness() == nil,
		Sizes: gateway.Sizes{
			Sessions: g.Sessions, Connected: g.Connected, Streams: g.Streams, Subscriptions: g.Subscriptions,
			Retained: g.Retained, RetainedBytes: g.RetainedBytes, QueuedBytes: g.Held, LogBytes: g.LogBytes, Workouts: e.Sessions, Challenges: e.Challenges,
		},
		Storage: c.storage(),
		Totals: map[string]uint64{
			"refused.noRight": st.Refused.NoRight.Load(), "refused.payload": st.Refused.Meaning.Load(),
			"refused.subscription": st.Refused.Subscription.Load(), "refused.rate": st.Refused.Rate.Load(),
			"dropped.congested": st.Dropped.Congested.Load(), "dropped.queueFull": st.Dropped.QueueFull.Load(),
			"dropped.expired": st.Dropped.Expired.Load(), "dropped.tooLarge": st.Dropped.TooLarge.Load(),
			"dropped.noRight": st.Dropped.NoRight.Load(), "activities": e.ActivitiesCounted, "samples": e.SamplesAccepted, "chat": e.ChatMessages,
		},
	}
	door := c.b.door.Stats()
	s.Totals["signIns.admitted"], s.Totals["signIns.refused"], s.Totals["signIns.throttled"] = door.Admitted, door.Refused, door.Throttled
	s.Totals["commits"], s.Totals["records"], s.Totals["commitFailures"] = st.Commit.Batches.Load(), st.Commit.Records.Load(), st.Commit.Failed.Load()
	s.Totals["refusals.forgotten"], s.Totals["signIns.forgotten"] = c.b.refusals.forgotten()
	for qos := range st.Received {
		s.Totals[fmt.Sprint("received.qos", qos)] = st.Received[qos].Load()
		s.Totals[fmt.Sprint("delivered.qos", qos)] = st.Delivered[qos].Load()
	}
	for _, one := range c.b.hub.History() {
		s.History = append(s.History, gateway.Sample(one))
	}
	return s
}

// backUp writes a copy of the store.
func (b *Broker) backUp(ctx context.Context, w io.Writer) error {
	_, err := b.store.Backup(ctx, w)
	return err
}

// version is the module's, of which this program was built.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

// What explaining looks at: where messages have ids, for as long as ids count, and
// not more than that many.
var explained = []string{
	topics.ChatMessageTopic("+"), topics.SessionChatTopic("+"), "user/+/chat/+", "user/+/notification",
}

const (
	explainAge  = 24 * time.Hour
	explainLook = 100_000
)

// Explain implements gateway.Console.
func (c *console) Explain(ctx context.Context, messageID, topic string) ([]gateway.Explained, bool, error) {
	filters := explained
	if topic != "" {
		if err := topics.ValidFilter(topic); err != nil {
			return nil, false, &access.InputError{Msg: "topic: " + err.Error()}
		}
		filters = []string{topic}
	}
	quoted := []byte(messageID)
	found, more, err := c.b.hub.Find(ctx, filters, time.Now().Add(-explainAge), explainLook, func(m *delivery.Message) bool {
		return bytes.Contains(m.Payload, quoted) && named(m).is(messageID)
	})
	if err != nil {
		return nil, false, err
	}
	// Some are in the log for what they mean, and others are made of them, which are
	// found too: but for those that go to nobody, or to an inbox first.
	found = slices.DeleteFunc(found, func(r delivery.Recorded) bool {
		kind := topics.Parse(r.Message.Topic).Kind
		return !r.Routed && kind != topics.UserNotification && kind != topics.ChallengeActivity
	})
	list := make([]gateway.Explained, len(found))
	for i, one := range found {
		m := one.Message
		list[i] = gateway.Explained{Topic: m.Topic, SenderID: m.From.UserID, At: time.Unix(0, m.At).UTC(), QoS: m.QoS, From: m.From.UserID, Fates: []gateway.Fate{}}
		if m.From.ClientID == "" { // the broker's copy says whose it is
			list[i].From = named(m).SenderID
			list[i].SenderID = list[i].From
		}
		if p := topics.Parse(m.Topic); !one.Routed && p.Kind == topics.UserNotification {
			fate, err := c.inInbox(p.User, m.Payload)
			if err != nil {
				return nil, false, err
			}
			list[i].Fates = append(list[i].Fates, fate)
		}
		for _, f := range one.Fates {
			fate := gateway.Fate{UserID: f.UserID, ClientID: f.ClientID, State: f.State, Why: f.Why}
			if !f.Since.IsZero() {
				fate.OfflineSince = &f.Since
			}
			list[i].Fates = append(list[i].Fates, fate)
		}
	}
	return list, more, nil
}

// inInbox is the fate of a notification, which goes to its user's inbox before
// anywhere else.
func (c *console) inInbox(userID string, payload []byte) (gateway.Fate, error) {
	n, err := c.b.engine.NoteFate(userID, payload)
	if err != nil {
		return gateway.Fate{}, fmt.Errorf("look into the inbox: %w", err)
	}
	fate := gateway.Fate{UserID: userID, State: delivery.FateDropped, Why: n.Why}
	switch {
	case n.Read:
		fate.State = delivery.FateDone
	case n.Sent:
		fate.State = delivery.FateSent
	case n.Expired:
		fate.State = delivery.FateExpired
	case n.Waits:
		fate.State = delivery.FateQueued
	}
	return fate, nil
}

// names are the ids in a payload.
type names struct {
	MessageID  string `json:"messageId"`
	ActivityID string `json:"activityId"`
	SenderID   string `json:"senderId"`
}

func named(m *delivery.Message) names {
	var n names
	if json.Unmarshal(m.Payload, &n) != nil {
		return names{} // it has none
	}
	return n
}

func (n names) is(id string) bool { return n.MessageID == id || n.ActivityID == id }
