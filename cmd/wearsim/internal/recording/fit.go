package recording

import (
	"bytes"
	"errors"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/muktihari/fit/decoder"
	"github.com/muktihari/fit/profile/basetype"
	"github.com/muktihari/fit/profile/mesgdef"
	"github.com/muktihari/fit/profile/typedef"
	"github.com/muktihari/fit/proto"
)

// decodeFIT decodes every sequence of a (possibly chained) FIT file. The
// integrity is checked here and not by the library, which refuses the valid
// files that have a 12-byte header or no header CRC.
func decodeFIT(data []byte, b *builder) error {
	for base := 0; base < len(data); {
		chunk := data[base:]
		head, check := checkFIT(chunk, base)
		if head.size == 0 {
			return check
		}
		end := min(len(chunk), head.size+head.data+2)
		err := decodeSequence(chunk[:end], int64(base), b)
		// The decoder's error says where exactly; the check says why.
		switch {
		case check != nil && err != nil && isDamage(err) && isDamage(check):
			return mergeDamage(check, err)
		case err != nil:
			return err
		case check != nil:
			return check
		}
		base += end
	}
	return nil
}

func mergeDamage(check, at error) error {
	var c, d *DamageError
	if !errors.As(check, &c) || !errors.As(at, &d) {
		return check
	}
	return &DamageError{Format: FIT, Offset: d.Offset, What: c.What + "; decoding stopped here", Err: d.Err}
}

// listener keeps the messages that matter, as they are decoded, so that what
// came before a damage is not lost.
type listener struct {
	b      *builder
	paused bool
	err    error // over a bound
}

var _ decoder.MesgListener = (*listener)(nil)

func decodeSequence(chunk []byte, base int64, b *builder) error {
	l := &listener{b: b}
	src := &countingReader{r: bytes.NewReader(chunk)}
	dec := decoder.New(src, decoder.WithIgnoreChecksum(), decoder.WithBroadcastOnly(), decoder.WithMesgListener(l))
	_, err := dec.Decode()
	if l.err != nil {
		return l.err
	}
	if err == nil {
		return nil
	}
	offset := base + src.n
	if at, ok := bytePosition(err); ok {
		offset = base + at
	}
	what := "the messages do not decode"
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		what = "the file ends within a message"
	}
	return &DamageError{Format: FIT, Offset: offset, What: what, Err: err}
}

// bytePos is how the library says where it stopped.
var bytePos = regexp.MustCompile(`byte pos: (\d+)`)

func bytePosition(err error) (int64, bool) {
	m := bytePos.FindStringSubmatch(err.Error())
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	return n, err == nil
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err //nolint:wrapcheck // an io.Reader passes io.EOF on as it is
}

// OnMesg takes one decoded message.
func (l *listener) OnMesg(m proto.Message) {
	if l.err != nil {
		return
	}
	switch m.Num {
	case typedef.MesgNumRecord:
		r := mesgdef.NewRecord(&m)
		if r.Timestamp.IsZero() {
			return // a record without a time says nothing about when
		}
		l.err = l.b.add(fitPoint(r, l.paused))
	case typedef.MesgNumSession:
		l.err = l.b.addSession(fitSession(mesgdef.NewSession(&m)))
	case typedef.MesgNumEvent:
		e := mesgdef.NewEvent(&m)
		if e.Event != typedef.EventTimer {
			return
		}
		switch e.EventType {
		case typedef.EventTypeStart:
			l.paused = false
		case typedef.EventTypeStop, typedef.EventTypeStopAll, typedef.EventTypeStopDisable, typedef.EventTypeStopDisableAll:
			l.paused = true
		default:
			// markers and the like do not stop the timer
		}
	case typedef.MesgNumSet:
		set := mesgdef.NewSet(&m)
		if n := fitUint(set.Repetitions); n != nil && set.SetType != typedef.SetTypeRest {
			l.err = l.b.addSet(repSet{at: set.StartTime, repetitions: *n})
		}
	case typedef.MesgNumSport:
		if sport := mesgdef.NewSport(&m).Sport; sport != typedef.SportInvalid {
			l.b.sport = camelCase(sport.String())
		}
	case typedef.MesgNumFileId:
		if l.b.device == "" {
			l.b.device = fitDevice(mesgdef.NewFileId(&m))
		}
	default:
		// laps, device settings, developer fields: not part of the wire contract
	}
}

func fitDevice(f *mesgdef.FileId) string {
	if f.Manufacturer == typedef.ManufacturerInvalid {
		return ""
	}
	name := strings.TrimSpace(f.ProductName)
	if name == "" && f.Product != basetype.Uint16Invalid && f.Product != 0 {
		name = strconv.Itoa(int(f.Product))
	}
	return strings.TrimSpace(f.Manufacturer.String() + " " + name)
}

func fitPoint(r *mesgdef.Record, paused bool) point {
	p := point{at: r.Timestamp}
	p.Paused = paused
	p.HeartRate = fitHeart(r.HeartRate)
	p.Cadence = fitUint(r.Cadence)
	p.Power = fitUint(r.Power)
	p.Calories = fitUint(r.Calories)
	p.Distance = num(r.DistanceScaled())
	p.Speed = firstOf(r.EnhancedSpeedScaled(), r.SpeedScaled())
	p.Altitude = firstOf(r.EnhancedAltitudeScaled(), r.AltitudeScaled())
	p.Grade = num(r.GradeScaled())
	if r.Temperature != basetype.Sint8Invalid {
		p.Temperature = num(float64(r.Temperature))
	}
	if r.PositionLat != basetype.Sint32Invalid && r.PositionLong != basetype.Sint32Invalid {
		p.Position = place(r.PositionLatDegrees(), r.PositionLongDegrees(), fitUint(r.GpsAccuracy))
	}
	return p
}

// fitUint returns the value unless it is FIT's "invalid" (all bits set).
func fitUint[T uint8 | uint16 | uint32](v T) *float64 {
	if v == ^T(0) {
		return nil
	}
	return num(float64(v))
}

// fitHeart is fitUint for heart rates, where 0 means that no strap was worn.
func fitHeart(v uint8) *float64 {
	if v == 0 {
		return nil
	}
	return fitUint(v)
}

// firstOf returns the first value that was measured: FIT keeps some in two
// fields of different width.
func firstOf(vals ...float64) *float64 {
	for _, v := range vals {
		if p := num(v); p != nil {
			return p
		}
	}
	return nil
}

func fitSession(m *mesgdef.Session) session {
	s := session{start: m.StartTime, sport: generic, distance: num(m.TotalDistanceScaled())}
	if m.Sport != typedef.SportInvalid {
		s.sport = camelCase(m.Sport.String())
	}
	if m.SubSport != typedef.SubSportInvalid {
		s.subSport = camelCase(m.SubSport.String())
	}
	if e := m.TotalElapsedTimeScaled(); !math.IsNaN(e) {
		s.elapsed = time.Duration(e * float64(time.Second))
	}
	if s.start.IsZero() {
		s.start = m.Timestamp.Add(-s.elapsed)
	}
	s.totals = Totals{
		Timer:    num(m.TotalTimerTimeScaled()),
		Calories: fitUint(m.TotalCalories),
		Ascent:   fitUint(m.TotalAscent),
		AvgPower: fitUint(m.AvgPower),
		AvgSpeed: firstOf(m.EnhancedAvgSpeedScaled(), m.AvgSpeedScaled()),
		AvgHeart: fitHeart(m.AvgHeartRate),
		MaxHeart: fitHeart(m.MaxHeartRate),
		MaxSpeed: firstOf(m.EnhancedMaxSpeedScaled(), m.MaxSpeedScaled()),
	}
	// On foot a cycle is two steps (FIT profile, session.total_strides).
	if m.Sport == typedef.SportRunning || m.Sport == typedef.SportWalking || m.Sport == typedef.SportHiking {
		if cycles := fitUint(m.TotalCycles); cycles != nil {
			s.totals.Steps = num(2 * *cycles)
		}
	}
	return s
}

// camelCase writes a FIT name (open_water) as the wire does (openWater). A
// number the profile does not know becomes generic.
func camelCase(name string) string {
	if strings.Contains(name, "Invalid") {
		return generic
	}
	parts := strings.Split(name, "_")
	for i := 1; i < len(parts); i++ {
		if parts[i] != "" {
			parts[i] = strings.ToUpper(parts[i][:1]) + parts[i][1:]
		}
	}
	return strings.Join(parts, "")
}
