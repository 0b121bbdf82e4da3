package torture_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// scene is one round of the fitness flows: its people, what they do, and what
// comes to their devices.
type scene struct {
	id     string // of the round, in all names
	broker *process
	began  time.Time
	tokens map[string]string
	live   map[string]*client
	away   map[string]*client
	h      *history // for reports
	// moving: the athletes publish live samples, and the trainer takes no breaks.
	// sampled is done when all have been acknowledged.
	moving  bool
	sampled sync.WaitGroup
	round   int
	hook    *hook

	mu      sync.Mutex // guards below
	ledger  *ledger
	arrived map[*client][]arrival
	denied  map[*client]bool // a seeker's answer or block was refused
}

// athletes is how many take part.
const athletes = 5

func newScene(round int, b *process, h *hook) *scene {
	s := &scene{
		id: fmt.Sprintf("f%d", round), broker: b, began: time.Now().UTC(), tokens: map[string]string{},
		live: map[string]*client{}, away: map[string]*client{}, h: newHistory(round),
		ledger: newLedger(), arrived: map[*client][]arrival{}, denied: map[*client]bool{}, round: round, hook: h,
	}
	l := s.ledger
	l.trainer, l.session, l.goal, l.streak = s.id+"-tess", s.id+"-legs", 15000, 2
	l.thresholds = []float64{3000, 9000, 20000}
	l.challenge, l.absent = s.id, s.id+"-nina"
	for i := range seekers {
		l.seekers = append(l.seekers, fmt.Sprintf("%s-s%d", s.id, i))
	}
	for i := range athletes {
		l.users = append(l.users, fmt.Sprintf("%s-u%d", s.id, i))
	}
	return s
}

// setUp makes accounts, a challenge, a group and a live session.
func (s *scene) setUp() error {
	l := s.ledger
	put := func(path string, body any) func() error {
		return func() error { return s.broker.call(http.MethodPut, path, "", body, nil) }
	}
	none := map[string]string{}
	everybody := append([]string{l.trainer}, l.users...)
	group := s.id + "-group"
	var steps []func() error
	for i, user := range slices.Concat(everybody, []string{l.absent}, l.seekers) {
		role := map[bool]string{true: "trainer", false: "member"}[user == l.trainer]
		name := user
		if seeker := i - len(everybody) - 1; seeker >= 0 {
			name = seekers[seeker] + " Torture"
		}
		steps = append(steps, put("/users/"+user, map[string]string{"name": name, "role": role}), func() error {
			var t struct{ Token string }
			err := s.broker.call(http.MethodPost, "/tokens", "", map[string]any{"userId": user, "ttl": "2h"}, &t)
			s.tokens[user] = t.Token
			return err
		})
	}
	awards := []map[string]any{{"kind": "streak", "threshold": l.streak}}
	for _, t := range l.thresholds {
		awards = append(awards, map[string]any{"kind": "distance", "threshold": t})
	}
	steps = append(steps,
		put("/challenges/"+s.id, map[string]any{
			"title": "Torture", "organizer": l.trainer, "visibility": "open", "metric": "distance", "goal": l.goal, "goalOf": "each", "awards": awards,
			"startsAt": s.began.AddDate(0, 0, -20), "endsAt": s.began.AddDate(0, 0, 2),
		}),
		put("/sessions/"+l.session, map[string]any{"kind": "training", "title": "Legs", "host": l.trainer, "trainer": l.trainer, "visibility": "open"}),
		put("/conversations/"+group, map[string]any{"title": "All", "members": append([]string{l.absent}, l.users...)}),
		func() error {
			return s.broker.call(http.MethodPost, "/sessions/"+l.session+"/control", "", map[string]string{"action": "start"}, nil)
		})
	for _, user := range append([]string{l.absent}, l.seekers...) {
		steps = append(steps, put("/links/"+l.trainer+"/"+user, none))
	}
	steps = append(steps, func() error { return s.connect(slices.Concat(everybody, l.seekers)) })
	for _, user := range l.users {
		steps = append(steps, put("/challenges/"+s.id+"/participants/"+user, none))
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("set the scene: %w", err)
		}
	}
	l.members[group] = l.users
	return nil
}

// connect gives everybody two devices: one that comes and goes, one that
// subscribes and goes away.
func (s *scene) connect(everybody []string) error {
	for i, user := range everybody {
		seeks := slices.Contains(s.ledger.seekers, user)
		filters := []string{"user/" + user + "/#"}
		if !seeks { // that would make them fellow participants
			filters = append(filters, "session/"+s.ledger.session+"/form/"+user)
		}
		if user == s.ledger.trainer {
			filters = append(filters, "session/"+s.ledger.session+"/events")
		}
		for _, device := range []string{"live", "away"} {
			version := byte(5)
			if i%3 == 2 && !seeks { // who looks for partners is to be told of refusals
				version = 4
			}
			c := newClient(script{
				name: user + "-" + device, version: version, ws: i%2 == 1, lasting: true,
				window: 1 + i%3, user: user, secret: s.tokens[user],
			}, s.h, s.broker)
			c.arrive = func(conn int, p *packet) {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.arrived[c] = append(s.arrived[c], arrival{conn: conn, topic: p.topic, payload: string(p.payload), retained: p.retain})
			}
			c.refused = func(p *packet, code byte) {
				s.mu.Lock()
				defer s.mu.Unlock()
				if seeks && strings.HasPrefix(p.topic, "match/") {
					s.denied[c] = s.denied[c] || p.topic != "match/beacon"
					return
				}
				s.ledger.refused = append(s.ledger.refused, fmt.Sprintf("%s: 0x%02x for %s on %s", user, code, p.payload, p.topic))
			}
			if err := c.open(&opening{version: version, clean: version == 5, expiry: 3600}); err != nil {
				return err
			}
			for _, f := range filters {
				if err := c.subscribe(&subscribing{filter: f, qos: 1 + byte(i%2)}); err != nil {
					return err
				}
			}
			if device == "away" {
				c.bye(&step{})
				s.away[user] = c
			} else {
				s.live[user] = c
			}
		}
	}
	return nil
}

// act is one thing that an athlete does.
func (s *scene) act(r *rand.Rand, user string, c *client, n int) error {
	switch k := r.IntN(20); {
	case k < 4 && n < 24:
		return s.handIn(r, user, c)
	case k < 10:
		return s.say(r, user, c)
	case k < 13:
		return s.readUp(r, user, c)
	case k < 15:
		time.Sleep(ms(r, 1, 60)) // a user who does nothing
		return nil
	case k < 16:
		return c.do(&step{do: doStall, pause: ms(r, 10, 150)})
	case k < 17:
		return c.do(&step{do: doLazy, pause: ms(r, 0, 100)})
	}
	d := drawCut(r)
	return c.do(&d)
}

// send submits JSON; it is in the ledger before, because by the end everything
// has been acknowledged.
func (s *scene) send(c *client, topic string, qos byte, body any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.submit(&packet{topic: topic, qos: qos, payload: data}, ident{})
}

// maxActivities keeps a user below what may be handed in at once, with everything
// that is sent again.
const maxActivities = 6

// handIn hands in a new activity, or one from before once more.
func (s *scene) handIn(r *rand.Rand, user string, c *client) error {
	s.mu.Lock()
	mine := s.ledger.activities[user]
	if mine == nil {
		mine = map[string]activity{}
		s.ledger.activities[user] = mine
	}
	id := fmt.Sprintf("a%d", len(mine))
	a, ok := mine[fmt.Sprintf("a%d", r.IntN(max(len(mine), 1)))]
	if again := ok && (r.IntN(4) == 0 || len(mine) >= maxActivities); again {
		for k, v := range mine {
			if v == a {
				id = k
			}
		}
	} else {
		a = activity{metres: float64(100000+r.IntN(800000)) / 100, day: r.IntN(4)}
		mine[id] = a
	}
	s.mu.Unlock()
	const lasts = 3600
	return s.send(c, "challenge/"+s.id+"/activity", 1+byte(r.IntN(2)), map[string]any{
		"activityId": id, "sport": "running", "totalElapsedTime": lasts, "totalDistance": a.metres,
		"startTime": s.began.AddDate(0, 0, -a.day).Add(-lasts*time.Second - time.Minute),
	})
}

// say writes a message, or sends one from before again.
func (s *scene) say(r *rand.Rand, user string, c *client) error {
	s.mu.Lock()
	conversation := s.id + "-group"
	if r.IntN(2) == 0 {
		other := pick(r, s.ledger.users)
		if other == user {
			s.mu.Unlock()
			return nil
		}
		conversation = min(user, other) + "." + max(user, other)
		s.ledger.members[conversation] = []string{min(user, other), max(user, other)}
	}
	var mine []saying
	total := 0
	for key, said := range s.ledger.said {
		for _, m := range said {
			if m.Sender != user {
				continue
			}
			total++
			if key == conversation {
				mine = append(mine, m)
			}
		}
	}
	m := saying{Sender: user, ID: fmt.Sprintf("%s-m%d", user, total), Content: fmt.Sprintf("%s says %d", user, r.IntN(1000))}
	if len(mine) > 0 && (r.IntN(4) == 0 || total >= maxSaid) {
		m = pick(r, mine)
	} else if total >= maxSaid {
		s.mu.Unlock()
		return nil
	} else {
		s.ledger.said[conversation] = append(s.ledger.said[conversation], m)
	}
	s.mu.Unlock()
	return s.send(c, "chat/"+conversation+"/message", 1+byte(r.IntN(2)), map[string]string{"messageId": m.ID, "content": m.Content})
}

// maxSaid keeps a user below how fast one may write, with everything that is
// sent again.
const maxSaid = 10

// readUp says that a message which has come was read.
func (s *scene) readUp(r *rand.Rand, user string, c *client) error {
	prefix := "user/" + user + "/chat/"
	s.mu.Lock()
	var came []arrival
	for _, a := range s.arrived[c] {
		if strings.HasPrefix(a.topic, prefix) {
			came = append(came, a)
		}
	}
	if len(came) == 0 {
		s.mu.Unlock()
		return nil
	}
	a := came[max(len(came)-1-r.IntN(3), 0)]
	conversation := strings.TrimPrefix(a.topic, prefix)
	var m saying
	err := json.Unmarshal([]byte(a.payload), &m)
	if s.ledger.read[conversation] == nil {
		s.ledger.read[conversation] = map[string][]string{}
	}
	s.ledger.read[conversation][user] = append(s.ledger.read[conversation][user], m.key())
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.send(c, "chat/"+conversation+"/read", 1, map[string]string{"messageId": m.ID})
}

// train is what the trainer does: corrections, and breaks.
func (s *scene) train(r *rand.Rand, c *client) error {
	l := s.ledger
	for i := range 35 {
		user := pick(r, l.users)
		id := fmt.Sprintf("k%d", i)
		var err error
		switch r.IntN(8) {
		case 6, 7:
			err = s.notify(r, c)
		case 0, 1, 2:
			qos := 1 + byte(r.IntN(2))
			s.mu.Lock()
			if l.forms[user] == nil {
				l.forms[user] = map[string]byte{}
			}
			l.forms[user][id] = qos
			s.mu.Unlock()
			err = s.send(c, "session/"+l.session+"/form/"+user, qos, map[string]any{
				"correctionId": id, "exercise": "squat", "severity": "info", "cue": "Deeper", "expiresIn": 3600,
			})
		case 3:
			if s.moving {
				continue // a session that is paused takes no samples
			}
			l.pauses++
			if err = s.command(c, "pause"); err == nil {
				err = s.command(c, "resume")
			}
		case 4:
			time.Sleep(ms(r, 5, 80)) // a break
		default:
			d := drawCut(r)
			err = c.do(&d)
		}
		if err != nil {
			return err
		}
	}
	s.sampled.Wait()
	return s.command(c, "end")
}

// move publishes a few live samples.
func (s *scene) move(r *rand.Rand, user string, c *client) error {
	defer s.sampled.Done()
	metres := 0.0
	for i := range 2 { // each one counts as often as it is sent again, and a device may send five at once
		metres += float64(100 + r.IntN(200))
		s.mu.Lock()
		s.ledger.moved[user] = metres
		s.mu.Unlock()
		err := s.send(c, "session/"+s.ledger.session+"/progress/"+user, 1, map[string]any{
			"seq": i + 1, "timestamp": time.Now().UTC(), "elapsedTime": 60 * (i + 1), "sport": "running", "status": "active", "distance": metres,
		})
		if err == nil && r.IntN(3) == 0 {
			d := drawCut(r)
			err = c.do(&d)
		}
		if err != nil {
			return err
		}
		time.Sleep(ms(r, 300, 500)) // an athlete's pace
	}
	s.rest(c)
	return nil
}

// rest waits until all that the client published has been acknowledged.
func (s *scene) rest(c *client) {
	c.settle()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.easy = false
}

// command gives the session a command when everything before has been
// acknowledged, and waits for its own acknowledgement: what is sent again must
// not undo what came after it.
func (s *scene) command(c *client, action string) error {
	s.rest(c)
	if err := s.send(c, "session/"+s.ledger.session+"/control", 1, map[string]string{"action": action}); err != nil {
		return err
	}
	s.rest(c)
	return nil
}
