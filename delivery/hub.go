package delivery

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fitmq/fitmq/store"
)

// Limits bounds what clients can make the data plane hold.
type Limits struct {
	// ReceiveMaximum is how many QoS 1 and 2 messages of one publisher may be
	// unacknowledged; over it the connection ends with 0x93. Zero means 1024.
	ReceiveMaximum int
	// MaxInflight bounds a client's own Receive Maximum. Zero means 1024.
	MaxInflight int
	// TopicAliasMaximum is how many topic aliases a publisher may use. Zero
	// means 64, negative none.
	TopicAliasMaximum int
	// TopicLevels and TopicLength (bytes) bound names and filters; over it a
	// publish ends with 0x90, a subscription with 0x8F. Zero means 32 and 1024.
	TopicLevels, TopicLength int
	// Subscriptions a client may have; one more gets 0x97. Zero means 1000.
	Subscriptions int
	// QueueMessages and QueueBytes bound what one session is owed; over it the
	// oldest are given up, counted, and the client is told. Zero means 100,000
	// and 64 MiB.
	QueueMessages, QueueBytes int
	// QueueAge is how long a message may wait for a session; an older one is
	// given up as above. Zero means 30 days.
	QueueAge time.Duration
	// LogBytes bounds the log on the disk, and so what all sessions together
	// are owed: over it the oldest messages are given up for everybody, as
	// above. The log's newest file is always kept. Zero means 16 GiB.
	LogBytes int64
	// MemoryBytes bounds what waits in memory for all connected clients
	// together, to within what a second brings: over it a session that is not
	// kept in the log holds a fraction of its queue, and others leave theirs in
	// the log. Zero means 512 MiB.
	MemoryBytes int64
	// RetainedMessages and RetainedBytes bound what clients may have retained; a
	// publish that would exceed one is refused with 0x97. Zero means 1,000,000
	// and 256 MiB.
	RetainedMessages int
	RetainedBytes    int64
	// MaxSessionExpiry caps the session expiry interval, in seconds. Zero means
	// 30 days.
	MaxSessionExpiry uint32
}

func (l Limits) withDefaults() Limits {
	l.ReceiveMaximum = cmp.Or(l.ReceiveMaximum, 1024)
	l.MaxInflight = cmp.Or(l.MaxInflight, 1024)
	l.TopicAliasMaximum = cmp.Or(l.TopicAliasMaximum, 64)
	l.TopicLevels = cmp.Or(l.TopicLevels, 32)
	l.TopicLength = cmp.Or(l.TopicLength, 1024)
	l.Subscriptions = cmp.Or(l.Subscriptions, 1000)
	l.QueueMessages = cmp.Or(l.QueueMessages, 100_000)
	l.QueueBytes = cmp.Or(l.QueueBytes, 64<<20)
	l.QueueAge = cmp.Or(l.QueueAge, 30*24*time.Hour)
	l.LogBytes = cmp.Or(l.LogBytes, 16<<30)
	l.MemoryBytes = cmp.Or(l.MemoryBytes, 512<<20)
	l.RetainedMessages = cmp.Or(l.RetainedMessages, 1_000_000)
	l.RetainedBytes = cmp.Or(l.RetainedBytes, 256<<20)
	l.MaxSessionExpiry = cmp.Or(l.MaxSessionExpiry, 30*24*3600)
	return l
}

// Options is what a Hub is made of. The ports are required, but for Allowance.
type Options struct {
	Store    store.Store
	Policy   Policy
	Meaning  Meaning
	Observer Observer
	// Allowance bounds clients by who they are; nil sets no such bounds.
	Allowance Allowance
	Limits    Limits
	Logger    *slog.Logger
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// Hub is the data plane of one broker.
type Hub struct {
	ports
	limits Limits
	log    *slog.Logger
	now    func() time.Time
	boot   int64 // Unix nanoseconds of its beginning

	index    *index
	retained *retained
	commit   *committer
	catchUp  *catchUp
	wills    *wills
	groups   *groups
	memory   memory
	stats    Stats
	history  history
	traces   traces

	positions
	// own orders the broker's own messages.
	own struct {
		sync.Mutex
		underway
	}

	// unsettled are connections that ended while something published over them
	// was on its way, by client id: the client's next one follows it. Swept every
	// second, so bounded by the connections that end in one.
	unsettled sync.Map // string -> *link

	saving saving
	directory
}

// ports are what the data plane asks of the rest of the broker.
type ports struct {
	store    store.Store
	policy   Policy
	meaning  Meaning
	observer Observer
	// allowance is nil where there are no bounds by who a client is.
	allowance Allowance
}

// positions are how far the work has come in the log.
type positions struct {
	// committed is the last one whose effects are visible to a subscriber; tailed
	// the last one that has been routed; lastApply is the last record that
	// Meaning.Applied wanted.
	committed, tailed, lastApply atomic.Uint64
	// checkpointed and trimmed belong to the ticking goroutine (and to New).
	checkpointed store.Pos
	trimmed      time.Time
}

// New makes a Hub and recovers from the store what it was doing: sessions,
// retained messages, and the log behind the last checkpoint.
func New(ctx context.Context, o Options) (*Hub, error) {
	o.Limits = o.Limits.withDefaults()
	if o.Now == nil {
		o.Now = time.Now
	}
	h := &Hub{
		ports:  ports{store: o.Store, policy: o.Policy, meaning: o.Meaning, observer: o.Observer, allowance: o.Allowance},
		limits: o.Limits, log: o.Logger, now: o.Now,
		index: newIndex(), retained: newRetained(), wills: newWills(),
		saving:    saving{seed: maphash.MakeSeed()},
		directory: directory{sessions: map[string]*Session{}, byUser: map[string]map[*Session]struct{}{}},
	}
	h.memory.init()
	h.boot = h.now().UnixNano()
	h.groups = newGroups(h)
	h.commit = newCommitter(h)
	h.catchUp = newCatchUp(h)
	if err := h.recover(ctx); err != nil {
		return nil, fmt.Errorf("recover the data plane: %w", err)
	}
	return h, nil
}

// catchUpWorkers read the log for returning sessions.
const catchUpWorkers = 2

// Run commits, routes, and does the timed work until ctx ends; then it commits
// what is left and writes a last checkpoint.
func (h *Hub) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var writers, readers sync.WaitGroup
	writers.Go(func() { h.commit.run(work) })
	for range catchUpWorkers {
		readers.Go(func() { h.catchUp.run(work) })
	}
	tailErr := make(chan error, 1)
	readers.Go(func() {
		tailErr <- h.store.Tail(work, store.Pos(h.tailed.Load()), h.tail)
	})

	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var failed error
	for failed == nil && ctx.Err() == nil {
		select {
		case <-tick.C:
			h.tick(work)
		case failed = <-tailErr:
			if failed == nil {
				failed = store.ErrClosed
			}
		case <-ctx.Done():
		}
	}
	h.commit.close()
	writers.Wait()
	h.catchUp.close()
	stop()
	readers.Wait()
	if err := h.checkpoint(context.WithoutCancel(ctx)); err != nil && failed == nil {
		failed = err
	}
	return failed
}

// tick is the work of every second.
func (h *Hub) tick(ctx context.Context) {
	h.weigh()
	h.history.add(h)
	h.endIdleTraces()
	h.publishDueWills()
	h.expireSessions()
	if h.commit.idle() {
		h.retained.settled()
	}
	h.unsettled.Range(func(id, l any) bool {
		if !l.(*link).unsettled() {
			h.unsettled.CompareAndDelete(id, l)
		}
		return true
	})
	if err := h.checkpoint(ctx); err != nil {
		h.log.Error("write a checkpoint", "error", err)
	}
	h.trim(ctx)
}

// tail is called with every record in log order: it applies and routes.
func (h *Hub) tail(entries []store.Entry) error {
	var b batch
	for _, e := range entries {
		if e.Kind == kindMessage {
			m, err := decodeEntry(e)
			if err != nil {
				h.log.Error("skip a record that cannot be read", "pos", e.Pos, "error", err)
				h.stats.Dropped.Damaged.Add(1)
				continue
			}
			if e.Value == nil && m.keep {
				h.retained.set(m)
			}
			if m.apply {
				h.lastApply.Store(uint64(e.Pos))
				h.meaning.Applied(e.Pos, m)
			}
			if m.route {
				h.route(m, h.match(m.Topic), h.session(m.From.ClientID), &b)
			}
		}
		h.tailed.Store(uint64(e.Pos))
	}
	b.flush()
	return nil
}

func (h *Hub) match(topic string) *matched { return h.index.match(topic, h.mayReceive) }

// mayReceive judges a delivery to a session's user.
func (h *Hub) mayReceive(s *Session, topic string) bool {
	return h.policy.MayReceive(s.who.Load(), topic)
}

func (h *Hub) cappedExpiry(seconds uint32) uint32 { return min(seconds, h.limits.MaxSessionExpiry) }

// MaxSessionExpiry is the longest session expiry interval granted, in seconds.
func (h *Hub) MaxSessionExpiry() uint32 { return h.limits.MaxSessionExpiry }
