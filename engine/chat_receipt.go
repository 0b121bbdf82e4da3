package engine

// Acknowledged tells that the client has a message of its user's feed. What
// means nothing here is passed over.
func (e *Engine) Acknowledged(s Sender, topic string, payload []byte) {}
