package transport_test

import (
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	mqtt "github.com/mochi-mqtt/server/v2"

	"github.com/fitmq/fitmq/delivery/wire"
	"github.com/fitmq/fitmq/transport"
)

func memory() (heap, stack float64) {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc), float64(m.StackInuse)
}

// BenchmarkConn_Idle prints what an idle connection costs, the test client's
// own socket included: of ours alone, and with the engine behind it.
func BenchmarkConn_Idle(b *testing.B) {
	const conns = 1000
	measure := func(b *testing.B, addr string) {
		heap, stack := memory()
		clients := make([]*client, conns)
		for i := range clients {
			clients[i] = dial(b, addr)
			clients[i].send(connect(4, fmt.Sprint("c", i), 0))
			clients[i].recv()
			clients[i].send([]byte{0xc0, 0})
			clients[i].want([]byte{0xd0, 0})
		}
		heapNow, stackNow := memory()
		b.ReportMetric((heapNow-heap)/conns, "heap-bytes/conn")
		b.ReportMetric((stackNow-stack)/conns, "stack-bytes/conn")
		runtime.KeepAlive(clients)
	}
	b.Run("transport", func(b *testing.B) {
		for range b.N {
			measure(b, startServer(b, transport.Limits{}, nil).addr)
		}
	})
	b.Run("engine", func(b *testing.B) {
		for range b.N {
			s := &server{Transport: transport.New(transport.Limits{}, nil)}
			caps := mqtt.NewDefaultServerCapabilities()
			caps.MaximumClientWritesPending = 16
			engine := mqtt.New(&mqtt.Options{Logger: slog.New(slog.DiscardHandler), Capabilities: caps, ClientNetReadBufferSize: 64})
			if err := engine.AddHook(&gate{ends: make(map[string]error), ups: make(map[string]bool)}, nil); err != nil {
				b.Fatal(err)
			}
			l := s.NewTCP("tcp", "127.0.0.1:0", nil)
			if err := engine.AddListener(l); err != nil {
				b.Fatal(err)
			}
			if err := engine.Serve(); err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() {
				if err := engine.Close(); err != nil {
					b.Error(err)
				}
				s.stop(b)
			})
			measure(b, l.Address())
		}
	})
}

// BenchmarkConn_FanOut sends one 200-byte packet to each of 1,000 connections
// per round, as a publisher's batch of one does, and waits until all is
// written.
func BenchmarkConn_FanOut(b *testing.B) {
	for _, batch := range []int{1, 50} {
		b.Run(fmt.Sprint("batch=", batch), func(b *testing.B) {
			const conns = 1000
			s := startServer(b, transport.Limits{}, nil)
			planes := make([]*plane, conns)
			for i := range planes {
				c := s.open(b, 4, "c")
				planes[i] = s.plane(b, i)
				go func() { _, _ = io.Copy(io.Discard, c) }() // ends with the connection
			}
			frame := publish(4, "session/s1/progress/ana", make([]byte, 200))
			b.ReportAllocs()
			for b.Loop() {
				for range batch {
					for _, p := range planes {
						p.conn.Send(frame)
					}
				}
				for _, p := range planes {
					p.conn.Flush()
				}
				for _, p := range planes {
					for p.conn.Buffered() > 0 {
						runtime.Gosched()
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*conns*batch), "ns/delivery")
		})
	}
}

// BenchmarkConn_Send is the cost of appending alone.
func BenchmarkConn_Send(b *testing.B) {
	s := startServer(b, transport.Limits{}, nil)
	c := s.open(b, 4, "c")
	go func() { _, _ = io.Copy(io.Discard, c) }() // ends with the connection
	conn := s.plane(b, 0).conn
	frame := publish(4, "session/s1/progress/ana", make([]byte, 200))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		conn.Send(frame)
		if n++; n%128 == 0 {
			conn.Flush()
			for conn.Buffered() > 256<<10 {
				runtime.Gosched()
			}
		}
	}
}

// BenchmarkConn_Pairs has 50 publishers send bursts to 50 subscribers through
// planes that do nothing but pass on; both ends are on this machine.
func BenchmarkConn_Pairs(b *testing.B) {
	const pairs, burst = 50, 100
	var subs [pairs]atomic.Pointer[transport.Conn] // by the topic's one byte
	s := startServer(b, transport.Limits{}, func(p *plane) {
		p.silent = true
		var dirty *transport.Conn
		var out []byte
		p.onPacket = func(header byte, body []byte) error {
			var in wire.Publish
			if err := in.Parse(4, header, body); err != nil {
				return err
			}
			out, _ = wire.AppendPublish(out[:0], 4, &wire.PublishOut{Topic: string(in.Topic), Payload: in.Payload})
			to := subs[in.Topic[0]-'0'].Load()
			if to.Send(out) {
				dirty = to
			}
			return nil
		}
		p.onIdle = func() {
			if dirty != nil {
				dirty.Flush()
				dirty = nil
			}
		}
	})
	var pubs, recs [pairs]*client
	var streams [pairs][]byte
	for i := range pairs {
		recs[i] = s.open(b, 4, "s")
		subs[i].Store(s.plane(b, 2*i).conn)
		pubs[i] = s.open(b, 4, "p")
		s.plane(b, 2*i+1)
		for range burst {
			streams[i] = append(streams[i], publish(4, string(rune('0'+i)), make([]byte, 200))...)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		var wg sync.WaitGroup
		for i := range pairs {
			wg.Go(func() { pubs[i].send(streams[i]) })
			wg.Go(func() {
				if _, err := io.CopyN(io.Discard, recs[i], int64(len(streams[i]))); err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*pairs*burst), "ns/delivery")
}
