package torture_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Timeouts of one connection. A broker that does not answer in this time is
// gone or has a fault, which the round finds out.
const (
	dialTimeout  = 2 * time.Second
	writeTimeout = 15 * time.Second
)

// link is one connection, which can be cut at any byte in both directions.
type link struct {
	conn net.Conn // the socket
	ws   bool
	r    *bufio.Reader // of MQTT bytes
	num  int           // the client's how-manieth
	open *opening
	in   aliases // the broker's; reading goroutine
	out  aliases // the client's own; its goroutine

	wmu    sync.Mutex // guards writing and below
	budget int        // bytes that may still be written before the cut; <0 = no limit
	frames int        // WebSocket frames written, for varying their sizes

	readBudget atomic.Int64 // bytes that may still be read before the cut; <0 = no limit
	stall      atomic.Int64 // Unix nanoseconds until which nothing is read
	cutOn      atomic.Int32 // packet type at which the connection is cut; 0 = none
	cutAfter   atomic.Bool  // after answering it

	// Guarded by the client's mu.
	up     bool     // CONNACK has come
	dead   bool     // nothing of it counts any more
	acks   []answer // wait for lazy to pass
	lazy   time.Duration
	ending sync.Once
	done   chan struct{} // closed by close
}

// answer is an acknowledgement that the client owes.
type answer struct {
	b []byte
	e event // of kind kAck, or none
}

var errCut = errors.New("cut")

// dial opens a connection and, for WebSocket, shakes hands.
func dial(addr string, ws bool) (*link, error) {
	conn, err := net.DialTimeout("tcp", addr, dialTimeout)
	if err != nil {
		return nil, err
	}
	l := &link{conn: conn, ws: ws, budget: -1, done: make(chan struct{})}
	l.readBudget.Store(-1)
	l.r = bufio.NewReader(limited{l})
	if !ws {
		return l, nil
	}
	raw := bufio.NewReader(limited{l})
	if err := l.shakeHands(addr, raw); err != nil {
		_ = conn.Close() // the handshake's error says more
		return nil, err
	}
	l.r = bufio.NewReader(&wsReader{l: l, r: raw})
	return l, nil
}

func (l *link) shakeHands(addr string, raw *bufio.Reader) error {
	_ = l.conn.SetDeadline(time.Now().Add(dialTimeout)) // an error shows in the next call
	_, err := fmt.Fprintf(l.conn, "GET /mqtt HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n", addr)
	if err != nil {
		return err
	}
	res, err := http.ReadResponse(raw, nil)
	if err != nil {
		return err
	}
	_ = res.Body.Close() // a 101 has none
	if res.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("WebSocket handshake: status %d", res.StatusCode)
	}
	return l.conn.SetDeadline(time.Time{})
}

// limited reads from the socket, with the reading faults that are due.
type limited struct{ l *link }

func (r limited) Read(p []byte) (int, error) {
	for {
		wait := time.Until(time.Unix(0, r.l.stall.Load()))
		if wait <= 0 {
			break
		}
		time.Sleep(min(wait, 20*time.Millisecond)) // not reading is the point; Close ends it below
		select {
		case <-r.l.done:
			return 0, errCut
		default:
		}
	}
	if left := r.l.readBudget.Load(); left >= 0 {
		if left == 0 {
			return 0, errCut
		}
		p = p[:min(int64(len(p)), left)]
	}
	n, err := r.l.conn.Read(p)
	if left := r.l.readBudget.Load(); left >= 0 {
		r.l.readBudget.Store(max(left-int64(n), 0))
	}
	return n, err
}

// write sends MQTT bytes, or as many as the budget allows and then cuts.
func (l *link) write(b []byte) error {
	l.wmu.Lock()
	defer l.wmu.Unlock()
	cut := false
	if l.ws {
		b = l.wrap(b)
	}
	if l.budget >= 0 && len(b) >= l.budget {
		b, cut = b[:l.budget], true
	}
	l.budget -= min(len(b), max(l.budget, 0))
	_ = l.conn.SetWriteDeadline(time.Now().Add(writeTimeout)) // an error shows in the next call
	if _, err := l.conn.Write(b); err != nil {
		return err
	}
	if cut {
		_ = l.conn.Close() // the cut
		return errCut
	}
	return nil
}

// wrap makes binary WebSocket messages of MQTT bytes: sometimes one, sometimes
// several, sometimes fragments of one.
func (l *link) wrap(b []byte) []byte {
	l.frames++
	var out []byte
	switch split := len(b) / 2; {
	case split > 0 && l.frames%5 == 0: // two messages
		out = appendFrame(out, 0x82, b[:split])
		return appendFrame(out, 0x82, b[split:])
	case split > 0 && l.frames%7 == 0: // two fragments of one
		out = appendFrame(out, 0x02, b[:split])
		return appendFrame(out, 0x80, b[split:])
	}
	return appendFrame(out, 0x82, b)
}

func appendFrame(out []byte, head byte, b []byte) []byte {
	mask := [4]byte{0x12, 0x34, 0x56, 0x78}
	out = append(out, head)
	switch {
	case len(b) < 126:
		out = append(out, 0x80|byte(len(b)))
	case len(b) < 1<<16:
		out = binary.BigEndian.AppendUint16(append(out, 0x80|126), uint16(len(b)))
	default:
		out = binary.BigEndian.AppendUint64(append(out, 0x80|127), uint64(len(b)))
	}
	out = append(out, mask[:]...)
	for i, c := range b {
		out = append(out, c^mask[i%4])
	}
	return out
}

// wsReader takes the MQTT bytes out of the broker's WebSocket frames.
type wsReader struct {
	l    *link
	r    *bufio.Reader
	left uint64 // of the present frame
}

func (w *wsReader) Read(p []byte) (int, error) {
	for w.left == 0 {
		if err := w.next(); err != nil {
			return 0, err
		}
	}
	n, err := w.r.Read(p[:min(uint64(len(p)), w.left)])
	w.left -= uint64(n)
	return n, err
}

// next reads a frame's header; control frames are answered.
func (w *wsReader) next() error {
	var head [2]byte
	if _, err := io.ReadFull(w.r, head[:]); err != nil {
		return err
	}
	size := uint64(head[1] & 0x7f)
	var ext [8]byte
	switch size {
	case 126:
		if _, err := io.ReadFull(w.r, ext[:2]); err != nil {
			return err
		}
		size = uint64(binary.BigEndian.Uint16(ext[:]))
	case 127:
		if _, err := io.ReadFull(w.r, ext[:]); err != nil {
			return err
		}
		size = binary.BigEndian.Uint64(ext[:])
	}
	op := head[0] & 0x0f
	if op <= 2 {
		w.left = size
		return nil
	}
	body := make([]byte, min(size, 125))
	if _, err := io.ReadFull(w.r, body); err != nil {
		return err
	}
	if op == 8 {
		return io.EOF
	}
	if op == 9 {
		w.l.wmu.Lock()
		defer w.l.wmu.Unlock()
		_ = w.l.conn.SetWriteDeadline(time.Now().Add(writeTimeout)) // an error shows in the next call
		_, err := w.l.conn.Write(appendFrame(nil, 0x8a, body))
		return err
	}
	return nil
}

// close cuts the connection, abruptly if reset.
func (l *link) close(reset bool) {
	if tcp, ok := l.conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0) // an orderly end is as good
	}
	_ = l.conn.Close() // it is over either way
	l.ending.Do(func() { close(l.done) })
}
