package engine_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/store"
)

func TestEngine_ChatHistory(t *testing.T) {
	w := linked(t)
	for i := range 25 {
		w.say("ana", "ana.tom", fmt.Sprintf("m%d", i+1), fmt.Sprint(i+1))
		w.pass(time.Second)
		if i == 12 {
			must(t, w.Checkpoint(context.Background()))
		}
	}
	seqs := func(q engine.HistoryQuery) string {
		var list []string
		for _, line := range w.history("ana.tom", q) {
			seq, _, _ := strings.Cut(line, " ")
			list = append(list, seq)
		}
		return strings.Join(list, " ")
	}
	for want, q := range map[string]engine.HistoryQuery{
		"23 24 25":    {Limit: 3},
		"11 12 13 14": {After: 10, Limit: 4},
		"7 8 9":       {Before: 10, Limit: 3},
		"1 2":         {Before: 3, Limit: 10},
		"24 25":       {After: 23},
		"":            {After: 25},
		"1 2 3":       {Oldest: true, Limit: 3},
	} {
		if got := seqs(q); got != want {
			t.Errorf("%+v: got %q, want %q", q, got, want)
		}
	}
	_, err := w.History(context.Background(), actor("ben"), "ana.tom", engine.HistoryQuery{})
	wantKind(t, err, fitness.Forbidden, "only members")
}

// A kill at any moment of a message's way: what was acknowledged reaches the feed
// once, under one seq.
func TestEngine_ChatKilled(t *testing.T) {
	for _, saved := range []bool{false, true} {
		t.Run(fmt.Sprintf("Checkpoint%v", saved), func(t *testing.T) {
			w := linked(t)
			w.say("ana", "ana.tom", "m1", "one")
			w.lose = true // logged and applied; what follows from it never got to the log
			w.say("ana", "ana.tom", "m2", "two")
			w.publish(sender("tom", "t"), "chat/ana.tom/read", `{"messageId":"m1"}`)
			if saved {
				must(t, w.Checkpoint(context.Background()))
			}
			w.lose = false
			w.start()
			w.say("ana", "ana.tom", "m3", "three")
			want := []string{"1 ana  one", "2 ana  two", "3 ana  three"}
			wantLines(t, texts(w.on("user/tom/chat/ana.tom")), want...)
			wantLines(t, receipts(w.on("user/ana/receipt")), "m1 stored", "m2 stored", "m1 read tom", "m3 stored")
			w.start()
			must(t, w.Checkpoint(context.Background()))
			w.start()
			wantLines(t, texts(w.on("user/tom/chat/ana.tom")), want...)
			wantLines(t, w.history("ana.tom", engine.HistoryQuery{}), want...)
		})
	}
}

// unread = head - read, whatever devices and restarts do.
func TestEngine_ChatUnread(t *testing.T) {
	w := linked(t)
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 1))
	users := []string{"ana", "ben", "tom"}
	_, _, err := w.PutConversation(context.Background(), engine.Actor{UserID: "tom", Role: "trainer"}, "crew", engine.ConversationSpec{Title: "Crew", Members: users})
	must(t, err)
	conversations := map[string][]string{"ana.tom": {"ana", "tom"}, "ben.tom": {"ben", "tom"}, "crew": users}
	names := []string{"ana.tom", "ben.tom", "crew"}
	head := map[string]uint64{}
	read := map[string]uint64{}
	for i := range 400 {
		c := names[rnd.IntN(len(names))]
		u := conversations[c][rnd.IntN(len(conversations[c]))]
		switch n := rnd.IntN(10); {
		case n < 5:
			head[c]++
			w.say(u, c, fmt.Sprintf("%s-%d", c, head[c]), "x")
			read[c+u] = head[c]
		case n < 9 && head[c] > 0:
			seq := 1 + rnd.Uint64N(head[c])
			device := sender(u, fmt.Sprint(u, rnd.IntN(3)))
			w.publish(device, "chat/"+c+"/read", fmt.Sprintf(`{"messageId":"%s-%d"}`, c, seq))
			read[c+u] = max(read[c+u], seq)
		case n == 9 && rnd.IntN(2) == 0:
			must(t, w.Checkpoint(context.Background()))
		case n == 9:
			w.start()
		}
		w.pass(300 * time.Millisecond)
		if i%20 != 0 {
			continue
		}
		w.pass(time.Second)
		for _, u := range users {
			want := map[string]uint64{}
			for c, members := range conversations {
				if slices.Contains(members, u) && head[c] > read[c+u] {
					want[c] = head[c] - read[c+u]
				}
			}
			got := state[engine.Unread](w, "user/"+u+"/unread").Conversations
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("seed %d step %d: unread of %s: got %v, want %v", seed, i, u, got, want)
			}
		}
	}
	list, next := w.Conversations("ana", "", 1)
	if len(list) != 1 || list[0].ID != "ana.tom" || next != "ana.tom" || list[0].Unread != head["ana.tom"]-read["ana.tomana"] {
		t.Errorf("got %+v, next %q", list, next)
	}
}

// A crash between two tables leaves a reader ahead of the head: nothing is
// unread then, rather than 2^64 messages.
func TestEngine_ChatReaderAhead(t *testing.T) {
	w := linked(t)
	w.say("ana", "ana.tom", "m1", "hi")
	must(t, w.Checkpoint(context.Background()))
	must(t, w.tables.Delete(context.Background(), "chat_heads", "ana.tom", store.Any))
	must(t, w.tables.Delete(context.Background(), "engine", "applied", store.Any))
	log := w.log
	w.log = nil
	w.start()
	if c, err := w.Conversation("ana.tom", "ana"); err == nil && c.Unread != 0 {
		t.Errorf("before the log is read: got %d unread", c.Unread)
	}
	w.log = log
	w.start()
	c, err := w.Conversation("ana.tom", "tom")
	must(t, err)
	if c.Head != 1 || c.Unread != 1 || w.Unread("ana").Conversations["ana.tom"] != 0 {
		t.Errorf("after: got %+v", c)
	}
}

// A kill between any two writes of a checkpoint: seqs, texts and counts come out
// the same.
func TestEngine_ChatKilledWhileSaving(t *testing.T) {
	written := []string{"chat_messages", "chat_ids", "chat_readers", "chat_heads", "engine"}
	for i := range len(written) + 1 {
		t.Run(fmt.Sprintf("After%d", i), func(t *testing.T) {
			w := linked(t)
			w.say("ana", "ana.tom", "m1", "one")
			must(t, w.Checkpoint(context.Background()))
			before := map[string]map[string]store.Value{}
			for _, table := range written {
				before[table] = maps.Clone(w.tables.m[table])
			}
			w.say("ana", "ana.tom", "m2", "two")
			w.publish(sender("ana", "a"), "chat/ana.tom/message", `{"kind":"edit","target":"m2","content":"2"}`)
			w.publish(sender("tom", "t"), "chat/ana.tom/read", `{"messageId":"m2"}`)
			w.say("ana", "ana.tom", "m3", "three")
			must(t, w.Checkpoint(context.Background()))
			for _, table := range written[i:] {
				w.tables.m[table] = before[table]
			}
			w.start()
			w.say("ana", "ana.tom", "m4", "four")
			wantLines(t, w.history("ana.tom", engine.HistoryQuery{}), "1 ana  one", "2 ana  2", "3 ana  three", "4 ana  four")
			wantLines(t, texts(w.on("user/tom/chat/ana.tom")), "1 ana  one", "2 ana  two", "2 ana edit 2", "3 ana  three", "4 ana  four")
			if n := w.Unread("tom").Conversations["ana.tom"]; n != 2 {
				t.Errorf("unread of tom: got %d, want 2", n)
			}
		})
	}
}
