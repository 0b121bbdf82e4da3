package broker

import "github.com/fitmq/fitmq/delivery"

// Emit publishes as the broker itself, so that tests can see to whom any topic is
// delivered.
func (b *Broker) Emit(topic, payload string, retain bool) {
	qos := byte(0)
	if retain {
		qos = 1
	}
	b.hub.Publish(&delivery.Message{Topic: topic, Payload: []byte(payload), QoS: qos, Retain: retain}, "")
}
