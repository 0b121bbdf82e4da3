package bolt

import (
	"errors"
	"fmt"
)

// schemaVersion is what this code writes. Directories of older versions are
// migrated when they are opened, newer ones are refused.
const schemaVersion = 2

// migrations lead from a schema version to the next one. Each is given the open
// store, before anybody uses it, and may run again after a crash in the middle;
// nil where the old data are valid as they are and only an older program must
// keep away from now on.
var migrations = map[int]func(*Store) error{
	1: nil, // steps of QoS 2 exchanges have a flag more, which version 1 would misread
}

// migrate brings the directory to schemaVersion, a version at a time; each is
// written down when it is reached.
func (s *Store) migrate(dir string, version int) error {
	for ; version < schemaVersion; version++ {
		if run := migrations[version]; run != nil {
			if err := run(s); err != nil {
				return fmt.Errorf("migrate from schema version %d to %d: %w", version, version+1, err)
			}
		}
		if err := writeVersion(dir, version+1); err != nil {
			return fmt.Errorf("migrate from schema version %d to %d: %w", version, version+1, err)
		}
	}
	return nil
}

// shut releases what open has opened, where no writer runs yet.
func (s *Store) shut() error {
	var errs error
	for _, g := range *s.journal.gens.Load() {
		errs = errors.Join(errs, g.close())
	}
	return errors.Join(errs, s.tables.db.Close(), s.lock.Close())
}
