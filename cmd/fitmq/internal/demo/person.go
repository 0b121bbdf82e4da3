package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// maxAnswer is how much of an answer is read.
const maxAnswer = 64 << 10

// callWait is how long a call of the REST interface may take.
const callWait = 20 * time.Second

// errMissing is the error of what is not there.
var errMissing = errors.New("not found")

// call asks the REST interface, as somebody or, where who is nil, as the
// administrator. What the server says against it is part of the error.
func (s *Stage) call(ctx context.Context, who *account, method, path string, body any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.opts.HTTPURL+"/api/v1"+path, bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	req.Header.Set("Content-Type", "application/json")
	if who == nil {
		req.Header.Set("Authorization", "Bearer "+s.opts.AdminToken)
	} else {
		req.SetBasicAuth(who.id, who.password)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	switch {
	case err != nil:
		return fmt.Errorf("%s %s: read the answer: %w", method, path, err)
	case res.StatusCode == http.StatusNotFound:
		return fmt.Errorf("%s %s: %w", method, path, errMissing)
	case res.StatusCode >= 300:
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, bytes.TrimSpace(answer))
	}
	return nil
}

// put creates or replaces a resource, as the administrator.
func (s *Stage) put(ctx context.Context, path string, body any) error {
	return s.call(ctx, nil, http.MethodPut, path, body)
}

// putOnce creates a resource that may have gone on since an earlier
// demonstration, and reports whether it was not there.
func (s *Stage) putOnce(ctx context.Context, path string, body any) (bool, error) {
	err := s.call(ctx, nil, http.MethodGet, path, nil)
	if err == nil || !errors.Is(err, errMissing) {
		return false, err
	}
	return true, s.put(ctx, path, body)
}

// publish publishes as somebody, at QoS 1.
func (s *Stage) publish(ctx context.Context, who, topic string, payload any) error {
	body := map[string]any{"topic": topic, "qos": 1, "payload": payload}
	return s.call(ctx, s.cast[who], http.MethodPost, "/publish", body)
}
