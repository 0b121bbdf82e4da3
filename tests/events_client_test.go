package tests_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// events is a client that takes Server-Sent Events.
type events struct {
	body   io.ReadCloser
	lines  *bufio.Reader
	cancel context.CancelFunc
	opened struct {
		ClientID       string
		SessionPresent bool
		Filters        []struct {
			Filter string
			Code   byte
			Reason string
		}
	}
}

// event is one of them.
type event struct {
	id, name string
	data     struct {
		Topic   string
		Payload json.RawMessage
		QoS     byte
		Retain  bool
		Dup     bool
		Code    byte
		Reason  string
	}
}

func (e event) String() string { return e.data.Topic + " " + string(e.data.Payload) }

// listen opens an event stream. last is the last event's id, or "".
func (s *server) listen(t testing.TB, user, clientID, last string, filters ...string) *events {
	t.Helper()
	e, res := s.tryListen(t, user, secret(user), clientID, last, filters...)
	if e == nil {
		body, _ := io.ReadAll(res.Body)
		t.Fatalf("events: %s: %s", res.Status, body)
	}
	return e
}

func (s *server) tryListen(t testing.TB, user, password, clientID, last string, filters ...string) (*events, *http.Response) {
	t.Helper()
	query := url.Values{"clientId": {clientID}, "filter": filters}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.http+"/api/v1/events?"+query.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(user, password)
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("open events: %v", err)
	}
	t.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != http.StatusOK {
		return nil, res
	}
	if got := res.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type is %q", got)
	}
	e := &events{body: res.Body, lines: bufio.NewReader(res.Body), cancel: cancel}
	for {
		field, value := e.line(t)
		if field == "data" {
			if err := json.Unmarshal([]byte(value), &e.opened); err != nil {
				t.Fatalf("first event %s: %v", value, err)
			}
			e.line(t)
			return e, res
		}
	}
}

// line reads one line; field "" with value "" is an empty one.
func (e *events) line(t testing.TB) (field, value string) {
	t.Helper()
	timer := time.AfterFunc(patience, e.cancel)
	defer timer.Stop()
	line, err := e.lines.ReadString('\n')
	if err != nil {
		t.Fatalf("the stream ended: %v", err)
	}
	field, value, _ = strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
	return field, value
}

// next returns the next event.
func (e *events) next(t testing.TB) event {
	t.Helper()
	ev := event{}
	for {
		field, value := e.line(t)
		switch field {
		case "id":
			ev.id = value
		case "event":
			ev.name = value
		case "data":
			if err := json.Unmarshal([]byte(value), &ev.data); err != nil {
				t.Fatalf("event %s: %v", value, err)
			}
		case "":
			if ev.name != "" {
				return ev
			}
		}
	}
}

// want waits for messages, as "topic payload".
func (e *events) want(t testing.TB, wants ...string) (ids []string) {
	t.Helper()
	for _, want := range wants {
		ev := e.next(t)
		if got := ev.String(); got != want || ev.name != "message" {
			t.Fatalf("got %s %s, want %s", ev.name, got, want)
		}
		ids = append(ids, ev.id)
	}
	return ids
}

func (e *events) wantEnd(t testing.TB, code byte) {
	t.Helper()
	for {
		ev := e.next(t)
		if ev.name != "end" {
			continue
		}
		if ev.data.Code != code {
			t.Errorf("the stream ended with %#x (%s), want %#x", ev.data.Code, ev.data.Reason, code)
		}
		return
	}
}

// as makes a request as a user and returns status and body.
func (s *server) as(t testing.TB, user, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.http+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(user, secret(user))
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(bytes.TrimSpace(answer))
}

func (s *server) ack(t testing.TB, user, clientID, last string) {
	t.Helper()
	if status, answer := s.as(t, user, "POST", "/ack", fmt.Sprintf(`{"clientId":%q,"lastEventId":%q}`, clientID, last)); status != http.StatusNoContent {
		t.Fatalf("ack: %d %s", status, answer)
	}
}
