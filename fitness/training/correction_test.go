package training_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/training"
)

func TestParseCorrection(t *testing.T) {
	const full = `{"correctionId":"k1","exercise":"squat","set":2,"repetition":5,"joint":"knee","measure":"angle",
		"observed":112.5,"targetMin":80,"targetMax":100,"unit":"deg","severity":"warning","cue":"Deeper","camera":"left"}`
	t.Run("OK", func(t *testing.T) {
		for payload, expiry := range map[string]time.Duration{
			full: 30 * time.Second,
			`{"correctionId":"k","exercise":"plank","severity":"info","cue":"Good"}`:                                         30 * time.Second,
			`{"correctionId":"k","exercise":"plank","severity":"stop","measure":"depth","observed":0}`:                       30 * time.Second,
			`{"correctionId":"k","exercise":"plank","severity":"info","cue":"Rest two minutes","expiresIn":120}`:             2 * time.Minute,
			`{"correctionId":"k","exercise":"plank","severity":"info","cue":"` + strings.Repeat("ä", training.MaxCue) + `"}`: 30 * time.Second,
		} {
			got, err := training.ParseCorrection([]byte(payload))
			if err != nil || got.Expiry != expiry || !strings.HasPrefix(got.ID, "k") {
				t.Errorf("%s: got %+v, %v, want expiry %v", payload, got, err, expiry)
			}
		}
	})
	for name, c := range map[string]struct {
		old, with string
		kind      fitness.Kind
		text      string
	}{
		"ErrNoID":        {`"correctionId":"k1",`, ``, fitness.Malformed, "correctionId is missing"},
		"ErrID":          {`"k1"`, `"k/1"`, fitness.Invalid, "correctionId"},
		"ErrJoint":       {`"knee"`, `"toe"`, fitness.Invalid, `joint "toe" is not one of knee, hip`},
		"ErrMeasure":     {`"angle"`, `"colour"`, fitness.Invalid, "measure"},
		"ErrSeverity":    {`"warning"`, `"fatal"`, fitness.Invalid, "info, warning, stop"},
		"ErrNoSeverity":  {`"severity":"warning",`, ``, fitness.Malformed, "severity is missing"},
		"ErrExercise":    {`"squat"`, `"squat!"`, fitness.Invalid, "exercise"},
		"ErrNoExercise":  {`"exercise":"squat",`, ``, fitness.Malformed, "exercise is missing"},
		"ErrRepetition":  {`"repetition":5`, `"repetition":0`, fitness.Invalid, "repetition 0 is under the limit of 1"},
		"ErrHalfSet":     {`"set":2`, `"set":2.5`, fitness.Invalid, "set 2.5 is not a whole number"},
		"ErrTargets":     {`"targetMin":80`, `"targetMin":120`, fitness.Invalid, "targetMin 120 is over the limit of 100 targetMax"},
		"ErrType":        {`112.5`, `"112.5"`, fitness.Malformed, "observed cannot be a string"},
		"ErrExpiry":      {`"set":2`, `"expiresIn":3601`, fitness.Invalid, "expiresIn 3601 is over the limit of 3600 s"},
		"ErrSaysNothing": {`"observed":112.5,`, ``, fitness.Malformed, "cue is missing"},
		"ErrCue":         {`"Deeper"`, `"` + strings.Repeat("x", 281) + `"`, fitness.Invalid, "cue of 281 is over the limit of 280 characters"},
		"ErrSize":        {`"left"`, `"` + strings.Repeat("x", 2048) + `"`, fitness.Invalid, "over the limit of 2048 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			payload := strings.Replace(full, c.old, c.with, 1)
			if name == "ErrSaysNothing" {
				payload = strings.Replace(payload, `"cue":"Deeper",`, ``, 1)
			}
			_, err := training.ParseCorrection([]byte(payload))
			if fitness.KindOf(err) != c.kind || !strings.Contains(fitness.Message(err), c.text) {
				t.Errorf("got %v (%v), want %v with %q", err, fitness.KindOf(err), c.kind, c.text)
			}
		})
	}
}

func TestParseSeen(t *testing.T) {
	if id, err := training.ParseSeen([]byte(`{"correctionId":"k1","at":"now"}`)); err != nil || id != "k1" {
		t.Errorf("got %q, %v, want k1", id, err)
	}
	for _, payload := range []string{`{}`, `[]`, `{"correctionId":7}`, `{"correctionId":""}`, `{"correctionId":"` + strings.Repeat("x", 65) + `"}`} {
		if id, err := training.ParseSeen([]byte(payload)); err == nil {
			t.Errorf("%s: got %q, want it refused", payload, id)
		}
	}
}
