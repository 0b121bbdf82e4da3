package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// maxAnswer is how much of an answer is read for an error message.
const maxAnswer = 64 << 10

// setUp creates what the demonstration needs, in the order in which one thing
// refers to another.
func (s *Stage) setUp(ctx context.Context, now time.Time) error {
	type user struct {
		Name     string `json:"name"`
		Role     string `json:"role"`
		Password string `json:"password"`
	}
	users := map[string]user{
		TrainerID: {"Tess", "trainer", s.trainerPassword},
		WatcherID: {"You", "member", s.WatcherPassword},
	}
	for _, r := range s.riders {
		users[r.id] = user{r.name, "member", r.password}
	}
	for id, u := range users {
		if err := s.put(ctx, "/users/"+id, u); err != nil {
			return err
		}
	}
	if err := s.put(ctx, "/sessions/"+SessionID, map[string]any{
		"kind": "workout", "title": "Morning ride", "host": TrainerID, "trainer": TrainerID,
		"visibility": "open", "rankBy": "distance",
	}); err != nil {
		return err
	}
	// A day more on either side: somewhere it is the month already, and a ride
	// begun in its last minutes still counts.
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	if err := s.put(ctx, "/challenges/"+s.ChallengeID, map[string]any{
		"title": now.Month().String() + " 100 km", "organizer": TrainerID, "visibility": "open",
		"metric": "distance", "aggregate": "sum", "order": "desc",
		"startsAt": first.AddDate(0, 0, -1).Format(time.RFC3339),
		"endsAt":   first.AddDate(0, 1, 1).Format(time.RFC3339),
		"goal":     100_000,
	}); err != nil {
		return err
	}
	for id := range users {
		if id == TrainerID {
			continue
		}
		if err := s.put(ctx, "/challenges/"+s.ChallengeID+"/participants/"+id, struct{}{}); err != nil {
			return err
		}
	}
	return nil
}

// put creates or replaces a resource. What the server says against it is part
// of the error.
func (s *Stage) put(ctx context.Context, path string, body any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, s.opts.HTTPURL+"/api/v1"+path, bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("put %s: %w", path, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+s.opts.AdminToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("put %s: %w", path, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("put %s: read the answer: %w", path, err)
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("put %s: %s: %s", path, res.Status, bytes.TrimSpace(answer))
	}
	return nil
}
