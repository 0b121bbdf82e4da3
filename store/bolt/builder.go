package bolt

import (
	"hash/maphash"

	"github.com/fitmq/fitmq/store"
)

// builder turns a batch of operations into what is written and published.
type builder struct {
	entries []store.Entry        // the new records with their positions
	stored  [][]byte             // their stored forms
	size    int64                // of the stored forms together
	pending map[string]store.Pos // ids within the batch
}

// fill builds the batch: it gives positions to the records whose ids are new.
func (b *builder) fill(batch []*journalOp, last store.Pos, ids *idSet) error {
	b.entries, b.stored, b.size = b.entries[:0], b.stored[:0], 0
	clear(b.pending)
	next := last + 1
	for _, op := range batch {
		op.last = 0
		for i := range op.entries {
			id := op.entries[i].ID
			pos, err := b.known(id, ids)
			if err != nil {
				return err
			}
			if pos == 0 {
				pos = next
				next++
				b.add(op.entries[i], op.stored[i], pos)
			}
			op.last = max(op.last, pos)
		}
		if len(op.entries) == 0 {
			op.last = next - 1
		}
	}
	return nil
}

// done ends the use of a batch. What was given to the tail's readers is theirs;
// other memory is used again, unless one large batch made it large.
func (b *builder) done(given bool) {
	const keep = 1 << 16
	if given || cap(b.entries) > keep {
		b.entries = nil
	}
	if cap(b.stored) > keep {
		b.stored = nil
	}
	clear(b.entries)
	clear(b.stored)
}

// known returns the position of a record with that id, or 0.
func (b *builder) known(id string, ids *idSet) (store.Pos, error) {
	if id == "" {
		return 0, nil
	}
	if pos := b.pending[id]; pos != 0 {
		return pos, nil
	}
	return ids.find(id)
}

func (b *builder) add(e store.Entry, stored []byte, pos store.Pos) {
	e.Pos = pos
	b.entries = append(b.entries, e)
	b.stored = append(b.stored, stored)
	b.size += int64(len(stored))
	if e.ID == "" {
		return
	}
	if b.pending == nil {
		b.pending = make(map[string]store.Pos)
	}
	b.pending[e.ID] = pos
}

// idSet finds the position of a record by its id, in about 25 bytes an id: it
// keeps hashes, and a hit is compared with the record itself. It belongs to the
// writer.
type idSet struct {
	hash   func([]byte) uint64
	byHash map[uint64]store.Pos
	clash  map[string]store.Pos // ids whose hash another id has already
	read   func(store.Pos) (id string, err error)
}

func newIDSet() *idSet {
	seed := maphash.MakeSeed() // of this process: nobody can prepare collisions
	return &idSet{
		hash:   func(id []byte) uint64 { return maphash.Bytes(seed, id) },
		byHash: make(map[uint64]store.Pos),
		clash:  make(map[string]store.Pos),
	}
}

// find returns the position of the record with that id, or 0.
func (s *idSet) find(id string) (store.Pos, error) {
	pos, ok := s.byHash[s.hash([]byte(id))]
	if !ok {
		return 0, nil
	}
	found, err := s.read(pos)
	if err != nil {
		return 0, err
	}
	if found == id {
		return pos, nil
	}
	return s.clash[id], nil
}

func (s *idSet) add(id string, pos store.Pos) { s.addRaw([]byte(id), pos) }

func (s *idSet) addRaw(id []byte, pos store.Pos) {
	h := s.hash(id)
	if _, taken := s.byHash[h]; taken {
		s.clash[string(id)] = pos
		return
	}
	s.byHash[h] = pos
}

// dropBefore forgets the ids of records before the position.
func (s *idSet) dropBefore(floor store.Pos) {
	for h, pos := range s.byHash {
		if pos < floor {
			delete(s.byHash, h)
		}
	}
	// What clashed must stay findable, now that its place may be free.
	clash := s.clash
	s.clash = make(map[string]store.Pos)
	for id, pos := range clash {
		if pos >= floor {
			s.add(id, pos)
		}
	}
}
