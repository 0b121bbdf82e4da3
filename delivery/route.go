package delivery

// route hands the message to everybody connected who wants it.
func (h *Hub) route(m *Message, mt *matched, from *Session, b *batch) {
	for _, g := range mt.groups {
		g.offer(m, b)
	}
	pos := m.Pos()
	sent := uint64(0)
	for i := range mt.targets {
		t := &mt.targets[i]
		if t.hasLocal && from == t.s {
			if t.local == nil {
				continue // No Local [MQTT-3.8.3-3]
			}
			t = t.local
		}
		if pos != 0 && pos <= t.since {
			continue // older than the subscription
		}
		if h.deliver(t, m, b) {
			sent++
		}
	}
	if sent > 0 {
		h.stats.Delivered[0].Add(sent)
	}
}

// deliver gives the message to one receiver, and reports whether it went out at
// QoS 0.
func (h *Hub) deliver(t *target, m *Message, b *batch) bool {
	qos := min(t.qos, m.QoS)
	retain := m.Retain && t.asPublished // [MQTT-3.3.1-12], [MQTT-3.3.1-13]
	if qos > 0 {
		t.s.offer(t.l, t, m, qos, retain, b)
		return false
	}
	l := t.l
	if l.conn.Buffered() > h.memory.congested() {
		if m.State {
			t.s.offer(l, t, m, 0, retain, b)
			return false
		}
		l.s.drop(dropCongested, m)
		return false
	}
	dirty, ok := l.put(m, 0, 0, retain, false, t.ids)
	if !ok {
		l.s.drop(dropTooLarge, m)
		return false
	}
	l.noteSent(m, 0, 0, retain, false)
	if dirty {
		b.add(l.conn)
	}
	return true
}
