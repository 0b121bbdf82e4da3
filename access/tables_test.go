package access_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fitmq/fitmq/store"
)

// memTables is the tables' promise in memory, for one table.
type memTables struct {
	mu       sync.Mutex
	rows     map[string]store.Value
	rev      store.Rev
	watchers map[int]func(store.Change)
	watching chan struct{} // gets one for each Watch that has begun
	fail     error         // what writes return, when set
}

func newMemTables() *memTables {
	return &memTables{rows: map[string]store.Value{}, watchers: map[int]func(store.Change){}, watching: make(chan struct{}, 8)}
}

var _ store.Tables = (*memTables)(nil)

func (m *memTables) Get(_ context.Context, _, key string) (store.Value, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.rows[key]
	if !ok {
		return store.Value{}, store.ErrNotFound
	}
	return v, nil
}

func (m *memTables) Put(_ context.Context, _, key string, data []byte, cond store.Cond, _ time.Duration) (store.Rev, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return 0, m.fail
	}
	if !cond.Holds(m.rows[key].Rev) {
		return 0, store.ErrConflict
	}
	m.rev++
	m.rows[key] = store.Value{Key: key, Data: slices.Clone(data), Rev: m.rev}
	m.tell(m.rows[key])
	return m.rev, nil
}

func (m *memTables) PutMany(ctx context.Context, table string, puts []store.Put) error {
	for _, p := range puts {
		if _, err := m.Put(ctx, table, p.Key, p.Data, store.Any, 0); err != nil {
			return err
		}
	}
	return nil
}

func (m *memTables) Delete(_ context.Context, _, key string, cond store.Cond) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	v, ok := m.rows[key]
	if !ok {
		return store.ErrNotFound
	}
	if !cond.Holds(v.Rev) {
		return store.ErrConflict
	}
	delete(m.rows, key)
	m.tell(store.Change{Key: key})
	return nil
}

func (m *memTables) Scan(_ context.Context, _, prefix, after string, fn func(store.Value) bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	keys := make([]string, 0, len(m.rows))
	for k := range m.rows {
		if strings.HasPrefix(k, prefix) && k > after {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		if !fn(m.rows[k]) {
			break
		}
	}
	return nil
}

func (m *memTables) Watch(ctx context.Context, _, _ string, fn func(store.Change)) error {
	m.mu.Lock()
	id := len(m.watchers)
	m.watchers[id] = fn
	m.mu.Unlock()
	m.watching <- struct{}{}
	<-ctx.Done()
	m.mu.Lock()
	delete(m.watchers, id)
	m.mu.Unlock()
	return nil
}

// tell is called with mu held.
func (m *memTables) tell(c store.Change) {
	for _, fn := range m.watchers {
		fn(c)
	}
}
