package access

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
)

// Proof is what somebody presents to sign in.
type Proof struct {
	// User is the user name; "" where the secret stands alone.
	User string
	// Secret is a password, a token or a device's secret. It is never logged.
	Secret string
	// Bearer: the secret came as HTTP's Bearer, so that it is no password.
	Bearer bool
	// Remote is the peer's host:port, Client the MQTT client id, Via "mqtt" or
	// "http".
	Remote, Client, Via string
	// Certified: the connection has shown a client certificate of a configured
	// authority; Subject is its common name, which is a user's id. Without a secret
	// it signs in; with one, the two must agree.
	Certified bool
	Subject   string

	// allowed asks the throttle again, for a proof that had to wait for its turn.
	allowed func(Proof) error
}

// Method is one way to prove who one is.
type Method interface {
	// Try returns whom the proof stands for. [ErrElsewhere] passes it on to the
	// next method; every other error is final, whatever the methods behind it
	// would say.
	Try(ctx context.Context, p Proof) (Identity, error)
}

// DoorStats counts sign-ins since the start.
type DoorStats struct {
	Admitted    uint64 // let in
	Refused     uint64 // wrong proofs
	Throttled   uint64 // turned away unread after too many failures
	Unavailable uint64 // turned away because nobody could tell
}

// DoorOptions sets up [NewDoor].
type DoorOptions struct {
	// Users decides what a user is now, however it was proved; required.
	Users *Users
	// Admin checks the admin token.
	Admin AdminToken
	// Methods are asked in this order.
	Methods []Method
	// Throttle slows down guessing; nil for none.
	Throttle *Throttle
	// Audit gets sign-ins and refusals; nil for none.
	Audit *Audit
	// Refused is called with each proof that was not admitted, and why; nil for
	// nobody. It must not block.
	Refused func(p Proof, err error)
}

// guessable marks the methods whose secrets people choose. Only these are
// throttled: what nobody can guess is admitted from wherever it comes.
type guessable interface{ guessable() }

// Door is where everybody comes in, over MQTT and HTTP alike. Safe for
// concurrent use.
type Door struct {
	o     DoorOptions
	stats struct{ admitted, refused, throttled, unavailable atomic.Uint64 }
}

// NewDoor returns a door.
func NewDoor(o DoorOptions) *Door { return &Door{o: o} }

// Stats returns the counts.
func (d *Door) Stats() DoorStats {
	return DoorStats{
		Admitted: d.stats.admitted.Load(), Refused: d.stats.refused.Load(),
		Throttled: d.stats.throttled.Load(), Unavailable: d.stats.unavailable.Load(),
	}
}

// SignIn returns who the proof stands for, as the user is now. Errors:
// [ErrBadCredentials], one and the same for everything that is wrong with it;
// [*ThrottledError]; [ErrUnavailable] and the context's, which say nothing about
// the proof.
func (d *Door) SignIn(ctx context.Context, p Proof) (Identity, error) {
	id, err := d.judge(ctx, p)
	d.note(p, id, err)
	if err != nil && d.o.Refused != nil {
		d.o.Refused(p, err)
	}
	var wait *ThrottledError
	switch {
	case err == nil:
		d.stats.admitted.Add(1)
	case errors.Is(err, ErrBadCredentials):
		d.stats.refused.Add(1)
	case errors.As(err, &wait):
		d.stats.throttled.Add(1)
	default:
		d.stats.unavailable.Add(1)
	}
	return id, err
}

func (d *Door) judge(ctx context.Context, p Proof) (Identity, error) {
	if p.Certified && p.Secret == "" && !p.Bearer {
		return d.byCertificate(p)
	}
	id, err := d.bySecret(ctx, p)
	if err == nil && p.Certified && id.UserID != p.Subject {
		return Identity{}, ErrBadCredentials
	}
	return id, err
}

func (d *Door) bySecret(ctx context.Context, p Proof) (Identity, error) {
	if p.Bearer || p.User == AdminUserID {
		if id, ok := d.o.Admin.Check(p.Secret); ok {
			return id, nil
		}
	}
	if d.o.Throttle != nil {
		p.allowed = d.o.Throttle.Check
	}
	for _, m := range d.o.Methods {
		if _, may := m.(guessable); may && p.allowed != nil {
			if err := p.allowed(p); err != nil {
				return Identity{}, err
			}
		}
		id, err := m.Try(ctx, p)
		if errors.Is(err, ErrElsewhere) {
			continue
		}
		if err != nil {
			return Identity{}, fmt.Errorf("sign in: %w", err)
		}
		now, ok := d.o.Users.Current(id)
		if !ok {
			return Identity{}, ErrBadCredentials
		}
		return now, nil
	}
	return Identity{}, ErrBadCredentials
}

// note counts for the throttle and writes to the audit log. Over HTTP everybody
// signs in with each request: only the first one in a day from an address is
// written.
func (d *Door) note(p Proof, id Identity, err error) {
	e := Event{Event: "sign-in", User: p.User, Client: p.Client, Remote: p.Remote, Via: p.Via}
	if p.User == "" {
		e.User = p.Subject
	}
	if err != nil {
		if errors.Is(err, ErrBadCredentials) && d.o.Throttle != nil {
			d.o.Throttle.Failed(p)
		}
		e.Event, e.Action, e.Reason = "refused", "sign-in", err.Error()
		d.o.Audit.Write(e)
		return
	}
	p.User = id.UserID // whatever name stood beside a token: its failures are not forgiven for that
	known := d.o.Throttle != nil && d.o.Throttle.Succeeded(p)
	if known && p.Via == "http" {
		return
	}
	e.User, e.Role, e.By, e.Device = id.UserID, id.Role, id.By, id.Device
	d.o.Audit.Write(e)
}

// passwords is signing in with a user's own password.
type passwords struct{ users *Users }

// PasswordMethod admits the users of the store by their passwords.
func PasswordMethod(u *Users) Method { return passwords{u} }

func (passwords) guessable() {}

// Try implements [Method]. A user whom the store does not know costs a hash as
// well, so that the time tells nothing, and is passed on.
func (m passwords) Try(ctx context.Context, p Proof) (Identity, error) {
	if p.Bearer {
		return Identity{}, ErrElsewhere
	}
	id, err := m.users.prove(ctx, p)
	if errors.Is(err, ErrBadCredentials) && !m.users.Exists(p.User) {
		return Identity{}, ErrElsewhere
	}
	return id, err
}
