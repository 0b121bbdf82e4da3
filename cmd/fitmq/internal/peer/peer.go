// Package peer is the MQTT client of the commands that publish, subscribe and
// check: it connects once and says what went wrong.
package peer

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
)

// Options are how to connect.
type Options struct {
	// URL is mqtt://host:1883, mqtts://host:8883, ws://host:8080/mqtt or wss://.
	URL            string
	User, Password string
	// ClientID, "" for one that the broker gives.
	ClientID string
	// Expiry keeps the session for so many seconds after the connection; 0 begins a
	// new one that ends with it.
	Expiry uint32
	// OnMessage is called with every message, on the client's goroutine; nil throws
	// them away.
	OnMessage func(*paho.Publish)
	// OnLost is called when the connection ends by itself.
	OnLost func(error)
}

// Client is a connection.
type Client struct {
	*autopaho.ConnectionManager
	// Present: the broker still had the client's session.
	Present bool
	stop    context.CancelFunc
}

// Dial connects once. The error says why the broker refuses, where it does.
func Dial(ctx context.Context, o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("address: %w", err)
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	failed := make(chan error, 1)
	up := make(chan bool, 1)
	cfg := autopaho.ClientConfig{
		ServerUrls: []*url.URL{u}, KeepAlive: 30, SessionExpiryInterval: o.Expiry,
		CleanStartOnInitialConnection: o.Expiry == 0, ConnectUsername: o.User, ConnectPassword: []byte(o.Password),
		ReconnectBackoff: func(attempt int) time.Duration {
			if attempt == 0 {
				return 0
			}
			return time.Hour // once is enough
		},
		OnConnectionUp: func(_ *autopaho.ConnectionManager, ack *paho.Connack) {
			select {
			case up <- ack.SessionPresent:
			default: // it does not come up twice
			}
		},
		OnConnectError: func(err error) { first(failed, err) },
		ClientConfig: paho.ClientConfig{
			ClientID: o.ClientID,
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
				if o.OnMessage != nil {
					o.OnMessage(p.Packet)
				}
				return true, nil
			}},
			OnServerDisconnect: func(d *paho.Disconnect) { o.lost(ended(d)) },
			OnClientError:      func(err error) { o.lost(err) },
		},
	}
	m, err := autopaho.NewConnection(life, cfg)
	if err != nil {
		stop()
		return nil, fmt.Errorf("connect to %s: %w", u.Host, err)
	}
	select {
	case present := <-up:
		return &Client{m, present, stop}, nil
	case err = <-failed:
	case <-ctx.Done():
		err = ctx.Err()
	}
	stop()
	return nil, fmt.Errorf("connect to %s: %w", u.Host, err)
}

func (o *Options) lost(err error) {
	if o.OnLost != nil {
		o.OnLost(err)
	}
}

// ended says why the broker has ended the connection.
func ended(d *paho.Disconnect) error {
	if d.Properties != nil && d.Properties.ReasonString != "" {
		return fmt.Errorf("the broker ends the connection (%#x): %s", d.ReasonCode, d.Properties.ReasonString)
	}
	return fmt.Errorf("the broker ends the connection (%#x)", d.ReasonCode)
}

// first keeps the first error: it tells why.
func first(ch chan error, err error) {
	select {
	case ch <- err:
	default:
	}
}

// ErrRefused: the broker does not allow it.
var ErrRefused = errors.New("the broker refuses")

// Publish sends a message, and returns when the broker has acknowledged it.
func (c *Client) Publish(ctx context.Context, p *paho.Publish) error {
	res, err := c.ConnectionManager.Publish(ctx, p)
	if res != nil && res.ReasonCode >= 0x80 {
		reason := ""
		if res.Properties != nil {
			reason = res.Properties.ReasonString
		}
		return fmt.Errorf("publish to %s: %w (%#x): %s", p.Topic, ErrRefused, res.ReasonCode, reason)
	}
	if err != nil {
		return fmt.Errorf("publish to %s: %w", p.Topic, err)
	}
	return nil
}

// Subscribe wants all filters at the QoS.
func (c *Client) Subscribe(ctx context.Context, qos byte, filters ...string) error {
	req := &paho.Subscribe{}
	for _, f := range filters {
		req.Subscriptions = append(req.Subscriptions, paho.SubscribeOptions{Topic: f, QoS: qos})
	}
	res, err := c.ConnectionManager.Subscribe(ctx, req)
	if res != nil {
		for i, code := range res.Reasons {
			if code >= 0x80 {
				return fmt.Errorf("subscribe to %s: %w (%#x)", filters[i], ErrRefused, code)
			}
		}
	}
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	return nil
}

// Close signs off.
func (c *Client) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = c.Disconnect(ctx) // nobody is left to tell
	c.stop()
}
