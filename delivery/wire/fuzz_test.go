package wire_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/fitmq/fitmq/delivery/wire"
)

func seed(f *testing.F, version byte, packets ...string) {
	f.Helper()
	for _, p := range packets {
		f.Add(version, unhex(f, p))
	}
}

// checkError fails on an error that is not the package's own.
func checkError(t *testing.T, err error) {
	t.Helper()
	e, ok := err.(*wire.Error)
	if !ok || !e.Code.Failed() || e.Reason == "" {
		t.Fatalf("got %T %v, want an *Error with a failure code and a reason", err, err)
	}
}

func FuzzHeader(f *testing.F) {
	for _, s := range []string{"c000", "30 80 01", "30 ffffff7f", "30 ffffffff", "82 05 0001000000"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		header, remaining, size, err := wire.Header(b)
		if err != nil {
			checkError(t, err)
			return
		}
		if size > len(b) || size > 5 || remaining > wire.MaxRemaining || remaining < 0 {
			t.Fatalf("got remaining %d, size %d of %d bytes", remaining, size, len(b))
		}
		if size > 0 && (header != b[0] || size < wire.HeaderSize(remaining)) {
			t.Fatalf("got header %x, size %d for remaining %d", header, size, remaining)
		}
	})
}

func FuzzParseConnect(f *testing.F) {
	for _, s := range []string{
		v4 + "02 003c 0001'c'", v4 + "c6 003c 0001'c' 0001't' 0001'p' 0001'u' 0001'p'",
		v5 + "16 000a 1c 1100000078 210014 2700001000 220005 1901 1700 15 0001'm' 16 0001'd' 0001'c' 05 1800000005 0001't' 0001'p'",
		"0006'MQIsdp' 03 00 003c 0001'c'",
	} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := wire.ParseConnect(b)
		if err != nil {
			checkError(t, err)
			wire.AppendConnack(nil, c.Version, false, err.(*wire.Error).Code, "r")
			return
		}
		frame := c.EngineFrame()
		_, _, size, err := wire.Header(frame)
		if err != nil {
			t.Fatal(err)
		}
		again, err := wire.ParseConnect(frame[size:])
		if err != nil {
			t.Fatalf("the engine's frame %x is refused: %v", frame, err)
		}
		if again.ClientID != c.ClientID || again.UserName != c.UserName || !bytes.Equal(again.Password, c.Password) {
			t.Fatalf("got %+v, want %+v", again, c)
		}
	})
}

func FuzzPublish_Parse(f *testing.F) {
	seed(f, 4, "31 0003'a/b' 'hi'", "3c 0003'a/b' 0102 'hi'", "30 0003'a/+'")
	seed(f, 5, "30 0001'a' 02 0101 'x'", "32 0001'a' 0001 17 26 0001'b' 0001'1' 0101 26 0001'a' 0001'2' 26 0001'c' 0001'3' 'x'", "30 0000 03 23 0005 'x'")
	f.Fuzz(func(t *testing.T, version byte, b []byte) {
		if len(b) == 0 {
			return
		}
		var p wire.Publish
		if err := p.Parse(version, b[0], b[1:]); err != nil {
			checkError(t, err)
			return
		}
		if len(p.Topic) == 0 {
			p.Topic = []byte("alias")
		}
		out := wire.PublishOut{Topic: string(p.Topic), Payload: p.Payload, QoS: p.QoS, Retain: p.Retain, Dup: p.Dup, PacketID: p.PacketID,
			Props: &p.Props, TopicAlias: p.Props.TopicAlias}
		frame, _ := wire.AppendPublish(nil, version, &out)
		header, remaining, size, err := wire.Header(frame)
		if err != nil || size+remaining != len(frame) {
			t.Fatalf("got header %d+%d, %v for %d bytes", size, remaining, err, len(frame))
		}
		var again wire.Publish
		if err := again.Parse(version, header, frame[size:]); err != nil {
			t.Fatalf("what was encoded is refused: %v", err)
		}
		if !reflect.DeepEqual(again, p) && len(p.Payload) > 0 {
			t.Fatalf("got %+v, want %+v", again, p)
		}
	})
}

func FuzzParseAck(f *testing.F) {
	seed(f, 4, "40 0007", "62 0007")
	seed(f, 5, "40 0007 97 0e 1f 0004'full' 26 0001'a' 0001'b'", "70 0007 92")
	f.Fuzz(func(t *testing.T, version byte, b []byte) {
		if len(b) == 0 {
			return
		}
		a, err := wire.ParseAck(version, b[0], b[1:])
		if err != nil {
			checkError(t, err)
		} else if a.PacketID == 0 {
			t.Fatal("got packet id 0")
		}
	})
}

func FuzzParseSubscribe(f *testing.F) {
	seed(f, 4, "0001 0003'a/b' 01")
	seed(f, 5, "0001 02 0b 07 0001'#' 2e 0001'b' 10", "0001 00 0000")
	f.Fuzz(func(t *testing.T, version byte, b []byte) {
		s, err := wire.ParseSubscribe(version, b)
		if err != nil {
			checkError(t, err)
			return
		}
		if s.PacketID == 0 || len(s.Subscriptions) == 0 {
			t.Fatalf("got %+v", s)
		}
		for _, sub := range s.Subscriptions {
			if sub.Filter == "" || sub.QoS > 2 || sub.RetainHandling > 2 {
				t.Fatalf("got %+v", sub)
			}
		}
	})
}

func FuzzParseUnsubscribe(f *testing.F) {
	seed(f, 4, "0001 0003'a/b' 0001'#'")
	seed(f, 5, "0001 07 26 0001'a' 0001'b' 0001'a'")
	f.Fuzz(func(t *testing.T, version byte, b []byte) {
		u, err := wire.ParseUnsubscribe(version, b)
		if err != nil {
			checkError(t, err)
		} else if u.PacketID == 0 || len(u.Filters) == 0 {
			t.Fatalf("got %+v", u)
		}
	})
}

func FuzzParseDisconnect(f *testing.F) {
	seed(f, 5, "", "04", "00 0b 11 0000000a 1f 0003'bye'")
	f.Fuzz(func(t *testing.T, version byte, b []byte) {
		d, err := wire.ParseDisconnect(version, b)
		if err != nil {
			checkError(t, err)
		} else if d.Code == wire.ServerShuttingDown {
			t.Fatal("a client sent a server's code")
		}
	})
}
