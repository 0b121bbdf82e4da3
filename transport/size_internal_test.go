package transport
import ("testing";"unsafe")
func TestSize(t *testing.T){ t.Log(unsafe.Sizeof(Conn{}), unsafe.Sizeof(inbound{}), unsafe.Sizeof(outbound{}), unsafe.Sizeof(wsCodec{})) }
