package bolt

// WithFailpoint returns options under which f decides whether a step fails:
// log.before (nothing is written yet), log.after (the kernel has it, the sync
// failed), log.create, log.sync, tables.before, tables.after, tables.recover.
func (o Options) WithFailpoint(f func(step string) error) Options {
	o.failpoint = f
	return o
}

// CollideIDs makes every record id hash to the same value.
func (s *Store) CollideIDs() { s.journal.ids.hash = func([]byte) uint64 { return 1 } }

// Handover returns how many entries are kept for the tail's readers.
func (s *Store) Handover() int {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	return s.hub.entries
}

// WatchQueue is the bound of a watcher's queue.
const WatchQueue = watchQueue
