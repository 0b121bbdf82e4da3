package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fitmq/fitmq/broker"
	"github.com/fitmq/fitmq/broker/brokertest"
)

// A server is copied while its athletes hand in activities; the copy, started,
// has everything that was acknowledged before, counted once, and a board that is
// what its activities make.
func TestBackup(t *testing.T) {
	dir, away := t.TempDir(), t.TempDir()
	s := brokertest.Start(t, func(o *broker.Options) { o.DataDir = dir })
	place(t, dir, s)
	ask(t, s, "PUT", "/users/ana", `{"name":"Ana","role":"member","password":"ana-secret"}`)
	ask(t, s, "PUT", "/challenges/june", `{"title":"June","organizer":"ana","visibility":"open","metric":"distance","aggregate":"sum","order":"desc",
		"startsAt":"2020-01-01T00:00:00Z","endsAt":"2099-01-01T00:00:00Z"}`)
	ask(t, s, "PUT", "/challenges/june/participants/ana", `{}`)
	now := time.Now().UTC()
	handIn := func(s *brokertest.Server, n int) {
		body := fmt.Sprintf(`{"topic":"challenge/june/activity","qos":1,"payload":{"activityId":"a%d","sport":"running",
			"totalDistance":1000,"totalElapsedTime":600,"startTime":%q}}`, n, now.Add(-time.Duration(n+1)*20*time.Minute).Format(time.RFC3339))
		req(t, s, "ana", "POST", "/publish", body)
	}
	for n := range 5 {
		handIn(s, n)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 5; n < 15; n++ {
			handIn(s, n)
		}
	})
	out, _ := fitmq(t, exitOK, "backup", away, "--data", dir, "--output", "json")
	wg.Wait()
	var made struct{ File string }
	if err := json.Unmarshal([]byte(out), &made); err != nil || filepath.Dir(made.File) != away {
		t.Fatalf("got %q (%v), want a file in %s", out, err, away)
	}
	if status := metrics(t, s); !strings.Contains(status, `fitmq_backups_total{result="done"} 1`) {
		t.Error("the backup is not counted")
	}
	copied := filepath.Join(t.TempDir(), "copy")
	out, _ = fitmq(t, exitOK, "restore", made.File, "--data", copied)
	if !strings.Contains(out, "sound") {
		t.Errorf("restore says %q", out)
	}
	fitmq(t, exitOK, "check", "--data", copied)

	again := brokertest.Start(t, func(o *broker.Options) { o.DataDir = copied })
	place(t, copied, again)
	var list struct{ Items []struct{ ActivityID string } }
	if err := json.Unmarshal(ask(t, again, "GET", "/challenges/june/activities?limit=100", ""), &list); err != nil {
		t.Fatal(err)
	}
	there := map[string]int{}
	for _, one := range list.Items {
		there[one.ActivityID]++
	}
	for n := range 5 {
		if id := fmt.Sprint("a", n); there[id] != 1 {
			t.Errorf("activity %s is there %d times", id, there[id])
		}
	}
	if out, _ := fitmq(t, exitOK, "challenge", "rebuild", "june", "--data", copied); !strings.Contains(out, "identical") {
		t.Errorf("the board of the copy: %s", out)
	}
	for n := range 15 { // sent again by a client that does not know: counted once
		handIn(again, n)
	}
	fitmq(t, exitOK, "challenge", "rebuild", "june", "--data", copied)
	fitmq(t, exitOK, "challenge", "rebuild", "june", "--data", dir)
	if got, want := score(t, again), score(t, s); got != want || got != 15000 {
		t.Errorf("score of the copy %v, of the server %v, want 15000", got, want)
	}

	cut := filepath.Join(away, "cut.tar")
	whole, err := os.ReadFile(made.File)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cut, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"ErrNotEmpty":  {[]string{"restore", made.File, "--data", away}, "empty or a new directory"},
		"ErrCut":       {[]string{"restore", cut, "--data", filepath.Join(away, "new")}, "cut off"},
		"ErrNone":      {[]string{"restore", filepath.Join(away, "none"), "--data", filepath.Join(away, "new")}, "none"},
		"ErrThere":     {[]string{"backup", made.File, "--data", dir}, "there already"},
		"ErrNoServer":  {[]string{"backup", filepath.Join(away, "x"), "--data", t.TempDir()}, "fitmq serve"},
		"ErrForbidden": {[]string{"backup", filepath.Join(away, "x"), "--url", "http://" + s.HTTP, "--token", issue(t, dir)}, "403"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, errs := fitmq(t, exitError, c.args...); !strings.Contains(errs, c.want) {
				t.Errorf("got %q, want %q in it", errs, c.want)
			}
		})
	}
	if left, err := filepath.Glob(filepath.Join(away, "*.partial")); err != nil || len(left) > 0 {
		t.Errorf("%v left behind (%v)", left, err)
	}
}

// place says where the server is, as serve does.
func place(t *testing.T, dir string, s *brokertest.Server) {
	t.Helper()
	data, err := json.Marshal(addresses{HTTP: s.HTTP, MQTT: s.MQTT})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, addressesFile), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func issue(t *testing.T, dir string) string {
	t.Helper()
	out, _ := fitmq(t, exitOK, "token", "issue", "ana", "--data", dir)
	return strings.TrimSpace(out)
}

// ask is req as the administrator.
func ask(t *testing.T, s *brokertest.Server, method, path, body string) []byte {
	t.Helper()
	return req(t, s, "", method, path, body)
}

// req makes a request as the user, whose password is user-secret.
func req(t *testing.T, s *brokertest.Server, user, method, path, body string) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.HTTP+"/api/v1"+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Error(err)
		return nil
	}
	r.Header.Set("Content-Type", "application/json")
	if r.SetBasicAuth(user, user+"-secret"); user == "" {
		r.Header.Set("Authorization", "Bearer "+s.Token)
	}
	return answer(t, r)
}

func answer(t *testing.T, r *http.Request) []byte {
	t.Helper()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		t.Errorf("%s %s: %d %s (%v)", r.Method, r.URL.Path, res.StatusCode, data, err)
	}
	return data
}

func metrics(t *testing.T, s *brokertest.Server) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.HTTP+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer(t, r))
}

// score is the leader's.
func score(t *testing.T, s *brokertest.Server) float64 {
	t.Helper()
	var b struct{ Entries []struct{ Score float64 } }
	if err := json.Unmarshal(ask(t, s, "GET", "/challenges/june/leaderboard", ""), &b); err != nil || len(b.Entries) != 1 {
		t.Fatalf("board %+v (%v)", b, err)
	}
	return b.Entries[0].Score
}
