package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"sync"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/notify"
	"github.com/fitmq/fitmq/store"
)

// Kinds of the broker's own notifications; a user may opt out of each.
const (
	KindSession   = "session"   // a session that one belongs to
	KindChallenge = "challenge" // a challenge that one takes part in
	KindTraining  = "training"  // trainer and client
	KindRank      = "rank"      // one's place in a challenge
	KindMilestone = "milestone" // one's own figures
)

// notice is a notification that the broker has for a user.
type notice struct {
	To      string // a user's id; "" for nobody
	Kind    string // a word: what users opt out of
	Content string // a sentence
	// Cause is what it is about, the same whenever it is computed: for one user
	// and cause there is one notification. At most 256 bytes.
	Cause string
	// Data is what programs read of it.
	Data map[string]any
	// TTL is after how long it is worthless; 0 means notify.MaxAge.
	TTL time.Duration
	// CollapseKey: a newer one with it replaces an unread one; "" for none.
	CollapseKey string
	// Urgent: quiet hours do not hold it back.
	Urgent bool
}

// notify puts a notification of the broker's own into the user's inbox and
// delivers it as the user wishes. It does no I/O and takes only a leaf lock, so
// any other may be held. It is stored with the next checkpoint, before the
// position of the log: what follows from a record is not lost, and the cause keeps
// it from coming twice. More than a person wants, see noticeBurst, is dropped and
// counted.
func (e *Engine) notify(n notice, at time.Time) {
	if n.To == "" {
		return
	}
	note := notify.Note{Kind: n.Kind, CollapseKey: n.CollapseKey, Urgent: n.Urgent, ID: noticeID(n.To, n.Cause)}
	note.Say(n.Content, n.Data)
	note.Stamp(notify.Broker, n.To, moment(at), n.TTL)
	d := &e.notes.desk
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.in) >= maxNotices {
		e.stats.NotesDropped.Add(1)
		return
	}
	d.in = append(d.in, note)
}

// noticeID is the messageId of a notification with that cause.
func noticeID(to, cause string) string {
	sum := sha256.Sum256([]byte(to + "\x00" + cause))
	return "b-" + hex.EncodeToString(sum[:16])
}

const (
	// maxNotices bounds the broker's own notifications that wait for the next
	// tick: more are dropped and counted.
	maxNotices = 1 << 17
	// noticeBurst and noticeRate are how many of the broker's own a user gets at
	// once, and how many more a second; more are dropped and counted.
	noticeBurst, noticeRate = 20, 0.1
	// noteBurst and noteRate are the same for what one sender sends to one user;
	// more are refused.
	noteBurst, noteRate = 30, 1
)

// notes is everybody's notifications.
type notes struct {
	fromBroker rates // by user
	fromUsers  rates // by sender and user

	mu    sync.Mutex        // guards what follows; the store may be read with it held
	boxes map[string]*inbox // those that are in memory, by user
	dirty map[string]*inbox // with something to be saved

	desk desk
}

// inbox is a user's, in memory while it is used.
type inbox struct {
	user   string
	box    *notify.Box
	flying map[uint64]struct{} // on their way to the log, by place
	saving bool                // a checkpoint is writing what it has
	used   time.Time
}

// desk is what others leave for the next tick, and what they may read of inboxes
// that are not in memory.
type desk struct {
	mu   sync.Mutex // guards what follows
	in   []notify.Note
	sent []sentNote
	due  agenda              // users whose inbox to look at
	head map[string]noteHead // of users who have any unread or unsent
}

// noteHead is what is known of an inbox that is not in memory, as it is stored.
// Unsent says that something waits to be delivered. The row stays when both are nought.
type noteHead struct {
	Unread int  `json:"unread"`
	Unsent bool `json:"unsent,omitempty"`
}

// sentNote is what became of a message that carries a notification.
type sentNote struct {
	user string
	seq  uint64
	ok   bool
}

func (n *notes) init() {
	n.fromBroker.init(noticeBurst, noticeRate)
	n.fromUsers.init(noteBurst, noteRate)
	n.boxes, n.dirty = make(map[string]*inbox), make(map[string]*inbox)
	n.desk.due.init()
	n.desk.head = make(map[string]noteHead)
}

// look has the user's inbox looked at, where it may hold something.
func (d *desk) look(userID string, at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, any := d.head[userID]; any {
		d.due.add(userID, at)
	}
}

// unread is how many notifications the user has not read.
func (d *desk) unread(userID string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.head[userID].Unread
}

// handleNotification judges a notification that a service or a trainer of the
// user sends. It reaches the inbox in applyNotification, in the order of the log;
// a messageId that the sender has used before comes no further.
func (e *Engine) handleNotification(in Inbound, userID string, at time.Time) (Outcome, error) {
	n, err := notify.Parse(in.Payload)
	if err != nil {
		return Outcome{}, err
	}
	sender := in.Sender.UserID
	switch {
	case n.Sender != "" && n.Sender != sender:
		return Outcome{}, fitness.Errorf("", fitness.Invalid, "senderId %.80q is not yours, %s", n.Sender, sender)
	case n.Recipient != "" && n.Recipient != userID:
		return Outcome{}, fitness.Errorf("", fitness.Invalid, "recipientId %.80q is not the topic's user %s", n.Recipient, userID)
	case !e.opt.Users.Exists(userID):
		return Outcome{}, fitness.Errorf("", fitness.Forbidden, "user %s cannot be notified", userID)
	case !e.notes.fromUsers.take(sender+"/"+userID, at):
		return Outcome{}, fitness.Errorf("", fitness.Rate, "notifications come too fast: over the limit of %d at once and %d a second for one user", noteBurst, noteRate)
	}
	if n.ID == "" {
		if n.ID, err = e.chats.newID(at); err != nil {
			return Outcome{}, err
		}
	}
	var ttl time.Duration
	if !in.Expires.IsZero() { // MQTT's message expiry interval [MQTT-3.3.2-5]
		ttl = max(in.Expires.Sub(at), time.Second)
	}
	n.Stamp(sender, userID, at, ttl)
	return Outcome{Log: true, RecordID: "note/" + messageHash(userID, sender, n.ID), Payload: n.Encode()}, nil
}

// handleReading judges which notifications a user says to have read; it counts in
// applyReading.
func (e *Engine) handleReading(in Inbound) (Outcome, error) {
	_, err := notify.ParseReading(in.Payload)
	return Outcome{Log: err == nil}, err
}

// applyNotification puts a notification from the log into the inbox. One that is
// read again after a crash is there already, or its mark is.
func (e *Engine) applyNotification(pos store.Pos, in Inbound, userID string) {
	n, err := notify.Decode(in.Payload)
	if err != nil {
		e.opt.Logger.Error("skip a notification that cannot be read", "pos", pos, "error", err)
		return
	}
	e.notes.mu.Lock()
	defer e.notes.mu.Unlock()
	e.takeNote(&n, userID, in.Payload, e.now())
}

// takeNote puts a notification into its user's inbox, unless the user does not
// want its kind. notes.mu is held.
func (e *Engine) takeNote(n *notify.Note, userID string, payload []byte, now time.Time) {
	if !e.prefs.of(userID).Wants(n.Kind) {
		e.stats.NotesUnwanted.Add(1)
		return
	}
	ib, err := e.inbox(userID, now)
	if err != nil {
		e.opt.Logger.Error("a notification could not be put into its inbox; is the disk damaged?", "user", userID, "error", err)
		e.stats.NotesFailed.Add(1)
		return
	}
	t := ib.box.Take(n, payload)
	if t.Repeated {
		return
	}
	e.stats.NotesTaken.Add(1)
	e.stats.NotesReplaced.Add(uint64(t.Replaced))
	e.stats.NotesPushedOut.Add(uint64(t.Dropped))
	e.tendInbox(ib, now)
}

// applyReading marks notifications as read by a message from the log.
func (e *Engine) applyReading(in Inbound, userID string, at time.Time) {
	r, err := notify.ParseReading(in.Payload)
	if err != nil {
		return // judged before
	}
	e.notes.mu.Lock()
	defer e.notes.mu.Unlock()
	now := e.now()
	ib, err := e.inbox(userID, now)
	if err != nil {
		e.opt.Logger.Error("what a user has read could not be noted; is the disk damaged?", "user", userID, "error", err)
		return
	}
	ib.box.Read(r, at)
	e.tendInbox(ib, now)
}

// tickNotes takes in what the broker has to say and looks at the inboxes that are
// due, with at most budget of them. An inbox that is not in memory is read.
func (e *Engine) tickNotes(now time.Time, budget int) {
	// What has left the desk is in its inbox before anybody else, such as a
	// checkpoint, sees that it has left.
	e.notes.mu.Lock()
	defer e.notes.mu.Unlock()
	d := &e.notes.desk
	d.mu.Lock()
	n := min(len(d.in), budget)
	in, sent := d.in[:n], d.sent
	if d.in = d.in[n:]; len(d.in) == 0 {
		d.in = nil
	}
	d.sent = nil
	due := d.due.take(now, budget)
	d.mu.Unlock()
	if len(in)+len(sent)+len(due) == 0 {
		return
	}
	look := make(map[string]struct{}, len(due))
	for _, userID := range due {
		look[userID] = struct{}{}
	}
	for _, s := range sent {
		e.landed(s)
		look[s.user] = struct{}{}
	}
	e.takeNotices(in, now)
	for userID := range maps.Keys(look) {
		ib, err := e.inbox(userID, now)
		if err != nil {
			e.opt.Logger.Error("an inbox could not be read, will try again; is the disk damaged?", "user", userID, "error", err)
			e.notes.lookLater(userID, now.Add(time.Minute))
			continue
		}
		e.tendInbox(ib, now)
	}
}

// landed notes what became of a message. notes.mu is held.
func (e *Engine) landed(s sentNote) {
	ib := e.notes.boxes[s.user]
	if ib == nil {
		return // it was flying: it cannot have been let go
	}
	delete(ib.flying, s.seq)
	if s.ok {
		ib.box.Sent(s.seq)
		e.stats.NotesDelivered.Add(1)
	}
}

// takeNotices puts the broker's own notifications into the inboxes. notes.mu is
// held.
func (e *Engine) takeNotices(in []notify.Note, now time.Time) {
	for i := range in {
		n := &in[i]
		if !n.Urgent && !e.notes.fromBroker.take(n.Recipient, now) {
			e.stats.NotesDropped.Add(1)
			continue
		}
		e.takeNote(n, n.Recipient, n.Encode(), now)
	}
}

// takeAllNotices does so with all that wait, for a checkpoint: what follows from a
// record must be stored before the position behind it.
func (e *Engine) takeAllNotices() {
	now := e.now()
	e.notes.mu.Lock()
	defer e.notes.mu.Unlock()
	d := &e.notes.desk
	d.mu.Lock()
	in := d.in
	d.in = nil
	d.mu.Unlock()
	e.takeNotices(in, now)
}
