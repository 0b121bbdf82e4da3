// Package athlete is a model of a cyclist with a watch: effort drives power,
// power drives speed, the heart follows effort with a delay, and now and then
// the rider stops. It does no I/O and knows no clock: a caller steps it.
package athlete

import (
	"math"
	"math/rand/v2"
	"time"
)

// Profile is what makes one rider differ from the next.
type Profile struct {
	// FTP is the power in watts that the rider can hold for an hour, 100..400.
	FTP float64
	// Mass is rider and bicycle together in kg, 50..130.
	Mass float64
	// RestHR and MaxHR bound the heart rate, in beats a minute.
	RestHR, MaxHR float64
	// Cadence is the favourite pedalling rate in turns a minute.
	Cadence float64
}

// Athlete is one rider on the road. It is not safe for concurrent use.
type Athlete struct {
	p   Profile
	rng *rand.Rand

	elapsed  float64 // s since the start
	distance float64 // m
	speed    float64 // m/s
	heart    float64 // bpm
	energy   float64 // kJ of work, which is close to the kcal burnt
	drift    float64 // slow wandering of the effort, around 0

	surgeFor float64 // s that a surge still lasts
	pauseFor float64 // s that a pause still lasts
	pauseIn  float64 // s until the next pause
}

// Reading is what the watch shows after a step. Units are those of the live
// sample: bpm, rpm, W, m/s, m, kcal, degrees.
type Reading struct {
	Elapsed             time.Duration
	Paused              bool
	HeartRate           int
	Cadence             int
	Power               int
	Speed               float64
	Distance            float64
	Calories            int
	Altitude            float64
	Latitude, Longitude float64
}

// maxStep is the longest piece of time, in seconds, over which the equation of
// motion is still well behaved; longer steps are cut into such pieces.
const maxStep = 1.0

// Random returns a believable profile; the same seed gives the same rider.
func Random(seed uint64) Profile {
	rng := rand.New(rand.NewPCG(seed, 0x5bd1e995))
	return Profile{
		FTP:     195 + 75*rng.Float64(),
		Mass:    66 + 22*rng.Float64(),
		RestHR:  50 + 14*rng.Float64(),
		MaxHR:   176 + 18*rng.Float64(),
		Cadence: 80 + 14*rng.Float64(),
	}
}

// New puts a rider at the start line. The same profile and seed, stepped the
// same way, give the same ride.
func New(p Profile, seed uint64) *Athlete {
	rng := rand.New(rand.NewPCG(seed, 0x9e3779b9))
	return &Athlete{
		p: p, rng: rng,
		speed:   2 + 2*rng.Float64(), // rolling start
		heart:   p.RestHR + 25 + 15*rng.Float64(),
		pauseIn: 60 + 500*rng.Float64(),
	}
}

// Distance is how far the rider has come, in metres.
func (a *Athlete) Distance() float64 { return a.distance }

// Step lets d pass and returns what the watch then shows. gap is how many
// metres the leader is ahead, as the rider sees it on the leaderboard: a rider
// who is behind pushes a little harder, and one who leads eases off.
func (a *Athlete) Step(d time.Duration, gap float64) Reading {
	var effort, power float64
	for left := d.Seconds(); left > 1e-9; left -= maxStep {
		dt := math.Min(left, maxStep)
		effort = a.effort(dt, gap)
		power = a.p.FTP * effort
		a.move(dt, effort, power)
	}
	return a.reading(effort, power)
}

// effort is the fraction of FTP ridden during the next dt seconds, 0 in a pause.
func (a *Athlete) effort(dt, gap float64) float64 {
	if a.pauseFor > 0 {
		a.pauseFor -= dt
		return 0
	}
	if a.pauseIn -= dt; a.pauseIn <= 0 {
		a.pauseFor = 8 + 25*a.rng.Float64()
		a.pauseIn = 300 + 900*a.rng.Float64()
		return 0
	}
	if a.surgeFor > 0 {
		a.surgeFor -= dt
	} else if a.rng.Float64() < dt/45 {
		a.surgeFor = 8 + 20*a.rng.Float64()
	}
	// An Ornstein-Uhlenbeck walk: it wanders, and returns to 0 within about a
	// minute.
	a.drift += -a.drift*dt/60 + 0.05*math.Sqrt(dt)*a.rng.NormFloat64()
	e := 0.78 + a.drift + clamp(gap/500, 0, 0.3)
	if gap <= 0 {
		e -= 0.06
	}
	if a.surgeFor > 0 {
		e += 0.3
	}
	return clamp(e, 0.35, 1.35)
}

// move applies dt seconds of an effort: Newton's law with rolling resistance,
// air and slope, and a heart that follows with a delay.
func (a *Athlete) move(dt, effort, power float64) {
	const (
		gravity = 9.81
		rolling = 0.0045 // asphalt
		air     = 0.20   // half of air density times drag area, kg/m
	)
	if effort == 0 {
		a.speed = math.Max(0, a.speed-2.5*dt) // brakes
	} else {
		slope := (altitude(a.distance+5) - altitude(a.distance-5)) / 10
		drive := power / math.Max(a.speed, 2.5)
		force := drive - a.p.Mass*gravity*(rolling+slope) - air*a.speed*a.speed
		a.speed = clamp(a.speed+force/a.p.Mass*dt, 1, 18)
	}
	a.elapsed += dt
	a.distance += a.speed * dt
	a.energy += power * dt / 1000
	reserve := a.p.MaxHR - a.p.RestHR
	target := a.p.RestHR + reserve*clamp(0.3+0.6*effort, 0.3, 0.98)
	lag := 25.0 // s, going up
	if target < a.heart {
		lag = 45
	}
	a.heart += (target - a.heart) * (1 - math.Exp(-dt/lag))
}

func (a *Athlete) reading(effort, power float64) Reading {
	lat, lon := position(a.distance)
	r := Reading{
		Elapsed:   time.Duration(a.elapsed * float64(time.Second)),
		Paused:    a.speed == 0,
		HeartRate: int(math.Round(a.heart + a.rng.NormFloat64()*0.6)),
		Speed:     round(a.speed, 2),
		Distance:  round(a.distance, 1),
		Calories:  int(a.energy),
		Altitude:  round(altitude(a.distance), 1),
		Latitude:  round(lat, 6),
		Longitude: round(lon, 6),
	}
	if effort > 0 {
		r.Power = int(math.Max(0, power*(1+0.04*a.rng.NormFloat64())))
		r.Cadence = int(clamp(a.p.Cadence*(0.86+0.16*effort)+2*a.rng.NormFloat64(), 40, 120))
	}
	return r
}

// altitude is the course's profile: metres over the sea at a distance. All
// riders ride the same course.
func altitude(distance float64) float64 {
	return 24 + 9*math.Sin(distance/310) + 5*math.Sin(distance/127+1)
}

// position puts a distance on a loop of about 3.3 km around a park.
func position(distance float64) (lat, lon float64) {
	const loop = 3300.0
	angle := 2 * math.Pi * math.Mod(distance, loop) / loop
	return 52.3580 + 0.0030*math.Sin(angle), 4.8686 + 0.0085*math.Cos(angle)
}

func clamp(v, low, high float64) float64 { return math.Min(math.Max(v, low), high) }

// round cuts float noise, so that a sample reads 12.3 and not 12.299999.
func round(v float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(v*p) / p
}
