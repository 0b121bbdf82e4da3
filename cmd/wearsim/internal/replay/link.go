package replay

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

// Times of the connection.
const (
	keepAlive      = 15 * time.Second // a dead line shows after one and a half of it
	sessionExpiry  = time.Hour        // how long the broker keeps the session of a watch that is away
	connectTimeout = 10 * time.Second
	backoffMin     = 100 * time.Millisecond
	backoffMax     = 5 * time.Second
	backoffFirst   = 200 * time.Millisecond
	backoffFactor  = 2
	subscribeRetry = time.Second
	firstGiveUp    = 30 * time.Second
	closeTimeout   = 3 * time.Second
)

// What ends a replay early.
var (
	// ErrRejected: the broker does not let this client in; trying again would not help.
	ErrRejected = errors.New("the broker rejects the connection")
	// ErrTakenOver: another client with the same client id connected.
	ErrTakenOver = errors.New("another client took over the client id")
	// ErrNoConnection: the broker stayed out of reach for longer than GiveUp.
	ErrNoConnection = errors.New("no connection to the broker")
)

// answer is what the broker said to a publish.
type answer struct {
	code   byte
	reason string
}

func (a answer) refused() bool { return a.code >= 0x80 }

// link is the wearable's connection: one MQTT 5 session that outlives its
// connections, and subscriptions that are made again where the broker lost them.
type link struct {
	cfg    Options
	events Events
	subs   []string
	cancel context.CancelCauseFunc
	cm     *autopaho.ConnectionManager
	worker sync.WaitGroup // the goroutine of keepSubscribed
	ups    chan bool      // a connection came up: session present?

	// mu guards what follows; it is held for moments only.
	mu         sync.Mutex
	conn       net.Conn
	ready      chan struct{} // closed while connected and subscribed
	lost       chan struct{} // closed, and made anew, when the broker lost the session
	connects   int
	upSince    time.Time // zero while there is no connection
	lostTimer  *time.Timer
	lastReason error
}

// dial starts connecting; it goes on in the background until close. The
// returned context ends, with the reason as its cause, when going on is useless.
func dial(ctx context.Context, cfg Options, events Events, subs []string, onMessage func(*paho.Publish)) (*link, context.Context, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	l := &link{cfg: cfg, events: events, subs: subs, cancel: cancel, ups: make(chan bool, 1), ready: make(chan struct{}), lost: make(chan struct{})}
	// A first connection that does not come about is more likely a mistyped
	// address than an outage.
	l.armGiveUp(min(cfg.GiveUp, firstGiveUp))
	expiry := uint32(sessionExpiry / time.Second)
	cm, err := autopaho.NewConnection(ctx, autopaho.ClientConfig{
		ServerUrls:            []*url.URL{cfg.Addr},
		KeepAlive:             uint16(keepAlive / time.Second),
		SessionExpiryInterval: expiry,
		ConnectTimeout:        connectTimeout,
		ReconnectBackoff:      autopaho.NewExponentialBackoff(backoffMin, backoffMax, backoffFirst, backoffFactor),
		AttemptConnection:     l.attempt,
		ConnectUsername:       cfg.User,
		ConnectPassword:       []byte(cfg.Password),
		// Without this the library asks the broker to leave out reason strings
		// [MQTT-3.1.2-29], and a refusal would not say which field and limit.
		ConnectPacketBuilder: func(c *paho.Connect, _ *url.URL) (*paho.Connect, error) {
			c.Properties.RequestProblemInfo = true
			return c, nil
		},
		OnConnectionUp:   func(_ *autopaho.ConnectionManager, ack *paho.Connack) { l.up(ack.SessionPresent) },
		OnConnectionDown: l.down,
		OnConnectError:   l.connectError,
		// The session ends with a regular end: what the broker would keep of it
		// is of no use to a watch that has finished.
		DisconnectPacketBuilder: func() *paho.Disconnect {
			zero := uint32(0)
			return &paho.Disconnect{Properties: &paho.DisconnectProperties{SessionExpiryInterval: &zero}}
		},
		ClientConfig: paho.ClientConfig{
			ClientID: cfg.ClientID,
			// A publish waits for its acknowledgement over any number of
			// connections: paho's session state sends it again with the same
			// packet id [MQTT-4.4.0-1]. publish below watches the time.
			PacketTimeout:      240 * time.Hour,
			OnServerDisconnect: l.serverDisconnect,
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){
				func(p paho.PublishReceived) (bool, error) { onMessage(p.Packet); return true, nil },
			},
		},
	})
	if err != nil {
		cancel(err)
		return nil, nil, fmt.Errorf("start connection: %w", err)
	}
	l.cm = cm
	l.worker.Add(1)
	go func() { defer l.worker.Done(); l.keepSubscribed(ctx) }()
	return l, ctx, nil
}

// attempt makes the network connection and remembers it, so that publish can
// end one that has gone silent.
func (l *link) attempt(ctx context.Context, _ autopaho.ClientConfig, u *url.URL) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	d := &net.Dialer{}
	conn, err := d.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	if l.cfg.TLS != nil {
		c := tls.Client(conn, l.cfg.TLS)
		if err := c.HandshakeContext(ctx); err != nil {
			_ = conn.Close() // the handshake's error says what happened
			return nil, fmt.Errorf("tls handshake: %w", err)
		}
		conn = packets.NewThreadSafeConn(c)
	}
	l.mu.Lock()
	l.conn = conn
	l.mu.Unlock()
	return conn, nil
}

func (l *link) up(sessionPresent bool) {
	l.mu.Lock()
	l.connects++
	l.upSince = time.Now()
	again := l.connects > 1
	if again && !sessionPresent {
		close(l.lost)
		l.lost = make(chan struct{})
	}
	l.mu.Unlock()
	if again {
		l.events.Reconnected()
	}
	select {
	case <-l.ups: // a connection that is gone already
	default:
	}
	l.ups <- sessionPresent && again
}

func (l *link) down() bool {
	l.mu.Lock()
	l.upSince = time.Time{}
	select {
	case <-l.ready:
		l.ready = make(chan struct{})
	default:
	}
	l.mu.Unlock()
	l.armGiveUp(l.cfg.GiveUp)
	l.events.Disconnected()
	return true
}

// armGiveUp starts the time after which a lost connection ends the replay.
func (l *link) armGiveUp(after time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lostTimer != nil {
		l.lostTimer.Stop()
	}
	l.lostTimer = time.AfterFunc(after, func() {
		l.mu.Lock()
		last := l.lastReason
		l.mu.Unlock()
		err := fmt.Errorf("%w for %s", ErrNoConnection, after)
		if last != nil {
			err = fmt.Errorf("%w: %w", err, last)
		}
		l.cancel(err)
	})
}

// connectError ends the replay for the refusals that no repetition changes.
func (l *link) connectError(err error) {
	var ack *autopaho.ConnackError
	if errors.As(err, &ack) {
		switch ack.ReasonCode {
		case packets.ConnackUnsupportedProtocolVersion, packets.ConnackInvalidClientID, packets.ConnackBadUsernameOrPassword,
			packets.ConnackNotAuthorized, packets.ConnackBanned, packets.ConnackBadAuthenticationMethod:
			l.cancel(fmt.Errorf("%w: %s", ErrRejected, refusalText(answer{ack.ReasonCode, ack.Reason})))
			return
		}
	}
	l.mu.Lock()
	l.lastReason = err
	l.mu.Unlock()
	l.events.ConnectFailed(err)
}

func (l *link) serverDisconnect(d *paho.Disconnect) {
	a := answer{code: d.ReasonCode}
	if d.Properties != nil {
		a.reason = d.Properties.ReasonString
	}
	if d.ReasonCode == packets.DisconnectSessionTakenOver {
		l.cancel(fmt.Errorf("%w %q", ErrTakenOver, l.cfg.ClientID))
		return
	}
	l.events.ServerDisconnect(refusalText(a))
}

// keepSubscribed subscribes after each connection whose session the broker did
// not have, and only then lets samples go: the first one is to find its sender
// among the participants.
func (l *link) keepSubscribed(ctx context.Context) {
	have := false
	for {
		select {
		case <-ctx.Done():
			return
		case present := <-l.ups:
			have = have && present
		}
		for !have && len(l.ups) == 0 && ctx.Err() == nil {
			if have = l.subscribe(ctx); !have {
				wait(ctx, subscribeRetry)
			}
		}
		if have {
			l.openGate()
		}
	}
}

// openGate lets publishes go, unless the connection is gone again already: its
// successor's up will come through the channel.
func (l *link) openGate() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.upSince.IsZero() || len(l.ups) > 0 {
		return
	}
	select {
	case <-l.ready:
	default:
		close(l.ready)
	}
	l.lostTimer.Stop()
	l.lastReason = nil
}

// subscribe reports whether every subscription was answered; a refused one is
// an answer, reported and not repeated.
func (l *link) subscribe(ctx context.Context) bool {
	for _, filter := range l.subs {
		c, cancel := context.WithTimeout(ctx, connectTimeout)
		ack, err := l.cm.Subscribe(c, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: filter, QoS: 1}}})
		cancel()
		if ack == nil || len(ack.Reasons) == 0 {
			l.mu.Lock()
			l.lastReason = err
			l.mu.Unlock()
			return false
		}
		if code := ack.Reasons[0]; code >= 0x80 {
			a := answer{code: code}
			if ack.Properties != nil {
				a.reason = ack.Properties.ReasonString
			}
			l.events.Refused("subscribe "+filter, refusalText(a))
		}
	}
	return true
}

// publish sends at QoS 1 and returns when the broker has answered, over however
// many connections that takes. An error means that ctx has ended and the
// outcome is unknown. Where the broker lost the session the same bytes are sent
// anew, so a receiver may see them twice: seq and activityId tell.
func (l *link) publish(ctx context.Context, topic string, payload []byte) (answer, error) {
	for {
		l.mu.Lock()
		ready, lost := l.ready, l.lost
		l.mu.Unlock()
		select {
		case <-ctx.Done():
			return answer{}, context.Cause(ctx)
		case <-ready:
		}
		c, stop := l.watch(ctx, lost)
		resp, err := l.cm.Publish(c, &paho.Publish{Topic: topic, QoS: 1, Payload: payload})
		stop()
		if resp != nil {
			a := answer{code: resp.ReasonCode}
			if resp.Properties != nil {
				a.reason = resp.Properties.ReasonString
			}
			return a, nil
		}
		if errors.Is(err, paho.ErrInvalidArguments) {
			return answer{}, fmt.Errorf("publish %s: %w", topic, err)
		}
		if ctx.Err() != nil {
			return answer{}, context.Cause(ctx)
		}
		// The connection went before the message was in the session, or the
		// broker lost the session: once more. The pause keeps a broker that
		// takes connections and drops them from spinning this loop.
		wait(ctx, backoffMin)
	}
}

// watch guards a message that waits for its acknowledgement. It ends a
// connection that has been up for AckTimeout; paho sends the message again
// on the next one. And it ends the returned context when the broker has lost the
// session: paho then forgets the message without a word. The returned function
// ends the watch and waits for it.
func (l *link) watch(ctx context.Context, lost <-chan struct{}) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		t := time.NewTicker(l.cfg.AckTimeout)
		defer t.Stop()
		for {
			select {
			case <-done:
				return
			case <-lost:
				cancel()
				return
			case <-t.C:
				l.hangUp()
			}
		}
	}()
	return ctx, func() { close(done); <-ended; cancel() }
}

// hangUp breaks the network connection if it is an old one; the reconnect
// follows by itself.
func (l *link) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil && !l.upSince.IsZero() && time.Since(l.upSince) >= l.cfg.AckTimeout {
		_ = l.conn.Close() // already broken is as good
	}
}

// close says goodbye, ends the session at the broker and waits for the goroutines.
func (l *link) close() {
	l.mu.Lock()
	l.lostTimer.Stop()
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	// An error means that the goodbye did not get out in time: the broker then
	// ends the session by its expiry.
	_ = l.cm.Disconnect(ctx)
	l.cancel(context.Canceled)
	l.worker.Wait()
}

// wait sleeps for d or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
