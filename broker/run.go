package broker

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Run listens and serves until ctx ends, then shuts down in order: no new
// clients, those who are there are told, what they sent is committed, and
// everything is saved. It returns nil after a clean end.
func (b *Broker) Run(ctx context.Context) error {
	if err := b.listen(); err != nil {
		return errors.Join(err, b.release())
	}
	rooms := newGroup(ctx)
	// Started first, stopped last: what serves clients stands on what keeps.
	rooms.start("data plane", b.hub.Run)
	rooms.start("users", b.users.Run)
	rooms.start("webhooks", b.webhooks.Run)
	rooms.start("engine", b.engine.Run)
	rooms.start("certificates", b.watchCertificates)
	if err := b.server.Serve(); err != nil {
		return errors.Join(fmt.Errorf("start the engine: %w", err), rooms.stop(), b.release())
	}
	httpDone := make(chan error, 1)
	go func() { httpDone <- b.gateway.Serve(b.edge.http) }()
	close(b.ready)

	var failed error
	select {
	case <-ctx.Done():
	case failed = <-rooms.failed:
	case failed = <-httpDone:
		httpDone <- nil
	}
	err := b.shutdown(httpDone)
	return errors.Join(failed, err, rooms.stop(), b.release())
}

// shutdown ends the edge: HTTP first, then the MQTT connections.
func (b *Broker) shutdown(httpDone <-chan error) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	err := b.gateway.Shutdown(ctx)
	serveErr := <-httpDone
	// Disconnects with 0x8B, and waits until the data plane has heard of it.
	closeErr := errors.Join(b.server.Close(), b.transport.Close(ctx))
	return errors.Join(err, serveErr, closeErr)
}

// group runs the rooms and stops them in the reverse order of their start,
// each fully before the next.
type group struct {
	ctx    context.Context
	failed chan error // the first room that ended by itself
	rooms  []*room
}

type room struct {
	name   string
	cancel context.CancelFunc
	done   sync.WaitGroup
	err    error // valid once done
}

func newGroup(ctx context.Context) *group {
	return &group{ctx: context.WithoutCancel(ctx), failed: make(chan error, 1)}
}

func (g *group) start(name string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(g.ctx)
	r := &room{name: name, cancel: cancel}
	g.rooms = append(g.rooms, r)
	r.done.Go(func() {
		r.err = run(ctx)
		if ctx.Err() == nil {
			select {
			case g.failed <- fmt.Errorf("%s ended: %w", name, r.err):
			default: // another one was first
			}
		}
	})
}

func (g *group) stop() error {
	var errs []error
	for i := len(g.rooms) - 1; i >= 0; i-- {
		r := g.rooms[i]
		r.cancel()
		r.done.Wait()
		if r.err != nil && !errors.Is(r.err, context.Canceled) {
			errs = append(errs, fmt.Errorf("%s: %w", r.name, r.err))
		}
	}
	return errors.Join(errs...)
}
