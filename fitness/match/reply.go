package match

import "github.com/fitmq/fitmq/fitness"

// MaxReplyBytes is the length limit of a reply and of a block.
const MaxReplyBytes = 512

// Reply is the answer to a proposal.
type Reply struct {
	PartnerID string
	Accept    bool
}

// ParseReply reads an answer. Errors: Malformed, Invalid.
func ParseReply(data []byte) (Reply, error) {
	var p struct {
		PartnerID *string `json:"partnerId"`
		Accept    *bool   `json:"accept"`
	}
	if err := fitness.Decode(data, MaxReplyBytes, &p); err != nil {
		return Reply{}, err
	}
	if err := fitness.CheckKey("partnerId", p.PartnerID); err != nil {
		return Reply{}, err
	}
	if p.Accept == nil {
		return Reply{}, missing("accept")
	}
	return Reply{PartnerID: *p.PartnerID, Accept: *p.Accept}, nil
}

// Block is who is never to be met: a partner of a proposal, or a user whose id is
// known. One of the two is set.
type Block struct{ PartnerID, UserID string }

// ParseBlock reads a block. Errors: Malformed, Invalid.
func ParseBlock(data []byte) (Block, error) {
	var p struct {
		PartnerID *string `json:"partnerId"`
		UserID    *string `json:"userId"`
	}
	if err := fitness.Decode(data, MaxReplyBytes, &p); err != nil {
		return Block{}, err
	}
	switch {
	case p.PartnerID != nil && p.UserID != nil:
		return Block{}, fitness.Errorf("", fitness.Invalid, "partnerId and userId exclude each other")
	case p.UserID != nil:
		if err := fitness.CheckKey("userId", p.UserID); err != nil {
			return Block{}, err
		}
		return Block{UserID: *p.UserID}, nil
	}
	if err := fitness.CheckKey("partnerId", p.PartnerID); err != nil {
		return Block{}, err
	}
	return Block{PartnerID: *p.PartnerID}, nil
}
