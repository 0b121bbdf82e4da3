package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/mochi-mqtt/server/v2/listeners"

	"github.com/fitmq/fitmq/config"
	"github.com/fitmq/fitmq/transport"
)

// edge is the sockets and their certificates.
type edge struct {
	mqtt, mqtts, http   net.Listener            // mqtts is nil without a certificate
	mqttCerts, webCerts *transport.Certificates // nil without
}

// The names of the listeners, in logs and metrics.
const (
	listenerTCP = "tcp"
	listenerTLS = "tls"
	listenerWS  = "ws"
)

func transportLimits(cfg config.Config) transport.Limits {
	c := cfg.MQTT
	return transport.Limits{
		Compression: cfg.HTTP.Compression,
		MaxPacket:   int(c.MaxPacketSize), ConnectTimeout: c.ConnectTimeout.Std(),
		MaxConnections: c.MaxConnections, MaxPerAddress: c.MaxConnectionsPerAddress, ConnectRate: c.ConnectRate,
		PublishRate: c.PublishRate, PublishBytes: int(c.PublishBytes),
	}
}

// openCertificates reads those that the configuration names.
func (b *Broker) openCertificates() (err error) {
	c := b.opts.Config
	if m := c.MQTT.TLS; m.Cert != "" {
		b.edge.mqttCerts, err = transport.OpenCertificates(transport.CertificateFiles{
			Cert: m.Cert, Key: m.Key, ClientCA: m.ClientCA, Required: m.ClientCertificates == config.Required, CRL: m.CRL,
			Protocols: []string{"mqtt"},
		}, b.log)
		if err != nil {
			return fmt.Errorf("mqtt.tls: %w", err)
		}
	}
	if h := c.HTTP.TLS; h.Cert != "" {
		b.edge.webCerts, err = transport.OpenCertificates(transport.CertificateFiles{
			Cert: h.Cert, Key: h.Key, ClientCA: h.ClientCA, Required: h.ClientCertificates == config.Required, CRL: h.CRL,
			Protocols: []string{"h2", "http/1.1"},
		}, b.log)
		if err != nil {
			return fmt.Errorf("http.tls: %w", err)
		}
	}
	return nil
}

// webTLS is what makes the HTTP port HTTPS, nil where it is not.
func (b *Broker) webTLS() *tls.Config {
	if b.edge.webCerts == nil {
		return nil
	}
	return b.edge.webCerts.Config()
}

// webRevoked reports whether the certificate of an HTTPS connection was revoked
// after its handshake.
func (b *Broker) webRevoked(state *tls.ConnectionState) bool {
	return b.edge.webCerts != nil && b.edge.webCerts.Revoked(*state)
}

// watchCertificates reads changed files until ctx ends.
func (b *Broker) watchCertificates(ctx context.Context) error {
	web := make(chan struct{})
	go func() {
		defer close(web)
		if certs := b.edge.webCerts; certs != nil {
			certs.Watch(ctx, func() { b.transport.EndRevoked(listenerWS, certs) })
		}
	}()
	if certs := b.edge.mqttCerts; certs != nil {
		certs.Watch(ctx, func() { b.transport.EndRevoked(listenerTLS, certs) })
	}
	<-web
	<-ctx.Done()
	return ctx.Err()
}

// listen opens the sockets, all or none, and gives the engine its listeners.
func (b *Broker) listen() (err error) {
	e := &b.edge
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close())
		}
	}()
	if e.mqtt, err = net.Listen("tcp", b.opts.MQTTAddr); err != nil {
		return fmt.Errorf("listen for MQTT: %w", err)
	}
	if e.http, err = net.Listen("tcp", b.opts.HTTPAddr); err != nil {
		return fmt.Errorf("listen for HTTP: %w", err)
	}
	b.transport.SetWebAddress(portOf(e.http))
	e.http = b.transport.Web(e.http, portOf(e.mqtt))
	all := []listeners.Listener{b.tcp(listenerTCP, e.mqtt, nil), b.websocket}
	if e.mqttCerts != nil {
		if e.mqtts, err = net.Listen("tcp", b.opts.Config.MQTT.TLS.Addr); err != nil {
			return fmt.Errorf("listen for MQTT over TLS: %w", err)
		}
		all = append(all, b.tcp(listenerTLS, e.mqtts, e.mqttCerts.Config()))
	}
	for _, l := range all {
		if err := b.server.AddListener(&ending{Listener: l, b: b}); err != nil {
			return fmt.Errorf("attach listener %s: %w", l.ID(), err)
		}
	}
	return nil
}

// portOf names a listener for those who have come to another one: the host they
// know, and our own idea of it may be [::].
func portOf(l net.Listener) string {
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return l.Addr().String()
	}
	return "port " + port
}

func (b *Broker) tcp(id string, l net.Listener, secure *tls.Config) *transport.TCP {
	t := b.transport.NewTCPOn(id, l, secure)
	if p := b.opts.Config.Proxies; p.Protocol {
		t.TrustProxies(p.Networks())
	}
	return t
}

func (e *edge) close() error {
	var errs []error
	for _, l := range []net.Listener{e.mqtt, e.mqtts, e.http} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(errs...)
}

// MQTTAddr is where MQTT over TCP listens; valid once Ready.
func (b *Broker) MQTTAddr() net.Addr { return b.edge.mqtt.Addr() }

// MQTTSAddr is where MQTT over TLS listens, nil where it does not; valid once
// Ready.
func (b *Broker) MQTTSAddr() net.Addr {
	if b.edge.mqtts == nil {
		return nil
	}
	return b.edge.mqtts.Addr()
}

// HTTPAddr is where HTTP, or HTTPS, listens; valid once Ready.
func (b *Broker) HTTPAddr() net.Addr { return b.edge.http.Addr() }

// HTTPS reports whether the HTTP port speaks TLS.
func (b *Broker) HTTPS() bool { return b.edge.webCerts != nil }

// ending tells the hooks when the engine's handler for a connection returns.
type ending struct {
	listeners.Listener
	b *Broker
}

// Serve hands connections to the engine.
func (e *ending) Serve(establish listeners.EstablishFn) {
	e.Listener.Serve(func(id string, c net.Conn) error {
		defer e.b.hooks.Ended(c)
		return establish(id, c)
	})
}

var _ listeners.Listener = (*transport.WebSocket)(nil)
