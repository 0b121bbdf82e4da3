package broker_test

import (
	"strings"
	"testing"

	"github.com/fitmq/fitmq/broker"
	"github.com/fitmq/fitmq/config"
)

// The rules of the configuration decide for MQTT and for HTTP alike.
func TestBroker_ACLRules(t *testing.T) {
	s := start(t, func(o *broker.Options) {
		o.Config.ACL.Rules = []config.ACLRule{
			{Deny: config.Both, Topic: "plant/secret/#"},
			{Allow: config.Publish, Topic: "plant/%c/up", User: "ana"},
			{Allow: config.Both, Topic: "home/%u/#"},
			{Allow: config.Subscribe, Topic: "plant/#", User: "ben"},
		}
	})
	ana := mustDial(t, s, 5, "m1", "ana", "ana-secret")
	ben := mustDial(t, s, 5, "m2", "ben", "ben-secret")
	for filter, want := range map[string]byte{
		"plant/m1/#": 1, "plant/+/up": 0x87, "plant/#": 0x87, "plant/secret": 0x87, "$share/g/plant/m1/up": 1, "home/ben/#": 1, "home/+/x": 0x87, "#": 0x87,
	} {
		if got := ben.subscribe(filter); got != want {
			t.Errorf("subscribe %s: got %#x, want %#x", filter, got, want)
		}
	}
	if got := ana.subscribe("plant/m1/up"); got != 0x87 {
		t.Errorf("who may publish may subscribe: %#x", got)
	}
	for topic, want := range map[string]byte{"plant/m1/up": 0, "plant/m2/up": 0x87, "plant/secret/x": 0x87, "home/ana/door": 0x10, "home/ben/door": 0x87} {
		if got := ana.publish(topic, "x"); got != want {
			t.Errorf("publish %s: got %#x, want %#x", topic, got, want)
		}
	}
	rest(t, s, "ana", "ana-secret", "POST", "/publish", `{"topic":"home/ana/light","payload":"on","retain":true}`, 200)
	answer := rest(t, s, "ana", "ana-secret", "POST", "/publish", `{"topic":"plant/secret/x","payload":"on"}`, 403)
	if !strings.Contains(string(answer), "rule 1 of acl.rules denies it") {
		t.Errorf("got %s", answer)
	}
	// There is no client id over HTTP that %c could stand for.
	rest(t, s, "ana", "ana-secret", "POST", "/publish", `{"topic":"plant/http/up","payload":"on"}`, 403)
	if got := rest(t, s, "ana", "ana-secret", "GET", "/retained?filter=home/ana/%23", "", 200); !strings.Contains(string(got), `"home/ana/light"`) {
		t.Errorf("got %s", got)
	}
	rest(t, s, "ben", "ben-secret", "GET", "/retained?filter=home/ana/%23", "", 403)
}
