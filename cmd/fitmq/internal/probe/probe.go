// Package probe tests a server from the outside, each way in for itself, and says
// what to do about what does not work.
package probe

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"github.com/fitmq/fitmq/cmd/fitmq/internal/peer"
)

// Target is the server and who asks.
type Target struct {
	// HTTP is like http://localhost:8080, MQTT like mqtt://localhost:1883.
	HTTP, MQTT string
	// User and Password; without a user Password is a token.
	User, Password string
	// Topic is below which the messages go.
	Topic string
}

// Step is one test. Advice helps where it fails.
type Step struct {
	Name, Advice string
	run          func(*run, context.Context) (note string, err error)
}

// stepWait bounds one step.
const stepWait = 10 * time.Second

// steps in their order; what follows the sign-in needs it.
var steps = []Step{
	{"HTTP answers", "Is the server running, and is this its HTTP port? fitmq serve prints the address.", (*run).health},
	{"ready to take work", "The server says why; its log says more.", (*run).ready},
	{"clock", "Let a time service set the clocks: tokens and the times in messages depend on them.", (*run).clock},
	{"sign-in", "Check --user and --password, or --token. fitmq user put USER --password sets one.", (*run).signIn},
	{"version", "Use the fitmq of the server's version.", (*run).version},
	{"MQTT over TCP, round trip", "Is --mqtt the MQTT port, and does a firewall let it through? Browsers and fallback clients do not need it.", (*run).tcp},
	{"MQTT over WebSocket, round trip", "A proxy in between must pass the Upgrade header to /mqtt. Clients fall back to events.", (*run).webSocket},
	{"events and POST, round trip", "A proxy in between must not buffer: nginx needs proxy_buffering off, others the like.", (*run).events},
	{"retained message", "Is there room? /metrics has fitmq_retained_messages.", (*run).retained},
	{"queue across a reconnect", "The server's log says whether it can write.", (*run).queue},
}

// errFailed: some step failed.
var errFailed = errors.New("not everything works")

// Run tests and prints a line for each step. The error says how many failed.
func Run(ctx context.Context, t Target, w io.Writer) error {
	r := &run{Target: t, base: t.Topic + "/" + strings.ToLower(rand.Text())[:8]}
	failed := 0
	for _, s := range steps {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		one, cancel := context.WithTimeout(ctx, stepWait)
		begin := time.Now()
		note, err := s.run(r, one)
		took := time.Since(begin)
		cancel()
		if err == nil {
			fmt.Fprintf(w, "ok    %8.1f ms  %s", float64(took.Microseconds())/1000, s.Name)
			if note != "" {
				fmt.Fprintf(w, ": %s", note)
			}
			fmt.Fprintln(w)
			continue
		}
		failed++
		fmt.Fprintf(w, "FAIL  %8.1f ms  %s: %v\n      %s\n", float64(took.Microseconds())/1000, s.Name, err, s.Advice)
		if s.Name == "HTTP answers" || s.Name == "sign-in" {
			break // what follows would only say the same
		}
	}
	if failed > 0 {
		return fmt.Errorf("%w: %d failed", errFailed, failed)
	}
	return nil
}

// run is what one run knows.
type run struct {
	Target
	base string // of the topics
	user string // as the server knows it
	role string
}

// get makes a request; a status of 300 and over is an error.
func (r *run) get(ctx context.Context, method, path string, body, out any) (http.Header, error) {
	res, err := r.open(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			return nil, fmt.Errorf("the answer is not fitmq's: %w", err)
		}
	}
	return res.Header, nil
}

func (r *run) open(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode a request: %w", err)
		}
		content = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, r.HTTP+path, content)
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	switch {
	case r.User != "":
		req.SetBasicAuth(r.User, r.Password)
	case r.Password != "":
		req.Header.Set("Authorization", "Bearer "+r.Password)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode < http.StatusMultipleChoices {
		return res, nil
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	if err != nil {
		return nil, fmt.Errorf("%s", res.Status)
	}
	var p struct{ Detail string }
	if json.Unmarshal(text, &p) == nil && p.Detail != "" {
		text = []byte(p.Detail)
	}
	return nil, fmt.Errorf("%s: %s", res.Status, bytes.TrimSpace(text))
}

func (r *run) health(ctx context.Context) (string, error) {
	_, err := r.get(ctx, http.MethodGet, "/healthz", nil, nil)
	return "", err
}

func (r *run) ready(ctx context.Context) (string, error) {
	_, err := r.get(ctx, http.MethodGet, "/readyz", nil, nil)
	return "", err
}

// clock compares with the Date header, which has whole seconds.
func (r *run) clock(ctx context.Context) (string, error) {
	header, err := r.get(ctx, http.MethodGet, "/healthz", nil, nil)
	if err != nil {
		return "", err
	}
	at, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return "", fmt.Errorf("the server tells no time: %w", err)
	}
	const most = 5 * time.Second
	if off := time.Since(at).Truncate(time.Second); off.Abs() > most {
		return "", fmt.Errorf("the server's clock is %v off this one", off)
	}
	return "the same within 5 s", nil
}

func (r *run) signIn(ctx context.Context) (string, error) {
	var me struct{ UserID, Role string }
	if _, err := r.get(ctx, http.MethodGet, "/api/v1/me", nil, &me); err != nil {
		return "", err
	}
	r.user, r.role = me.UserID, me.Role
	return me.UserID + " is " + me.Role, nil
}

func (r *run) version(ctx context.Context) (string, error) {
	var doc struct {
		Info struct{ Title, Version string }
	}
	if _, err := r.get(ctx, http.MethodGet, "/api/v1/openapi.json", nil, &doc); err != nil {
		return "", err
	}
	note := doc.Info.Title + ", interface " + doc.Info.Version
	var stats struct{ Version string }
	if r.role == "admin" {
		if _, err := r.get(ctx, http.MethodGet, "/api/v1/stats", nil, &stats); err != nil {
			return "", err
		}
		note += ", server " + stats.Version
	}
	return note, nil
}

// mqtt connects, and hands over payloads that come.
func (r *run) mqtt(ctx context.Context, address, id string, expiry uint32) (*peer.Client, <-chan string, error) {
	came := make(chan string, 16)
	c, err := peer.Dial(ctx, peer.Options{
		URL: address, User: r.user, Password: r.Password, ClientID: id, Expiry: expiry,
		OnMessage: func(p *paho.Publish) {
			select {
			case came <- string(p.Payload):
			default: // more than the step has sent
			}
		},
	})
	return c, came, err
}

// await wants the payload to come.
func await(ctx context.Context, came <-chan string, want string) error {
	for {
		select {
		case got := <-came:
			if got == want {
				return nil
			}
		case <-ctx.Done():
			return errors.New("the message did not come back")
		}
	}
}

// roundTrip publishes to itself. Where the user may not, it says so: the way works
// all the same.
func (r *run) roundTrip(ctx context.Context, address, name string) (string, error) {
	c, came, err := r.mqtt(ctx, address, "", 0)
	if err != nil {
		return "", err
	}
	defer c.Close()
	topic := r.base + "/" + name
	if err := c.Subscribe(ctx, 1, topic); errors.Is(err, peer.ErrRefused) {
		return r.noRight(), nil
	} else if err != nil {
		return "", err
	}
	begin := time.Now()
	if err := c.Publish(ctx, &paho.Publish{Topic: topic, QoS: 1, Payload: []byte(name)}); errors.Is(err, peer.ErrRefused) {
		return r.noRight(), nil
	} else if err != nil {
		return "", err
	}
	if err := await(ctx, came, name); err != nil {
		return "", err
	}
	return fmt.Sprintf("%.1f ms to and fro", float64(time.Since(begin).Microseconds())/1000), nil
}

func (r *run) noRight() string {
	return "connected; " + r.user + " may not use " + r.Topic + "/#, so no message was sent (--topic names another)"
}

func (r *run) tcp(ctx context.Context) (string, error) { return r.roundTrip(ctx, r.MQTT, "tcp") }

func (r *run) webSocket(ctx context.Context) (string, error) {
	return r.roundTrip(ctx, "ws"+strings.TrimPrefix(r.HTTP, "http")+"/mqtt", "websocket")
}

func (r *run) post(ctx context.Context, topic, payload string, retain bool) error {
	_, err := r.get(ctx, http.MethodPost, "/api/v1/publish", map[string]any{"topic": topic, "payload": payload, "qos": 1, "retain": retain}, nil)
	return err
}

// forbidden reports whether the error is a 403.
func forbidden(err error) bool { return err != nil && strings.HasPrefix(err.Error(), "403") }

func (r *run) events(ctx context.Context) (string, error) {
	topic := r.base + "/events"
	res, err := r.open(ctx, http.MethodGet, "/api/v1/events?filter="+url.QueryEscape(topic), nil)
	if forbidden(err) {
		return r.noRight(), nil
	}
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() && !strings.Contains(lines.Text(), `"sessionPresent"`) {
	}
	begin := time.Now()
	if err := r.post(ctx, topic, "events", false); forbidden(err) {
		return r.noRight(), nil
	} else if err != nil {
		return "", err
	}
	for lines.Scan() {
		if strings.Contains(lines.Text(), `"payload":"events"`) {
			return fmt.Sprintf("%.1f ms to and fro", float64(time.Since(begin).Microseconds())/1000), nil
		}
	}
	return "", errors.New("the event did not come")
}

func (r *run) retained(ctx context.Context) (string, error) {
	topic := r.base + "/retained"
	if err := r.post(ctx, topic, "kept", true); forbidden(err) {
		return r.noRight(), nil
	} else if err != nil {
		return "", err
	}
	var list struct{ Items []struct{ Payload string } }
	_, err := r.get(ctx, http.MethodGet, "/api/v1/retained?filter="+url.QueryEscape(topic), nil, &list)
	if gone := r.post(ctx, topic, "", true); err == nil {
		err = gone
	}
	if err == nil && (len(list.Items) != 1 || list.Items[0].Payload != "kept") {
		err = errors.New("the message is not there")
	}
	return "", err
}

func (r *run) queue(ctx context.Context) (string, error) {
	topic, id := r.base+"/queue", strings.ReplaceAll(r.base, "/", "-")
	c, _, err := r.mqtt(ctx, r.MQTT, id, 60)
	if err != nil {
		return "", err
	}
	err = c.Subscribe(ctx, 1, topic)
	c.Close()
	if errors.Is(err, peer.ErrRefused) {
		return r.noRight(), nil
	}
	if err != nil {
		return "", err
	}
	if err := r.post(ctx, topic, "queued", false); forbidden(err) {
		return r.noRight(), nil
	} else if err != nil {
		return "", err
	}
	c, came, err := r.mqtt(ctx, r.MQTT, id, 60)
	if err != nil {
		return "", err
	}
	err = await(ctx, came, "queued")
	c.Close()
	if last, _, again := r.mqtt(ctx, r.MQTT, id, 0); again == nil { // the session ends with it
		last.Close()
	}
	return "", err
}
