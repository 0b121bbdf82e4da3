package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/notify"
	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// The tables of notifications, with their keys.
const (
	tableInbox      = "inbox"       // uid/place in 16 hex digits: notify.Entry
	tableInboxHeads = "inbox_heads" // uid: noteHead
)

// inboxIdle is for how long an inbox that nobody uses stays in memory.
const inboxIdle = time.Minute

// inbox returns the user's inbox, read where it is not in memory. notes.mu is held.
func (e *Engine) inbox(userID string, now time.Time) (*inbox, error) {
	if ib := e.notes.boxes[userID]; ib != nil {
		ib.used = now
		return ib, nil
	}
	var list []*notify.Entry
	err := scan(context.Background(), e.opt.Store, tableInbox, userID+"/", func(key string, x *notify.Entry) {
		if seq, ok := seqOf(key); ok {
			x.Seq = seq
			list = append(list, x)
		}
	})
	if err != nil {
		return nil, err
	}
	ib := &inbox{user: userID, box: notify.NewBox(list), flying: make(map[uint64]struct{}), used: now}
	e.notes.boxes[userID] = ib
	return ib, nil
}

// lookLater has the inbox looked at, whatever is known of it.
func (n *notes) lookLater(userID string, at time.Time) {
	n.desk.mu.Lock()
	defer n.desk.mu.Unlock()
	n.desk.due.add(userID, at)
}

// tendInbox does what is due in an inbox: expired ones leave, what may be
// delivered is, others are told of what came for an absent user, and the counts
// follow. notes.mu is held; drain must follow.
func (e *Engine) tendInbox(ib *inbox, now time.Time) {
	ib.box.Settle(now)
	again := never
	if at, ok := ib.box.Next(); ok {
		again = at
	}
	waiting := ib.box.Unsent()
	if len(waiting) > 0 {
		quiet := e.prefs.of(ib.user).QuietUntil(now)
		listens, absent := e.presence.listens(ib.user), e.absent(ib.user, now)
		for _, x := range waiting {
			_, flying := ib.flying[x.Seq]
			switch {
			case flying:
			case !quiet.IsZero() && !x.Urgent:
				again = earliest(again, quiet)
			case listens:
				if !e.sendNote(ib, x, now) {
					again = earliest(again, now.Add(time.Second))
				}
			case absent && !x.Pushed:
				ib.box.Pushed(x.Seq)
				e.happened(TellNotificationAbsent, ib.user, ib.user+"/"+x.Sender+"/"+x.ID, now,
					toldUser{UserID: ib.user, SenderName: e.senderName(x.Sender), Message: x.Payload})
			}
		}
	}
	d := &e.notes.desk
	head := noteHead{Unread: ib.box.Unread(), Unsent: len(waiting) > 0}
	d.mu.Lock()
	was := d.head[ib.user]
	if head == (noteHead{}) {
		delete(d.head, ib.user)
	} else {
		d.head[ib.user] = head
	}
	if again != never {
		d.due.add(ib.user, again)
	}
	d.mu.Unlock()
	if was.Unread != head.Unread {
		e.chats.recountUser(ib.user)
	}
	if was != head || ib.box.Changed() {
		e.notes.dirty[ib.user] = ib
	}
}

// senderName is a sender's name, "" for the broker.
func (e *Engine) senderName(userID string) string {
	if userID == notify.Broker {
		return ""
	}
	return e.name(userID)
}

// sendNote queues the notification on its user's topic, or reports that there is
// no room now. notes.mu is held.
func (e *Engine) sendNote(ib *inbox, x *notify.Entry, now time.Time) bool {
	user, seq := ib.user, x.Seq
	d := &e.notes.desk
	ok := e.out.push(Outgoing{
		Topic: topics.UserNotificationTopic(user), Payload: x.Payload, QoS: 1,
		RecordID: "notes/" + messageHash(user, x.Sender, x.ID),
		Expiry:   max(x.Expires.Sub(now).Truncate(time.Second), time.Second),
		Stored: func(err error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.sent = append(d.sent, sentNote{user: user, seq: seq, ok: err == nil})
		},
	})
	if ok {
		ib.flying[seq] = struct{}{}
	}
	return ok
}

// listens reports whether a connected client of the user's has a subscription to
// the user's notifications.
func (p *presence) listens(userID string) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	v := p.visitors[userID]
	if v == nil {
		return false
	}
	for _, c := range v.clients {
		if len(c.feeds) > 0 {
			return true
		}
	}
	return false
}

// listen notes a client's subscription to its user's notifications.
func (p *presence) listen(s Sender, filter string, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.client(s, at)
	if len(c.feeds) >= maxFilters {
		return
	}
	if c.feeds == nil {
		c.feeds = make(map[string]struct{})
	}
	c.feeds[filter] = struct{}{}
}

// notePuts is what a checkpoint writes of notifications.
type notePuts struct {
	rows, heads []store.Put
	boxes       []*inbox
}

// gather takes what is to be written of the users, or of all who have changed.
func (n *notes) gather(users ...string) notePuts {
	n.mu.Lock()
	defer n.mu.Unlock()
	var p notePuts
	take := func(ib *inbox) {
		delete(n.dirty, ib.user)
		ib.saving = true
		p.boxes = append(p.boxes, ib)
		ib.box.TakeChanged(func(seq uint64, x *notify.Entry) {
			put := store.Put{Key: ib.user + "/" + posKey(seq)}
			if x != nil {
				put.Data = encode(x)
			}
			p.rows = append(p.rows, put)
		})
		n.desk.mu.Lock()
		head := n.desk.head[ib.user]
		n.desk.mu.Unlock()
		p.heads = append(p.heads, store.Put{Key: ib.user, Data: encode(head)})
	}
	if len(users) == 0 {
		for _, ib := range n.dirty {
			take(ib)
		}
	}
	for _, id := range users {
		if ib := n.dirty[id]; ib != nil {
			take(ib)
		}
	}
	return p
}

// settled notes what became of what gather gave.
func (n *notes) settled(p notePuts, err error, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, ib := range p.boxes {
		ib.saving = false
		if err != nil {
			n.dirty[ib.user] = ib
		}
	}
	if err != nil {
		for _, put := range p.rows {
			user, _, _ := strings.Cut(put.Key, "/")
			if seq, ok := seqOf(put.Key); ok {
				n.boxes[user].box.Change(seq)
			}
		}
		return
	}
	for user, ib := range n.boxes {
		if _, dirty := n.dirty[user]; !dirty && !ib.saving && len(ib.flying) == 0 && now.Sub(ib.used) >= inboxIdle {
			delete(n.boxes, user)
		}
	}
}

// saveNews hands over what others want to be told, and writes what has changed of
// the users' inboxes, or of all. The inboxes are gathered first: one that says that
// others were told of a notification goes behind that. The heads go before the
// entries: a crash behind them costs a look at an inbox, or a count that the next
// look corrects. saver.saving is held.
func (e *Engine) saveNews(ctx context.Context, users ...string) error {
	p := e.notes.gather(users...)
	err := e.saveHappenings(ctx)
	if err == nil {
		err = e.putMany(ctx, tableInboxHeads, p.heads)
	}
	if err == nil {
		err = e.putMany(ctx, tableInbox, p.rows)
	}
	e.notes.settled(p, err, e.now())
	return err
}

// unsaved reports whether there is something to save.
func (n *notes) unsaved() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.dirty) > 0
}

// loadNotes brings back whose inboxes hold something. Everybody's count is told again,
// also where nothing is unread: what is retained is saved apart from it, and a crash may
// have left an older count.
func (e *Engine) loadNotes(ctx context.Context, now time.Time) error {
	d := &e.notes.desk
	return scan(ctx, e.opt.Store, tableInboxHeads, "", func(userID string, h *noteHead) {
		e.chats.recountUser(userID)
		if *h == (noteHead{}) {
			return
		}
		d.head[userID] = *h
		if h.Unsent {
			d.due.add(userID, now)
		}
	})
}

// Inbox is a page of a user's notifications, newest first: each as it was
// delivered, with "read". Next is the cursor of the next page, "" at the end.
type Inbox struct {
	Items  []json.RawMessage `json:"items"`
	Unread int               `json:"unread"`
	Next   string            `json:"next,omitempty"`
}

// Notifications lists the user's own behind the cursor after, up to limit, or only
// unread ones. Errors: Invalid, Unavailable.
func (e *Engine) Notifications(actor Actor, after string, limit int, unread bool) (Inbox, error) {
	const op = "list notifications"
	before, err := strconv.ParseUint("0"+after, 10, 64)
	if err != nil || after != "" && before == 0 {
		return Inbox{}, fitness.Errorf(op, fitness.Invalid, "after %.40q is not a cursor of this list", after)
	}
	page := Inbox{Items: []json.RawMessage{}}
	err = e.withInbox(op, actor, func(ib *inbox) {
		list, more := ib.box.Page(before, pageLimit(limit), unread)
		for _, x := range list {
			page.Items = append(page.Items, withRead(x))
		}
		if more {
			page.Next = strconv.FormatUint(list[len(list)-1].Seq, 10)
		}
		page.Unread = ib.box.Unread()
	})
	return page, err
}

// withRead is the payload with the member read.
func withRead(x *notify.Entry) json.RawMessage {
	read := `,"read":` + strconv.FormatBool(x.Read) + "}"
	return append(append(json.RawMessage(nil), x.Payload[:len(x.Payload)-1]...), read...)
}

// ReadNotifications marks the user's own as read; ids that are not in the inbox
// are passed over. Errors: Invalid, Malformed, Unavailable.
func (e *Engine) ReadNotifications(ctx context.Context, actor Actor, body []byte) error {
	const op = "read notifications"
	r, err := notify.ParseReading(body)
	if err != nil {
		return &fitness.Error{Op: op, Kind: fitness.KindOf(err), Msg: fitness.Message(err)}
	}
	return e.editInbox(ctx, op, actor, func(ib *inbox) { ib.box.Read(r, e.now()) })
}

// DeleteNotification removes one of the user's own. Errors: NotFound, Unavailable.
func (e *Engine) DeleteNotification(ctx context.Context, actor Actor, messageID string) error {
	const op = "delete notification"
	found := false
	err := e.editInbox(ctx, op, actor, func(ib *inbox) { found = ib.box.Delete(messageID) })
	if err == nil && !found {
		return fitness.Errorf(op, fitness.NotFound, "no notification %.80q is in your inbox", messageID)
	}
	return err
}

// withInbox calls fn with the actor's own inbox, settled.
func (e *Engine) withInbox(op string, actor Actor, fn func(*inbox)) error {
	if err := validID(op, "user", actor.UserID); err != nil {
		return err
	}
	err := func() error {
		e.notes.mu.Lock()
		defer e.notes.mu.Unlock()
		now := e.now()
		ib, err := e.inbox(actor.UserID, now)
		if err != nil {
			return &fitness.Error{Op: op, Kind: fitness.Unavailable, Msg: "the store cannot read now", Err: err}
		}
		ib.box.Settle(now)
		fn(ib)
		e.tendInbox(ib, now)
		return nil
	}()
	e.out.drain()
	return err
}

// editInbox is withInbox for a change, which is stored when it returns nil.
func (e *Engine) editInbox(ctx context.Context, op string, actor Actor, fn func(*inbox)) error {
	if err := e.withInbox(op, actor, fn); err != nil {
		return err
	}
	e.saver.saving.Lock()
	defer e.saver.saving.Unlock()
	if err := e.saveNews(ctx, actor.UserID); err != nil {
		return unavailable(op, fmt.Errorf("store the inbox of %s: %w", actor.UserID, err))
	}
	return nil
}
