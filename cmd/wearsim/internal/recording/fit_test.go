package recording_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/muktihari/fit/encoder"
	"github.com/muktihari/fit/kit/hash/crc16"
	"github.com/muktihari/fit/profile/mesgdef"
	"github.com/muktihari/fit/profile/typedef"
	"github.com/muktihari/fit/proto"

	"github.com/fitmq/fitmq/cmd/wearsim/internal/recording"
)

var t0 = time.Date(2024, 5, 1, 8, 0, 0, 0, time.UTC)

// mustEncodeFIT writes messages as a FIT file with a 14-byte header.
func mustEncodeFIT(tb testing.TB, messages ...proto.Message) []byte {
	tb.Helper()
	id := mesgdef.NewFileId(nil).SetType(typedef.FileActivity).SetManufacturer(typedef.ManufacturerGarmin).
		SetProduct(4242).SetTimeCreated(t0).ToMesg(nil)
	var buf bytes.Buffer
	fit := &proto.FIT{Messages: append([]proto.Message{id}, messages...)}
	if err := encoder.New(&buf).Encode(fit); err != nil {
		tb.Fatalf("encode FIT: %v", err)
	}
	return buf.Bytes()
}

func record(at time.Duration, distance float64, heart uint8) proto.Message {
	return mesgdef.NewRecord(nil).SetTimestamp(t0.Add(at)).SetDistanceScaled(distance).SetHeartRate(heart).
		SetSpeedScaled(3.5).SetCadence(88).SetPower(250).SetTemperature(21).
		SetPositionLatDegrees(52.5).SetPositionLongDegrees(13.4).ToMesg(nil)
}

func session(sport typedef.Sport, start, elapsed time.Duration, distance float64) proto.Message {
	return mesgdef.NewSession(nil).SetSport(sport).SetStartTime(t0.Add(start)).SetTimestamp(t0.Add(start + elapsed)).
		SetTotalElapsedTimeScaled(elapsed.Seconds()).SetTotalTimerTimeScaled(elapsed.Seconds()).
		SetTotalDistanceScaled(distance).SetTotalCalories(42).ToMesg(nil)
}

// refit gives a FIT file another header and both checksums anew.
func refit(data []byte, headerSize int, headerCRC bool) []byte {
	body := data[data[0] : len(data)-2]
	head := append([]byte(nil), data[:12]...)
	head[0] = byte(headerSize)
	binary.LittleEndian.PutUint32(head[4:8], uint32(len(body)))
	sum := func(b []byte) []byte {
		c := crc16.New()
		_, _ = c.Write(b) // a hash's Write does not fail
		return binary.LittleEndian.AppendUint16(nil, c.Sum16())
	}
	if headerSize == 14 {
		crc := []byte{0, 0}
		if headerCRC {
			crc = sum(head)
		}
		head = append(head, crc...)
	}
	out := append(head, body...)
	return append(out, sum(out)...)
}

func mustDecode(tb testing.TB, data []byte) *recording.Recording {
	tb.Helper()
	rec, err := recording.Decode(bytes.NewReader(data))
	if err != nil {
		tb.Fatalf("Decode: %v", err)
	}
	return rec
}

func near(tb testing.TB, what string, got *float64, want, tolerance float64) {
	tb.Helper()
	if got == nil {
		tb.Errorf("%s: got nothing, want %v", what, want)
		return
	}
	if math.Abs(*got-want) > tolerance {
		tb.Errorf("%s: got %v, want %v", what, *got, want)
	}
}

func TestDecode_FIT(t *testing.T) {
	run := mustEncodeFIT(t,
		record(0, 0, 0), record(time.Second, 3.5, 120), record(time.Second, 3.6, 121), record(40*time.Second, 140, 150),
		session(typedef.SportRunning, 0, 41*time.Second, 141))

	t.Run("OKSamples", func(t *testing.T) {
		rec := mustDecode(t, run)
		if got, want := len(rec.Samples), 4; got != want {
			t.Fatalf("samples: got %d, want %d", got, want)
		}
		if rec.Samples[0].HeartRate != nil {
			t.Errorf("heart rate 0 must be absent, got %v", *rec.Samples[0].HeartRate)
		}
		s := rec.Samples[3]
		if got, want := s.Elapsed, 40*time.Second; got != want {
			t.Errorf("a gap must stay: elapsed got %v, want %v", got, want)
		}
		if got, want := rec.Samples[2].Elapsed, rec.Samples[1].Elapsed; got != want {
			t.Errorf("a repeated timestamp must stay: got %v, want %v", got, want)
		}
		near(t, "distance", s.Distance, 140, 0.001)
		near(t, "speed", s.Speed, 3.5, 0.001)
		near(t, "power", s.Power, 250, 0)
		near(t, "cadence", s.Cadence, 88, 0)
		near(t, "temperature", s.Temperature, 21, 0)
		near(t, "latitude", &s.Position.Latitude, 52.5, 1e-6)
		if s.Altitude != nil || s.Grade != nil || s.Calories != nil {
			t.Errorf("unmeasured fields must be absent: %+v", s)
		}
		if got, want := rec.Device, "garmin 4242"; got != want {
			t.Errorf("device: got %q, want %q", got, want)
		}
	})
	t.Run("OKTotals", func(t *testing.T) {
		leg := mustDecode(t, run).Legs[0]
		if got, want := leg.Sport, "running"; got != want {
			t.Errorf("sport: got %q, want %q", got, want)
		}
		near(t, "distance of a single leg is the last sample's", leg.Totals.Distance, 140, 0.001)
		near(t, "device distance", leg.Totals.DeviceDistance, 141, 0.001)
		near(t, "calories", leg.Totals.Calories, 42, 0)
		near(t, "average heart rate", leg.Totals.AvgHeart, 130.33, 0.01)
		near(t, "maximum heart rate", leg.Totals.MaxHeart, 150, 0)
		if got, want := leg.Totals.Elapsed, 41*time.Second; got != want {
			t.Errorf("elapsed: got %v, want %v", got, want)
		}
	})
	t.Run("OKHeaderVariants", func(t *testing.T) {
		for name, data := range map[string][]byte{
			"12 bytes":           refit(run, 12, false),
			"14 bytes, CRC zero": refit(run, 14, false),
			"14 bytes, CRC":      refit(run, 14, true),
		} {
			if got, want := len(mustDecode(t, data).Samples), 4; got != want {
				t.Errorf("%s: got %d samples, want %d", name, got, want)
			}
		}
	})
	t.Run("OKChained", func(t *testing.T) {
		second := mustEncodeFIT(t, record(100*time.Second, 1, 99), session(typedef.SportCycling, 100*time.Second, 10*time.Second, 1))
		rec := mustDecode(t, append(append([]byte(nil), run...), second...))
		if got, want := len(rec.Legs), 2; got != want {
			t.Fatalf("legs: got %d, want %d", got, want)
		}
		if got, want := rec.Legs[1].Sport, "cycling"; got != want {
			t.Errorf("sport: got %q, want %q", got, want)
		}
	})
}

func TestDecode_FITLegs(t *testing.T) {
	data := mustEncodeFIT(t,
		record(0, 0, 100), record(60*time.Second, 50, 110), record(90*time.Second, 80, 120),
		record(100*time.Second, 100, 120), record(110*time.Second, 200, 130),
		session(typedef.SportSwimming, 0, 90*time.Second, 77.5),
		session(typedef.SportTransition, 90*time.Second, 10*time.Second, 20.25),
		session(typedef.SportCycling, 100*time.Second, 11*time.Second, 104))
	rec := mustDecode(t, data)
	want := []struct {
		sport    string
		samples  int
		distance float64
	}{{"swimming", 2, 77.5}, {"transition", 1, 20.25}, {"cycling", 2, 104}}
	if len(rec.Legs) != len(want) {
		t.Fatalf("legs: got %d, want %d", len(rec.Legs), len(want))
	}
	for i, w := range want {
		leg := rec.Legs[i]
		if leg.Sport != w.sport || leg.End-leg.First != w.samples {
			t.Errorf("leg %d: got %s with %d samples, want %s with %d", i, leg.Sport, leg.End-leg.First, w.sport, w.samples)
		}
		near(t, "distance of a leg among several is the device's", leg.Totals.Distance, w.distance, 0.001)
	}
	if got, want := rec.Samples[2].Leg, 1; got != want {
		t.Errorf("a sample on the boundary belongs to the next leg: got %d, want %d", got, want)
	}
}

func TestDecode_FITCompressedSpeedDistance(t *testing.T) {
	// 12 bits of speed in 1/100 m/s, then 12 bits of distance in 1/16 m that roll over.
	compressed := func(at time.Duration, speed, distance uint32) proto.Message {
		v := speed | (distance&0xfff)<<12
		return mesgdef.NewRecord(nil).SetTimestamp(t0.Add(at)).
			SetCompressedSpeedDistance([3]byte{byte(v), byte(v >> 8), byte(v >> 16)}).ToMesg(nil)
	}
	rec := mustDecode(t, mustEncodeFIT(t,
		compressed(0, 1000, 160), compressed(time.Second, 1050, 4000), compressed(2*time.Second, 1100, 4096+160)))
	last := rec.Samples[2]
	near(t, "speed", last.Speed, 11, 0.001)
	near(t, "distance over the rollover", last.Distance, 266, 0.01)
	near(t, "leg's distance", rec.Legs[0].Totals.Distance, 266, 0.01)
}

func TestDecode_FITRepetitions(t *testing.T) {
	set := func(at time.Duration, kind typedef.SetType, n uint16) proto.Message {
		return mesgdef.NewSet(nil).SetStartTime(t0.Add(at)).SetTimestamp(t0.Add(at)).SetSetType(kind).SetRepetitions(n).ToMesg(nil)
	}
	rec := mustDecode(t, mustEncodeFIT(t, record(0, 0, 100), set(0, typedef.SetTypeActive, 12), set(time.Second, typedef.SetTypeRest, 7),
		set(2*time.Second, typedef.SetTypeActive, 10), record(3*time.Second, 0, 100), session(typedef.SportTraining, 0, 3*time.Second, 0)))
	near(t, "repetitions", rec.Legs[0].Totals.Repeats, 22, 0)
}

func TestDecode_FITPause(t *testing.T) {
	event := func(at time.Duration, e typedef.EventType) proto.Message {
		return mesgdef.NewEvent(nil).SetTimestamp(t0.Add(at)).SetEvent(typedef.EventTimer).SetEventType(e).ToMesg(nil)
	}
	rec := mustDecode(t, mustEncodeFIT(t,
		event(0, typedef.EventTypeStart), record(0, 0, 100), event(time.Second, typedef.EventTypeStopAll),
		record(2*time.Second, 3, 101), event(3*time.Second, typedef.EventTypeStart), record(4*time.Second, 6, 102)))
	for i, want := range []bool{false, true, false} {
		if got := rec.Samples[i].Paused; got != want {
			t.Errorf("sample %d paused: got %v, want %v", i, got, want)
		}
	}
}

func TestDecode_FITDamaged(t *testing.T) {
	messages := []proto.Message{mesgdef.NewSport(nil).SetSport(typedef.SportRowing).ToMesg(nil)}
	for i := range 100 {
		messages = append(messages, record(time.Duration(i)*time.Second, float64(i)*4, 140))
	}
	whole := mustEncodeFIT(t, append(messages, session(typedef.SportRowing, 0, 100*time.Second, 396))...)

	damage := func(t *testing.T, data []byte) (*recording.Recording, *recording.DamageError) {
		t.Helper()
		rec, err := recording.Decode(bytes.NewReader(data))
		var d *recording.DamageError
		if !errors.As(err, &d) {
			t.Fatalf("got error %v, want a DamageError", err)
		}
		return rec, d
	}
	t.Run("ErrTruncated", func(t *testing.T) {
		cut := len(whole) / 2
		rec, d := damage(t, whole[:cut])
		if !strings.Contains(d.Error(), "truncated") || d.Offset > int64(cut) || d.Offset < int64(cut)-64 {
			t.Errorf("got %q at %d, want truncated near byte %d", d, d.Offset, cut)
		}
		if n := len(rec.Samples); n < 40 || n > 60 {
			t.Errorf("salvaged %d samples, want about half of 100", n)
		}
		if got, want := rec.Legs[0].Sport, "rowing"; got != want {
			t.Errorf("sport without a session: got %q, want %q", got, want)
		}
		near(t, "distance", rec.Legs[0].Totals.Distance, float64(len(rec.Samples)-1)*4, 0.001)
	})
	t.Run("ErrChecksum", func(t *testing.T) {
		flipped := append([]byte(nil), whole...)
		flipped[len(flipped)/2] ^= 0x10
		_, d := damage(t, flipped)
		if !strings.Contains(d.Error(), "checksum") {
			t.Errorf("got %q, want it to name the checksum", d)
		}
	})
	t.Run("ErrUndecodable", func(t *testing.T) {
		bad := append([]byte(nil), whole...)
		bad[14] = 0x05 // data of a message that was never defined
		rec, d := damage(t, bad)
		if d.Offset < 14 || d.Offset > 16 || !strings.Contains(d.Error(), "checksum") || len(rec.Samples) != 0 {
			t.Errorf("got %q at %d with %d samples, want byte 15 and none", d, d.Offset, len(rec.Samples))
		}
	})
	t.Run("ErrHeaderChecksum", func(t *testing.T) {
		bad := append([]byte(nil), whole...)
		bad[12] ^= 0xff
		_, d := damage(t, bad)
		if d.Offset != 12 || !strings.Contains(d.Error(), "header's checksum") {
			t.Errorf("got %q, want the header's checksum at byte 12", d)
		}
	})
	t.Run("ErrTrailing", func(t *testing.T) {
		rec, d := damage(t, append(append([]byte(nil), whole...), "rubbish"...))
		if d.Offset != int64(len(whole)) || len(rec.Samples) != 100 {
			t.Errorf("got offset %d and %d samples, want %d and 100", d.Offset, len(rec.Samples), len(whole))
		}
	})
	t.Run("ErrNoSamples", func(t *testing.T) {
		_, d := damage(t, mustEncodeFIT(t))
		if !strings.Contains(d.Error(), "without a single sample") {
			t.Errorf("got %q", d)
		}
	})
}
