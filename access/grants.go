package access

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/fitmq/fitmq/topics"
)

// Bounds of a token's grants: each is looked at for every packet.
const (
	maxGrants     = 32  // filters to publish, and as many to subscribe
	maxGrantBytes = 256 // of one filter
)

// Grants narrow what the bearer of a token may do: of what the user may, only
// what they name. What they do not name is not granted, so an empty list means
// nothing at all. They never add a right.
type Grants struct {
	// Publish are filters; the topics that they match may be published to.
	// user/{me}/token needs none: a fresh token may always be handed in.
	Publish []string `json:"publish,omitempty"`
	// Subscribe are filters; whatever is contained in one of them may be
	// subscribed, and received.
	Subscribe []string `json:"subscribe,omitempty"`
}

// Validate returns an [*InputError] that names what is wrong.
func (g *Grants) Validate() error {
	for _, list := range []struct {
		name    string
		filters []string
	}{{"publish", g.Publish}, {"subscribe", g.Subscribe}} {
		if len(list.filters) > maxGrants {
			return &InputError{fmt.Sprintf("fit.%s has %d filters, more than %d", list.name, len(list.filters), maxGrants)}
		}
		for i, f := range list.filters {
			if len(f) > maxGrantBytes {
				return &InputError{fmt.Sprintf("fit.%s[%d] has %d bytes, more than %d", list.name, i, len(f), maxGrantBytes)}
			}
			if _, _, shared, err := topics.SplitShared(f); err != nil {
				return &InputError{fmt.Sprintf("fit.%s[%d]: %v", list.name, i, err)}
			} else if shared {
				return &InputError{fmt.Sprintf("fit.%s[%d] has a share name: grant the filter without it", list.name, i)}
			}
		}
	}
	return nil
}

// parseGrants reads a token's fit claim; nil where there is none. A member that
// is not known is refused: it may narrow in a way that would be passed over.
func parseGrants(claim json.RawMessage) (*Grants, error) {
	if claim == nil {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(claim))
	d.DisallowUnknownFields()
	var g *Grants
	if err := d.Decode(&g); err != nil {
		return nil, fmt.Errorf("fit: %w", err)
	}
	if _, err := d.Token(); err != io.EOF || g == nil {
		return nil, fmt.Errorf("fit is not an object with publish and subscribe")
	}
	return g, g.Validate()
}

// Equal reports whether both say the same, in the same order.
func (g *Grants) Equal(other *Grants) bool {
	if g == nil || other == nil {
		return g == other
	}
	return slices.Equal(g.Publish, other.Publish) && slices.Equal(g.Subscribe, other.Subscribe)
}

const notGranted = "the token does not grant it"

// publishes reports whether the grants, if any, let a message through.
func (g *Grants) publishes(k topics.Kind, topic string) bool {
	return g == nil || k == topics.UserToken || matchesAny(g.Publish, topic)
}

// receives is publishes for a delivery.
func (g *Grants) receives(topic string) bool { return g == nil || matchesAny(g.Subscribe, topic) }

// covers reports whether all that a filter without a share name matches is
// granted by one of the filters.
func (g *Grants) covers(inner string) bool {
	return g == nil || slices.ContainsFunc(g.Subscribe, func(f string) bool { return topics.Contains(f, inner) })
}

func matchesAny(filters []string, topic string) bool {
	for _, f := range filters {
		if topics.Match(f, topic) {
			return true
		}
	}
	return false
}
