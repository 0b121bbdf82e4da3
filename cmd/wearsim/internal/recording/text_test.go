package recording_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/cmd/wearsim/internal/recording"
)

// tcxFile has two activities; the first one's lap total is that of its last
// split only, as some exports write it.
func tcxFile() string {
	point := func(sec int, body string) string {
		return fmt.Sprintf("<Trackpoint><Time>%s</Time>%s</Trackpoint>\n", t0.Add(time.Duration(sec)*time.Second).Format("2006-01-02T15:04:05.000Z"), body)
	}
	return `<?xml version="1.0" encoding="UTF-8"?>
<TrainingCenterDatabase xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2"><Activities>
<Activity Sport="Running"><Id>2024-05-01T08:00:00Z</Id>
<Lap StartTime="2024-05-01T08:00:00Z"><TotalTimeSeconds>30</TotalTimeSeconds><DistanceMeters>17.42</DistanceMeters><MaximumSpeed>4.5</MaximumSpeed>
<Calories>10</Calories><AverageHeartRateBpm><Value>120</Value></AverageHeartRateBpm><MaximumHeartRateBpm><Value>151</Value></MaximumHeartRateBpm><Track>
` + point(0, `<Position><LatitudeDegrees>28.1</LatitudeDegrees><LongitudeDegrees>-80.5</LongitudeDegrees></Position><AltitudeMeters>6.8</AltitudeMeters><DistanceMeters>0</DistanceMeters><HeartRateBpm><Value>0</Value></HeartRateBpm>`) +
		point(10, ``) +
		point(31, `<DistanceMeters>1500.25</DistanceMeters><HeartRateBpm><Value>150</Value></HeartRateBpm><Cadence>90</Cadence><Extensions><TPX xmlns="x"><Speed>3.75</Speed><Watts>222</Watts></TPX></Extensions>`) +
		`</Track></Lap><Creator><Name>Some Watch</Name></Creator></Activity>
<Activity Sport="Biking"><Id>2024-05-01T08:01:00Z</Id><Lap StartTime="2024-05-01T08:01:00Z"><TotalTimeSeconds>20</TotalTimeSeconds><DistanceMeters>99</DistanceMeters><Calories>5</Calories><Track>
` + point(60, `<DistanceMeters>0</DistanceMeters>`) + point(80, `<DistanceMeters>100</DistanceMeters>`) + `
</Track></Lap></Activity></Activities></TrainingCenterDatabase>`
}

func TestDecode_TCX(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		rec := mustDecode(t, []byte(tcxFile()))
		if len(rec.Samples) != 5 || len(rec.Legs) != 2 || rec.Device != "some watch" {
			t.Fatalf("got %d samples, %d legs, device %q", len(rec.Samples), len(rec.Legs), rec.Device)
		}
		if rec.Samples[0].HeartRate != nil || rec.Samples[1].Measured() {
			t.Error("heart rate 0 and an empty trackpoint must be absent")
		}
		s := rec.Samples[2]
		near(t, "distance", s.Distance, 1500.25, 0)
		near(t, "heart rate", s.HeartRate, 150, 0)
		near(t, "cadence", s.Cadence, 90, 0)
		near(t, "speed", s.Speed, 3.75, 0)
		near(t, "power", s.Power, 222, 0)
		run, ride := rec.Legs[0], rec.Legs[1]
		if run.Sport != "running" || ride.Sport != "cycling" || ride.Start != time.Minute {
			t.Errorf("got %s, %s at %v", run.Sport, ride.Sport, ride.Start)
		}
		near(t, "distance where the lap's total is broken", run.Totals.Distance, 1500.25, 0)
		near(t, "timer", run.Totals.Timer, 30, 0)
		near(t, "calories", run.Totals.Calories, 10, 0)
		near(t, "maximum heart rate", run.Totals.MaxHeart, 151, 0)
		near(t, "maximum speed", run.Totals.MaxSpeed, 4.5, 0)
		near(t, "distance that starts again at the leg", ride.Totals.SampleDistance, 100, 0)
		near(t, "distance of the second leg", ride.Totals.Distance, 99, 0)
		if got, want := run.Totals.Elapsed, 31*time.Second; got != want {
			t.Errorf("elapsed: got %v, want %v", got, want)
		}
	})
	t.Run("ErrTruncated", func(t *testing.T) {
		text := tcxFile()
		cut := strings.Index(text, "1500.25")
		rec, err := recording.Decode(strings.NewReader(text[:cut]))
		var d *recording.DamageError
		if !errors.As(err, &d) || d.Line != 8 || d.Offset != int64(cut) {
			t.Fatalf("got %v, want damage at line 8, byte %d", err, cut)
		}
		if len(rec.Samples) != 2 || rec.Legs[0].Sport != "running" || rec.Legs[0].Totals.Calories != nil {
			t.Errorf("salvaged %d samples, legs %+v; the lap's totals speak of more than that", len(rec.Samples), rec.Legs)
		}
	})
	t.Run("ErrNumber", func(t *testing.T) {
		_, err := recording.Decode(strings.NewReader(strings.Replace(tcxFile(), "1500.25", "far", 1)))
		if err == nil || !strings.Contains(err.Error(), "line 8") || !strings.Contains(err.Error(), "DistanceMeters") {
			t.Errorf("got %v, want line 8 and the element's name", err)
		}
	})
}

const gpxFile = `<?xml version="1.0"?>
<gpx version="1.1" creator="Some App" xmlns="http://www.topografix.com/GPX/1/1" xmlns:gpxtpx="http://www.garmin.com/xmlschemas/TrackPointExtension/v1">
<metadata><time>2024-05-01T07:00:00Z</time></metadata>
<trk><name>Loop</name><type>running</type><trkseg>
<trkpt lat="0" lon="0"><ele>10.5</ele><time>2024-05-01T08:00:00Z</time></trkpt>
<trkpt lat="0" lon="0.001"><time>2024-05-01T08:00:30Z</time><extensions><power>200</power><gpxtpx:TrackPointExtension><gpxtpx:hr>140</gpxtpx:hr><gpxtpx:cad>85</gpxtpx:cad><gpxtpx:atemp>19</gpxtpx:atemp></gpxtpx:TrackPointExtension></extensions></trkpt>
<trkpt lat="0.001" lon="0.001"><time>2024-05-01T08:01:00Z</time></trkpt>
</trkseg></trk></gpx>`

func TestDecode_GPX(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		rec := mustDecode(t, []byte(gpxFile))
		if len(rec.Samples) != 3 || len(rec.Legs) != 1 || rec.Legs[0].Sport != "running" {
			t.Fatalf("got %d samples, legs %+v", len(rec.Samples), rec.Legs)
		}
		if got, want := rec.Start, t0; !got.Equal(want) {
			t.Errorf("start: got %v, want %v", got, want)
		}
		s := rec.Samples[1]
		near(t, "heart rate", s.HeartRate, 140, 0)
		near(t, "cadence", s.Cadence, 85, 0)
		near(t, "power", s.Power, 200, 0)
		near(t, "temperature", s.Temperature, 19, 0)
		near(t, "altitude", rec.Samples[0].Altitude, 10.5, 0)
		// A thousandth of a degree is 111.195 m on the mean sphere.
		near(t, "distance", s.Distance, 111.19, 0.02)
		near(t, "leg's distance", rec.Legs[0].Totals.Distance, 222.39, 0.02)
	})
	t.Run("ErrTruncated", func(t *testing.T) {
		rec, err := recording.Decode(strings.NewReader(gpxFile[:strings.Index(gpxFile, `<trkpt lat="0.001"`)+9]))
		var d *recording.DamageError
		if !errors.As(err, &d) || d.Line != 7 || len(rec.Samples) != 2 {
			t.Errorf("got %v, want damage at line 7 after 2 samples", err)
		}
	})
	t.Run("ErrRoute", func(t *testing.T) {
		_, err := recording.Decode(strings.NewReader(strings.ReplaceAll(gpxFile, "<time>2024-05-01T08:00:30Z</time>", "")))
		if err == nil || !strings.Contains(err.Error(), "without <time>") {
			t.Errorf("got %v", err)
		}
	})
}

const csvFile = `elapsed_time,heart_rate,cadence,power,speed,distance,altitude,latitude,longitude,shoe
0,0,,,,0.0,,,,red
1,106,90,250,3.50,3.5,6.8,28.18,-80.6,red
1,107,,,,3.6,,,,red
60,,,,,200.5,,,,red
`

func TestDecode_CSV(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		rec := mustDecode(t, []byte(csvFile))
		if len(rec.Samples) != 4 || !rec.Start.IsZero() || rec.Legs[0].Sport != "generic" {
			t.Fatalf("got %d samples, start %v, sport %s", len(rec.Samples), rec.Start, rec.Legs[0].Sport)
		}
		if rec.Samples[0].HeartRate != nil || rec.Samples[2].Position != nil {
			t.Error("heart rate 0 and empty fields must be absent")
		}
		near(t, "power", rec.Samples[1].Power, 250, 0)
		near(t, "longitude", &rec.Samples[1].Position.Longitude, -80.6, 0)
		near(t, "distance", rec.Legs[0].Totals.Distance, 200.5, 0)
		if got, want := rec.Elapsed(), time.Minute; got != want {
			t.Errorf("elapsed: got %v, want %v", got, want)
		}
	})
	for name, c := range map[string]struct{ text, want string }{
		"ErrFields":   {csvFile + "61,1", "line 6"},
		"ErrNumber":   {csvFile + "61,fast,,,,,,,,\n", fmt.Sprintf("line 6 (byte %d): this line is not a sample: heart_rate \"fast\" is not a number", len(csvFile))},
		"ErrElapsed":  {csvFile + ",100,,,,,,,,\n", "elapsed_time is missing"},
		"ErrInfinite": {csvFile + "61,inf,,,,,,,,\n", "not a number"},
	} {
		t.Run(name, func(t *testing.T) {
			rec, err := recording.Decode(strings.NewReader(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if rec == nil || len(rec.Samples) != 4 {
				t.Errorf("the four samples before the damage must be there: %+v", rec)
			}
		})
	}
}

func TestDecode_UnknownFormat(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"ErrEmpty":         {"", "empty"},
		"ErrAccelerometer": {"1352650436904,-0.26,-0.46,-0.80\n", "does not name its columns"},
		"ErrPicture":       {"\x89PNG\r\n\x1a\n0000000000", "no FIT signature"},
		"ErrShortFIT":      {"\x0e\x10\x00", "too few for a FIT header"},
	} {
		t.Run(name, func(t *testing.T) {
			rec, err := recording.Decode(strings.NewReader(c.text))
			if !errors.Is(err, recording.ErrUnknownFormat) || !strings.Contains(err.Error(), c.want) || rec != nil {
				t.Errorf("got %v, want ErrUnknownFormat with %q", err, c.want)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(mustEncodeFIT(f, record(0, 0, 100), record(time.Second, 4, 100)))
	f.Add([]byte(tcxFile()))
	f.Add([]byte(gpxFile))
	f.Add([]byte(csvFile))
	f.Fuzz(func(t *testing.T, data []byte) {
		rec, err := recording.Decode(bytes.NewReader(data))
		if rec == nil {
			if err == nil {
				t.Fatal("neither a recording nor an error")
			}
			return
		}
		next := 0
		for i, leg := range rec.Legs {
			if leg.First != next || leg.End < leg.First {
				t.Fatalf("leg %d has samples %d to %d, the one before ended at %d", i, leg.First, leg.End, next)
			}
			if leg.Totals.Elapsed < time.Second {
				t.Fatalf("leg %d lasts %v", i, leg.Totals.Elapsed)
			}
			next = leg.End
		}
		if next != len(rec.Samples) {
			t.Fatalf("legs cover %d of %d samples", next, len(rec.Samples))
		}
		for i, s := range rec.Samples {
			if s.Elapsed < 0 || s.HeartRate != nil && *s.HeartRate <= 0 {
				t.Fatalf("sample %d: %+v", i, s)
			}
		}
	})
}
