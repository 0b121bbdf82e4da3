package chat_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/fitmq/fitmq/fitness"
	"github.com/fitmq/fitmq/fitness/chat"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func parse(t *testing.T, payload string) chat.Message {
	t.Helper()
	m, err := chat.Parse([]byte(payload))
	if err != nil {
		t.Fatalf("%s: %v", payload, err)
	}
	return m
}

func TestParse(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		for payload, want := range map[string]chat.Message{
			`{"content":"hi"}`: {Content: "hi"},
			`{"type":"chat","content":"hi","messageId":"m1","mood":1}`:   {Content: "hi", ID: "m1"},
			`{"kind":"edit","target":"m1","content":"ho"}`:               {Kind: chat.Edit, Target: "m1", Content: "ho"},
			`{"kind":"delete","target":"m1","content":"no longer"}`:      {Kind: chat.Delete, Target: "m1"},
			`{"content":"` + strings.Repeat("é", chat.MaxContent) + `"}`: {Content: strings.Repeat("é", chat.MaxContent)},
			`{"content":"x","senderId":"ana"}`:                           {Content: "x", Sender: "ana"},
		} {
			got := parse(t, payload)
			got.Fields = nil
			if got.Kind != want.Kind || got.ID != want.ID || got.Target != want.Target || got.Content != want.Content || got.Sender != want.Sender {
				t.Errorf("%.60s: got %+v, want %+v", payload, got, want)
			}
		}
	})
	for payload, want := range map[string]struct {
		kind fitness.Kind
		text string
	}{
		`hello`:                                     {fitness.Malformed, "not a JSON object"},
		`{"content":7}`:                             {fitness.Malformed, "content cannot be a number"},
		`{}`:                                        {fitness.Malformed, "content is missing"},
		`{"content":"  "}`:                          {fitness.Malformed, "content is missing"},
		`{"content":"x","type":"status"}`:           {fitness.Invalid, `type "status" is not chat`},
		`{"content":"x","messageId":"a b"}`:         {fitness.Invalid, "messageId"},
		`{"content":"x","messageId":"a/b"}`:         {fitness.Invalid, "messageId"},
		`{"content":"x","kind":"shout"}`:            {fitness.Invalid, "is not edit or delete"},
		`{"kind":"edit","content":"x"}`:             {fitness.Malformed, "target is missing"},
		`{"content":"x","kind":"edit","target":""}`: {fitness.Invalid, "target"},
		`{"content":"` + strings.Repeat("é", chat.MaxContent+1) + `"}`: {fitness.Invalid, "content of 4001 is over the limit of 4000 characters"},
		`{"content":"` + strings.Repeat("x", chat.MaxBytes) + `"}`:     {fitness.Invalid, "over the limit of 65536 bytes"},
	} {
		_, err := chat.Parse([]byte(payload))
		if fitness.KindOf(err) != want.kind || !strings.Contains(fitness.Message(err), want.text) {
			t.Errorf("%.60s: got %v (%v), want %v with %q", payload, err, fitness.KindOf(err), want.kind, want.text)
		}
	}
}

func TestMessage_Stamp(t *testing.T) {
	m := parse(t, `{"content":"hi","seq":99,"conversation":"x","sessionId":"y","mood":{"a":[1]}}`)
	m.ID = "m1"
	m.Stamp("ana", chat.Place{Conversation: "ana.ben", Recipient: "ben"}, noon)
	if m.Fields["seq"] != nil {
		t.Error("the client's own seq is still there")
	}
	m.Number(7)
	var got map[string]any
	if err := json.Unmarshal(m.Encode(), &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"type": "chat", "content": "hi", "senderId": "ana", "recipientId": "ben", "timestamp": "2026-05-01T12:00:00Z",
		"messageId": "m1", "conversation": "ana.ben", "seq": 7.0, "sessionId": nil,
	} {
		if got[name] != want {
			t.Errorf("%s: got %v, want %v", name, got[name], want)
		}
	}
	if mood, _ := json.Marshal(got["mood"]); string(mood) != `{"a":[1]}` {
		t.Errorf("an unknown member: got %s, want it as it came", mood)
	}
	back, err := chat.Decode(m.Encode())
	if err != nil || back.ID != "m1" || back.Seq != 7 || back.Sender != "ana" || back.Content != "hi" || !back.Timestamp.Equal(noon) {
		t.Errorf("decoded: got %+v, %v", back, err)
	}
}

func TestMessage_Change(t *testing.T) {
	m := parse(t, `{"content":"hi","photo":"https://x.example/1.jpg"}`)
	m.ID = "m1"
	m.Stamp("ana", chat.Place{Session: "s1"}, noon)
	m.Number(3)
	edit := chat.Message{Kind: chat.Edit, Content: "ho", Timestamp: noon.Add(time.Second)}
	m.Change(&edit)
	if s := string(m.Encode()); !strings.Contains(s, `"content":"ho"`) || !strings.Contains(s, `"editedAt":"2026-05-01T12:00:01Z"`) || m.Deleted() {
		t.Errorf("edited: got %s", s)
	}
	m.Change(&chat.Message{Kind: chat.Delete, Timestamp: noon.Add(time.Minute)})
	s := string(m.Encode())
	if strings.Contains(s, "ho") || strings.Contains(s, "photo") || !strings.Contains(s, `"seq":3`) || !m.Deleted() {
		t.Errorf("deleted: got %s, want neither content nor attachment and the seq", s)
	}
}

func TestParseTyping(t *testing.T) {
	b, err := chat.ParseTyping([]byte(`{}`), "ana", noon)
	if want := `{"senderId":"ana","timestamp":"2026-05-01T12:00:00Z","typing":true}`; err != nil || string(b) != want {
		t.Errorf("got %s, %v, want %s", b, err, want)
	}
	if b, err = chat.ParseTyping([]byte(`{"typing":false}`), "ana", noon); err != nil || !strings.Contains(string(b), "false") {
		t.Errorf("got %s, %v", b, err)
	}
	for _, payload := range []string{`x`, `{"typing":"yes"}`, `{"senderId":"ben"}`} {
		if b, err := chat.ParseTyping([]byte(payload), "ana", noon); err == nil {
			t.Errorf("%s: got %s, want it refused", payload, b)
		}
	}
}

func TestParseRead(t *testing.T) {
	if id, err := chat.ParseRead([]byte(`{"messageId":"m1"}`)); err != nil || id != "m1" {
		t.Errorf("got %q, %v", id, err)
	}
	for _, payload := range []string{``, `{}`, `{"messageId":1}`, `{"messageId":"a/b"}`} {
		if id, err := chat.ParseRead([]byte(payload)); err == nil {
			t.Errorf("%s: got %q, want it refused", payload, id)
		}
	}
}
