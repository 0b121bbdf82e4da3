package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/fitmq/fitmq/broker"
	"github.com/fitmq/fitmq/store"
)

// addressesFile tells other programs where the server of a data directory
// listens. It exists from the moment both listeners accept until a clean end.
const addressesFile = "addresses.json"

// addresses is the content of addressesFile.
type addresses struct {
	MQTT  string `json:"mqtt"`
	MQTTS string `json:"mqtts,omitempty"` // MQTT over TLS, where there is a certificate
	HTTP  string `json:"http"`
	HTTPS bool   `json:"https,omitempty"` // the HTTP port speaks TLS
	PID   int    `json:"pid"`
}

func addressesOf(b *broker.Broker) addresses {
	a := addresses{MQTT: dialable(b.MQTTAddr()), HTTP: dialable(b.HTTPAddr()), HTTPS: b.HTTPS(), PID: os.Getpid()}
	if tls := b.MQTTSAddr(); tls != nil {
		a.MQTTS = dialable(tls)
	}
	return a
}

// host runs a broker for as long as work runs, and shuts it down cleanly when
// work returns or ctx ends. work starts once both listeners accept; its context
// also ends when the broker fails.
func host(ctx context.Context, o broker.Options, work func(context.Context, *broker.Broker) error) error {
	b, err := broker.New(o)
	if err != nil {
		return explain(err, o.DataDir)
	}
	// The directory is ours now: what a killed predecessor left is stale.
	path := filepath.Join(o.DataDir, addressesFile)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove stale %s: %w", addressesFile, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- b.Run(ctx)
		cancel()
	}()
	select {
	case <-b.Ready():
	case err := <-ended:
		return explain(err, o.DataDir)
	}
	err = writeAddresses(path, addressesOf(b))
	if err == nil {
		err = work(ctx, b)
	}
	cancel()
	err = errors.Join(err, explain(<-ended, o.DataDir))
	if rm := os.Remove(path); rm != nil && !errors.Is(rm, os.ErrNotExist) {
		err = errors.Join(err, fmt.Errorf("remove %s: %w", addressesFile, rm))
	}
	return err
}

// writeAddresses replaces the file in one step, so that nobody reads half of it.
func writeAddresses(path string, a addresses) error {
	data, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encode %s: %w", addressesFile, err)
	}
	tmp := path + ".new"
	if err := os.WriteFile(tmp, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", addressesFile, err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("write %s: %w", addressesFile, err)
	}
	return nil
}

// dialable is an address that a program on this machine can connect to: a
// listener on every interface is reached on the loopback one.
func dialable(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return a.String()
	}
	ip := tcp.IP.String()
	if tcp.IP == nil || tcp.IP.IsUnspecified() {
		ip = "127.0.0.1"
	}
	return net.JoinHostPort(ip, strconv.Itoa(tcp.Port))
}

// hintError is an error with the next step that helps.
type hintError struct {
	error
	Hint string
}

// Unwrap gives the error that the hint belongs to.
func (e hintError) Unwrap() error { return e.error }

// explain adds the next step to an error where one is known.
func explain(err error, dataDir string) error {
	var hint string
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EADDRINUSE):
		hint = "Stop the program that listens there, or choose another address with --mqtt-addr or --http-addr (port 0 takes a free one)."
	case errors.Is(err, syscall.EACCES) || errors.Is(err, os.ErrPermission):
		hint = "Ports under 1024 and directories of other users need rights that this user does not have."
	case errors.Is(err, store.ErrLocked):
		hint = "Stop it, or choose another directory with --data."
		if a, ok := readAddresses(dataDir); ok {
			hint = fmt.Sprintf("A fitmq with process id %d uses it: MQTT on %s, HTTP on %s. %s", a.PID, a.MQTT, a.HTTP, hint)
		}
	case errors.Is(err, store.ErrNewer):
		hint = "Use the version of fitmq that wrote the directory, or a newer one."
	case errors.Is(err, store.ErrForeign):
		hint = "Choose an empty directory or one that fitmq made with --data."
	default:
		return err
	}
	return hintError{err, hint}
}

func readAddresses(dataDir string) (a addresses, ok bool) {
	data, err := os.ReadFile(filepath.Join(dataDir, addressesFile))
	return a, err == nil && json.Unmarshal(data, &a) == nil
}
