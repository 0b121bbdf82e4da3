package tests_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/httphead"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
	"github.com/gobwas/ws/wsutil"
)

// What BenchmarkFitness_BoardUpdates does: boardWatchers look at a challenge while
// boardActivities arrive a second, each by one of boardAthletes in turn.
const (
	boardWatchers   = 200
	boardAthletes   = 300
	boardActivities = 50
)

// browser is a connection as a browser makes it: MQTT over WebSocket, with
// permessage-deflate.
type browser struct {
	net.Conn
	src io.Reader // what the handshake has read already, then the connection
	in  bytes.Buffer
}

// dialBrowser opens a WebSocket.
func dialBrowser(s *server) (*browser, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	dialer := ws.Dialer{Protocols: []string{"mqtt"}, Extensions: []httphead.Option{wsflate.DefaultParameters.Option()}}
	c, rest, handshake, err := dialer.Dial(ctx, "ws://"+s.http+"/mqtt")
	if err != nil {
		return nil, err
	}
	if len(handshake.Extensions) == 0 {
		return nil, fmt.Errorf("the server does not compress")
	}
	b := &browser{Conn: c, src: c}
	if rest != nil {
		b.src = io.MultiReader(io.LimitReader(rest, int64(rest.Buffered())), c)
	}
	return b, nil
}

// Write sends one message.
func (b *browser) Write(p []byte) (int, error) {
	return len(p), wsutil.WriteClientBinary(b.Conn, p)
}

// Read gives what is in the messages, one after the other.
func (b *browser) Read(p []byte) (int, error) {
	for b.in.Len() == 0 {
		if err := b.message(); err != nil {
			return 0, err
		}
	}
	return b.in.Read(p)
}

// message reads a message. This server does not send fragments.
func (b *browser) message() error {
	head, err := ws.ReadHeader(b.src)
	if err != nil {
		return err
	}
	if head.OpCode != ws.OpBinary || !head.Fin {
		return fmt.Errorf("a frame of kind %d, final: %v", head.OpCode, head.Fin)
	}
	payload := io.LimitReader(b.src, head.Length)
	if !head.Rsv1() {
		_, err = b.in.ReadFrom(payload)
		return err
	}
	packed := io.MultiReader(payload, bytes.NewReader([]byte{0, 0, 0xFF, 0xFF, 1, 0, 0, 0xFF, 0xFF}))
	if _, err = b.in.ReadFrom(flate.NewReader(packed)); err != nil { // RFC 7692, 7.2.2; the last block ends the stream
		return err
	}
	_, err = io.Copy(io.Discard, payload)
	return err
}

// boardEvery is how far apart boards of one challenge are at least.
const boardEvery = 500 * time.Millisecond

// boardTimes is when each activity was sent, and how long each board took to each
// watcher. Activities are sent in rising distance, so that the first entry of a
// board says which is the newest on it.
type boardTimes struct {
	mu    sync.Mutex // guards the fields below
	sent  map[float64]time.Time
	first map[float64]time.Time // when the first watcher had the board with that newest activity
	took  []time.Duration
	wait  []time.Duration // until an activity's first board
}

// due is the moment from which a board could go out: the newest activity on it was
// sent, and half a second has passed since the board before. t.mu is held.
func (t *boardTimes) due(newest, before float64) time.Time {
	due := t.sent[newest]
	if first, ok := t.first[before]; ok && first.Add(boardEvery).After(due) {
		due = first.Add(boardEvery)
	}
	return due
}

// arrived notes a board that has come.
func (t *boardTimes) arrived(payload []byte, seen *float64) error {
	now := time.Now()
	var board struct {
		Entries []struct{ Score float64 }
	}
	if err := json.Unmarshal(payload, &board); err != nil {
		return fmt.Errorf("a board: %w: %.60s", err, payload)
	}
	if len(board.Entries) == 0 {
		return nil
	}
	newest := board.Entries[0].Score
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.sent[newest]; ok && newest > *seen {
		if _, known := t.first[newest]; !known {
			t.first[newest] = now
		}
		t.took = append(t.took, max(0, now.Sub(t.due(newest, *seen))))
		for d := *seen + 1; d <= newest; d++ {
			if at, ok := t.sent[d]; ok {
				t.wait = append(t.wait, now.Sub(at))
			}
		}
	}
	*seen = newest
	return nil
}

// watch reads boards until the connection ends.
func (t *boardTimes) watch(d *device, topic string) error {
	seen := 0.0
	for {
		first, body, err := d.read()
		if err != nil {
			return nil //nolint:nilerr // the benchmark ends connections by closing them
		}
		if payload, ok := bytes.CutPrefix(body, append([]byte{0, byte(len(topic))}, topic...)); ok && first>>4 == 3 {
			if err := t.arrived(payload, &seen); err != nil {
				return err
			}
		}
	}
}

// BenchmarkFitness_BoardUpdates is how long a board takes to 200 open browsers
// while 50 activities a second arrive: from the moment from which it could go out,
// see boardTimes.due. A board goes out at most twice a second, so an activity that
// comes just after one waits for the next: ms-p99-any is over all activities from
// their sending, with that wait and the disk's.
func BenchmarkFitness_BoardUpdates(b *testing.B) {
	seconds := 30
	if testing.Short() {
		seconds = 6
	}
	for b.Loop() {
		times := &boardTimes{sent: map[float64]time.Time{}, first: map[float64]time.Time{}}
		boardUpdates(b, times, seconds)
		slices.Sort(times.took)
		slices.Sort(times.wait)
		if want := boardWatchers * seconds; len(times.took) < want {
			b.Fatalf("%d boards arrived, want %d or more", len(times.took), want)
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(len(times.took))/float64(seconds), "boards/s")
		b.ReportMetric(quantile(times.took, 0.5), "ms-p50")
		b.ReportMetric(quantile(times.took, 0.99), "ms-p99")
		b.ReportMetric(quantile(times.took, 1), "ms-longest")
		b.ReportMetric(quantile(times.wait, 0.5), "ms-p50-any")
		b.ReportMetric(quantile(times.wait, 0.99), "ms-p99-any")
	}
}

// boardUpdates runs a challenge for so many seconds.
func boardUpdates(b *testing.B, times *boardTimes, seconds int) {
	s, now := startFitness(b), time.Now().UTC()
	defer s.stop(b)
	s.put(b, "/users/oli", map[string]string{"role": "member"})
	s.put(b, "/challenges/c1", map[string]any{
		"organizer": "oli", "metric": "distance", "aggregate": "best", "visibility": "open",
		"startsAt": now.Add(-48 * time.Hour).Format(time.RFC3339), "endsAt": now.Add(48 * time.Hour).Format(time.RFC3339),
	})
	devices := make([]*device, boardAthletes+boardWatchers)
	const topic = "challenge/c1/leaderboard"
	var reading sync.WaitGroup
	defer func() {
		for _, d := range devices {
			if d != nil {
				d.Close()
			}
		}
		reading.Wait()
	}()
	each(b, len(devices), 16, func(i int) (err error) {
		user := fmt.Sprintf("u%d", i)
		s.put(b, "/users/"+user, map[string]string{"role": "member"})
		s.put(b, "/challenges/c1/participants/"+user, struct{}{})
		if i < boardAthletes {
			devices[i], err = signIn(s, user)
			return err
		}
		c, err := dialBrowser(s)
		if err != nil {
			return err
		}
		d := &device{Conn: c, in: bufio.NewReader(c)}
		devices[i] = d
		if err := d.signIn(user); err != nil {
			return err
		}
		reading.Go(func() {
			if err := times.watch(d, topic); err != nil {
				b.Error(err)
			}
		})
		return d.subscribe(topic)
	})
	start, began := now.Add(-time.Hour).Format(time.RFC3339), time.Now()
	for i := range seconds * boardActivities {
		time.Sleep(time.Until(began.Add(time.Duration(i) * time.Second / boardActivities)))
		distance := float64(1000 + i)
		activity := fmt.Sprintf(`{"activityId":"a%d","sport":"running","startTime":%q,"totalElapsedTime":1800,"totalDistance":%v}`, i, start, distance)
		d := devices[i%boardAthletes]
		if i >= boardAthletes {
			expectPuback(b, d) // of its activity before, seconds ago: nobody waits for the disk
		}
		times.mu.Lock()
		times.sent[distance] = time.Now()
		times.mu.Unlock()
		if _, err := d.Write(publishPacket("challenge/c1/activity", activity, 1)); err != nil {
			b.Fatal(err)
		}
	}
	for _, d := range devices[:boardAthletes] {
		expectPuback(b, d)
	}
}

// expectPuback reads a PUBACK that says success.
func expectPuback(b *testing.B, d *device) {
	b.Helper()
	if first, body, err := d.read(); err != nil || first != 0x40 || len(body) > 2 && body[2] >= 0x80 {
		b.Fatalf("got %x %x %v, want PUBACK", first, body, err)
	}
}
