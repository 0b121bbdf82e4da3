package replay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/fitmq/fitmq/cmd/wearsim/internal/recording"
	"github.com/fitmq/fitmq/cmd/wearsim/internal/replay"
)

const (
	progressTopic = "session/s1/progress/ana"
	activityTopic = "challenge/c1/activity"
)

// mustRecord makes a recording of n samples, one a second, 4 m each.
func mustRecord(tb testing.TB, n int) *recording.Recording {
	tb.Helper()
	var b strings.Builder
	b.WriteString("elapsed_time,heart_rate,distance\n")
	for i := range n {
		fmt.Fprintf(&b, "%d,%d,%d\n", i, 120+i%40, 4*i)
	}
	rec, err := recording.Decode(strings.NewReader(b.String()))
	if err != nil {
		tb.Fatalf("decode: %v", err)
	}
	rec.Legs[0].Sport = "running"
	return rec
}

// mustRecordLegs makes a recording of two legs.
func mustRecordLegs(tb testing.TB) *recording.Recording {
	tb.Helper()
	track := func(sport string, from int) string {
		s := "<trk><type>" + sport + "</type><trkseg>"
		for i := from; i < from+5; i++ {
			s += fmt.Sprintf(`<trkpt lat="0" lon="%f"><time>2024-05-01T08:00:%02dZ</time></trkpt>`, float64(i)/10000, i)
		}
		return s + "</trkseg></trk>"
	}
	rec, err := recording.Decode(strings.NewReader("<gpx>" + track("running", 0) + track("cycling", 10) + "</gpx>"))
	if err != nil {
		tb.Fatalf("decode: %v", err)
	}
	return rec
}

func options(addr string) replay.Options {
	return replay.Options{
		Addr: brokerURL(addr), User: "ana", Password: "secret", ClientID: "watch-ana",
		Session: "s1", Challenge: "c1", Speed: 60,
	}
}

// run replays with a limit of time.
func run(tb testing.TB, rec *recording.Recording, opt replay.Options, d *diary) (replay.Result, error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	return replay.Run(ctx, rec, opt, d)
}

// wantSeqs checks that each sample from 1 to n came, and that a sample came
// again only as part of the very same message.
func wantSeqs(tb testing.TB, payloads [][]byte, n int) {
	tb.Helper()
	seen := map[string]bool{}
	next := uint64(1)
	for i, batch := range samples(tb, payloads) {
		if seen[string(payloads[i])] {
			continue // a repetition of a message whose acknowledgement was lost
		}
		seen[string(payloads[i])] = true
		for _, s := range batch {
			if s.Seq != next {
				tb.Fatalf("got seq %d, want %d", s.Seq, next)
			}
			next++
		}
	}
	if got, want := next-1, uint64(n); got != want {
		tb.Errorf("samples: got %d, want %d", got, want)
	}
}

func TestRun_OK(t *testing.T) {
	t.Parallel()
	broker, addr := mustStartBroker(t, nil, "ana")
	before := time.Now()
	d := newDiary()
	res, err := run(t, mustRecord(t, 120), options(addr), d)
	after := time.Now()
	if err != nil || !res.OK() || res.Refusal() {
		t.Fatalf("got %+v, %v", res, err)
	}
	if took := after.Sub(before); took < 1900*time.Millisecond || took > 8*time.Second {
		t.Errorf("119 s at 60 times the pace took %v, want about 2 s", took)
	}
	if got := broker.filters(); len(got) != 2 || got[0] != "user/ana/#" || got[1] != "session/s1/#" {
		t.Errorf("subscriptions: got %v", got)
	}
	payloads := broker.on(progressTopic)
	wantSeqs(t, payloads, 120)
	batches := samples(t, payloads)
	if n := len(batches); n > 12 {
		t.Errorf("%d messages in 2 s, want at most 4 a second and the first", n)
	}
	first, last := batches[0][0], batches[len(batches)-1][len(batches[len(batches)-1])-1]
	if len(batches[0]) != 1 || first.ElapsedTime != 0 || first.Status != "active" || first.Sport != "running" {
		t.Errorf("first message: got %+v", batches[0])
	}
	if last.ElapsedTime != 119 || last.Status != "ended" || *last.Distance != 476 {
		t.Errorf("last sample: got %+v", last)
	}
	for _, b := range batches {
		for _, s := range b {
			if s.Timestamp.Before(before.Add(-time.Second)) || s.Timestamp.After(after) {
				t.Fatalf("sample %d carries %v, it was sent between %v and %v", s.Seq, s.Timestamp, before, after)
			}
		}
	}
	wantActivity(t, broker.on(activityTopic), before, after)
}

func wantActivity(t *testing.T, bodies [][]byte, before, after time.Time) {
	t.Helper()
	if len(bodies) != 1 {
		t.Fatalf("activities: got %d, want 1", len(bodies))
	}
	var a struct {
		ActivityID       string    `json:"activityId"`
		Sport            string    `json:"sport"`
		StartTime        time.Time `json:"startTime"`
		TotalElapsedTime float64   `json:"totalElapsedTime"`
		TotalDistance    float64   `json:"totalDistance"`
		AvgPower         *float64  `json:"avgPower"`
	}
	if err := json.Unmarshal(bodies[0], &a); err != nil {
		t.Fatalf("activity %s: %v", bodies[0], err)
	}
	end := a.StartTime.Add(time.Duration(a.TotalElapsedTime * float64(time.Second)))
	if end.Before(before.Add(-time.Second)) || end.After(after) {
		t.Errorf("the activity ends %v, it was submitted between %v and %v", end, before, after)
	}
	if a.Sport != "running" || a.TotalElapsedTime != 119 || a.TotalDistance != 476 || a.AvgPower != nil || a.ActivityID == "" {
		t.Errorf("activity: got %s", bodies[0])
	}
}

func TestRun_OKLegs(t *testing.T) {
	t.Parallel()
	broker, addr := mustStartBroker(t, nil)
	rec := mustRecordLegs(t)
	res, err := run(t, rec, options(addr), newDiary())
	if err != nil || !res.OK() || res.Accepted != 2 {
		t.Fatalf("got %+v, %v", res, err)
	}
	bodies := broker.on(activityTopic)
	for i, sport := range []string{"running", "cycling"} {
		if !strings.Contains(string(bodies[i]), `"sport":"`+sport+`"`) || !strings.Contains(string(bodies[i]), replay.ActivityID(rec, i, "")) {
			t.Errorf("activity %d: got %s, want %s", i, bodies[i], sport)
		}
	}
	if replay.ActivityID(rec, 0, "") == replay.ActivityID(rec, 1, "") || replay.ActivityID(rec, 0, "") == replay.ActivityID(rec, 0, "b") {
		t.Error("legs and suffixes must make different ids")
	}
}

// TestRun_OKOneClock starts two wearables at one moment; the second recording
// began two seconds later.
func TestRun_OKOneClock(t *testing.T) {
	t.Parallel()
	broker, addr := mustStartBroker(t, nil)
	start := time.Now().Add(500 * time.Millisecond)
	var wg sync.WaitGroup
	for user, lag := range map[string]time.Duration{"ana": 0, "ben": 2 * time.Second} {
		opt := options(addr)
		opt.User, opt.ClientID, opt.StartAt, opt.Lag, opt.Challenge, opt.Speed = user, "watch-"+user, start, lag, "", 4
		rec := mustRecord(t, 9)
		wg.Add(1)
		go func() {
			defer wg.Done()
			if res, err := run(t, rec, opt, newDiary()); err != nil || !res.OK() {
				t.Errorf("%s: got %+v, %v", user, res, err)
			}
		}()
	}
	wg.Wait()
	// ana's sample of second k+2 and ben's of second k belong to one moment.
	at := map[string]map[float64]time.Time{}
	for _, user := range []string{"ana", "ben"} {
		at[user] = map[float64]time.Time{}
		for _, b := range samples(t, broker.on("session/s1/progress/"+user)) {
			for _, s := range b {
				at[user][s.ElapsedTime] = s.Timestamp
			}
		}
	}
	if early := start.Sub(at["ana"][0]); early > 2*time.Millisecond {
		t.Errorf("ana began %v before the start", early)
	}
	for k := range 7 {
		ana, ben := at["ana"][float64(k+2)], at["ben"][float64(k)]
		if diff := ana.Sub(ben).Abs(); diff > 240*time.Millisecond {
			t.Errorf("second %d: ana's sample went %v apart from ben's", k+2, diff)
		}
	}
}

// TestRun_OKConnectionCut breaks the line after a message has reached the broker
// and before its acknowledgement, keeps it broken for a while, and does the same
// to the activity.
func TestRun_OKConnectionCut(t *testing.T) {
	t.Parallel()
	line := mustStartProxy(t)
	var mu sync.Mutex
	messages, activities := 0, 0
	d := newDiary()
	broker, addr := mustStartBroker(t, func(m message) error {
		mu.Lock()
		defer mu.Unlock()
		switch m.topic {
		case progressTopic:
			if messages++; messages == 3 {
				line.setDown(true)
				line.cut()
			}
		case activityTopic:
			if activities++; activities <= 2 {
				line.cut()
			}
		}
		return nil
	})
	line.move(addr)
	opt := options(addr)
	opt.Addr = line.url()
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		d.waitFor(t, "connect failed") // long enough away that samples pile up
		line.setDown(false)
	}()
	res, err := run(t, mustRecord(t, 150), opt, d)
	wg.Wait()
	if err != nil || !res.OK() || res.Reconnects < 2 || res.Dropped != 0 {
		t.Fatalf("got %+v, %v, want 2 reconnects or more and nothing lost", res, err)
	}
	wantSeqs(t, broker.on(progressTopic), 150)
	bodies := broker.on(activityTopic)
	if len(bodies) < 2 {
		t.Fatalf("the activity must have been sent again, got %d", len(bodies))
	}
	for _, b := range bodies {
		if !bytes.Equal(b, bodies[0]) {
			t.Errorf("the same activity with another body: %s and %s", bodies[0], b)
		}
	}
}

// TestRun_OKSessionLost moves the wearable to a broker that knows nothing of its
// session, as after a crash without a disk.
func TestRun_OKSessionLost(t *testing.T) {
	t.Parallel()
	second, addr2 := mustStartBroker(t, nil)
	line := mustStartProxy(t)
	var once sync.Once
	first, addr1 := mustStartBroker(t, func(m message) error {
		if m.topic == progressTopic && bytes.Contains(m.payload, []byte(`"elapsedTime":30,`)) {
			once.Do(func() { line.move(addr2); line.cut() })
		}
		return nil
	})
	line.move(addr1)
	opt := options(addr1)
	opt.Addr = line.url()
	res, err := run(t, mustRecord(t, 90), opt, newDiary())
	if err != nil || !res.OK() || res.Reconnects < 1 {
		t.Fatalf("got %+v, %v", res, err)
	}
	wantSeqs(t, append(first.on(progressTopic), second.on(progressTopic)...), 90)
	if got := second.filters(); len(got) != 2 {
		t.Errorf("it must join the session again, got subscriptions %v", got)
	}
	if got := len(second.on(activityTopic)); got != 1 {
		t.Errorf("activities at the second broker: got %d, want 1", got)
	}
}

func TestRun_OKQuota(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	refused := 0
	broker, addr := mustStartBroker(t, func(m message) error {
		mu.Lock()
		defer mu.Unlock()
		if m.topic == activityTopic && refused == 0 {
			refused++
			return packets.ErrQuotaExceeded
		}
		return nil
	})
	opt := options(addr)
	opt.Session = ""
	res, err := run(t, mustRecord(t, 5), opt, newDiary())
	mu.Lock()
	defer mu.Unlock()
	if err != nil || !res.OK() || len(broker.on(activityTopic)) != 1 || refused != 1 {
		t.Errorf("an activity over its quota must be offered again: got %+v, %v", res, err)
	}
}

// TestRun_OKSilentBroker leaves a message without an acknowledgement.
func TestRun_OKSilentBroker(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	offered := 0
	broker, addr := mustStartBroker(t, func(m message) error {
		mu.Lock()
		defer mu.Unlock()
		if m.topic != activityTopic {
			return nil
		}
		if offered++; offered == 1 {
			return packets.ErrRejectPacket // the test broker then answers nothing
		}
		return nil
	})
	opt := options(addr)
	opt.AckTimeout = 200 * time.Millisecond
	res, err := run(t, mustRecord(t, 5), opt, newDiary())
	if err != nil || !res.OK() || res.Reconnects != 1 || len(broker.on(activityTopic)) != 1 {
		t.Errorf("got %+v, %v, want the activity sent again on a second connection", res, err)
	}
}
