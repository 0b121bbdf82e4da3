package recording

import (
	"encoding/xml"
	"io"
	"math"
	"strconv"
	"strings"
)

// gpxReader decodes a GPX 1.0 or 1.1 file: <trk> is a leg, <trkpt> a sample.
type gpxReader struct {
	*walker
	b *builder

	cur      session
	point    point
	dated    bool
	measured bool      // the file has a distance of its own
	last     *Position // of the leg, for the distance
	covered  float64   // m, of the leg
}

// decodeGPX reads the GPX form with Garmin's TrackPointExtension (hr, cad,
// atemp, speed) and the power that several devices add. GPX has no distance:
// it is the length of the line through the positions.
func decodeGPX(r io.Reader, b *builder) error {
	b.byOrder = true
	g := &gpxReader{walker: newWalker(r, GPX), b: b}
	err := g.walk(g.open, g.closed)
	if err != nil && g.within("trk") {
		if addErr := g.endTrack(); addErr != nil {
			return addErr
		}
	}
	return err
}

func (g *gpxReader) open(e xml.StartElement) error {
	switch e.Name.Local {
	case "gpx":
		g.b.device = strings.ToLower(attr(e, "creator"))
	case "trk":
		g.cur = session{sport: generic, first: len(g.b.points)}
		g.last, g.covered, g.measured = nil, 0, false
	case "trkpt":
		lat, errLat := strconv.ParseFloat(attr(e, "lat"), 64)
		lon, errLon := strconv.ParseFloat(attr(e, "lon"), 64)
		if errLat != nil || errLon != nil {
			return g.damage("<trkpt> without lat and lon in degrees", nil)
		}
		g.point, g.dated = point{}, false
		g.point.Position = place(lat, lon, nil)
	}
	return nil
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (g *gpxReader) closed(text string) error {
	if g.within("trkpt") {
		return g.closedPoint(text)
	}
	switch g.name() {
	case "trk":
		return g.endTrack()
	case "type":
		if g.parent() == "trk" {
			g.cur.sport = sportName(text)
		}
	}
	return nil
}

func (g *gpxReader) closedPoint(text string) error {
	p := &g.point
	switch g.name() {
	case "time":
		at, err := g.moment(text)
		p.at, g.dated = at, err == nil
		return err
	case "ele":
		return g.set(&p.Altitude, text)
	case "hr":
		v, err := g.number(text)
		p.HeartRate = positive(v)
		return err
	case "cad", "cadence":
		return g.set(&p.Cadence, text)
	case "power", "PowerInWatts":
		return g.set(&p.Power, text)
	case "atemp":
		return g.set(&p.Temperature, text)
	case "speed":
		return g.set(&p.Speed, text)
	case "distance":
		g.measured = true
		return g.set(&p.Distance, text)
	case "trkpt":
		if !g.dated {
			return g.damage("<trkpt> without <time>: this is a route, not a recording", nil)
		}
		g.cover(p)
		return g.b.add(*p)
	}
	return nil
}

// cover adds the way from the last position to the leg's distance. Where the
// device wrote a distance itself, that stays.
func (g *gpxReader) cover(p *point) {
	if p.Position == nil {
		return
	}
	if g.last != nil {
		g.covered += Haversine(*g.last, *p.Position)
	}
	g.last = p.Position
	if !g.measured {
		p.Distance = num(math.Round(g.covered*100) / 100)
	}
}

func (g *gpxReader) endTrack() error {
	if g.cur.first == len(g.b.points) {
		return nil
	}
	g.cur.start = g.b.points[g.cur.first].at
	return g.b.addSession(g.cur)
}

// earthRadius is the mean radius of the WGS84 ellipsoid, in m.
const earthRadius = 6_371_008.8

// Haversine is the great-circle distance between two positions, in m.
func Haversine(a, b Position) float64 {
	rad := math.Pi / 180
	dLat, dLon := (b.Latitude-a.Latitude)*rad, (b.Longitude-a.Longitude)*rad
	h := math.Pow(math.Sin(dLat/2), 2) + math.Cos(a.Latitude*rad)*math.Cos(b.Latitude*rad)*math.Pow(math.Sin(dLon/2), 2)
	return 2 * earthRadius * math.Asin(math.Min(1, math.Sqrt(h)))
}
