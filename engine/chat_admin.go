package engine

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/chat"
	"github.com/fitmq/fitmq/store"
	"github.com/fitmq/fitmq/topics"
)

// ConversationSpec is what the maker of a group says about it.
type ConversationSpec struct {
	Title   string   `json:"title"`
	Members []string `json:"members"`
}

// settleMembers makes the members' states what the conversation says. c.mu is
// held, or nobody else is there.
func (e *Engine) settleMembers(key string, c *conversation) {
	var want []string
	if a, b, ok := topics.SplitDirect(key); ok {
		want = []string{a, b}
	} else if c.group != nil {
		want = slices.Collect(maps.Keys(c.group.Members))
	}
	for _, userID := range want {
		if c.readers[userID] != nil {
			continue
		}
		r := e.chats.reader(c, userID)
		if c.group != nil {
			r.From = c.Head // what was before is not theirs
			c.unsaved.readers[userID] = struct{}{}
		}
	}
	for userID := range c.readers {
		if !slices.Contains(want, userID) {
			delete(c.readers, userID)
			c.unsaved.readers[userID] = struct{}{}
			e.chats.leave(c, userID)
		}
	}
	if len(c.unsaved.readers) > 0 {
		e.chats.changed(c)
	}
}

// PutConversation creates the group, with the actor as owner and member, or gives
// it another title and other members. Members of the maker's choice are those
// whom the maker may write to. Errors: Invalid, Forbidden, Quota, Unavailable.
func (e *Engine) PutConversation(ctx context.Context, actor Actor, id string, spec ConversationSpec) (Conversation, bool, error) {
	const op = "put conversation"
	e.admin.Lock()
	defer e.admin.Unlock()
	if err := e.checkConversation(op, actor, id, &spec); err != nil {
		return Conversation{}, false, err
	}
	now := e.now()
	rec := groupRecord{Title: spec.Title, Owner: actor.UserID, Members: map[string]time.Time{}, CreatedAt: now}
	old := e.chats.get(id)
	created := true
	if old != nil {
		old.mu.Lock()
		if g := old.group; g != nil {
			created = false
			rec.Owner, rec.CreatedAt = g.Owner, g.CreatedAt
			maps.Copy(rec.Members, g.Members)
		}
		old.mu.Unlock()
	}
	switch {
	case !created && !actor.all() && actor.UserID != rec.Owner:
		return Conversation{}, false, fitness.Errorf(op, fitness.Forbidden, "conversation %s is changed by its owner", id)
	case created && e.chats.len() >= e.opt.MaxConversations:
		return Conversation{}, false, fitness.Errorf(op, fitness.Quota, "there are %d conversations, the limit", e.opt.MaxConversations)
	}
	if !slices.Contains(spec.Members, rec.Owner) && !actor.all() {
		spec.Members = append(spec.Members, rec.Owner)
	}
	if len(spec.Members) > chat.MaxMembers {
		return Conversation{}, false, fitness.Errorf(op, fitness.Invalid, "members: %d are over the limit of %d", len(spec.Members), chat.MaxMembers)
	}
	before := rec.Members
	rec.Members = make(map[string]time.Time, len(spec.Members))
	for _, m := range spec.Members {
		since, was := before[m]
		if !was {
			since = now
			if !actor.all() && m != actor.UserID && (e.blocked(m, actor.UserID) || !e.peers(actor.UserID, m, now)) {
				return Conversation{}, false, fitness.Errorf(op, fitness.Forbidden, "members: you cannot write to user %s", m)
			}
		}
		rec.Members[m] = since
	}
	if err := e.put(ctx, op, tableConversations, id, rec); err != nil {
		return Conversation{}, false, err
	}
	e.setGroup(id, &rec, before)
	res, err := e.Conversation(id, actor.UserID)
	return res, created, err
}

// setGroup makes the group what was stored, and ends the rights of who is out.
func (e *Engine) setGroup(id string, rec *groupRecord, before map[string]time.Time) {
	c := e.chats.open(id)
	c.mu.Lock()
	c.group = rec
	e.settleMembers(id, c)
	c.mu.Unlock()
	var out []string
	for m := range before {
		if _, still := rec.Members[m]; !still {
			out = append(out, m)
		}
	}
	slices.Sort(out)
	e.revoke(out...)
}

// checkConversation judges a definition.
func (e *Engine) checkConversation(op string, actor Actor, id string, spec *ConversationSpec) error {
	if _, _, two := topics.SplitDirect(id); two {
		return fitness.Errorf(op, fitness.Invalid, "conversation %s is of two and needs no creation", id)
	}
	if err := validID(op, "conversation id", id); err != nil {
		return err
	}
	spec.Title = strings.TrimSpace(spec.Title)
	if n := utf8.RuneCountInString(spec.Title); n == 0 || n > chat.MaxTitle {
		return fitness.Errorf(op, fitness.Invalid, "title of %d characters is not 1 to %d long", n, chat.MaxTitle)
	}
	if actor.UserID == "" {
		return fitness.Errorf(op, fitness.Forbidden, "sign in to make a conversation")
	}
	slices.Sort(spec.Members)
	spec.Members = slices.Compact(spec.Members)
	for _, m := range spec.Members {
		if err := e.knownUser(op, "member", m); err != nil {
			return err
		}
	}
	return nil
}

// LeaveConversation takes the user out of a group: themself, or by its owner.
// Errors: NotFound, Forbidden, Unavailable.
func (e *Engine) LeaveConversation(ctx context.Context, actor Actor, id, userID string) error {
	const op = "leave conversation"
	e.admin.Lock()
	defer e.admin.Unlock()
	rec, err := e.groupOf(op, id)
	if err != nil {
		return err
	}
	if !actor.all() && (actor.UserID == "" || actor.UserID != userID && actor.UserID != rec.Owner) {
		return fitness.Errorf(op, fitness.Forbidden, "only the owner of conversation %s takes others out", id)
	}
	before := maps.Clone(rec.Members)
	if _, ok := rec.Members[userID]; !ok {
		return fitness.Errorf(op, fitness.NotFound, "user %.80s is not in conversation %s", userID, id)
	}
	delete(rec.Members, userID)
	if err := e.put(ctx, op, tableConversations, id, rec); err != nil {
		return err
	}
	e.setGroup(id, &rec, before)
	return nil
}

// groupOf returns a copy of the group's record, or an Error of kind NotFound.
func (e *Engine) groupOf(op, id string) (groupRecord, error) {
	if c := e.chats.get(id); c != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.group != nil {
			rec := *c.group
			rec.Members = maps.Clone(rec.Members)
			return rec, nil
		}
	}
	return groupRecord{}, fitness.Errorf(op, fitness.NotFound, "conversation %.130s does not exist", id)
}

// DeleteConversation removes the group and its messages. Its owner may. A later
// group of that id goes on counting where this one ended. Errors: NotFound,
// Forbidden, Unavailable.
func (e *Engine) DeleteConversation(ctx context.Context, actor Actor, id string) error {
	const op = "delete conversation"
	e.admin.Lock()
	defer e.admin.Unlock()
	rec, err := e.groupOf(op, id)
	if err != nil {
		return err
	}
	if !actor.all() && actor.UserID != rec.Owner {
		return fitness.Errorf(op, fitness.Forbidden, "conversation %s is deleted by its owner", id)
	}
	if err := e.opt.Store.Delete(ctx, tableConversations, id, store.Any); err != nil && !errors.Is(err, store.ErrNotFound) {
		return unavailable(op, err)
	}
	c := e.chats.open(id)
	c.mu.Lock()
	c.group = nil
	e.settleMembers(id, c)
	c.mu.Unlock()
	e.revoke(slices.Sorted(maps.Keys(rec.Members))...)
	return e.wipeMessages(ctx, op, c)
}

// wipeMessages removes what was said.
func (e *Engine) wipeMessages(ctx context.Context, op string, c *conversation) error {
	// A checkpoint that had begun has ended before the leftovers are removed.
	e.saver.saving.Lock()
	defer e.saver.saving.Unlock()
	c.mu.Lock()
	e.chats.unsaved.Add(-int64(len(c.unsaved.ids)))
	clear(c.unsaved.rows)
	clear(c.unsaved.ids)
	clear(c.counts)
	c.mu.Unlock()
	return errors.Join(e.deleteAll(ctx, op, tableMessages, c.key+"/"), e.deleteAll(ctx, op, tableMessageIDs, c.key+"/"))
}

// forgetSessionChat removes what was said in a session that is deleted.
func (e *Engine) forgetSessionChat(ctx context.Context, op, sessionID string) error {
	c := e.chats.get(sessionPrefix + sessionID)
	if c == nil {
		return nil
	}
	e.chats.delete(c.key)
	e.chats.mu.Lock()
	delete(e.chats.dirty, c)
	e.chats.mu.Unlock()
	if err := e.wipeMessages(ctx, op, c); err != nil {
		return err
	}
	if err := e.opt.Store.Delete(ctx, tableHeads, c.key, store.Any); err != nil && !errors.Is(err, store.ErrNotFound) {
		return unavailable(op, err)
	}
	return nil
}

// HistoryQuery asks for messages: those before a seq where Before is not 0; those
// after one where After is not 0 or Oldest says so; else the newest. Limit 0 means
// 100.
type HistoryQuery struct {
	Before, After uint64
	Oldest        bool
	Limit         int
}

// History is a page of messages, by rising seq, and the conversation's last seq.
// Deleted messages are there without their content.
type History struct {
	Items []json.RawMessage `json:"items"`
	Head  uint64            `json:"head"`
}

// History returns messages of the conversation as the member may see them: a
// member of a group sees what was said since they joined. Errors: Forbidden,
// Unavailable.
func (e *Engine) History(ctx context.Context, actor Actor, id string, q HistoryQuery) (History, error) {
	if !actor.all() && !e.ConversationMember(id, actor.UserID) {
		return History{}, notMember(id)
	}
	return e.history(ctx, id, actor.UserID, q)
}

// SessionHistory is History of a session's chat, for its members.
func (e *Engine) SessionHistory(ctx context.Context, actor Actor, sessionID string, q HistoryQuery) (History, error) {
	if !actor.all() && !e.SessionMember(sessionID, actor.UserID) {
		return History{}, fitness.Errorf("get messages", fitness.Forbidden, "only members of session %.80s may", sessionID)
	}
	return e.history(ctx, sessionPrefix+sessionID, actor.UserID, q)
}

func (e *Engine) history(ctx context.Context, key, userID string, q HistoryQuery) (History, error) {
	h := History{Items: []json.RawMessage{}}
	c := e.chats.get(key)
	if c == nil {
		return h, nil
	}
	c.mu.Lock()
	h.Head = c.Head
	from, to := q.span(c.Head)
	if r := c.readers[userID]; r != nil {
		from = max(from, r.From)
	}
	fresh := make(map[uint64][]byte)
	for seq, row := range c.unsaved.rows {
		if seq > from && seq <= to {
			fresh[seq] = row.data
		}
	}
	c.mu.Unlock()
	if from >= to {
		return h, nil
	}
	err := e.opt.Store.Scan(ctx, tableMessages, key+"/", key+"/"+posKey(from), func(v store.Value) bool {
		if v.Key > key+"/"+posKey(to) {
			return false
		}
		seq, ok := seqOf(v.Key)
		if _, newer := fresh[seq]; ok && !newer {
			fresh[seq] = slices.Clone(v.Data)
		}
		return true
	})
	if err != nil {
		return h, unavailable("get messages", err)
	}
	for _, seq := range slices.Sorted(maps.Keys(fresh)) {
		h.Items = append(h.Items, fresh[seq])
	}
	return h, nil
}

// span is the messages asked for: those after from, up to to.
func (q HistoryQuery) span(head uint64) (from, to uint64) {
	limit := uint64(pageLimit(q.Limit))
	switch {
	case (q.After > 0 || q.Oldest) && q.Before == 0:
		return q.After, min(head, q.After+limit)
	case q.Before > 0:
		to = min(head, q.Before-1)
	default:
		to = head
	}
	if to > limit {
		from = to - limit
	}
	return from, to
}
