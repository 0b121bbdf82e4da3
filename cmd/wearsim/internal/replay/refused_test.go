package replay_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/fitmq/fitmq/cmd/wearsim/internal/replay"
)

func TestRun_ErrTakenOver(t *testing.T) {
	t.Parallel()
	_, addr := mustStartBroker(t, nil)
	opt := options(addr)
	opt.Speed = 1
	d := newDiary()
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		d.waitFor(t, "progress")
		other := options(addr)
		other.Session = ""
		if res, err := run(t, mustRecord(t, 5), other, newDiary()); err != nil || !res.OK() {
			t.Errorf("the second client: got %+v, %v", res, err)
		}
	}()
	_, err := run(t, mustRecord(t, 600), opt, d)
	wg.Wait()
	if !errors.Is(err, replay.ErrTakenOver) {
		t.Errorf("got %v, want ErrTakenOver: two of one id must not chase each other", err)
	}
}

func TestRun_ErrReported(t *testing.T) {
	t.Parallel()
	broker, addr := mustStartBroker(t, nil)
	d := newDiary()
	opt := options(addr)
	opt.Speed = 1
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		d.waitFor(t, "progress")
		for _, topic := range []string{progressTopic, "session/other/progress/ana"} {
			body := fmt.Sprintf(`{"topic":%q,"code":153,"reason":"heartRate 900 is over 250"}`, topic)
			if err := broker.srv.Publish("user/ana/error", []byte(body), false, 1); err != nil {
				t.Errorf("publish: %v", err)
			}
		}
	}()
	res, err := run(t, mustRecord(t, 3), opt, d)
	wg.Wait()
	if err != nil || res.Reported != 1 || res.OK() || !res.Refusal() {
		t.Errorf("got %+v, %v, want the one report about this replay", res, err)
	}
	if !d.has("reported " + progressTopic + ": heartRate 900 is over 250") {
		t.Errorf("the report must be told: %v", d.lines)
	}
}

func TestRun_ErrKeepBound(t *testing.T) {
	t.Parallel()
	broker, addr := mustStartBroker(t, nil)
	opt := options(addr)
	opt.StartAt = time.Now().Add(-time.Hour) // all is due at once, as after a long outage
	opt.Keep = 30
	res, err := run(t, mustRecord(t, 100), opt, newDiary())
	if err != nil || res.Sent != 30 || res.Dropped != 70 || res.OK() || res.Accepted != 1 {
		t.Fatalf("got %+v, %v, want the newest 30 sent, 70 dropped, the activity accepted", res, err)
	}
	batch := samples(t, broker.on(progressTopic))[0]
	if batch[0].Seq != 71 || batch[len(batch)-1].Status != "ended" {
		t.Errorf("got samples %d to %d, want 71 to 100", batch[0].Seq, batch[len(batch)-1].Seq)
	}
}

func TestRun_ErrRefused(t *testing.T) {
	t.Parallel()
	_, addr := mustStartBroker(t, func(m message) error {
		if m.topic == activityTopic || m.topic == progressTopic {
			return packets.Code{Code: 0x99, Reason: "heartRate 900 is over 250"}
		}
		return nil
	})
	d := newDiary()
	res, err := run(t, mustRecord(t, 3), options(addr), d)
	if err != nil || res.OK() || !res.Refusal() || res.Refused != 3 || res.ActRefused != 1 {
		t.Fatalf("got %+v, %v", res, err)
	}
	if !d.has("refused activity ") || !d.has("0x99 payload format invalid: heartRate 900 is over 250") {
		t.Errorf("the refusal must be told with its reason: %v", d.lines)
	}
}

func TestRun_ErrNoEntry(t *testing.T) {
	t.Parallel()
	_, addr := mustStartBroker(t, nil, "somebody-else")
	_, err := run(t, mustRecord(t, 3), options(addr), newDiary())
	if !errors.Is(err, replay.ErrRejected) || !strings.Contains(err.Error(), "0x86") {
		t.Errorf("got %v, want ErrRejected with the reason code", err)
	}
}

func TestRun_ErrNoBroker(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	opt := options(addr)
	opt.GiveUp = 300 * time.Millisecond
	_, err = run(t, mustRecord(t, 3), opt, newDiary())
	if !errors.Is(err, replay.ErrNoConnection) || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got %v, want ErrNoConnection with its cause", err)
	}
}

func TestRun_ErrInterrupted(t *testing.T) {
	t.Parallel()
	broker, addr := mustStartBroker(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	d := newDiary()
	go func() {
		d.waitFor(t, "progress")
		cancel()
	}()
	opt := options(addr)
	opt.Speed = 1
	res, err := replay.Run(ctx, mustRecord(t, 600), opt, d)
	if !errors.Is(err, context.Canceled) || res.Sent == 0 || res.OK() || len(broker.on(activityTopic)) != 0 {
		t.Errorf("got %+v, %v, want some samples and no activity", res, err)
	}
}
