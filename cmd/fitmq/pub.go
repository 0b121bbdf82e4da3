package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"github.com/fitmq/fitmq/cmd/fitmq/internal/peer"
)

// mqttRemote is how pub and sub find the broker and sign in.
type mqttRemote struct {
	URL      string `default:"mqtt://localhost:1883" env:"FITMQ_MQTT_URL" help:"Where the broker is: mqtt://, mqtts://, ws:// or wss://."`
	User     string `short:"u" env:"FITMQ_USER" help:"User to sign in as; none signs in as nobody."`
	Password string `short:"P" env:"FITMQ_PASSWORD" help:"Password, token or device secret. Better in the environment than on the command line."`
	ID       string `short:"i" help:"Client id; the broker gives one where there is none."`
	QoS      byte   `short:"q" name:"qos" default:"1" enum:"0,1,2" help:"Quality of service."`
}

// dialWait bounds connecting, subscribing, and an acknowledgement.
const dialWait = 20 * time.Second

func (r *mqttRemote) dial(ctx context.Context, o peer.Options) (*peer.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, dialWait)
	defer cancel()
	o.URL, o.User, o.Password, o.ClientID = r.URL, r.User, r.Password, r.ID
	c, err := peer.Dial(ctx, o)
	if err != nil {
		return nil, hintError{err, "fitmq check URL tests each way in and says what is wrong; --user and --password sign in."}
	}
	return c, nil
}

type pubCmd struct {
	mqttRemote
	Topic   string `short:"t" required:"" help:"Topic to publish to."`
	Message string `short:"m" xor:"what" help:"The payload."`
	File    string `short:"f" xor:"what" type:"existingfile" help:"File with the payload."`
	Lines   bool   `short:"l" xor:"what" help:"Each line of the standard input is a message."`
	Retain  bool   `short:"r" help:"Keep it as the topic's retained message."`
}

// Run publishes and returns when the broker has acknowledged.
func (c *pubCmd) Run(e *env) error {
	client, err := c.dial(e.ctx, peer.Options{})
	if err != nil {
		return err
	}
	defer client.Close()
	if c.Lines {
		lines := bufio.NewScanner(e.stdin)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			if err := c.publish(e.ctx, client, bytes.Clone(lines.Bytes())); err != nil {
				return err
			}
		}
		return lines.Err()
	}
	payload := []byte(c.Message)
	switch {
	case c.File != "":
		payload, err = os.ReadFile(c.File)
	case c.Message == "":
		payload, err = io.ReadAll(e.stdin)
	}
	if err != nil {
		return fmt.Errorf("read the payload: %w", err)
	}
	return c.publish(e.ctx, client, payload)
}

func (c *pubCmd) publish(ctx context.Context, client *peer.Client, payload []byte) error {
	ctx, cancel := context.WithTimeout(ctx, dialWait)
	defer cancel()
	return client.Publish(ctx, &paho.Publish{Topic: c.Topic, Payload: payload, QoS: c.QoS, Retain: c.Retain})
}

type subCmd struct {
	mqttRemote
	Topic  []string      `short:"t" required:"" help:"Filter to subscribe to; may repeat."`
	Count  int           `short:"n" help:"End after so many messages."`
	Wait   time.Duration `short:"w" help:"End after so long, with an error where --count messages have not come."`
	Raw    bool          `help:"Print payloads alone, as they are."`
	Expiry uint32        `help:"Keep the session for so many seconds, and what comes meanwhile (needs --id)."`
}

// errMissing: fewer messages than asked for.
var errMissing = errors.New("not all messages came in time")

// Run prints messages until it is interrupted, has enough, or the broker ends it.
func (c *subCmd) Run(e *env) error {
	ctx := e.ctx
	if c.Wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Wait)
		defer cancel()
	}
	var mu sync.Mutex // guards n and the output
	n := 0
	enough, lost := make(chan struct{}), make(chan error, 1)
	client, err := c.dial(ctx, peer.Options{
		Expiry: c.Expiry,
		OnMessage: func(p *paho.Publish) {
			mu.Lock()
			defer mu.Unlock()
			if n++; c.Count > 0 && n > c.Count {
				return
			}
			c.print(e.stdout, p)
			if n == c.Count {
				close(enough)
			}
		},
		OnLost: func(err error) {
			select {
			case lost <- err:
			default: // the first tells why
			}
		},
	})
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Subscribe(ctx, c.QoS, c.Topic...); err != nil {
		return err
	}
	select {
	case <-enough:
		return nil
	case err := <-lost:
		return err
	case <-ctx.Done():
	}
	mu.Lock()
	defer mu.Unlock()
	if c.Count > n && e.ctx.Err() == nil {
		return fmt.Errorf("%w: %d of %d", errMissing, n, c.Count)
	}
	return nil
}

// print writes a message: its topic, and JSON with an indentation.
func (c *subCmd) print(w io.Writer, p *paho.Publish) {
	if c.Raw {
		fmt.Fprintf(w, "%s\n", p.Payload)
		return
	}
	flags := fmt.Sprintf("QoS %d", p.QoS)
	if p.Retain {
		flags += ", retained"
	}
	fmt.Fprintf(w, "%s (%s)\n", p.Topic, flags)
	var pretty bytes.Buffer
	if json.Indent(&pretty, p.Payload, "  ", "  ") == nil {
		fmt.Fprintf(w, "  %s\n", pretty.Bytes())
		return
	}
	fmt.Fprintf(w, "  %q\n", p.Payload)
}
