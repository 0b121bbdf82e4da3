package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fitmq/fitmq/store"
)

// The tables of conversations, with their keys.
const (
	tableConversations = "conversations" // group id: groupRecord
	tableHeads         = "chat_heads"    // conversation: headRecord
	tableReaders       = "chat_readers"  // conversation/uid: readerRecord
	tableMessages      = "chat_messages" // conversation/seq in 16 hex digits: the message
	tableMessageIDs    = "chat_ids"      // conversation/messageId/sender: messageAt
)

// posKey writes a number so that the order of keys is the order of numbers.
func posKey(n uint64) string { return fmt.Sprintf("%016x", n) }

// storedID reads where a message is from the table: the sender's, or that of
// whoever wrote last under that id.
func (e *Engine) storedID(prefix, sender string) (at messageAt, known bool, err error) {
	ctx := context.Background()
	if sender == "" {
		err = e.opt.Store.Scan(ctx, tableMessageIDs, prefix, "", func(v store.Value) bool {
			if m, ok := decodeAt(v.Data); ok && m.seq > at.seq {
				at, known = m, true
			}
			return true
		})
		return at, known, err
	}
	v, err := e.opt.Store.Get(ctx, tableMessageIDs, prefix+sender)
	if errors.Is(err, store.ErrNotFound) {
		return at, false, nil
	}
	if err != nil {
		return at, false, fmt.Errorf("get %s/%s: %w", tableMessageIDs, prefix+sender, err)
	}
	if at, known = decodeAt(v.Data); !known {
		return at, false, fmt.Errorf("%s/%s has %d bytes, want 16", tableMessageIDs, prefix+sender, len(v.Data))
	}
	return at, true, nil
}

// encode is the stored form: seq and position, 8 bytes big endian each.
func (a messageAt) encode() []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, a.seq), uint64(a.pos))
}

func decodeAt(b []byte) (messageAt, bool) {
	if len(b) != 16 {
		return messageAt{}, false
	}
	return messageAt{seq: binary.BigEndian.Uint64(b), pos: store.Pos(binary.BigEndian.Uint64(b[8:]))}, true
}

// storedRow reads a message from the table, nil where there is none.
func (e *Engine) storedRow(key string, seq uint64) ([]byte, error) {
	v, err := e.opt.Store.Get(context.Background(), tableMessages, key+"/"+posKey(seq))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("get %s/%s: %w", tableMessages, key, err)
	}
	return v.Data, nil
}

// chatPuts is what a checkpoint writes of conversations, by table.
type chatPuts struct{ rows, ids, readers, heads []store.Put }

// takeDirty takes the conversations that have something to save.
func (s *chats) takeDirty() map[*conversation]struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	dirty := s.dirty
	s.dirty = make(map[*conversation]struct{})
	return dirty
}

// gather adds what the conversation has to save, and returns the version of it.
func (c *conversation) gather(p *chatPuts) (version uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for seq, r := range c.unsaved.rows {
		p.rows = append(p.rows, store.Put{Key: c.key + "/" + posKey(seq), Data: r.data})
	}
	for key, id := range c.unsaved.ids {
		p.ids = append(p.ids, store.Put{Key: key, Data: id.encode()})
	}
	for userID := range c.unsaved.readers {
		put := store.Put{Key: c.key + "/" + userID}
		if r := c.readers[userID]; r != nil {
			put.Data = encode(r)
		}
		p.readers = append(p.readers, put)
	}
	clear(c.unsaved.readers)
	if c.unsaved.head {
		p.heads = append(p.heads, store.Put{Key: c.key, Data: encode(c.headRecord)})
	}
	c.unsaved.head = false
	return c.unsaved.version
}

// saved forgets what gather gave up to that version, and returns how many
// messages that were. Who reads meanwhile found it here.
func (c *conversation) saved(version uint64) (n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for seq, r := range c.unsaved.rows {
		if r.version <= version {
			delete(c.unsaved.rows, seq)
		}
	}
	for key, id := range c.unsaved.ids {
		if id.version <= version {
			delete(c.unsaved.ids, key)
			n++
		}
	}
	return n
}

// notSaved has everything written again after a failure.
func (c *conversation) notSaved() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unsaved.head = true
	for userID := range c.readers {
		c.unsaved.readers[userID] = struct{}{}
	}
}

// saveChats writes what has changed of conversations. The heads go last: a crash
// before them gives the messages behind them the same seq again.
func (e *Engine) saveChats(ctx context.Context) error {
	dirty := e.chats.takeDirty()
	versions := make(map[*conversation]uint64, len(dirty))
	var p chatPuts
	for c := range dirty {
		versions[c] = c.gather(&p)
	}
	var err error
	for _, t := range []struct {
		table string
		puts  []store.Put
	}{{tableMessages, p.rows}, {tableMessageIDs, p.ids}, {tableReaders, p.readers}, {tableHeads, p.heads}} {
		if err == nil {
			err = e.putMany(ctx, t.table, t.puts)
		}
	}
	for c := range dirty {
		if err == nil {
			e.chats.unsaved.Add(-c.saved(versions[c]))
			continue
		}
		c.notSaved()
		e.chats.changed(c)
	}
	return err
}

// anyDirty reports whether there is something to save.
func (s *chats) anyDirty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.dirty) > 0
}

// loadChats brings back groups, heads, and how far members have come.
func (e *Engine) loadChats(ctx context.Context, _ time.Time) error {
	err := scan(ctx, e.opt.Store, tableHeads, "", func(key string, rec *headRecord) {
		e.chats.open(key).headRecord = *rec
	})
	if err == nil {
		err = scan(ctx, e.opt.Store, tableConversations, "", func(key string, rec *groupRecord) {
			e.chats.open(key).group = rec
		})
	}
	if err == nil {
		err = scan(ctx, e.opt.Store, tableReaders, "", func(key string, rec *readerRecord) {
			id, user, _ := strings.Cut(key, "/")
			if c := e.chats.get(id); c != nil {
				*e.chats.reader(c, user) = *rec
			}
		})
	}
	if err != nil {
		return err
	}
	for key, c := range e.chats.m { // nobody else is here yet
		e.settleMembers(key, c)
	}
	return nil
}
