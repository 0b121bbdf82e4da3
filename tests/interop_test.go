package tests_test

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// Messages make the round trip at every QoS and version, and a subscription
// gets the lower of its own QoS and the publisher's.
func TestBroker_QoSRoundTrip(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--dev")
	s.user(t, "ana", "member")
	versions := []string{"mqttv311", "mqttv5"}
	for _, pub := range versions {
		for _, sub := range versions {
			for qos := range 3 {
				t.Run(fmt.Sprintf("%s_to_%s_QoS%d", pub, sub, qos), func(t *testing.T) {
					t.Parallel()
					topic := fmt.Sprintf("test/%s/%s/%d", pub, sub, qos)
					got := mosquittoSub(t, s, "ana", "-V", sub, "-q", fmt.Sprint(qos), "-t", topic)
					low := mosquittoSub(t, s, "ana", "-V", sub, "-q", "0", "-t", topic)
					out := mosquittoPub(t, s, "ana", "-V", pub, "-d", "-q", fmt.Sprint(qos), "-t", topic, "-m", "hello")
					if want := []string{"", "PUBACK", "PUBCOMP"}[qos]; !strings.Contains(out, want) {
						t.Errorf("mosquitto_pub said %q, want %s", out, want)
					}
					got.await(t, fmt.Sprintf("received PUBLISH (d0, q%d, r0", qos))
					got.await(t, "hello")
					if qos == 2 {
						got.await(t, "sending PUBCOMP")
					}
					low.await(t, "received PUBLISH (d0, q0, r0")
				})
			}
		}
	}
}

func TestBroker_Retained(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--dev")
	s.user(t, "ana", "member")
	mosquittoPub(t, s, "ana", "-q", "1", "-r", "-t", "test/kept", "-m", "first")
	mosquittoPub(t, s, "ana", "-q", "1", "-r", "-t", "test/kept", "-m", "second")
	if got, want := retained(t, s, "ana", "test/kept"), "second"; got != want {
		t.Errorf("retained = %q, want %q", got, want)
	}
	mosquittoPub(t, s, "ana", "-q", "1", "-r", "-t", "test/kept", "-n")
	sub := mosquittoSub(t, s, "ana", "-v", "-t", "test/#")
	mosquittoPub(t, s, "ana", "-q", "1", "-t", "test/end", "-m", "of test")
	sub.await(t, "of test")
	if line := sub.find("test/kept"); line != "" {
		t.Errorf("after its removal: %q, want nothing", line)
	}
}

// pythonRoundTrip publishes twenty messages at each QoS to itself, and prints
// them in the order of arrival.
const pythonRoundTrip = `
import sys, threading
import paho.mqtt.client as mqtt

host, port, user, password, version = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])
subscribed, done, got = threading.Event(), threading.Event(), []

def on_connect(client, userdata, flags, rc, properties=None):
    if rc != 0:
        print("connect refused", rc)
        sys.exit(1)
    client.subscribe("test/python/#", 2)

def on_message(client, userdata, m):
    got.append("%s q%d %s" % (m.topic, m.qos, m.payload.decode()))
    if len(got) == 60:
        done.set()

client = mqtt.Client(client_id="python-%d" % version, protocol=version)
client.username_pw_set(user, password)
client.on_connect, client.on_message = on_connect, on_message
client.on_subscribe = lambda *args: subscribed.set()
client.connect(host, port)
client.loop_start()
if not subscribed.wait(20):
    sys.exit("no SUBACK")
for qos in range(3):
    for i in range(20):
        client.publish("test/python/%d" % qos, "%d" % i, qos)
if not done.wait(20):
    sys.exit("only %d of 60 arrived" % len(got))
client.disconnect()
client.loop_stop()
print("\n".join(got))
`

func TestBroker_PythonPaho(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--dev")
	s.user(t, "ana", "member")
	host, port := hostPort(t, s.mqtt)
	for name, version := range map[string]string{"MQTT311": "4", "MQTT5": "5"} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
			defer cancel()
			out, err := exec.CommandContext(ctx, python, "-c", pythonRoundTrip, host, port, "ana", secret("ana"), version).CombinedOutput()
			if err != nil {
				t.Fatalf("python3-paho-mqtt: %v\n%s", err, out)
			}
			for qos := range 3 {
				var got []string
				for _, line := range strings.Split(string(out), "\n") {
					if rest, ok := strings.CutPrefix(line, fmt.Sprintf("test/python/%d q%d ", qos, qos)); ok {
						got = append(got, rest)
					}
				}
				want := "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19"
				if got := strings.Join(got, " "); got != want {
					t.Errorf("QoS %d: got %s, want %s", qos, got, want)
				}
			}
		})
	}
}
