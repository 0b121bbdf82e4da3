package recording

import (
	"encoding/xml"
	"io"
	"strings"
	"time"
)

// tcxReader decodes a Training Center file: <Activity> is a leg, <Lap> has the
// device's totals, <Trackpoint> is a sample.
type tcxReader struct {
	*walker
	b *builder

	cur      session
	point    point
	dated    bool // the trackpoint has a time
	lat, lon *float64
	inDevice bool
}

// decodeTCX reads the TCX form (Garmin TrainingCenterDatabase v2 with the
// ActivityExtension v2).
func decodeTCX(r io.Reader, b *builder) error {
	b.byOrder = true
	t := &tcxReader{walker: newWalker(r, TCX), b: b}
	err := t.walk(t.open, t.closed)
	if err != nil && t.within("Activity") {
		// The activity is cut short: what it has so far is still a leg, but the
		// laps' totals speak of more than that.
		t.cur.totals, t.cur.distance = Totals{}, nil
		if addErr := t.endActivity(); addErr != nil {
			return addErr
		}
	}
	return err
}

func (t *tcxReader) open(e xml.StartElement) error {
	switch e.Name.Local {
	case "Activity":
		t.cur = session{sport: generic, first: len(t.b.points)}
		for _, a := range e.Attr {
			if a.Name.Local == "Sport" {
				t.cur.sport = sportName(a.Value)
			}
		}
	case "Trackpoint":
		t.point, t.dated, t.lat, t.lon = point{}, false, nil, nil
	case "Creator":
		t.inDevice = true
	}
	return nil
}

func (t *tcxReader) closed(text string) error {
	switch {
	case t.within("Trackpoint"):
		return t.closedPoint(text)
	case t.within("Lap"):
		return t.closedLap(text)
	}
	switch t.name() {
	case "Activity":
		return t.endActivity()
	case "Id":
		if t.parent() == "Activity" {
			start, err := t.moment(text)
			if err != nil {
				return err
			}
			t.cur.start = start
		}
	case "Name":
		if t.inDevice && t.b.device == "" {
			t.b.device = strings.ToLower(text)
		}
	case "Creator":
		t.inDevice = false
	}
	return nil
}

func (t *tcxReader) endActivity() error {
	if t.cur.start.IsZero() && t.cur.first < len(t.b.points) {
		t.cur.start = t.b.points[t.cur.first].at
	}
	if t.cur.first == len(t.b.points) {
		return nil // planned or manual: no sample, nothing to replay
	}
	// A device's leg starts with its first sample where the Id says otherwise (it
	// is an id; some exports put the upload's time there).
	if first := t.b.points[t.cur.first].at; absDuration(first.Sub(t.cur.start)) > time.Hour {
		t.cur.start = first
	}
	return t.b.addSession(t.cur)
}

func absDuration(d time.Duration) time.Duration {
	if d < 0 {
		return -d
	}
	return d
}

// closedLap adds a lap's totals to the leg's.
func (t *tcxReader) closedLap(text string) error {
	if t.parent() != "Lap" && t.parent() != "MaximumHeartRateBpm" {
		return nil
	}
	add := func(dst **float64) error {
		v, err := t.number(text)
		if err != nil {
			return err
		}
		if *dst != nil {
			v += **dst
		}
		*dst = &v
		return nil
	}
	maxOf := func(dst **float64) error {
		v, err := t.number(text)
		if err == nil && (*dst == nil || **dst < v) {
			*dst = positive(v)
		}
		return err
	}
	switch t.name() {
	case "TotalTimeSeconds":
		return add(&t.cur.totals.Timer)
	case "DistanceMeters":
		return add(&t.cur.distance)
	case "Calories":
		return add(&t.cur.totals.Calories)
	case "MaximumSpeed":
		return maxOf(&t.cur.totals.MaxSpeed)
	case "Value":
		return maxOf(&t.cur.totals.MaxHeart)
	}
	return nil
}

func (t *tcxReader) closedPoint(text string) error {
	p := &t.point
	switch t.name() {
	case "Time":
		at, err := t.moment(text)
		p.at, t.dated = at, err == nil
		return err
	case "LatitudeDegrees":
		return t.set(&t.lat, text)
	case "LongitudeDegrees":
		return t.set(&t.lon, text)
	case "AltitudeMeters":
		return t.set(&p.Altitude, text)
	case "DistanceMeters":
		return t.set(&p.Distance, text)
	case "Cadence", "RunCadence":
		return t.set(&p.Cadence, text)
	case "Speed":
		return t.set(&p.Speed, text)
	case "Watts":
		return t.set(&p.Power, text)
	case "Value":
		if t.parent() != "HeartRateBpm" {
			return nil
		}
		v, err := t.number(text)
		p.HeartRate = positive(v)
		return err
	case "Trackpoint":
		if !t.dated {
			return t.damage("<Trackpoint> without <Time>", nil)
		}
		if t.lat != nil && t.lon != nil {
			p.Position = place(*t.lat, *t.lon, nil)
		}
		return t.b.add(*p)
	}
	return nil
}
