// Package broker is the embeddable server: it wires the rooms together, starts
// them and stops them, and has no behaviour of its own.
package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/client"
	"github.com/fitmq/fitmq/config"
	"github.com/fitmq/fitmq/delivery"
	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/gateway"
	"github.com/fitmq/fitmq/hooks"
	"github.com/fitmq/fitmq/store/bolt"
	"github.com/fitmq/fitmq/topics"
	"github.com/fitmq/fitmq/transport"
	"github.com/fitmq/fitmq/web"
	"github.com/fitmq/fitmq/webhook"
)

// Options is what a Broker is started with.
type Options struct {
	// DataDir is the data directory, made when missing. Required.
	DataDir string
	// MQTTAddr and HTTPAddr override the configuration's addresses. Empty means
	// the configuration's; port 0 takes a free one.
	MQTTAddr, HTTPAddr string
	// Dev opens everything outside the fitness topics to everybody, also when
	// the configuration does not.
	Dev bool
	// Config is the configuration; start from config.Default.
	Config config.Config
	// Logger gets what operators should know. Nil means none.
	Logger *slog.Logger
}

// Broker is a server. It is single-use: New, Run once.
type Broker struct {
	opts Options
	log  *slog.Logger

	store     *bolt.Store
	users     *access.Users
	tokens    *access.Tokens
	door      *access.Door
	audit     *access.Audit
	stopKeys  context.CancelFunc // ends the refreshing of other authorities' keys
	engine    *engine.Engine
	webhooks  *webhook.Sender
	rights    *rights
	refusals  *refusals
	hub       *delivery.Hub
	left      *access.Allowances
	transport *transport.Transport
	server    *mqtt.Server
	hooks     *hooks.Set
	websocket *transport.WebSocket
	gateway   *gateway.Gateway

	token        string
	tokenCreated bool

	edge  edge
	ready chan struct{}
}

// New opens the data directory, takes its lock and brings back what is in it.
// Errors: store.ErrLocked, store.ErrNewer, store.ErrForeign, and problems of
// the configuration.
func New(o Options) (*Broker, error) {
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	o.MQTTAddr = cmp.Or(o.MQTTAddr, o.Config.MQTT.Addr)
	o.HTTPAddr = cmp.Or(o.HTTPAddr, o.Config.HTTP.Addr)
	o.Dev = o.Dev || o.Config.Dev
	if err := o.Config.Validate(); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	b := &Broker{opts: o, log: o.Logger, refusals: newRefusals(), ready: make(chan struct{})}
	if err := b.assemble(context.Background()); err != nil {
		return nil, errors.Join(err, b.release())
	}
	return b, nil
}

// assemble makes the rooms, from the store upwards.
func (b *Broker) assemble(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		b.openStore, b.openUsers, b.openDoor, b.openWebhooks, b.makeEngine, b.makeDelivery, b.makeEdge, b.makeGateway,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (b *Broker) openStore(context.Context) error {
	if err := os.MkdirAll(b.opts.DataDir, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	var o bolt.Options
	if b.opts.Config.Durability == config.Interval {
		o.Durability = bolt.Interval
	}
	var err error
	if b.store, err = bolt.Open(b.opts.DataDir, o); err != nil {
		return err
	}
	b.token, b.tokenCreated, err = access.LoadOrCreateAdminToken(b.opts.DataDir)
	return err
}

func (b *Broker) openUsers(ctx context.Context) error {
	p := b.opts.Config.Passwords
	var err error
	b.users, err = access.OpenUsers(ctx, access.UsersOptions{
		Tables:    b.store,
		Passwords: access.PasswordParams{Memory: uint32(p.Memory / 1024), Iterations: uint32(p.Iterations)},
		Parallel:  p.Parallel,
	})
	return err
}

func (b *Broker) makeEngine(context.Context) error {
	c := b.opts.Config
	var err error
	b.engine, err = engine.New(engine.Options{
		Store: b.store, Users: b.users, Logger: b.log, Herald: herald{b.webhooks},
		PresenceGrace: c.Presence.Grace.Std(), PresenceAway: awayAfter(c.Presence),
		IdleEnd: idleEnd(c), MaxHeartRate: float64(c.Workouts.MaxHeartRate),
		ChatAnyone:    c.Chat.Direct == config.Anyone,
		Allowance:     engine.Allowance{BeaconInterval: c.Match.BeaconInterval.Std()},
		Allowances:    allowances(c.Quotas),
		MaxLookers:    c.Match.MaxPeople,
		ProposalBurst: c.Match.ProposalBurst, ProposalInterval: c.Match.ProposalInterval.Std(),
		LeaderboardRate: float64(c.Leaderboard.Rate), LeaderboardTop: c.Leaderboard.Top,
	})
	return err
}

// awayAfter is never where the configuration says 0s.
func awayAfter(c config.Presence) time.Duration {
	if c.Away == 0 {
		return -1
	}
	return c.Away.Std()
}

// idleEnd is the engine's IdleEnd, whose zero is the default and not never.
func idleEnd(c config.Config) time.Duration {
	if c.Workouts.IdleEnd == 0 {
		return -1
	}
	return c.Workouts.IdleEnd.Std()
}

func (b *Broker) makeDelivery(ctx context.Context) error {
	c := b.opts.Config
	b.rights = &rights{policy: access.NewPolicy(b.engine, b.opts.Dev, aclRules(c.ACL)...), users: b.users, audit: b.audit, refusals: b.refusals, foreign: b.foreign()}
	b.left = access.NewAllowances(quotas(c.Quotas), nil)
	observer := &observer{engine: b.engine}
	renewal := &renewal{Meaning: &meaning{engine: b.engine, rights: b.rights}, tokens: b.tokens, users: b.users, renewed: b.renewed}
	var err error
	b.hub, err = delivery.New(ctx, delivery.Options{
		Store: b.store, Policy: b.rights, Meaning: &noting{Meaning: renewal, refusals: b.refusals}, Observer: observer,
		Allowance: &allowance{rights: b.rights, left: b.left}, Limits: deliveryLimits(c), Logger: b.log,
	})
	if err != nil {
		return err
	}
	observer.hub = b.hub
	for _, m := range b.hub.Kept(topics.SessionProgressTopic("+", "+")) {
		if b.engine.Recall(inbound(m)) {
			b.hub.Publish(&delivery.Message{Topic: m.Topic, QoS: 1, Retain: true, State: true}, "")
		}
	}
	b.engine.SetPublisher(&publisher{hub: b.hub})
	b.engine.SetMembership(b.hub)
	b.users.OnChange(b.userChanged)
	return nil
}

// maxSubscriptions is the most that a role's quota may grant.
const maxSubscriptions = 100_000

func deliveryLimits(c config.Config) delivery.Limits {
	aliases := c.MQTT.TopicAliasMaximum
	if aliases == 0 {
		aliases = -1 // none, where zero would mean the default
	}
	return delivery.Limits{
		ReceiveMaximum: c.MQTT.ReceiveMaximum, TopicAliasMaximum: aliases,
		Subscriptions: maxSubscriptions,
		QueueMessages: c.Sessions.QueueMessages, QueueBytes: int(c.Sessions.QueueBytes), QueueAge: c.Sessions.QueueAge.Std(),
		LogBytes: int64(c.Sessions.LogSize), MemoryBytes: int64(c.Sessions.Memory),
		RetainedMessages: c.Sessions.RetainedMessages, RetainedBytes: int64(c.Sessions.RetainedBytes),
	}
}

// engineLog lets only errors of the embedded engine through: what it warns of
// is every client's ordinary end.
func engineLog(log *slog.Logger) *slog.Logger {
	return slog.New(&atLeast{Handler: log.Handler(), level: slog.LevelError})
}

func (b *Broker) makeEdge(context.Context) error {
	c := b.opts.Config
	if err := b.openCertificates(); err != nil {
		return err
	}
	b.transport = transport.New(transportLimits(c), b.log)
	caps := mqtt.NewDefaultServerCapabilities()
	caps.MaximumClientWritesPending = 1 // only the engine's own packets go that way
	caps.ReceiveMaximum = uint16(c.MQTT.ReceiveMaximum)
	caps.Compatibilities.NoInheritedPropertiesOnAck = true
	b.server = mqtt.New(&mqtt.Options{
		Capabilities: caps, Logger: engineLog(b.log),
		ClientNetReadBufferSize: 64, ClientNetWriteBufferSize: 64, // CONNECT and DISCONNECT only
		SysTopicResendInterval: sysInterval,
	})
	b.hooks = hooks.New(b.hub, &signIn{Door: b.door, dev: b.opts.Dev}, hooks.Announce{
		MaximumPacketSize: uint32(c.MQTT.MaxPacketSize), TopicAliasMaximum: uint16(c.MQTT.TopicAliasMaximum),
		SessionExpiry: b.hub.MaxSessionExpiry(),
	}, b.log)
	b.hooks.UseRenewals(b.renewed)
	b.hooks.UseRefusals(func(r hooks.Refused) { b.refusals.signIn(r.User, r.ClientID, r.Remote, "mqtt", r.Code, r.Reason) })
	if err := b.hooks.Add(b.server); err != nil {
		return err
	}
	if err := b.server.AddHook(hooks.NewSys(b.figures, b.publishSys), nil); err != nil {
		return err
	}
	b.websocket = b.transport.NewWebSocket(listenerWS, c.HTTP.AllowedOrigins...)
	return nil
}

// sysInterval is how often $SYS topics are published, in seconds.
const sysInterval = 10

func (b *Broker) makeGateway(context.Context) error {
	c := b.opts.Config
	registry := prometheus.NewRegistry()
	if err := registerMetrics(registry, b); err != nil {
		return err
	}
	var err error
	b.gateway, err = gateway.New(gateway.Options{
		Engine: b.engine, Users: b.users, Policy: access.NewPolicy(b.engine, b.opts.Dev, aclRules(c.ACL)...),
		Door: b.door, Audit: b.audit, Tokens: b.tokens, Devices: b.users,
		Publisher: &httpPublisher{hub: b.hub, left: b.left}, Retained: &kept{hub: b.hub},
		Console: &console{b: b, started: time.Now().UTC()}, Tracer: &tracer{hub: b.hub},
		Streams:   &streams{hub: b.hub, policy: b.rights},
		WebSocket: b.websocket, Web: web.Handler(), Client: client.Handler(), Ready: b.readiness, Registry: registry,
		Webhooks: b.webhooks, Backup: b.backUp,
		Logger: b.log, Anonymous: b.opts.Dev, TLS: b.webTLS(), Revoked: b.webRevoked, Proxies: c.Proxies.Networks(),
		Origins: c.HTTP.AllowedOrigins,
		Limits:  gateway.Limits{RequestRate: c.HTTP.RequestRate, Streams: c.HTTP.MaxStreams, BodySize: int64(c.HTTP.MaxBodySize), RequestTime: c.HTTP.RequestTimeout.Std()},
	})
	return err
}

func (b *Broker) readiness() error {
	if _, ok := b.store.Applied(); !ok {
		return errors.New("the store cannot write: see the log for the cause; it recovers by itself")
	}
	return nil
}

// Ready is closed once both listeners accept.
func (b *Broker) Ready() <-chan struct{} { return b.ready }

// AdminToken returns the administrator's bearer token, and whether this start
// has made it.
func (b *Broker) AdminToken() (token string, created bool) { return b.token, b.tokenCreated }

// Close releases what New has taken when Run is not called.
func (b *Broker) Close() error { return b.release() }

// release closes what New opened.
func (b *Broker) release() error {
	var errs []error
	if b.stopKeys != nil {
		b.stopKeys()
	}
	if b.transport != nil {
		ctx, cancel := context.WithTimeout(context.Background(), drainTime)
		defer cancel()
		errs = append(errs, b.transport.Close(ctx))
	}
	if b.store != nil {
		errs = append(errs, b.store.Close())
	}
	errs = append(errs, b.audit.Close())
	return errors.Join(errs...)
}

// drainTime is how long a shutdown waits for clients to take what is buffered.
const drainTime = 5 * time.Second
