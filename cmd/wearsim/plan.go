package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/fitmq/fitmq/cmd/wearsim/internal/recording"
	"github.com/fitmq/fitmq/cmd/wearsim/internal/replay"
)

// plan is what --dry-run --output json prints: what would be sent.
type plan struct {
	Format  recording.Format `json:"format"`
	Device  string           `json:"device,omitempty"`
	Start   string           `json:"start,omitempty"` // RFC 3339
	Elapsed float64          `json:"elapsedTime"`     // s, first sample to last
	Samples int              `json:"samples"`
	Legs    []planLeg        `json:"legs"`
}

// planLeg is one leg of a plan; the names are those of the wire.
type planLeg struct {
	ActivityID       string   `json:"activityId"`
	Sport            string   `json:"sport"`
	SubSport         string   `json:"subSport,omitempty"`
	Samples          int      `json:"samples"`
	Start            float64  `json:"start"` // s from the first sample
	TotalElapsedTime float64  `json:"totalElapsedTime"`
	TotalTimerTime   *float64 `json:"totalTimerTime,omitempty"`
	TotalDistance    *float64 `json:"totalDistance,omitempty"`
	DeviceDistance   *float64 `json:"deviceDistance,omitempty"` // the device's own total
	SampleDistance   *float64 `json:"sampleDistance,omitempty"` // what the samples say
	TotalCalories    *float64 `json:"totalCalories,omitempty"`
	planRest
}

// planRest is the rest of a leg's totals.
type planRest struct {
	TotalAscent  *float64 `json:"totalAscent,omitempty"`
	Steps        *float64 `json:"steps,omitempty"`
	AvgHeartRate *float64 `json:"avgHeartRate,omitempty"`
	MaxHeartRate *float64 `json:"maxHeartRate,omitempty"`
	AvgPower     *float64 `json:"avgPower,omitempty"`
	AvgSpeed     *float64 `json:"avgSpeed,omitempty"`
	MaxSpeed     *float64 `json:"maxSpeed,omitempty"`
}

func makePlan(rec *recording.Recording) plan {
	p := plan{Format: rec.Format, Device: rec.Device, Elapsed: rec.Elapsed().Seconds(), Samples: len(rec.Samples)}
	if !rec.Start.IsZero() {
		p.Start = rec.Start.Format(time.RFC3339Nano)
	}
	for i, l := range rec.Legs {
		t := l.Totals
		p.Legs = append(p.Legs, planLeg{
			ActivityID: replay.ActivityID(rec, i, ""), Sport: l.Sport, SubSport: l.SubSport,
			Samples: l.End - l.First, Start: l.Start.Seconds(), TotalElapsedTime: t.Elapsed.Seconds(),
			TotalTimerTime: t.Timer, TotalDistance: t.Distance, DeviceDistance: t.DeviceDistance,
			SampleDistance: t.SampleDistance, TotalCalories: t.Calories,
			planRest: planRest{
				TotalAscent: t.Ascent, Steps: t.Steps, AvgHeartRate: t.AvgHeart, MaxHeartRate: t.MaxHeart,
				AvgPower: t.AvgPower, AvgSpeed: t.AvgSpeed, MaxSpeed: t.MaxSpeed,
			},
		})
	}
	return p
}

// printPlan prints what would be sent.
func printPlan(w io.Writer, rec *recording.Recording, output string) error {
	p := makePlan(rec)
	if output == "json" {
		return printJSON(w, p)
	}
	head := string(p.Format)
	for _, part := range []string{p.Device, p.Start} {
		if part != "" {
			head += ", " + part
		}
	}
	say(w, "%s: %s\n\n", head, amount(rec))
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	say(tw, "leg\tsport\tstart\telapsed\ttimer s\tdistance m\tdevice's\tsamples'\tkcal\tascent m\tHR avg\tHR max\tpower W\tspeed m/s\tsamples\t\n")
	for i, l := range p.Legs {
		sport := l.Sport
		if l.SubSport != "" && l.SubSport != "generic" {
			sport += "/" + l.SubSport
		}
		say(tw, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t\n", i+1, sport,
			clock(time.Duration(max(0, l.Start)*float64(time.Second))), clock(time.Duration(l.TotalElapsedTime*float64(time.Second))),
			cell(l.TotalTimerTime, 1), cell(l.TotalDistance, 2), cell(l.DeviceDistance, 2), cell(l.SampleDistance, 2),
			cell(l.TotalCalories, 0), cell(l.TotalAscent, 0), cell(l.AvgHeartRate, 0), cell(l.MaxHeartRate, 0),
			cell(l.AvgPower, 0), cell(l.AvgSpeed, 2), l.Samples)
	}
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("print plan: %w", err)
	}
	return nil
}

// cell writes a table's figure, "-" when it was not measured.
func cell(v *float64, decimals int) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.*f", decimals, *v)
}
