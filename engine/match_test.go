package engine_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/topics"
)

// at is a beacon's payload.
func at(latitude, longitude float64, more string) string {
	return fmt.Sprintf(`{"latitude":%.6f,"longitude":%.6f,"sport":"running","pace":330%s}`, latitude, longitude, more)
}

// beacon publishes one, and wants it to be taken.
func (w *world) beacon(user string, latitude, longitude float64, more string) {
	w.t.Helper()
	if out := w.publish(sender(user, user+"-phone"), topics.BeaconTopic, at(latitude, longitude, more)); out.Code != 0 {
		w.t.Fatalf("beacon of %s: %#x %s", user, out.Code, out.Reason)
	}
}

// proposals lists what a user was told on user/{uid}/match.
func (w *world) proposals(user string) (list []engine.Match) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.sent {
		if m.Topic == topics.UserMatchTopic(user) {
			var v engine.Match
			must(w.t, json.Unmarshal(m.Payload, &v))
			list = append(list, v)
		}
	}
	return list
}

// last is the last of what a user was told, which must be of the state.
func (w *world) last(user, state string) engine.Match {
	w.t.Helper()
	list := w.proposals(user)
	if len(list) == 0 || list[len(list)-1].State != state {
		w.t.Fatalf("%s was told %+v, want %s at last", user, list, state)
	}
	return list[len(list)-1]
}

func (w *world) reply(user, partnerID string, accept bool) engine.Outcome {
	w.t.Helper()
	return w.publish(sender(user, user+"-phone"), topics.ReplyTopic, fmt.Sprintf(`{"partnerId":%q,"accept":%v}`, partnerID, accept))
}

// met has two people near each other, each with a proposal of the other.
func met(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.beacon("ana", 52.520008, 13.404954, "")
	w.beacon("ben", 52.521008, 13.405954, `,"level":"expert"`)
	return w
}

func TestEngine_Match(t *testing.T) {
	w := met(t)
	forAna, forBen := w.last("ana", engine.MatchProposed), w.last("ben", engine.MatchProposed)
	if forAna.Name != "Ben" || forAna.Sport != "running" || forAna.Pace != 330 || forAna.Band != 2000 || forAna.UserID != "" || forAna.Conversation != "" {
		t.Errorf("ana was told %+v", forAna)
	}
	if forAna.PartnerID == forBen.PartnerID || strings.Contains(forAna.PartnerID, "ben") {
		t.Errorf("partnerIds %q and %q", forAna.PartnerID, forBen.PartnerID)
	}
	message := func(from, payload string) engine.Outcome {
		return w.publish(sender(from, from+"-phone"), "chat/ana.ben/message", payload)
	}
	wantRefused(t, message("ana", `{"content":"hi"}`), 0x87, "you cannot write to user ben")
	if out := w.reply("ana", forAna.PartnerID, true); out.Code != 0 {
		t.Fatal(out.Reason)
	}
	if got := w.last("ana", engine.MatchAccepted); got.UserID != "" || len(w.proposals("ben")) != 1 {
		t.Errorf("after one yes ana has %+v, ben %+v", got, w.proposals("ben"))
	}
	wantRefused(t, message("ana", `{"content":"hi"}`), 0x87, "you cannot write to user ben")
	w.reply("ben", forBen.PartnerID, true)
	if got := w.last("ana", engine.MatchMatched); got.UserID != "ben" || got.Conversation != "ana.ben" || got.PartnerID != forAna.PartnerID {
		t.Errorf("ana was told %+v", got)
	}
	w.last("ben", engine.MatchMatched)
	if out := message("ana", `{"content":"hi"}`); out.Code != 0 {
		t.Errorf("matched, and refused: %s", out.Reason)
	}
	if list, _ := w.Conversations("ben", "", 10); len(list) != 1 || list[0].ID != "ana.ben" {
		t.Errorf("ben's conversations: %+v", list)
	}
	t.Run("Unmatch", func(t *testing.T) {
		w.reply("ben", forBen.PartnerID, false)
		w.last("ana", engine.MatchEnded)
		w.last("ben", engine.MatchEnded)
		wantRefused(t, message("ben", `{"content":"hi"}`), 0x87, "you cannot write")
		if got := w.Matches("ana"); len(got) != 0 {
			t.Errorf("ana still has %+v", got)
		}
	})
}

func TestEngine_MatchNoRepetition(t *testing.T) {
	w := met(t)
	for range 40 {
		w.pass(20 * time.Second)
		w.beacon("ana", 52.520108, 13.404854, "")
		w.beacon("ben", 52.521208, 13.405754, "")
	}
	if a, b := len(w.proposals("ana")), len(w.proposals("ben")); a != 1 || b != 1 {
		t.Errorf("unmoved: ana was told %d times, ben %d, want once", a, b)
	}
	// Ben moves on and away; each hour at most one more, and at most three in all.
	for i := range 60 {
		w.mu.Lock()
		w.now = w.now.Add(10 * time.Minute)
		w.mu.Unlock()
		w.pass(100 * time.Millisecond)
		w.beacon("ana", 52.520008, 13.404954, `,"radius":50000`)
		w.beacon("ben", 52.521008+float64(min(i%40, 40-i%40))*0.02, 13.405954, `,"radius":50000`)
	}
	if a := len(w.proposals("ana")); a != 3 {
		t.Errorf("moving about: ana was told %d times, want 3", a)
	}
	if len(w.proposals("ben")) != len(w.proposals("ana")) {
		t.Error("one was told more often than the other")
	}
}

func TestEngine_MatchDeclined(t *testing.T) {
	w := met(t)
	w.reply("ben", w.last("ben", engine.MatchProposed).PartnerID, false)
	w.last("ben", engine.MatchDeclined)
	if got := w.proposals("ana"); len(got) != 1 {
		t.Errorf("ana was told of the no: %+v", got)
	}
	if out := w.reply("ana", w.last("ana", engine.MatchProposed).PartnerID, true); out.Code != 0 {
		t.Errorf("ana's yes was refused, which tells her: %s", out.Reason)
	}
	w.last("ana", engine.MatchAccepted)
	days := func(n float64) (proposed int) {
		before := len(w.proposals("ben"))
		w.mu.Lock()
		w.now = w.now.Add(time.Duration(n * 24 * float64(time.Hour)))
		w.mu.Unlock()
		w.pass(100 * time.Millisecond)
		w.beacon("ana", 52.520008, 13.404954, "")
		w.beacon("ben", 52.521008, 13.405954, "")
		return len(w.proposals("ben")) - before
	}
	if n := days(3); n != 0 {
		t.Errorf("proposed %d times after 3 days", n)
	}
	must(t, w.Checkpoint(t.Context()))
	w.start()
	if n := days(3.9); n != 0 {
		t.Errorf("proposed %d times after a restart and 6.9 days", n)
	}
	if n := days(0.2); n != 1 {
		t.Errorf("proposed %d times after 7.1 days, want once", n)
	}
}

func TestEngine_MatchBlocked(t *testing.T) {
	block := func(w *world, user, payload string) engine.Outcome {
		return w.publish(sender(user, user+"-phone"), topics.BlockTopic, payload)
	}
	t.Run("Partner", func(t *testing.T) {
		w := met(t)
		forAna, forBen := w.last("ana", engine.MatchProposed).PartnerID, w.last("ben", engine.MatchProposed).PartnerID
		if out := block(w, "ana", fmt.Sprintf(`{"partnerId":%q}`, forAna)); out.Code != 0 {
			t.Fatal(out.Reason)
		}
		if got := w.Blocks("ana"); !slices.Equal(got, []string{forAna}) {
			t.Errorf("ana has blocked %q, want only the partnerId: who it is stays unknown", got)
		}
		wantRefused(t, w.publish(sender("ana", "c"), "chat/ana.ben/message", `{"content":"x"}`), 0x87, "you cannot write to user ben")
		if out := w.reply("ben", forBen, true); out.Code != 0 {
			t.Errorf("ben learns of the block: %s", out.Reason)
		}
		wantRefused(t, w.reply("ana", forAna, true), 0x83, "you have blocked this partner")
		if got := w.Matches("ana"); len(got) != 0 {
			t.Errorf("ana's list has %+v", got)
		}
		w.start() // from the log
		wantKind(t, w.DeleteBlock(t.Context(), actor("ana"), "ben"), fitness.NotFound, "not blocked")
		must(t, w.DeleteBlock(t.Context(), actor("ana"), forAna))
		w.start() // the log is read again: the block does not come back
		if got := w.Blocks("ana"); len(got) != 0 {
			t.Errorf("after the end: %q", got)
		}
	})
	for name, who := range map[string]string{"There": "ana", "Back": "ben"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			whom := map[string]string{"ana": "ben", "ben": "ana"}[who]
			if out := block(w, who, fmt.Sprintf(`{"userId":%q}`, whom)); out.Code != 0 {
				t.Fatal(out.Reason)
			}
			w.start()
			w.beacon("ana", 52.520008, 13.404954, "")
			w.beacon("ben", 52.521008, 13.405954, "")
			if a, b := w.proposals("ana"), w.proposals("ben"); len(a)+len(b) != 0 {
				t.Errorf("proposed in spite of the block: %+v %+v", a, b)
			}
			wantRefused(t, w.publish(sender(whom, "c"), "chat/ana.ben/message", `{"content":"x"}`), 0x87, "you cannot write to user "+who)
		})
	}
	t.Run("ErrPayload", func(t *testing.T) {
		w := newWorld(t)
		wantRefused(t, block(w, "ana", `{"userId":"ana"}`), 0x83, "you cannot block yourself")
		wantRefused(t, block(w, "ana", `{"userId":"a/b"}`), 0x83, "userId")
		wantRefused(t, block(w, "ana", `{"partnerId":"pX"}`), 0x83, "no proposal that you have")
		wantRefused(t, block(w, "ana", `{}`), 0x99, "partnerId is missing")
		wantRefused(t, block(w, "ana", `{"userId":"ben","partnerId":"p"}`), 0x83, "exclude")
	})
}

func TestEngine_MatchReplyRefused(t *testing.T) {
	w := met(t)
	forBen := w.last("ben", engine.MatchProposed).PartnerID
	wantRefused(t, w.reply("ana", forBen, true), 0x83, "no proposal that you have")
	wantRefused(t, w.reply("cleo", forBen, true), 0x83, "no proposal that you have")
	wantRefused(t, w.publish(sender("ana", "c"), topics.ReplyTopic, `{"partnerId":"p"}`), 0x99, "accept is missing")
	w.mu.Lock()
	w.now = w.now.Add(12 * time.Hour)
	w.mu.Unlock()
	wantRefused(t, w.reply("ben", forBen, true), 0x83, "no proposal that you have")
	var refused engine.Outcome
	for range 12 {
		refused = w.reply("dora", "px", true)
	}
	wantRefused(t, refused, 0x96, "over the limit of 10 at once")
}

func TestEngine_BeaconRefused(t *testing.T) {
	w := newWorld(t)
	from := sender("ana", "phone")
	wantRefused(t, w.publish(from, topics.BeaconTopic, at(91.520008, 13.404954, "")), 0x83, "latitude is over the limit of 90")
	w.beacon("ana", 52.520008, 13.404954, "")
	wantRefused(t, w.publish(sender("ana", "watch"), topics.BeaconTopic, at(52.520008, 13.404954, "")), 0x96, "one every 15s")
	w.pass(15 * time.Second)
	teleport := w.publish(from, topics.BeaconTopic, at(52.820008, 13.404954, ""))
	wantRefused(t, teleport, 0x83, "too far from the last one: over the limit of 40 m/s")
	// Neither a withdrawal nor another device makes it forget.
	if out := w.publish(from, topics.BeaconTopic, ""); out.Code != 0 {
		t.Errorf("withdrawal: %s", out.Reason)
	}
	wantRefused(t, w.publish(sender("ana", "watch"), topics.BeaconTopic, at(52.820008, 13.404954, "")), 0x83, "too far")
	w.beacon("ana", 52.520008, 13.404954, "") // refused ones cost nothing
	if s := w.Stats(); s.MatchTeleports != 2 || s.MatchBeacons != 2 || s.Beacons != 1 {
		t.Errorf("counted %+v", s)
	}
}

// TestEngine_BeaconEnds: each way in which a beacon ends keeps it from being
// proposed to who comes afterwards.
func TestEngine_BeaconEnds(t *testing.T) {
	for name, end := range map[string]func(w *world){
		"Withdrawn": func(w *world) { w.publish(sender("ana", "ana-phone"), topics.BeaconTopic, "") },
		"Expired":   func(w *world) { w.pass(15 * time.Minute) },
		"Until":     func(w *world) { w.pass(2 * time.Minute) },
		"Offline": func(w *world) {
			w.Disconnected(sender("ana", "ana-phone"), false)
			w.pass(5100 * time.Millisecond)
		},
		"Hidden": func(w *world) {
			w.pass(16 * time.Second)
			w.beacon("ana", 52.520008, 13.404954, `,"visibility":"hidden"`)
		},
		"Restart": func(w *world) { w.start() },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.Connected(sender("ana", "ana-phone"))
			more := ""
			if name == "Until" {
				more = fmt.Sprintf(`,"until":%q`, w.clock().Add(2*time.Minute).Format(time.RFC3339))
			}
			w.beacon("ana", 52.520008, 13.404954, more)
			end(w)
			w.beacon("ben", 52.521008, 13.405954, "")
			if got := w.proposals("ben"); len(got) != 0 {
				t.Errorf("ben was told %+v", got)
			}
		})
	}
	for name, stay := range map[string]func(w *world){
		"Back": func(w *world) {
			w.Disconnected(sender("ana", "ana-phone"), false)
			w.pass(4 * time.Second)
			w.Connected(sender("ana", "ana-phone"))
			w.pass(4 * time.Second)
		},
		"OtherDevice": func(w *world) {
			w.Connected(sender("ana", "ana-watch"))
			w.Disconnected(sender("ana", "ana-phone"), true)
			w.pass(10 * time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.Connected(sender("ana", "ana-phone"))
			w.beacon("ana", 52.520008, 13.404954, "")
			stay(w)
			w.beacon("ben", 52.521008, 13.405954, "")
			w.last("ben", engine.MatchProposed)
		})
	}
}

// TestEngine_MatchAllowance: nobody gets more than the allowance, and each
// proposal is made to both.
func TestEngine_MatchAllowance(t *testing.T) {
	w := newWorld(t)
	total := 0
	for i := range 60 {
		w.beacon(fmt.Sprintf("u%02d", i), 52.5, 13.4, "")
	}
	for i := range 60 {
		n := len(w.proposals(fmt.Sprintf("u%02d", i)))
		if n > 10 {
			t.Errorf("u%02d got %d proposals at once, over the limit of 10", i, n)
		}
		total += n
	}
	if total == 0 || total%2 != 0 {
		t.Errorf("%d proposals: each pair has two", total)
	}
	if w.Stats().MatchHeldBack == 0 {
		t.Error("who was held back is not counted")
	}
}

func TestEngine_MatchOrder(t *testing.T) {
	w := newWorld(t)
	w.beacon("far", 52.60, 13.4, `,"radius":50000`)
	w.beacon("slow", 52.52, 13.4, `,"radius":100,"paceMax":500`)
	w.beacon("near", 52.52, 13.4, `,"radius":100,"paceMin":329,"paceMax":335`)
	before := map[string]bool{}
	for _, v := range w.proposals("near") {
		before[v.Name] = true
	}
	w.publish(sender("me", "me-phone"), topics.BeaconTopic, `{"latitude":52.52,"longitude":13.4,"sport":"run","pace":333,"radius":50000}`)
	var got []string
	for _, v := range w.proposals("me") {
		got = append(got, fmt.Sprintf("%s %v", v.Name, v.Band))
	}
	wantLines(t, got, "Near 2000", "Slow 2000", "Far 10000")
}

// TestEngine_MatchRestart: what was acknowledged counts after a crash at any
// moment: with and without a checkpoint before, with what followed lost or not.
func TestEngine_MatchRestart(t *testing.T) {
	for _, saved := range []bool{false, true} {
		for _, lost := range []bool{false, true} {
			t.Run(fmt.Sprintf("Saved=%v,Lost=%v", saved, lost), func(t *testing.T) {
				w := met(t)
				forAna, forBen := w.last("ana", engine.MatchProposed).PartnerID, w.last("ben", engine.MatchProposed).PartnerID
				crash := func() {
					if saved {
						must(t, w.Checkpoint(t.Context()))
					}
					w.lose = false
					w.start()
				}
				w.lose = lost
				w.reply("ana", forAna, true)
				crash()
				if got := w.Matches("ana"); len(got) != 1 || got[0].State != engine.MatchAccepted || got[0].PartnerID != forAna || got[0].UserID != "" {
					t.Errorf("ana has %+v", got)
				}
				w.lose = lost
				if out := w.reply("ben", forBen, true); out.Code != 0 {
					t.Fatalf("ben's yes after the crash: %s", out.Reason)
				}
				crash()
				crash()
				for _, user := range []string{"ana", "ben"} {
					n := 0
					for _, v := range w.proposals(user) {
						if v.State == engine.MatchMatched {
							n++
						}
					}
					if n != 1 || w.Matches(user)[0].State != engine.MatchMatched {
						t.Errorf("%s was told of the match %d times, and has %+v", user, n, w.Matches(user))
					}
				}
				if out := w.publish(sender("ben", "c"), "chat/ana.ben/message", `{"content":"hi"}`); out.Code != 0 {
					t.Errorf("after the crash ben may not write: %s", out.Reason)
				}
			})
		}
	}
}

// TestEngine_MatchBesideBlock: whether an answer makes a match is the same when it is
// applied again, though a block came after it that counted at once.
func TestEngine_MatchBesideBlock(t *testing.T) {
	w := met(t)
	forAna, forBen := w.last("ana", engine.MatchProposed).PartnerID, w.last("ben", engine.MatchProposed).PartnerID
	w.reply("ana", forAna, true)
	yes := engine.Inbound{Sender: sender("ben", "ben-phone"), Topic: topics.ReplyTopic, Payload: []byte(`{"partnerId":"` + forBen + `","accept":true}`), QoS: 1, At: w.clock()}
	no := engine.Inbound{Sender: sender("ana", "ana-phone"), Topic: topics.BlockTopic, Payload: []byte(`{"userId":"ben"}`), QoS: 1, At: w.clock()}
	yesOut, noOut := w.Handle(yes), w.Handle(no) // both accepted before either is in the log
	w.commit(yesOut, yes)
	w.commit(noOut, no)
	before := w.Matches("ben")
	w.crash()
	after := w.Matches("ben")
	if len(before) != 1 || len(after) != 1 || before[0].State != after[0].State {
		t.Errorf("ben had %+v, and after the crash %+v", before, after)
	}
	wantRefused(t, w.publish(sender("ben", "c"), "chat/ana.ben/message", `{"content":"x"}`), 0x87, "you cannot write to user ana")
}

// TestEngine_MatchEndedOnce: a no that came twice, since its acknowledgement was lost,
// ends a match once, also when the second is applied again after a crash.
func TestEngine_MatchEndedOnce(t *testing.T) {
	for _, firstLost := range []bool{false, true} {
		w := met(t)
		forAna, forBen := w.last("ana", engine.MatchProposed).PartnerID, w.last("ben", engine.MatchProposed).PartnerID
		w.reply("ana", forAna, true)
		w.reply("ben", forBen, true)
		no := engine.Inbound{Sender: sender("ben", "ben-phone"), Topic: topics.ReplyTopic, Payload: []byte(`{"partnerId":"` + forBen + `","accept":false}`), QoS: 1, At: w.clock()}
		first, again := w.Handle(no), w.Handle(no) // both accepted before either is in the log
		w.lose = firstLost
		w.commit(first, no)
		w.lose = true
		w.commit(again, no)
		must(t, w.Checkpoint(t.Context()))
		w.lose = false
		for range 2 {
			w.crash()
		}
		for _, user := range []string{"ana", "ben"} {
			n := 0
			for _, v := range w.proposals(user) {
				if v.State == engine.MatchEnded {
					n++
				}
			}
			if n != 1 {
				t.Errorf("first lost %v: %s was told %d times that it has ended", firstLost, user, n)
			}
		}
	}
}

// TestEngine_MatchForgotten: what is over costs no memory and no row.
func TestEngine_MatchForgotten(t *testing.T) {
	w := met(t)
	w.reply("ana", w.last("ana", engine.MatchProposed).PartnerID, true)
	must(t, w.Checkpoint(t.Context()))
	if got := w.tables.keys("matches"); len(got) != 1 {
		t.Fatalf("rows %q", got)
	}
	for range 80 {
		w.mu.Lock()
		w.now = w.now.Add(time.Hour)
		w.mu.Unlock()
		w.pass(100 * time.Millisecond)
	}
	must(t, w.Checkpoint(t.Context()))
	if got := w.tables.keys("matches"); len(got) != 0 {
		t.Errorf("rows left: %q", got)
	}
	if s := w.Stats(); s.Beacons != 0 {
		t.Errorf("%d beacons left", s.Beacons)
	}
}

// TestEngine_MatchForgottenAndMetAgain: a pair that is over and proposed anew before
// the next save leaves no row of the old one.
func TestEngine_MatchForgottenAndMetAgain(t *testing.T) {
	for name, answered := range map[string]bool{"Proposed": false, "Answered": true} {
		t.Run(name, func(t *testing.T) {
			w := met(t)
			old := w.last("ana", engine.MatchProposed).PartnerID
			w.reply("ana", old, true)
			must(t, w.Checkpoint(t.Context()))
			w.mu.Lock()
			w.now = w.now.Add(25 * time.Hour) // the yes is over
			w.mu.Unlock()
			w.pass(100 * time.Millisecond)
			w.beacon("ana", 52.520008, 13.404954, "")
			w.beacon("ben", 52.521008, 13.405954, "")
			anew := w.last("ana", engine.MatchProposed).PartnerID
			if anew == old {
				t.Fatal("the two were not proposed to each other anew")
			}
			want := 0
			if answered {
				w.reply("ana", anew, true)
				want = 1
			}
			must(t, w.Checkpoint(t.Context()))
			if got := w.tables.keys("matches"); len(got) != want {
				t.Errorf("got the rows %q, want %d", got, want)
			}
			w.start()
			if got := w.Matches("ana"); len(got) != want || want == 1 && got[0].PartnerID != anew {
				t.Errorf("after a start ana has %+v, want %d", got, want)
			}
		})
	}
}

// TestEngine_MatchProperties lets a crowd walk about and compares every proposal
// with what may be known.
func TestEngine_MatchProperties(t *testing.T) {
	for seed := range uint64(3) {
		w := newWorld(t)
		r := rand.New(rand.NewPCG(seed, 9))
		type person struct{ lat, lon float64 }
		crowd := map[string]*person{}
		for i := range 26 {
			crowd["u"+string(rune('a'+i))] = &person{48 + r.Float64()*0.3, 11 + r.Float64()*0.4}
		}
		var names []string
		for id := range crowd {
			names = append(names, id)
		}
		slices.Sort(names)
		for range 20 {
			w.mu.Lock()
			w.now = w.now.Add(10 * time.Minute)
			w.mu.Unlock()
			w.pass(100 * time.Millisecond)
			for _, id := range names {
				p := crowd[id]
				p.lat += (r.Float64() - 0.5) * 0.05
				p.lon += (r.Float64() - 0.5) * 0.05
				w.beacon(id, p.lat, p.lon, `,"radius":25000`)
			}
		}
		type seen struct {
			who  string
			at   time.Time
			band float64
		}
		pairs := map[seen]int{}
		perPartner := map[string]int{}
		for _, id := range names {
			for _, v := range w.proposals(id) {
				switch v.Band {
				case 2000, 5000, 10_000, 25_000:
				default:
					t.Errorf("%s was told band %v", id, v.Band)
				}
				perPartner[v.PartnerID]++
				pairs[seen{strings.ToLower(v.Name), v.Timestamp, v.Band}]++
				pairs[seen{id, v.Timestamp, v.Band}]--
			}
		}
		for s, n := range pairs {
			if n != 0 {
				t.Errorf("seed %d: not both of a pair were told: %+v %+d", seed, s, n)
			}
		}
		for id, n := range perPartner {
			if n > 3 {
				t.Errorf("seed %d: %s was proposed %d times", seed, id, n)
			}
		}
		if len(perPartner) == 0 {
			t.Error("nobody met")
		}
	}
}
