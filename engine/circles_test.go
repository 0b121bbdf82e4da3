package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/fitness"
)

// crowd is few users in few sessions and challenges, who come and go at random.
type crowd struct {
	*world
	rnd  *rand.Rand
	send *sync.Mutex // one message at a time, as from a log
}

func newCrowd(t *testing.T, seed uint64) *crowd {
	t.Helper()
	return &crowd{world: newWorld(t), rnd: rand.New(rand.NewPCG(seed, 4)), send: new(sync.Mutex)}
}

func (c *crowd) say(who engine.Sender, topic, payload string) {
	c.send.Lock()
	defer c.send.Unlock()
	c.publish(who, topic, payload)
}

var crowdUsers = []string{"ana", "ben", "cleo", "dan", "eva", "oli"}

func (c *crowd) user() string  { return crowdUsers[c.rnd.IntN(len(crowdUsers))] }
func (c *crowd) place() string { return fmt.Sprintf("s%d", 1+c.rnd.IntN(3)) }

// step does one thing at random. It may be refused: the rules are not what is tested.
func (c *crowd) step() (string, error) {
	ctx, user, id := context.Background(), c.user(), c.place()
	spec := c.spec()
	spec.Organizer = c.user()
	who := sender(user, user+"-phone")
	name := ""
	do := func(what string, err error) (string, error) {
		return fmt.Sprintf("%s %s %s %s", what, id, user, name), err
	}
	switch c.rnd.IntN(13) {
	case 0, 1:
		s := engine.SessionSpec{Title: "Track", Host: user, Visibility: "open"}
		if name = c.user(); name != user {
			s.Trainer = name
		}
		if c.rnd.IntN(2) == 0 {
			s.Visibility = "invite"
		}
		_, _, err := c.PutSession(ctx, admin, id, s)
		return do("put session of, with trainer", err)
	case 2:
		return do("delete session", c.DeleteSession(ctx, admin, id))
	case 3:
		return do("put member", c.PutMember(ctx, admin, id, user))
	case 4:
		return do("delete member", c.DeleteMember(ctx, admin, id, user))
	case 5:
		c.Subscribed(who, "session/"+id+"/#")
		return do("subscribe", nil)
	case 6:
		c.Unsubscribed(who, "session/"+id+"/#")
		return do("unsubscribe", nil)
	case 7:
		c.say(who, "session/"+id+"/progress/"+user, c.sample(c.rnd.IntN(1000), `"heartRate":120`))
		return do("publish", nil)
	case 8:
		c.say(sender("ana", "desk"), "session/"+id+"/control", fmt.Sprintf(`{"action":"remove","userId":%q}`, user))
		return do("command to remove", nil)
	case 9:
		name = spec.Organizer
		_, _, err := c.PutChallenge(ctx, admin, id, spec)
		return do("put challenge of", err)
	case 10:
		return do("delete challenge", c.DeleteChallenge(ctx, admin, id))
	case 11:
		return do("put participant", c.PutParticipant(ctx, admin, id, user))
	default:
		return do("delete participant", c.DeleteParticipant(ctx, admin, id, user))
	}
}

// wantShared compares the index with the scan for every two users, and counts who
// has a session or challenge in common, of how many.
func (c *crowd) wantShared(after string) (shared, pairs int) {
	c.t.Helper()
	for i, a := range crowdUsers {
		for _, b := range crowdUsers[i+1:] {
			s, ch, sScan, chScan := c.Shared(a, b)
			if s != sScan || ch != chScan {
				c.t.Fatalf("%s and %s after %s: session %v, challenge %v; looking through all has %v, %v", a, b, after, s, ch, sScan, chScan)
			}
			if pairs++; s || ch {
				shared++
			}
		}
	}
	return shared, pairs
}

// clear deletes everything, after which the index must be empty.
func (c *crowd) clear() {
	c.t.Helper()
	for _, id := range []string{"s1", "s2", "s3"} {
		for _, err := range []error{c.DeleteSession(context.Background(), admin, id), c.DeleteChallenge(context.Background(), admin, id)} {
			if err != nil && fitness.KindOf(err) != fitness.NotFound {
				c.t.Fatal(err)
			}
		}
	}
	wantLines(c.t, c.Indexed())
}

func TestCircles(t *testing.T) {
	t.Run("OK as looking through all has it, whoever comes and goes", func(t *testing.T) {
		for seed := range uint64(8) {
			c := newCrowd(t, seed)
			shared, strangers := 0, 0
			for n := range 300 {
				what, err := c.step()
				if n%10 == 0 {
					c.pass(time.Second)
				}
				if n == 150 {
					must(t, c.Checkpoint(context.Background()))
					c.start() // found again from what is stored
				}
				both, pairs := c.wantShared(fmt.Sprintf("seed %d step %d, %s (%v)", seed, n, what, err))
				shared, strangers = shared+both, strangers+pairs-both
			}
			if shared < 500 || strangers < 500 {
				t.Errorf("seed %d: %d times two had something in common, %d times not: the test shows nothing", seed, shared, strangers)
			}
			c.clear()
		}
	})
	t.Run("Err a change that the store does not take changes nothing", func(t *testing.T) {
		c := newCrowd(t, 1)
		c.session("s1")
		c.challenge("s1", "ben")
		before := c.Indexed()
		c.tables.setFail(errDisk)
		for _, err := range []error{
			c.PutMember(context.Background(), admin, "s1", "cleo"), c.PutParticipant(context.Background(), admin, "s1", "cleo"),
			c.DeleteParticipant(context.Background(), admin, "s1", "ben"), c.DeleteSession(context.Background(), admin, "s1"),
			c.DeleteChallenge(context.Background(), admin, "s1"),
		} {
			wantKind(t, err, fitness.Unavailable, "")
		}
		c.tables.setFail(nil)
		wantLines(t, c.Indexed(), before...)
	})
	t.Run("OK many at a time", func(t *testing.T) {
		c := newCrowd(t, 1)
		var wg sync.WaitGroup
		for g := range uint64(4) {
			wg.Go(func() {
				mine := &crowd{world: c.world, rnd: rand.New(rand.NewPCG(g, 6)), send: c.send}
				for range 150 {
					_, _ = mine.step() // refused or not
				}
			})
		}
		wg.Wait()
		c.wantShared("all of them")
		c.clear()
	})
}
