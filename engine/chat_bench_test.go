package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/fitmq/fitmq/engine"
	"github.com/fitmq/fitmq/store"
)

// sink is a publisher that takes everything.
type sink struct{}

func (sink) Publish(m engine.Outgoing) {
	if m.Stored != nil {
		m.Stored(nil)
	}
}

// BenchmarkEngine_Chat is a message's way through judging, stamping, numbering
// and the fan-out, without the data plane: of two, and in a group of 100.
func BenchmarkEngine_Chat(b *testing.B) {
	for _, members := range []int{2, 100} {
		b.Run(fmt.Sprintf("Members%d", members), func(b *testing.B) {
			e, err := engine.New(engine.Options{Store: newTables(), Publisher: sink{}, ChatAnyone: true, Allowance: engine.Allowance{ChatBurst: -1}})
			if err != nil {
				b.Fatal(err)
			}
			topic := "chat/u0.u1/message"
			if members > 2 {
				topic = "chat/crew/message"
				spec := engine.ConversationSpec{Title: "Crew"}
				for i := range members {
					spec.Members = append(spec.Members, fmt.Sprintf("u%d", i))
				}
				if _, _, err := e.PutConversation(b.Context(), admin, "crew", spec); err != nil {
					b.Fatal(err)
				}
			}
			in := engine.Inbound{Sender: sender("u0", "c"), Topic: topic, QoS: 1, At: time.Now()}
			b.ReportAllocs()
			pos := store.Pos(0)
			for b.Loop() {
				in.Payload = []byte(`{"content":"see you at six"}`)
				out := e.Handle(in)
				if out.Code != 0 {
					b.Fatal(out.Reason)
				}
				in.Payload = out.Payload
				pos++
				e.Applied(pos, in)
			}
		})
	}
}
