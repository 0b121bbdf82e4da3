package access

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"
)

// AuditFile is the audit log's file in the data directory. Older ones have a
// number behind their name, 1 for the newest of them.
const AuditFile = "audit.log"

// Event is a line of the audit log. It never holds a secret.
type Event struct {
	Time time.Time `json:"time"`
	// Event is "sign-in", "refused" (a sign-in or a right) or "change".
	Event  string `json:"event"`
	User   string `json:"user,omitempty"` // as named by who signs in, else who did it
	Role   Role   `json:"role,omitempty"`
	By     By     `json:"by,omitempty"`
	Device string `json:"device,omitempty"`
	Client string `json:"client,omitempty"` // MQTT client id
	Remote string `json:"remote,omitempty"`
	Via    string `json:"via,omitempty"` // mqtt or http
	// Action is what was asked for: publish, subscribe, or an HTTP method; Target
	// the topic, filter or path; Status the HTTP answer.
	Action string `json:"action,omitempty"`
	Target string `json:"target,omitempty"`
	Status int    `json:"status,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Skipped is how many refusals before this one were too many to write.
	Skipped int `json:"skipped,omitempty"`
}

// AuditOptions sets up [OpenAudit].
type AuditOptions struct {
	// Path of the file; required.
	Path string
	// MaxSize in bytes at which the file is put aside; zero means 16 MiB.
	MaxSize int64
	// Keep is how many that were put aside are kept; zero means 4.
	Keep int
	// Logger hears when the file cannot be written; nil for none.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Refusals under flood: a burst is written whole, further ones at this rate.
const (
	refusalBurst = 100
	refusalRate  = 10 // a second
)

// maxAuditText bounds what a line repeats of what a stranger sent, in bytes.
const maxAuditText = 256

// Audit is an append-only log of who came in, who did not, and who changed what:
// JSON, one event a line. Lines are handed to the operating system at once, so
// that a killed process loses none; they are not synced one by one. Safe for
// concurrent use; a nil one writes nothing.
type Audit struct {
	o AuditOptions

	mu      sync.Mutex // guards the fields below
	file    *os.File
	size    int64
	tokens  float64 // refusals that may be written now
	filled  time.Time
	skipped int
	failing bool
}

// OpenAudit opens the file for appending.
func OpenAudit(o AuditOptions) (*Audit, error) {
	o.MaxSize = cmp.Or(o.MaxSize, 16<<20)
	o.Keep = cmp.Or(o.Keep, 4)
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &Audit{o: o, tokens: refusalBurst, filled: o.Now()}
	if err := a.open(); err != nil {
		return nil, fmt.Errorf("open audit log: %w", err)
	}
	return a, nil
}

// open is called with mu held, or before the log is shared.
func (a *Audit) open() error {
	f, err := os.OpenFile(a.o.Path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	a.file, a.size = f, info.Size()
	return nil
}

// Write adds an event. A refusal may be left out and counted, anything else is
// always written. An event that cannot be written is logged, and nobody waits.
func (a *Audit) Write(e Event) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.file == nil && !a.failing {
		return // closed
	}
	e.Time = a.o.Now().UTC().Truncate(time.Millisecond)
	if e.Event == "refused" {
		if !a.takeToken(e.Time) {
			a.skipped++
			return
		}
		e.Skipped, a.skipped = a.skipped, 0
	}
	for _, s := range []*string{&e.User, &e.Client, &e.Target, &e.Reason} {
		if len(*s) > maxAuditText {
			*s = (*s)[:maxAuditText] + "..."
		}
	}
	err := a.append(e)
	if err != nil && !a.failing {
		a.o.Logger.Error("the audit log cannot be written; events are lost until it can", "error", err)
	}
	a.failing = err != nil
}

// takeToken is called with mu held.
func (a *Audit) takeToken(now time.Time) bool {
	a.tokens = min(refusalBurst, a.tokens+now.Sub(a.filled).Seconds()*refusalRate)
	a.filled = now
	if a.tokens < 1 {
		return false
	}
	a.tokens--
	return true
}

// append writes one line; mu is held.
func (a *Audit) append(e Event) error {
	line, err := json.Marshal(e) // what is not UTF-8 becomes so
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	line = append(line, '\n')
	if a.file != nil && a.size > 0 && a.size+int64(len(line)) > a.o.MaxSize {
		if err := a.rotate(); err != nil {
			return err
		}
	}
	if a.file == nil {
		if err := a.open(); err != nil {
			return err
		}
	}
	n, err := a.file.Write(line)
	a.size += int64(n)
	return err
}

// rotate puts the file aside; mu is held. The next line opens a new one.
func (a *Audit) rotate() error {
	err := a.file.Close()
	a.file = nil
	if err != nil {
		return fmt.Errorf("close audit log: %w", err)
	}
	for i := a.o.Keep; i > 0; i-- {
		from := a.o.Path
		if i > 1 {
			from += "." + strconv.Itoa(i-1)
		}
		if err := os.Rename(from, a.o.Path+"."+strconv.Itoa(i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("put audit log aside: %w", err)
		}
	}
	return nil
}

// Close closes the file; events after it are dropped.
func (a *Audit) Close() error {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failing = false
	if a.file == nil {
		return nil
	}
	err := a.file.Close()
	a.file = nil
	return err
}
