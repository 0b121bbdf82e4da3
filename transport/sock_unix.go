//go:build unix

package transport

import (
	"io"
	"net"
	"syscall"
)

// rawConn returns the descriptor access of a socket, nil for a connection that
// has none of its own (TLS).
func rawConn(nc net.Conn) syscall.RawConn {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// writeReady is the callback of RawConn.Write: one non-blocking write of the
// flight. It returns false, to be called again when the socket is writable,
// only where the flight may wait.
func (c *Conn) writeReady(fd uintptr) bool {
	o := &c.out
	for {
		n, err := syscall.Write(int(fd), o.rest)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			o.err = errSocketFull
			return !o.wait
		case err != nil:
			o.err = err
		default:
			o.n, o.err = n, nil
		}
		return true
	}
}

// readReady is the callback of RawConn.Read: it takes a buffer only now that
// there may be something to read, and puts it away if there is not.
func (c *Conn) readReady(fd uintptr) bool {
	in := &c.in
	if c.out.closing.Load() {
		in.err = net.ErrClosed
		return true
	}
	room := in.reserve(readSize)
	for {
		n, err := syscall.Read(int(fd), room)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			in.park()
			return false
		case err != nil:
			in.err = err
		case n == 0:
			in.err = io.EOF
		default:
			in.n = n
		}
		return true
	}
}
