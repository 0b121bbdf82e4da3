package gateway_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/fitmq/fitmq/engine"
)

func (f *fakeEngine) Activities(ctx context.Context, a engine.Actor, cid string, flagged bool, after string, limit int) ([]engine.HandedIn, string, error) {
	err := f.call(ctx, a, "activities", cid, fmt.Sprint(flagged), after, fmt.Sprint(limit))
	return []engine.HandedIn{{UserID: "ana", ActivityID: "a1", Activity: []byte(`{}`)}}, "ana/a1", err
}

func (f *fakeEngine) ActivitiesOf(ctx context.Context, a engine.Actor, cid, uid, after string, limit int) ([]engine.HandedIn, string, error) {
	err := f.call(ctx, a, "activities of", cid, uid, after, fmt.Sprint(limit))
	return []engine.HandedIn{{UserID: uid, ActivityID: "a1", Activity: []byte(`{}`)}}, "", err
}

func (f *fakeEngine) ReviewActivity(ctx context.Context, a engine.Actor, cid, uid, aid string, counted bool) (engine.HandedIn, error) {
	err := f.call(ctx, a, "review", cid, uid, aid, fmt.Sprint(counted))
	return engine.HandedIn{UserID: uid, ActivityID: aid, Counted: counted, Activity: []byte(`{}`)}, err
}

func (f *fakeEngine) RebuildChallenge(ctx context.Context, a engine.Actor, id string) (engine.Rebuilt, error) {
	return engine.Rebuilt{ChallengeID: id, Identical: true, Digest: "d"}, f.call(ctx, a, "rebuild", id)
}

func TestReviews(t *testing.T) {
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
		call, answer             string
	}{
		{"OK/list", "GET", "/challenges/c1/activities?flagged=true&after=ana%2Fa0&limit=7", "", 200, "ana(member) activities c1 true ana/a0 7",
			`{"items":[{"userId":"ana","name":"","activityId":"a1","arrivedAt":"0001-01-01T00:00:00Z","counted":false,"activity":{}}],"next":"ana/a1"}`},
		{"OK/all", "GET", "/challenges/c1/activities", "", 200, "ana(member) activities c1 false  100", ""},
		{"OK/mine", "GET", "/challenges/c1/activities/ana?after=a0&limit=7", "", 200, "ana(member) activities of c1 ana a0 7",
			`{"items":[{"userId":"ana","name":"","activityId":"a1","arrivedAt":"0001-01-01T00:00:00Z","counted":false,"activity":{}}]}`},
		{"ErrLimit", "GET", "/challenges/c1/activities/ana?limit=0", "", 400, "", ""},
		{"ErrFlagged", "GET", "/challenges/c1/activities?flagged=odd", "", 400, "", ""},
		{"OK/review", "PUT", "/challenges/c1/activities/ben/a%2F1/review", `{"counted":false}`, 200, "ana(member) review c1 ben a/1 false", ""},
		{"ErrReview", "PUT", "/challenges/c1/activities/ben/a1/review", `{}`, 422, "", ""},
		{"ErrReviewType", "PUT", "/challenges/c1/activities/ben/a1/review", `{"counted":"no"}`, 422, "", ""},
		{"OK/rebuild", "POST", "/challenges/c1/rebuild", "", 200, "ana(member) rebuild c1",
			`{"challengeId":"c1","identical":true,"digest":"d","revision":0,"periods":0,"ranked":0}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			res := h.do(t, "ana", tt.method, "/api/v1"+tt.path, tt.body)
			if tt.status >= 400 {
				wantProblem(t, res, tt.status, "")
			} else if res.StatusCode != tt.status {
				t.Fatalf("got %d %s, want %d", res.StatusCode, res.Body, tt.status)
			}
			if tt.answer != "" {
				wantJSON(t, res, tt.status, tt.answer)
			}
			if tt.call != "" && (len(h.engine.calls) != 1 || h.engine.calls[0] != tt.call) {
				t.Errorf("got calls %q, want %q", h.engine.calls, tt.call)
			}
		})
	}
}
