package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
)

const (
	// connectWait is how long the first connection may take.
	connectWait = 20 * time.Second
	// byeWait is how long a DISCONNECT may take at the end.
	byeWait = 2 * time.Second
)

// watcher is a client that subscribes and listens. It comes back by itself
// when the connection breaks.
type watcher struct {
	id, password, addr string
	filters            []string
	// onMessage is called with every message, on the client's goroutine; nil
	// throws them away.
	onMessage func(topic string, payload []byte)
}

// connect returns once the client is connected; it subscribes then and after
// each reconnection.
func (w *watcher) connect(ctx context.Context) (*autopaho.ConnectionManager, error) {
	subscribe := &paho.Subscribe{}
	for _, f := range w.filters {
		subscribe.Subscriptions = append(subscribe.Subscriptions, paho.SubscribeOptions{Topic: f, QoS: 0})
	}
	refused := make(chan error, 1)
	cfg := autopaho.ClientConfig{
		ServerUrls:                    []*url.URL{{Scheme: "mqtt", Host: w.addr}},
		KeepAlive:                     30,
		CleanStartOnInitialConnection: true,
		ReconnectBackoff:              func(int) time.Duration { return time.Second },
		ConnectUsername:               w.id,
		ConnectPassword:               []byte(w.password),
		OnConnectionUp: func(m *autopaho.ConnectionManager, _ *paho.Connack) {
			// Not here: this callback must not block. Its end is the
			// connection's: Subscribe fails when that breaks.
			go func() {
				if _, err := m.Subscribe(ctx, subscribe); err != nil && ctx.Err() == nil {
					report1(refused, fmt.Errorf("subscribe: %w", err))
				}
			}()
		},
		OnConnectError: func(err error) { report1(refused, fmt.Errorf("connect: %w", err)) },
		ClientConfig: paho.ClientConfig{
			ClientID: "demo-" + w.id,
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
				if w.onMessage != nil {
					w.onMessage(p.Packet.Topic, p.Packet.Payload)
				}
				return true, nil
			}},
		},
	}
	m, err := autopaho.NewConnection(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	wait, cancel := context.WithTimeout(ctx, connectWait)
	defer cancel()
	if err := m.AwaitConnection(wait); err != nil {
		select {
		case cause := <-refused:
			return nil, cause
		default:
			return nil, fmt.Errorf("connect to %s: %w", w.addr, err)
		}
	}
	return m, nil
}

// report1 keeps the first error and drops further ones: the first tells why.
func report1(ch chan error, err error) {
	select {
	case ch <- err:
	default:
	}
}

// bye signs off, so that others see the client leave at once. That the broker
// may be gone already is no error here.
func bye(m *autopaho.ConnectionManager) {
	ctx, cancel := context.WithTimeout(context.Background(), byeWait)
	defer cancel()
	_ = m.Disconnect(ctx) // nobody is left to tell
}

// sendWait is how long a message may take until it is acknowledged.
const sendWait = 10 * time.Second

// send publishes one message and reports whether it was taken. A refusal and a
// connection that is away just now are counted, not fatal: the show goes on.
func (s *Stage) send(ctx context.Context, m *autopaho.ConnectionManager, topic string, qos byte, body any) bool {
	payload, err := json.Marshal(body)
	if err != nil {
		s.report.refuse(fmt.Sprintf("%s: encode: %v", topic, err))
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, sendWait)
	defer cancel()
	res, err := m.Publish(ctx, &paho.Publish{Topic: topic, QoS: qos, Payload: payload})
	switch {
	case res != nil && res.ReasonCode >= 0x80:
		reason := ""
		if res.Properties != nil {
			reason = res.Properties.ReasonString
		}
		s.report.refuse(fmt.Sprintf("%s: 0x%02X %s", topic, res.ReasonCode, reason))
		return false
	case err != nil:
		if ctx.Err() == nil {
			s.report.lost.Add(1)
		}
		return false
	}
	return true
}
