package delivery_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/store/bolt"
	"github.com/fitmq/fitmq/tests/await"
)

// plane is a data plane on a store of its own, with everything allowed.
type plane struct {
	t    testing.TB
	dir  string
	hub  *delivery.Hub
	st   *faultyStore
	now  func() time.Time
	stop func()
	ports
}

// ports are the policy, meaning and observer of a plane; tests replace what
// they are about.
type ports struct {
	deny func(user, topic string) bool
	// state topics begin with this level.
	state string

	mu      sync.Mutex
	refused []string
	skipped int
	applied []string
	acked   []string
	// onAcked is called with what Acknowledged is told.
	onAcked func(*delivery.Message)
	revoked []string
}

func (p *ports) denied(c *delivery.Client, topic string) bool {
	return p.deny != nil && p.deny(c.UserID, topic)
}

func (p *ports) MayPublish(c *delivery.Client, topic string) string {
	if p.denied(c, topic) {
		return "no right to " + topic
	}
	return ""
}

func (p *ports) MaySubscribe(c *delivery.Client, filter string) string {
	return p.MayPublish(c, filter)
}

func (p *ports) MayReceive(c *delivery.Client, topic string) bool { return !p.denied(c, topic) }

func (p *ports) Plain(topic string) bool {
	return !strings.HasPrefix(topic, "judged") && (p.state == "" || !strings.HasPrefix(topic, p.state))
}

func (p *ports) Judge(_ *delivery.Client, m *delivery.Message) delivery.Verdict {
	if p.state != "" && len(m.Topic) > len(p.state) && m.Topic[:len(p.state)] == p.state {
		return delivery.Verdict{Deliver: true, Retain: true, State: true}
	}
	if m.Topic == "judged/expiring" {
		return delivery.Verdict{Deliver: true, Expiry: 30 * time.Second}
	}
	if m.Topic == "judged" {
		return delivery.Verdict{Log: true, RecordID: string(m.Payload)}
	}
	return delivery.Verdict{Deliver: true, Retain: m.Retain}
}

func (p *ports) Applied(_ store.Pos, m *delivery.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.applied = append(p.applied, string(m.Payload))
}

func (p *ports) appliedNow() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.applied...)
}

func (*ports) Position() store.Pos                   { return 0 }
func (*ports) Connected(*delivery.Client)            {}
func (*ports) Disconnected(*delivery.Client, bool)   {}
func (*ports) Subscribed(*delivery.Client, string)   {}
func (*ports) Unsubscribed(*delivery.Client, string) {}
func (p *ports) Revoked(c *delivery.Client, filter, reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.revoked = append(p.revoked, c.ID+" "+filter+" "+reason)
}

func (p *ports) revokedNow() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.revoked...)
}

func (p *ports) Refused(_ *delivery.Client, m *delivery.Message, _ wire.Code, reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused = append(p.refused, m.Topic+": "+reason)
}

func (p *ports) Acknowledged(c *delivery.Client, m *delivery.Message) {
	if p.onAcked != nil {
		p.onAcked(m)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.acked = append(p.acked, c.ID+" "+m.Topic+" "+string(m.Payload))
}

func (p *ports) ackedNow() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.acked...)
}

func (p *ports) Skipped(_ *delivery.Client, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.skipped += n
}

// faultyStore fails appends on demand.
type faultyStore struct {
	store.Store
	mu   sync.Mutex
	fail error
}

func (s *faultyStore) Append(ctx context.Context, recs []store.Record) (store.Pos, error) {
	s.mu.Lock()
	err := s.fail
	s.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return s.Store.Append(ctx, recs)
}

func (s *faultyStore) setFail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

func startPlane(t testing.TB, dir string, limits delivery.Limits, setup ...func(*plane)) *plane {
	t.Helper()
	return startPlaneOn(t, dir, bolt.Options{}, limits, setup...)
}

func startPlaneOn(t testing.TB, dir string, o bolt.Options, limits delivery.Limits, setup ...func(*plane)) *plane {
	t.Helper()
	st, err := bolt.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	p := &plane{t: t, dir: dir, st: &faultyStore{Store: st}}
	for _, fn := range setup {
		fn(p)
	}
	p.hub, err = delivery.New(context.Background(), delivery.Options{
		Store: p.st, Policy: &p.ports, Meaning: &p.ports, Observer: &p.ports,
		Limits: limits, Logger: slog.New(slog.DiscardHandler), Now: p.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.hub.Run(ctx) }()
	var once sync.Once
	p.stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil && p.st.fail == nil {
				t.Errorf("run: %v", err)
			}
			if err := st.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
	t.Cleanup(p.stop)
	return p
}

// crash leaves the plane as it is and starts another one on what the disk
// holds at this moment: what a kill would leave.
func (p *plane) crash(limits delivery.Limits, setup ...func(*plane)) *plane {
	p.t.Helper()
	dir := p.t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(p.dir)); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "LOCK")); err != nil && !os.IsNotExist(err) {
		p.t.Fatal(err)
	}
	return startPlane(p.t, dir, limits, setup...)
}

func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	await.Until(t, what, cond)
}
