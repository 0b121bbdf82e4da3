package notify_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/notify"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func TestParse(t *testing.T) {
	t.Run("OK stamped, with fields of its own", func(t *testing.T) {
		n, err := notify.Parse([]byte(`{"content":"Drink","kind":"reminder","ttl":60,"collapseKey":"water","priority":"urgent","data":{"ml":200},"mine":1,"messageId":"m1"}`))
		if err != nil {
			t.Fatal(err)
		}
		n.Stamp("svc", "ana", noon, 0)
		got, err := notify.Decode(n.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if got.ID != "m1" || got.Sender != "svc" || got.Recipient != "ana" || got.Kind != "reminder" || got.CollapseKey != "water" ||
			!got.Urgent || !got.At.Equal(noon) || !got.Expires.Equal(noon.Add(time.Minute)) {
			t.Errorf("got %+v", got)
		}
		for _, want := range []string{`"type":"notification"`, `"data":{"ml":200}`, `"mine":1`, `"content":"Drink"`} {
			if !strings.Contains(string(n.Encode()), want) {
				t.Errorf("%s lacks %s", n.Encode(), want)
			}
		}
	})
	t.Run("OK the shortest life counts", func(t *testing.T) {
		for _, tt := range []struct{ said, given, want time.Duration }{
			{0, 0, notify.MaxAge}, {time.Hour, 0, time.Hour}, {time.Hour, time.Minute, time.Minute}, {time.Minute, time.Hour, time.Minute}, {0, 2 * notify.MaxAge, notify.MaxAge},
		} {
			n := notify.Note{ID: "x", TTL: tt.said}
			n.Say("x", nil)
			if n.Stamp("a", "b", noon, tt.given); n.Expires.Sub(noon) != tt.want {
				t.Errorf("%v and %v: got %v, want %v", tt.said, tt.given, n.Expires.Sub(noon), tt.want)
			}
		}
	})
	for _, tt := range []struct {
		payload, want string
		kind          fitness.Kind
	}{
		{`[]`, "not a JSON object", fitness.Malformed},
		{`{}`, "content is missing", fitness.Malformed},
		{`{"content":"  "}`, "content is missing", fitness.Malformed},
		{`{"content":7}`, "content cannot be a number", fitness.Malformed},
		{`{"content":"` + strings.Repeat("ü", 1001) + `"}`, "1001 is over the limit of 1000 characters", fitness.Invalid},
		{`{"content":"x","type":"chat"}`, `type "chat" is not notification`, fitness.Invalid},
		{`{"content":"x","kind":"a b"}`, `kind "a b"`, fitness.Invalid},
		{`{"content":"x","priority":"high"}`, `priority "high" is not normal or urgent`, fitness.Invalid},
		{`{"content":"x","ttl":0.5}`, "ttl 0.5 is under the limit of 1 s", fitness.Invalid},
		{`{"content":"x","ttl":2592001}`, "over the limit of 2592000 s", fitness.Invalid},
		{`{"content":"x","ttl":"1h"}`, "ttl cannot be a string", fitness.Malformed},
		{`{"content":"x","messageId":"a/b"}`, `messageId "a/b"`, fitness.Invalid},
		{`{"content":"x","collapseKey":""}`, `collapseKey ""`, fitness.Invalid},
		{`{"content":"` + strings.Repeat("x", notify.MaxBytes) + `"}`, "over the limit of 16384 bytes", fitness.Invalid},
	} {
		t.Run("Err "+tt.want, func(t *testing.T) {
			_, err := notify.Parse([]byte(tt.payload))
			if fitness.KindOf(err) != tt.kind || !strings.Contains(fitness.Message(err), tt.want) {
				t.Errorf("got %v (%v), want %q", err, fitness.KindOf(err), tt.want)
			}
		})
	}
}

func TestParseReading(t *testing.T) {
	r, err := notify.ParseReading([]byte(`{"messageId":"a","messageIds":["b"]}`))
	if err != nil || !slices.Equal(r.IDs, []string{"b", "a"}) || r.All {
		t.Errorf("got %+v %v", r, err)
	}
	for payload, want := range map[string]string{
		`{}`:                           "messageId is missing",
		`{"all":true,"messageId":"a"}`: "exclude each other",
		`{"messageId":"a b"}`:          `messageId "a b"`,
		`{"messageIds":["` + strings.Repeat(`a","`, 200) + `a"]}`: "201 is over the limit of 200",
	} {
		if _, err := notify.ParseReading([]byte(payload)); err == nil || !strings.Contains(fitness.Message(err), want) {
			t.Errorf("%s: got %v, want %q", payload, err, want)
		}
	}
}

func note(id, collapse string, at time.Time, ttl time.Duration) *notify.Note {
	n := &notify.Note{ID: id, CollapseKey: collapse}
	n.Say(id, nil)
	n.Stamp("svc", "ana", at, ttl)
	return n
}

func ids(list []*notify.Entry) string {
	var out []string
	for _, x := range list {
		out = append(out, x.ID)
	}
	return strings.Join(out, " ")
}

func page(b *notify.Box) string { list, _ := b.Page(0, 1000, false); return ids(list) }

func TestBox_Take(t *testing.T) {
	t.Run("OK each once, also after it was removed", func(t *testing.T) {
		b := notify.NewBox(nil)
		for range 2 {
			b.Take(note("a", "", noon, 0), nil)
		}
		b.Delete("a")
		if got := b.Take(note("a", "", noon, 0), nil); !got.Repeated || page(b) != "" {
			t.Errorf("got %+v %q, want repeated and nothing", got, page(b))
		}
	})
	t.Run("OK a newer one replaces an unread one of its key", func(t *testing.T) {
		b := notify.NewBox(nil)
		b.Take(note("a", "k", noon, 0), nil)
		if got := b.Take(note("b", "k", noon, 0), nil); got.Replaced != 1 || page(b) != "b" || ids(b.Unsent()) != "b" || b.Unread() != 1 {
			t.Errorf("got %+v %q unsent %q", got, page(b), ids(b.Unsent()))
		}
		b.Read(notify.Reading{All: true}, noon)
		if got := b.Take(note("c", "k", noon, 0), nil); got.Replaced != 0 || page(b) != "c b" {
			t.Errorf("a read one stays: got %+v %q", got, page(b))
		}
		other := note("d", "k", noon, 0)
		other.Sender = "tess"
		if got := b.Take(other, nil); got.Replaced != 0 {
			t.Errorf("another sender's key: got %+v", got)
		}
	})
	t.Run("OK the oldest go when it is full", func(t *testing.T) {
		b := notify.NewBox(nil)
		dropped := 0
		for i := range notify.MaxEntries + 7 {
			dropped += b.Take(note(fmt.Sprint("n", i), "", noon, 0), nil).Dropped
		}
		list, _ := b.Page(0, 1000, false)
		if dropped != 7 || len(list) != notify.MaxEntries || list[len(list)-1].ID != "n7" {
			t.Errorf("dropped %d, %d there, oldest %s", dropped, len(list), list[len(list)-1].ID)
		}
	})
}

func TestBox_Settle(t *testing.T) {
	b := notify.NewBox(nil)
	b.Take(note("short", "", noon, time.Minute), nil)
	b.Take(note("long", "", noon, time.Hour), nil)
	if at, ok := b.Next(); !ok || !at.Equal(noon.Add(time.Minute)) {
		t.Errorf("next: got %v %v, want a minute later", at, ok)
	}
	b.Settle(noon.Add(time.Minute - 1))
	if page(b) != "long short" {
		t.Errorf("a moment before: got %q", page(b))
	}
	b.Settle(noon.Add(time.Minute))
	if page(b) != "long" || b.Unread() != 1 {
		t.Errorf("got %q, %d unread, want the long one", page(b), b.Unread())
	}
	b.Settle(noon.Add(25 * time.Hour))
	if got := b.Take(note("short", "", noon, time.Hour), nil); got.Repeated {
		t.Error("the mark of a day ago is still there")
	}
}

func TestBox_Read(t *testing.T) {
	b := notify.NewBox(nil)
	for i, id := range []string{"a", "b", "c"} {
		b.Take(note(id, "", noon.Add(time.Duration(i)*time.Second), 0), nil)
	}
	if read, missing := b.Read(notify.Reading{IDs: []string{"a", "a", "zz"}}, noon.Add(time.Hour)); read != 1 || missing != 1 || b.Unread() != 2 {
		t.Errorf("got %d read, %d missing, %d unread", read, missing, b.Unread())
	}
	if read, _ := b.Read(notify.Reading{All: true}, noon.Add(time.Second)); read != 1 || b.Unread() != 1 {
		t.Errorf("what came later is not read: got %d, %d unread", read, b.Unread())
	}
	if ids(b.Unsent()) != "c" {
		t.Errorf("what is read need not go out: got %q", ids(b.Unsent()))
	}
}

func TestBox_Page(t *testing.T) {
	b := notify.NewBox(nil)
	for i := range 5 {
		b.Take(note(fmt.Sprint(i), "", noon, 0), nil)
	}
	b.Read(notify.Reading{IDs: []string{"3"}}, noon)
	first, more := b.Page(0, 2, false)
	if ids(first) != "4 3" || !more {
		t.Errorf("got %q %v", ids(first), more)
	}
	rest, more := b.Page(first[1].Seq, 3, false)
	if ids(rest) != "2 1 0" || more {
		t.Errorf("got %q %v", ids(rest), more)
	}
	if unread, _ := b.Page(0, 9, true); ids(unread) != "4 2 1 0" {
		t.Errorf("unread: got %q", ids(unread))
	}
}

// Whatever happens, an inbox that is stored after each step and read again is the
// one that was, and its unread count is that of its unread entries.
func TestBox_Stored(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	rows := map[uint64]notify.Entry{}
	b := notify.NewBox(nil)
	now := noon
	for step := range 3000 {
		now = now.Add(time.Duration(r.IntN(600)) * time.Second)
		id := fmt.Sprint("n", r.IntN(300))
		switch r.IntN(6) {
		case 0:
			b.Settle(now)
		case 1:
			b.Read(notify.Reading{IDs: []string{id}}, now)
		case 2:
			b.Delete(id)
		case 3:
			for _, x := range b.Unsent() {
				b.Sent(x.Seq)
			}
		default:
			b.Take(note(id, []string{"", "k", "l"}[r.IntN(3)], now, time.Duration(1+r.IntN(50))*time.Hour), []byte(`{}`))
		}
		b.TakeChanged(func(seq uint64, x *notify.Entry) {
			if delete(rows, seq); x != nil {
				rows[seq] = *x
			}
		})
		var list []*notify.Entry
		for _, x := range rows {
			list = append(list, &x)
		}
		slices.SortFunc(list, func(a, b *notify.Entry) int { return int(a.Seq) - int(b.Seq) })
		again := notify.NewBox(list)
		unread, _ := again.Page(0, 1000, true)
		if page(again) != page(b) || ids(again.Unsent()) != ids(b.Unsent()) || len(unread) != b.Unread() {
			t.Fatalf("seed %d step %d: stored %q, in memory %q; %d unread, counted %d", seed, step, page(again), page(b), len(unread), b.Unread())
		}
	}
}
