package access

import (
	"slices"
	"strings"
)

const (
	// searchLook bounds how many users one call of Search looks at: whoever asks
	// goes on with next, and nobody is kept waiting for a rare name among millions.
	searchLook = 100_000
	// searchHold is how many of them are looked at before writers get their turn.
	searchHold = 5_000
)

// Search returns at most limit users behind the id after whose id begins with the
// text or whose name has it anywhere, whatever the case, in byte order of the ids.
// It looks at 100,000 users at most: next is where to go on, also where none of
// these fitted, and "" at the end. Text that is empty finds everybody.
func (u *Users) Search(text, after string, limit int) (list []User, next string) {
	if limit < 1 {
		return nil, ""
	}
	text = strings.ToLower(text)
	for looked := 0; looked < searchLook && len(list) < limit; looked += searchHold {
		found, last := u.searchPart(text, after, limit-len(list))
		list = append(list, found...)
		if after = last; last == "" {
			break
		}
	}
	return list, after
}

// searchPart looks at the next users behind after, until limit are found; last is
// the one that it came to, "" at the end.
func (u *Users) searchPart(text, after string, limit int) (list []User, last string) {
	u.mu.RLock()
	defer u.mu.RUnlock()
	i, there := slices.BinarySearch(u.ids, after)
	if there {
		i++
	}
	for end := min(len(u.ids), i+searchHold); i < end && len(list) < limit; i++ {
		last = u.ids[i]
		if a := u.accounts[last]; a.found(text) {
			list = append(list, a.User)
		}
	}
	if i == len(u.ids) {
		return list, ""
	}
	return list, last
}

// found reports whether the account is one that lower-case text looks for.
func (a *account) found(text string) bool {
	return strings.HasPrefix(strings.ToLower(a.ID), text) || strings.Contains(strings.ToLower(a.Name), text)
}

// lastAdmin reports whether the user is the only one left who may sign in as an
// administrator.
func (u *Users) lastAdmin(id string) bool {
	u.mu.RLock()
	defer u.mu.RUnlock()
	if a := u.accounts[id]; a == nil || !a.admin() {
		return false
	}
	return u.admins == 1
}

func (a *account) admin() bool { return a != nil && a.Role == Admin && !a.Disabled }
