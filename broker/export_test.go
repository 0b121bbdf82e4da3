package broker

import "github.com/fitmq/fitmq/delivery"

// Emit publishes as the broker itself, so that tests can see to whom any topic is
// delivered: at QoS 1 and retained, or at QoS 0.
func (b *Broker) Emit(topic, payload string, retain bool) {
	qos := byte(0)
	if retain {
		qos = 1
	}
	b.emit(&delivery.Message{Topic: topic, Payload: []byte(payload), QoS: qos, Retain: retain})
}

// EmitStored publishes as the broker at QoS 1.
func (b *Broker) EmitStored(topic, payload string) {
	b.emit(&delivery.Message{Topic: topic, Payload: []byte(payload), QoS: 1})
}

func (b *Broker) emit(m *delivery.Message) { b.hub.Publish(m, "") }
