// Package demo plays the people of a demonstration: it sets up athletes, a
// trainer, sessions, challenges and what was said before over the REST interface,
// as any user would, and lets them ride, train, correct, write and look for
// company as real MQTT clients over TCP.
package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"
)

// The cast and the stage.
const (
	// TrainerID hosts the session and organizes the challenge.
	TrainerID = "tess"
	// WatcherID is the account of whoever looks at the demonstration.
	WatcherID = "you"
	// SessionID is the live workout.
	SessionID = "morning-ride"

	// MaxAthletes bounds Options.Athletes: each is a connection and a goroutine.
	MaxAthletes = 200

	// minSpeed and maxSpeed bound Options.Speed.
	minSpeed, maxSpeed = 0.1, 100.0
)

// Options says where the broker is and how much happens.
type Options struct {
	// HTTPURL is the base of the REST interface, http://host:port.
	HTTPURL string
	// MQTTAddr is the broker's host:port for MQTT over TCP.
	MQTTAddr string
	// AdminToken authorizes what is set up over REST.
	AdminToken string
	// Athletes is how many ride, 1..MaxAthletes.
	Athletes int
	// Speed is how many seconds of riding pass in one second, 0.1..100.
	Speed float64
	// Seed makes the riders; the same seed gives the same riders.
	Seed uint64
	// Now gives the time; nil means time.Now.
	Now func() time.Time
}

// Stage is a demonstration that has been set up. Run it once.
type Stage struct {
	opts Options
	// ChallengeID names the challenge, by the month it runs in.
	ChallengeID string
	// WatcherPassword signs WatcherID in.
	WatcherPassword string

	cast   map[string]*account
	handed int // activities that the cast has handed in
	riders []*rider
	report *report
}

// names are given to the athletes in this order.
var names = []string{
	"Mia", "Noah", "Lena", "Ravi", "Sofia", "Jonas", "Amara", "Kenji", "Elif", "Diego", "Freya", "Tomas",
	"Ines", "Malik", "Greta", "Owen", "Yuki", "Pablo", "Nadia", "Erik", "Chloe", "Samir", "Zoe", "Luca",
}

// New checks the options and creates the accounts, the session and the
// challenge. Called again on the same broker it gives everybody a new password
// and keeps what was there.
func New(ctx context.Context, o Options) (*Stage, error) {
	if o.Athletes < 1 || o.Athletes > MaxAthletes {
		return nil, fmt.Errorf("athletes: %d is not in 1..%d", o.Athletes, MaxAthletes)
	}
	if !(o.Speed >= minSpeed && o.Speed <= maxSpeed) {
		return nil, fmt.Errorf("speed: %v is not in %v..%v", o.Speed, minSpeed, maxSpeed)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	now := o.Now().UTC()
	s := &Stage{
		opts: o, report: newReport(),
		ChallengeID: strings.ToLower(now.Month().String()) + "-100k",
		cast:        cast(186),
	}
	s.WatcherPassword = s.cast[WatcherID].password
	for i := range o.Athletes {
		name := names[i%len(names)]
		if round := i / len(names); round > 0 {
			name = fmt.Sprintf("%s %d", name, round+1)
		}
		id := strings.ToLower(strings.ReplaceAll(name, " ", "-"))
		s.riders = append(s.riders, newRider(s, id, name, o.Seed+uint64(i)))
	}
	if err := s.setUp(ctx, now); err != nil {
		return nil, err
	}
	return s, nil
}

// password makes a password for one run: 12 characters, safe in URLs and shells.
func password() string { return strings.ToLower(rand.Text()[:12]) }

// PageURL opens the page signed in and on the right session and challenge. The
// credentials are in the fragment, which a browser does not send to servers.
func (s *Stage) PageURL() string {
	v := url.Values{"user": {WatcherID}, "password": {s.WatcherPassword}, "session": {SessionID}, "challenge": {s.ChallengeID}}
	return s.opts.HTTPURL + "/#" + v.Encode()
}

// TrainerURL opens the page as the trainer, on the overview of clients.
func (s *Stage) TrainerURL() string { return s.roomURL(TrainerID, "training") }

// ConsoleURL opens the page as an administrator, on the console.
func (s *Stage) ConsoleURL() string { return s.roomURL(OperatorID, "console") }

func (s *Stage) roomURL(who, room string) string {
	return s.opts.HTTPURL + "/#" + url.Values{"user": {who}, "password": {s.cast[who].password}, "room": {room}}.Encode()
}

// Run lets everybody ride until ctx ends, and then signs them off. It fails
// when somebody cannot connect at all.
func (s *Stage) Run(ctx context.Context) error {
	s.report.start = s.opts.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	run := func(name string, f func(context.Context) error) {
		wg.Go(func() {
			if err := f(ctx); err != nil {
				cancel(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	run(TrainerID, newCoach(s).run)
	for i, id := range []string{idaID, oskarID} {
		run(id, newLifter(s, id, s.opts.Seed+uint64(i)).run)
	}
	for _, p := range partners(s) {
		run(p.id, p.run)
	}
	for _, r := range s.riders {
		run(r.id, r.run)
	}
	wg.Wait()
	s.report.end = s.opts.Now()
	// An end by the caller is no failure, whatever it carries as its cause.
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// Summary tells in one line what happened.
func (s *Stage) Summary() string { return s.report.String() }
