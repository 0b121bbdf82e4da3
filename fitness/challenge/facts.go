package challenge

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"github.com/fitmq/fitmq/fitness"
)

// errFacts is the error of facts that are cut off or of another version.
var errFacts = errors.New("the facts of an activity are damaged")

const factsVersion = 1

// ruled are the measures that a rule may ask for, in the order in which facts
// keep them; a new one goes to the end.
func (m *totals) ruled() [7]**float64 {
	return [7]**float64{&m.ElapsedTime, &m.TimerTime, &m.Distance, &m.Calories, &m.Ascent, &m.Steps, &m.Repetitions}
}

// AppendFacts appends what rules ask of an activity, for DecodeFacts: to judge a
// million again must not need a million bodies parsed.
func (a *Activity) AppendFacts(b []byte) []byte {
	b = append(b, factsVersion)
	b = appendText(b, a.ID)
	b = appendText(b, a.Sport)
	b = binary.BigEndian.AppendUint64(b, uint64(a.Start.UnixNano()))
	b = binary.BigEndian.AppendUint64(b, uint64(a.Elapsed))
	b = append(b, a.Body[:]...)
	mask := len(b)
	b = append(b, 0)
	for i, p := range a.m.ruled() {
		if *p != nil {
			b[mask] |= 1 << i
			b = binary.BigEndian.AppendUint64(b, math.Float64bits(**p))
		}
	}
	b = binary.AppendUvarint(b, uint64(len(a.Flags)))
	for _, f := range a.Flags {
		b = appendText(appendText(b, f.Field), f.Reason)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// DecodeFacts reads what AppendFacts wrote. The activity has every measure that
// a rule may ask for; the others are gone. It keeps no reference to b.
func DecodeFacts(b []byte) (Activity, error) {
	r := reader{b: b}
	if r.take(1)[0] != factsVersion {
		return Activity{}, errFacts
	}
	a := Activity{ID: r.text(), Sport: r.sport()}
	a.Start = time.Unix(0, int64(r.uint64())).UTC()
	a.Elapsed = time.Duration(r.uint64())
	copy(a.Body[:], r.take(len(a.Body)))
	mask := r.take(1)[0]
	values := new([7]float64) // one allocation for all
	for i, p := range a.m.ruled() {
		if mask&(1<<i) != 0 {
			values[i] = math.Float64frombits(r.uint64())
			*p = &values[i]
		}
	}
	for n := r.length(); n > 0 && !r.bad; n-- {
		a.Flags = append(a.Flags, fitness.Flag{Field: r.text(), Reason: r.text()})
	}
	if r.bad || len(r.b) > 0 || a.m.ElapsedTime == nil {
		return Activity{}, errFacts
	}
	return a, nil
}

// reader takes bytes apart; after a fault it gives zeros.
type reader struct {
	b    []byte
	zero [16]byte
	bad  bool
}

// take returns the next n bytes, at most 16 where there are too few.
func (r *reader) take(n int) []byte {
	if n > len(r.b) || r.bad {
		r.bad = true
		return r.zero[:min(n, len(r.zero))]
	}
	x := r.b[:n]
	r.b = r.b[n:]
	return x
}

func (r *reader) uint64() uint64 { return binary.BigEndian.Uint64(r.take(8)) }

func (r *reader) length() int {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > uint64(len(r.b)) {
		r.bad = true
		return 0
	}
	r.b = r.b[size:]
	return int(n)
}

// sport is text that needs no memory of its own where it is a sport's name.
func (r *reader) sport() string {
	n := r.length()
	if r.bad {
		return ""
	}
	return fitness.SportName(r.take(n))
}

func (r *reader) text() string {
	n := r.length()
	if r.bad {
		return ""
	}
	return string(r.take(n))
}
