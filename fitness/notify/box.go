package notify

import (
	"encoding/json"
	"slices"
	"time"
)

const (
	// MaxEntries is how many notifications an inbox holds; over it the oldest go.
	MaxEntries = 200
	// maxMarks is how many marks of removed ones it remembers; over it the oldest go.
	maxMarks = 400
	// markKept is how long a mark is remembered: as long as a messageId repeats
	// nothing.
	markKept = 24 * time.Hour
)

// Entry is a notification in an inbox, or the mark of one that was removed.
type Entry struct {
	Seq         uint64    `json:"-"`
	ID          string    `json:"id"`
	Sender      string    `json:"sender"`
	Kind        string    `json:"kind,omitempty"`
	CollapseKey string    `json:"collapse,omitempty"`
	Urgent      bool      `json:"urgent,omitempty"`
	At          time.Time `json:"at"`
	Expires     time.Time `json:"expires,omitzero"`
	Read        bool      `json:"read,omitempty"`
	// Sent: it went out on the user's topic.
	Sent bool `json:"sent,omitempty"`
	// Pushed: others were told that it came for an absent user.
	Pushed bool `json:"pushed,omitempty"`
	// Gone: only the mark is left.
	Gone    bool            `json:"gone,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// Box is a user's inbox. Changed entries are remembered for who stores them.
type Box struct {
	entries []*Entry // by rising Seq
	seq     uint64
	changed map[uint64]struct{}
}

// NewBox returns the inbox with those entries, by rising Seq.
func NewBox(entries []*Entry) *Box {
	b := &Box{entries: entries, changed: make(map[uint64]struct{})}
	if n := len(entries); n > 0 {
		b.seq = entries[n-1].Seq
	}
	return b
}

// Taken says what became of a notification.
type Taken struct {
	Repeated bool // it was there already, or was removed since
	Replaced int  // unread ones that it replaced by its collapse key
	Dropped  int  // old ones that it pushed out
}

// Take puts the notification in.
func (b *Box) Take(n *Note, payload []byte) Taken {
	for _, x := range b.entries {
		if x.ID == n.ID && x.Sender == n.Sender {
			return Taken{Repeated: true}
		}
	}
	var t Taken
	kept := 0
	for _, x := range b.entries {
		switch {
		case x.Gone:
		case n.CollapseKey != "" && x.CollapseKey == n.CollapseKey && x.Sender == n.Sender && !x.Read:
			b.remove(x)
			t.Replaced++
		default:
			kept++
		}
	}
	for _, x := range b.entries {
		if kept < MaxEntries {
			break
		}
		if !x.Gone {
			b.remove(x)
			kept--
			t.Dropped++
		}
	}
	b.seq++
	b.entries = append(b.entries, &Entry{
		Seq: b.seq, ID: n.ID, Sender: n.Sender, Kind: n.Kind, CollapseKey: n.CollapseKey, Urgent: n.Urgent,
		At: n.At, Expires: n.Expires, Payload: payload,
	})
	b.change(b.seq)
	return t
}

// remove leaves the mark only.
func (b *Box) remove(x *Entry) {
	*x = Entry{Seq: x.Seq, ID: x.ID, Sender: x.Sender, At: x.At, Gone: true}
	b.change(x.Seq)
}

func (b *Box) change(seq uint64) { b.changed[seq] = struct{}{} }

// Settle removes what has expired by now, and marks that are no longer needed.
func (b *Box) Settle(now time.Time) {
	marks := 0
	for _, x := range b.entries {
		if !x.Gone && !x.Expires.After(now) {
			b.remove(x)
		}
		if x.Gone {
			marks++
		}
	}
	b.entries = slices.DeleteFunc(b.entries, func(x *Entry) bool {
		if !x.Gone || marks <= maxMarks && now.Sub(x.At) < markKept {
			return false
		}
		marks--
		b.change(x.Seq)
		return true
	})
}

// Next is when Settle has something to do again, false for never.
func (b *Box) Next() (at time.Time, ok bool) {
	for _, x := range b.entries {
		end := x.Expires
		if x.Gone {
			end = x.At.Add(markKept)
		}
		if !ok || end.Before(at) {
			at, ok = end, true
		}
	}
	return at, ok
}

// Unread counts what is in the inbox and not read.
func (b *Box) Unread() int {
	n := 0
	for _, x := range b.entries {
		if !x.Gone && !x.Read {
			n++
		}
	}
	return n
}

// Unsent lists what has not gone out yet and is not read, oldest first. The
// entries are not to be changed.
func (b *Box) Unsent() []*Entry {
	var list []*Entry
	for _, x := range b.entries {
		if !x.Gone && !x.Sent && !x.Read {
			list = append(list, x)
		}
	}
	return list
}

// Sent notes that the entry went out.
func (b *Box) Sent(seq uint64) { b.edit(seq, func(x *Entry) { x.Sent = true }) }

// Pushed notes that others were told of the entry.
func (b *Box) Pushed(seq uint64) { b.edit(seq, func(x *Entry) { x.Pushed = true }) }

func (b *Box) edit(seq uint64, fn func(*Entry)) {
	for _, x := range b.entries {
		if x.Seq == seq && !x.Gone {
			fn(x)
			b.change(seq)
		}
	}
}

// Read marks those as read that came until then, and returns how many were not
// and how many of the ids are not in the inbox.
func (b *Box) Read(r Reading, until time.Time) (read, missing int) {
	found := make(map[string]bool)
	for _, x := range b.entries {
		if x.Gone || x.At.After(until) || !r.All && !slices.Contains(r.IDs, x.ID) {
			continue
		}
		found[x.ID] = true
		if !x.Read {
			x.Read = true
			read++
			b.change(x.Seq)
		}
	}
	for _, id := range r.IDs {
		if !found[id] {
			missing++
		}
	}
	return read, missing
}

// Delete removes the notification, and reports whether there was one.
func (b *Box) Delete(id string) (found bool) {
	for _, x := range b.entries {
		if x.ID == id && !x.Gone {
			b.remove(x)
			found = true
		}
	}
	return found
}

// Find returns the sender's notification, or nil where it is not, or no longer,
// there.
func (b *Box) Find(sender, id string) *Entry {
	for _, x := range b.entries {
		if x.ID == id && x.Sender == sender && !x.Gone {
			return x
		}
	}
	return nil
}

// Page lists up to limit notifications older than the one at before (0: from the
// newest), newest first, and says whether there are more.
func (b *Box) Page(before uint64, limit int, unread bool) (list []*Entry, more bool) {
	for _, x := range slices.Backward(b.entries) {
		if x.Gone || before > 0 && x.Seq >= before || unread && x.Read {
			continue
		}
		if len(list) == limit {
			return list, true
		}
		list = append(list, x)
	}
	return list, false
}

// Changed reports whether there is something to store.
func (b *Box) Changed() bool { return len(b.changed) > 0 }

// TakeChanged calls fn with the place of each changed entry, and the entry or nil
// for one that is to be deleted, and forgets that they have changed.
func (b *Box) TakeChanged(fn func(seq uint64, x *Entry)) {
	at := make(map[uint64]*Entry, len(b.entries))
	for _, x := range b.entries {
		at[x.Seq] = x
	}
	for seq := range b.changed {
		fn(seq, at[seq])
	}
	clear(b.changed)
}

// Change notes that the entry at the place is to be stored again.
func (b *Box) Change(seq uint64) { b.change(seq) }
