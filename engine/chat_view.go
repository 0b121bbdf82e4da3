package engine

import (
	"maps"
	"slices"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/topics"
)

// Conversation is a group or a conversation of two, as one of its members sees
// it: Head is the seq of the last message, Unread how many the member has not
// read. People are the members with how far each has come, in the order of Members.
type Conversation struct {
	ID        string               `json:"conversationId"`
	Title     string               `json:"title,omitempty"`
	Owner     string               `json:"owner,omitempty"`
	Members   []string             `json:"members"`
	People    []ConversationMember `json:"people,omitempty"`
	CreatedAt time.Time            `json:"createdAt,omitzero"`
	Head      uint64               `json:"head"`
	Read      uint64               `json:"read"`
	Unread    uint64               `json:"unread"`
}

// ConversationMember is a member of a conversation: the first message is the one
// after From, the last one that a client of theirs has is Delivered, the last that
// they have read is Read.
type ConversationMember struct {
	UserID    string `json:"userId"`
	Name      string `json:"name"`
	From      uint64 `json:"from"`
	Delivered uint64 `json:"delivered"`
	Read      uint64 `json:"read"`
}

// Conversation returns the conversation as the user sees it. Error: NotFound.
func (e *Engine) Conversation(id, userID string) (Conversation, error) {
	c := e.chats.get(id)
	if c == nil || c.isSession() {
		if a, b, ok := topics.SplitDirect(id); ok && (userID == a || userID == b) {
			return Conversation{ID: id, Members: []string{a, b}, People: []ConversationMember{ // nothing was said yet
				{UserID: a, Name: e.name(a)}, {UserID: b, Name: e.name(b)},
			}}, nil
		}
		return Conversation{}, fitness.Errorf("get conversation", fitness.NotFound, "conversation %.130s does not exist", id)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	res := Conversation{ID: id, Members: slices.Sorted(maps.Keys(c.readers)), Head: c.Head}
	if g := c.group; g != nil {
		res.Title, res.Owner, res.CreatedAt = g.Title, g.Owner, g.CreatedAt
	} else if len(c.readers) == 0 {
		return Conversation{}, fitness.Errorf("get conversation", fitness.NotFound, "conversation %.130s does not exist", id)
	}
	for _, id := range res.Members {
		r := c.readers[id]
		res.People = append(res.People, ConversationMember{
			UserID: id, Name: e.name(id), From: r.From, Delivered: max(r.Delivered, r.Read), Read: r.Read,
		})
	}
	if r := c.readers[userID]; r != nil {
		res.Read, res.Unread = r.seen(), c.unread(r)
	}
	return res, nil
}

// maxPeopleListed is up to how many members a list of conversations tells of each.
const maxPeopleListed = 50

// Conversations returns up to limit (100 where it is 0, at most 1000) of the
// user's conversations by rising id from the first one after the cursor, and the
// next cursor, "" at the end.
func (e *Engine) Conversations(userID, after string, limit int) (list []Conversation, next string) {
	var ids []string
	for _, c := range e.chats.of(userID) {
		if c.key > after {
			ids = append(ids, c.key)
		}
	}
	slices.Sort(ids)
	if limit = pageLimit(limit); len(ids) > limit {
		ids, next = ids[:limit], ids[limit-1]
	}
	for _, id := range ids {
		c, err := e.Conversation(id, userID)
		if err != nil {
			continue // it is gone since
		}
		if len(c.People) > maxPeopleListed {
			c.People = nil // a list of large groups would be a long one
		}
		list = append(list, c)
	}
	return list, next
}
