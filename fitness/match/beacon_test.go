package match_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/match"
)

var now = time.Date(2026, 6, 4, 17, 0, 0, 0, time.UTC)

// at is a beacon's payload with more members behind the position.
func at(latitude, longitude float64, more string) []byte {
	return fmt.Appendf(nil, `{"latitude":%.6f,"longitude":%.6f,"sport":"running"%s}`, latitude, longitude, more)
}

func mustParse(t testing.TB, data []byte) match.Beacon {
	t.Helper()
	b, err := match.Parse(data, 0, now)
	if err != nil {
		t.Fatalf("parse %s: %v", data, err)
	}
	return b
}

func TestParse(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		b := mustParse(t, []byte(`{"latitude":52.520008,"longitude":13.404954,"sport":"Run","pace":330,"radius":5000,"until":"2026-06-04T17:10:00Z","visibility":"open","mood":1}`))
		if b.Sport != "running" || b.Pace != 330 || b.Cell == 0 || b.Hidden || !b.Expires.Equal(now.Add(10*time.Minute)) {
			t.Errorf("got %+v", b)
		}
		b = mustParse(t, at(52.5, 13.4, `,"until":"2026-06-04T21:00:00Z"`))
		if !b.Expires.Equal(now.Add(match.Lifetime)) || !b.Until.Equal(now.Add(4*time.Hour)) {
			t.Errorf("until in 4 h: expires %v, until %v: want an end within %v of the beacon", b.Expires, b.Until, match.Lifetime)
		}
	})
	for name, c := range map[string]struct {
		payload string
		kind    fitness.Kind
		text    string
	}{
		"ErrLatitude":   {`{"latitude":91.123457,"longitude":13.404954,"sport":"run"}`, fitness.Invalid, "latitude is over the limit of 90 degrees"},
		"ErrLongitude":  {`{"latitude":52.520008,"longitude":-180.123457,"sport":"run"}`, fitness.Invalid, "longitude is under the limit of -180 degrees"},
		"ErrNoLatitude": {`{"longitude":13.404954,"sport":"run"}`, fitness.Malformed, "latitude is missing"},
		"ErrNoSport":    {`{"latitude":52.520008,"longitude":13.404954}`, fitness.Malformed, "sport is missing"},
		"ErrSport":      {`{"latitude":52.520008,"longitude":13.404954,"sport":"52.520008"}`, fitness.Invalid, "sport is not a word"},
		"ErrType":       {`{"latitude":"52.520008","longitude":13.404954,"sport":"run"}`, fitness.Malformed, "latitude cannot be this string"},
		"ErrHuge":       {`{"latitude":52520008e999,"longitude":13.404954,"sport":"run"}`, fitness.Malformed, "latitude cannot be this number"},
		"ErrJSON":       {`{"latitude":52.520008,"longitude":13.404954x`, fitness.Malformed, "payload is not valid JSON"},
		"ErrRadius":     {`{"latitude":52.5,"longitude":13.4,"sport":"run","radius":50001}`, fitness.Invalid, "radius is over the limit of 50000 m"},
		"ErrSmall":      {`{"latitude":52.5,"longitude":13.4,"sport":"run","radius":99}`, fitness.Invalid, "radius is under the limit of 100 m"},
		"ErrUntil":      {`{"latitude":52.5,"longitude":13.4,"sport":"run","until":"2026-06-04T21:00:01Z"}`, fitness.Invalid, "until is over the limit of 4 h"},
		"ErrPast":       {`{"latitude":52.5,"longitude":13.4,"sport":"run","until":"2026-06-04T17:00:00Z"}`, fitness.Invalid, "until"},
		"ErrTime":       {`{"latitude":52.5,"longitude":13.4,"sport":"run","until":"52.520008"}`, fitness.Malformed, "until is not an RFC 3339 time"},
		"ErrFrom":       {`{"latitude":52.5,"longitude":13.4,"sport":"run","from":"2026-06-04T18:00:00Z","until":"2026-06-04T17:30:00Z"}`, fitness.Invalid, "until is not after from"},
		"ErrBoth":       {`{"latitude":52.5,"longitude":13.4,"sport":"run","pace":300,"speed":3}`, fitness.Invalid, "pace and speed exclude each other"},
		"ErrPace":       {`{"latitude":52.5,"longitude":13.4,"sport":"run","pace":3601}`, fitness.Invalid, "pace is over the limit of 3600 s/km"},
		"ErrRange":      {`{"latitude":52.5,"longitude":13.4,"sport":"run","paceMin":300,"paceMax":200}`, fitness.Invalid, "paceMin is over"},
		"ErrLevel":      {`{"latitude":52.5,"longitude":13.4,"sport":"run","level":"god"}`, fitness.Invalid, "level is not one of beginner"},
		"ErrLevels":     {`{"latitude":52.5,"longitude":13.4,"sport":"run","levels":["god"]}`, fitness.Invalid, "levels"},
		"ErrVisibility": {`{"latitude":52.5,"longitude":13.4,"sport":"run","visibility":"x"}`, fitness.Invalid, "visibility is not one of open, hidden"},
		"ErrSize":       {`{"sport":"` + strings.Repeat("x", 512) + `"}`, fitness.Invalid, "over the limit of 512 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := match.Parse([]byte(c.payload), 0, now)
			msg := fitness.Message(err)
			if fitness.KindOf(err) != c.kind || !strings.Contains(msg, c.text) {
				t.Fatalf("got %v (%v), want %v with %q", err, fitness.KindOf(err), c.kind, c.text)
			}
			for _, secret := range []string{"520008", "404954", "123457"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the reason %q repeats the position", err)
				}
			}
		})
	}
}

func TestCompatible(t *testing.T) {
	const far = ` ,"radius":50000`
	for name, c := range map[string]struct {
		a, b []byte
		want bool
	}{
		"OK":              {at(52.5, 13.4, `,"pace":330`), at(52.5, 13.4, `,"pace":340`), true},
		"OKNoPace":        {at(52.5, 13.4, ``), at(52.5, 13.4, `,"pace":340`), true},
		"OKPaceAndSpeed":  {at(52.5, 13.4, `,"pace":333`), at(52.5, 13.4, `,"speed":3`), true},
		"OKLevels":        {at(52.5, 13.4, `,"level":"expert"`), at(52.5, 13.4, `,"levels":["expert","advanced"]`), true},
		"ErrPace":         {at(52.5, 13.4, `,"pace":300`), at(52.5, 13.4, `,"pace":500`), false},
		"ErrRangeOneWay":  {at(52.5, 13.4, `,"pace":300,"paceMin":200,"paceMax":900`), at(52.5, 13.4, `,"pace":500`), false},
		"ErrRangeUnknown": {at(52.5, 13.4, `,"paceMax":400`), at(52.5, 13.4, ``), false},
		"ErrLevel":        {at(52.5, 13.4, `,"level":"beginner"`), at(52.5, 13.4, `,"levels":["expert"]`), false},
		"ErrTime":         {at(52.5, 13.4, `,"from":"2026-06-04T19:00:00Z","until":"2026-06-04T20:00:00Z"`), at(52.5, 13.4, ``), false},
		"OKTime":          {at(52.5, 13.4, `,"from":"2026-06-04T19:00:00Z","until":"2026-06-04T20:00:00Z"`), at(52.5, 13.4, `,"until":"2026-06-04T19:30:00Z"`), true},
		"ErrSport":        {at(52.5, 13.4, ``), []byte(`{"latitude":52.5,"longitude":13.4,"sport":"ride"}`), false},
		"OKRadius":        {at(52.5, 13.4, far), at(52.7, 13.4, far), true},
		"ErrRadiusOneWay": {at(52.5, 13.4, far), at(52.7, 13.4, `,"radius":10000`), false},
		"OKSmallRadius":   {at(52.5, 13.4, `,"radius":100`), at(52.501, 13.4, `,"radius":100`), true},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := mustParse(t, c.a), mustParse(t, c.b)
			band := match.BandOf(a.Cell.Distance(b.Cell))
			if got := match.Compatible(&a, &b, band); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if there, back := match.Compatible(&a, &b, band), match.Compatible(&b, &a, band); there != back {
				t.Errorf("one way %v, the other way %v", there, back)
			}
		})
	}
}

func TestScore(t *testing.T) {
	me := mustParse(t, at(52.5, 13.4, `,"pace":330,"level":"advanced"`))
	var last float64
	for i, other := range [][]byte{ // from the worst
		at(52.9, 13.4, `,"pace":330,"level":"advanced"`), // the best in all, but far
		at(52.5, 13.4, `,"pace":400,"level":"beginner"`),
		at(52.5, 13.4, `,"pace":330,"level":"beginner"`),
		at(52.5, 13.4, `,"pace":330,"level":"advanced"`),
	} {
		b := mustParse(t, other)
		band := match.BandOf(me.Cell.Distance(b.Cell))
		got, back := match.Score(&me, &b, band), match.Score(&b, &me, band)
		if i > 0 && got <= last || got != back {
			t.Errorf("score %d: %v (and back %v) after %v", i, got, back, last)
		}
		last = got
	}
}

func TestFirstName(t *testing.T) {
	for _, c := range [][3]string{
		{"Ana Meier", "u1", "Ana"}, {"Anne-Marie O'Neil", "u1", "Anne-Marie"}, {"José", "u1", "José"},
		{"ana.meier@example.com", "u1", "ana"}, {"ana", "ana", ""}, {"", "u1", ""}, {"ana7 x", "u1", "ana"}, {"ana 7", "ana", ""},
		{strings.Repeat("é", 40), "u1", strings.Repeat("é", 32)},
	} {
		if got := match.FirstName(c[0], c[1]); got != c[2] {
			t.Errorf("FirstName(%q, %q): got %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

// FuzzParse: whatever comes, nothing that is accepted breaks a limit, and no
// reason repeats a number of the payload.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"latitude":52.520008,"longitude":13.404954,"sport":"run","pace":330,"until":"2026-06-04T17:10:00Z"}`))
	f.Add([]byte(`{"latitude":520.52008,"longitude":13.404954,"sport":"run"}`))
	f.Add([]byte(`{"latitude":1e999}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := match.Parse(data, 0, now)
		if err == nil {
			if b.Cell == 0 || b.Sport == "" || !b.Expires.After(now) || b.Expires.Sub(now) > match.Lifetime {
				t.Errorf("accepted %q as %+v", data, b)
			}
			return
		}
		for _, number := range strings.FieldsFunc(string(data), func(r rune) bool { return (r < '0' || r > '9') && r != '.' }) {
			if len(number) > 6 && strings.Contains(err.Error(), number) {
				t.Errorf("the reason %q repeats %q", err, number)
			}
		}
	})
}

// anywhere returns a position near a place, in degrees.
func anywhere(r *rand.Rand, latitude, longitude, spread float64) (float64, float64) {
	return latitude + (r.Float64()*2-1)*spread, longitude + (r.Float64()*2-1)*spread
}
