package access_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fitmq/fitmq/access"
)

// clock is a time that the test moves.
type clock struct {
	mu sync.Mutex // guards at
	at time.Time
}

func newClock() *clock { return &clock{at: time.Unix(1_800_000_000, 0)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// newDoor is a door to ana and ben by password and device.
func newDoor(t *testing.T, c *clock, change ...func(*access.DoorOptions)) (*access.Door, *access.Users) {
	t.Helper()
	users := mustOpen(t, newMemTables())
	mustPut(t, users, "ana", access.Member, "ana-password")
	mustPut(t, users, "ben", access.Member, "ben-password")
	o := access.DoorOptions{
		Users: users, Admin: access.NewAdminToken("the-token"),
		Methods:  []access.Method{access.DeviceMethod(users), access.PasswordMethod(users)},
		Throttle: access.NewThrottle(access.ThrottleOptions{UserFailures: 3, AddressFailures: 8, MaxWait: 20 * time.Second, Now: c.now}),
	}
	for _, fn := range change {
		fn(&o)
	}
	return access.NewDoor(o), users
}

func proof(user, secret, host string) access.Proof {
	return access.Proof{User: user, Secret: secret, Remote: host + ":4711", Via: "mqtt"}
}

func TestDoor_Throttle(t *testing.T) {
	c := newClock()
	d, users := newDoor(t, c)
	try := func(user, secret, host string) error {
		_, err := d.SignIn(t.Context(), proof(user, secret, host))
		return err
	}
	var wait *access.ThrottledError
	for range 3 {
		if err := try("ana", "wrong-password", "192.0.2.1"); !errors.Is(err, access.ErrBadCredentials) {
			t.Fatalf("got %v", err)
		}
	}
	if err := try("ana", "ana-password", "192.0.2.1"); !errors.As(err, &wait) || wait.After != time.Second {
		t.Fatalf("after three failures: got %v, want to wait a second", err)
	}
	if err := try("nobody", "wrong-password", "192.0.2.9"); !errors.Is(err, access.ErrBadCredentials) {
		t.Errorf("got %v", err)
	}
	t.Run("OK/from elsewhere", func(t *testing.T) {
		if err := try("ana", "ana-password", "198.51.100.7"); err != nil {
			t.Errorf("the user is locked out: %v", err)
		}
	})
	t.Run("OK/another user there", func(t *testing.T) {
		if err := try("ben", "ben-password", "192.0.2.1"); err != nil {
			t.Errorf("got %v", err)
		}
	})
	t.Run("OK/after the wait", func(t *testing.T) {
		c.pass(time.Second)
		if err := try("ana", "ana-password", "192.0.2.1"); err != nil {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the wait doubles up to its bound", func(t *testing.T) {
		for i := range 8 {
			if err := try("cy", "wrong-password", "203.0.113.5"); !errors.Is(err, access.ErrBadCredentials) {
				t.Fatalf("attempt %d: got %v", i, err)
			}
			c.pass(20 * time.Second)
		}
		c.pass(-20 * time.Second)
		if err := try("cy", "wrong-password", "203.0.113.5"); !errors.As(err, &wait) || wait.After != 20*time.Second {
			t.Errorf("got %v, want to wait 20 s", err)
		}
	})
	t.Run("an address that tries everybody", func(t *testing.T) {
		if err := try("ben", "ben-password", "[2001:db8::1]"); err != nil {
			t.Fatal(err)
		}
		for i := range 8 {
			if err := try(fmt.Sprint("user", i), "wrong-password", fmt.Sprintf("[2001:db8::%d]", i)); !errors.Is(err, access.ErrBadCredentials) {
				t.Fatalf("attempt %d: got %v", i, err)
			}
		}
		if err := try("ana", "ana-password", "[2001:db8::99]"); !errors.As(err, &wait) {
			t.Errorf("got %v, want to wait", err)
		}
		if err := try("ben", "ben-password", "[2001:db8::5]"); err != nil {
			t.Errorf("who has signed in from there suffers: %v", err)
		}
		secret, _, err := users.PutDevice(t.Context(), "ana", "watch")
		if err != nil {
			t.Fatal(err)
		}
		if err := try("ana", secret, "[2001:db8::99]"); err != nil {
			t.Errorf("a device's secret has to wait: %v", err)
		}
		if err := try("admin", "the-token", "[2001:db8::99]"); err != nil {
			t.Errorf("the admin token has to wait: %v", err)
		}
	})
	if st := d.Stats(); st.Throttled < 3 || st.Admitted < 3 || st.Refused < 10 {
		t.Errorf("got %+v", st)
	}
}

func TestDoor_AttackFromManyAddresses(t *testing.T) {
	c := newClock()
	d, _ := newDoor(t, c)
	looked := 0
	for i := range 400 {
		_, err := d.SignIn(t.Context(), proof("ana", "wrong-password", fmt.Sprintf("10.0.%d.%d", i/2/250, i/2%250)))
		if errors.Is(err, access.ErrBadCredentials) {
			looked++
		}
	}
	if looked > 60+170 {
		t.Errorf("%d of 400 guesses from 200 addresses were looked at", looked)
	}
	if _, err := d.SignIn(t.Context(), proof("ana", "ana-password", "198.51.100.7")); err != nil {
		t.Errorf("the user is locked out: %v", err)
	}
}

func TestDoor_Parallel(t *testing.T) {
	c := newClock()
	d, _ := newDoor(t, c)
	var looked, waited int
	var mu sync.Mutex // guards the two
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			_, err := d.SignIn(t.Context(), proof("ana", fmt.Sprint("guess-number-", i), "192.0.2.1"))
			mu.Lock()
			defer mu.Unlock()
			if errors.Is(err, access.ErrBadCredentials) {
				looked++
			} else {
				waited++
			}
		})
	}
	all.Wait()
	if looked > 10 {
		t.Errorf("%d of 100 guesses at once were looked at, %d were not", looked, waited)
	}
}

func TestDoor_DeviceSecretIsNoPassword(t *testing.T) {
	c := newClock()
	d, users := newDoor(t, c)
	password := "fmd_a-password-that-looks-so"
	if _, _, err := users.Put(t.Context(), "ana", access.UserSpec{Role: access.Member, Password: &password}); err != nil {
		t.Fatal(err)
	}
	before := users.Stats().Hashed
	if _, err := d.SignIn(t.Context(), proof("ana", password, "192.0.2.1")); !errors.Is(err, access.ErrBadCredentials) {
		t.Errorf("got %v", err)
	}
	if users.Stats().Hashed != before {
		t.Error("it was tried as a password")
	}
}

func TestAudit(t *testing.T) {
	c := newClock()
	path := filepath.Join(t.TempDir(), access.AuditFile)
	audit, err := access.OpenAudit(access.AuditOptions{Path: path, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	d, _ := newDoor(t, c, func(o *access.DoorOptions) { o.Audit = audit })
	for _, secret := range []string{"ana-password", "a-wrong-password"} {
		_, _ = d.SignIn(t.Context(), proof("ana", secret, "192.0.2.1")) // the log is what is looked at
	}
	for range 500 {
		audit.Write(access.Event{Event: "refused", User: "eve", Action: "publish", Target: strings.Repeat("x", 9000)})
	}
	c.pass(time.Second)
	audit.Write(access.Event{Event: "refused", User: "eve"})
	audit.Write(access.Event{Event: "change", User: "admin", Action: "DELETE", Target: "/api/v1/users/ana", Status: 204})
	if err := audit.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte("ana-password")) || bytes.Contains(data, []byte("a-wrong-password")) {
		t.Error("a password is in the audit log")
	}
	var events []access.Event
	for line := range bytes.Lines(data) {
		var e access.Event
		if err := json.Unmarshal(line, &e); err != nil || len(line) > 1000 {
			t.Fatalf("line of %d bytes: %v", len(line), err)
		}
		events = append(events, e)
	}
	if n := len(events); n < 90 || n > 120 {
		t.Fatalf("%d lines under flood, want about 100", n)
	}
	if e := events[0]; e.Event != "sign-in" || e.User != "ana" || e.By != access.ByPassword || e.Remote != "192.0.2.1:4711" || e.Time.IsZero() {
		t.Errorf("got %+v", e)
	}
	if e := events[1]; e.Event != "refused" || e.User != "ana" || e.Action != "sign-in" {
		t.Errorf("got %+v", e)
	}
	if e := events[len(events)-2]; e.Skipped < 390 {
		t.Errorf("got %+v, want the refusals that were left out counted", e)
	}
	if e := events[len(events)-1]; e.Event != "change" || e.Status != 204 {
		t.Errorf("got %+v", e)
	}
}

func TestAudit_Rotates(t *testing.T) {
	path := filepath.Join(t.TempDir(), access.AuditFile)
	audit, err := access.OpenAudit(access.AuditOptions{Path: path, MaxSize: 1000, Keep: 2})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		audit.Write(access.Event{Event: "change", User: fmt.Sprint("user", i)})
	}
	if err := audit.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 3 {
		t.Fatalf("%d files, %v, want 3", len(files), err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Size() > 1000 || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %d bytes, mode %v, %v", f.Name(), info.Size(), info.Mode(), err)
		}
	}
	if last, err := os.ReadFile(path); err != nil || !bytes.Contains(last, []byte(`"user99"`)) {
		t.Errorf("the newest event is not in the newest file: %v", err)
	}
}

func TestDoor_Certificate(t *testing.T) {
	d, _ := newDoor(t, newClock(), func(o *access.DoorOptions) { o.Throttle = nil })
	shown := func(subject, user, secret string) access.Proof {
		p := proof(user, secret, "10.0.0.1")
		p.Certified, p.Subject = true, subject
		return p
	}
	for name, tt := range map[string]struct {
		proof access.Proof
		by    access.By // "" for refused
	}{
		"alone":                      {shown("ana", "", ""), access.ByCertificate},
		"with its user's name":       {shown("ana", "ana", ""), access.ByCertificate},
		"with its user's password":   {shown("ana", "ana", "ana-password"), access.ByPassword},
		"with another's name":        {shown("ana", "ben", ""), ""},
		"with another's password":    {shown("ana", "ben", "ben-password"), ""},
		"with a wrong password":      {shown("ana", "ana", "wrong"), ""},
		"of nobody":                  {shown("nobody", "", ""), ""},
		"without a name":             {shown("", "", ""), ""},
		"of the administrator's id":  {shown("admin", "", ""), ""},
		"with the admin token":       {shown("ana", "admin", "the-token"), ""},
		"that nobody verified":       {access.Proof{Subject: "ana", Remote: "10.0.0.1:1"}, ""},
		"with an empty bearer token": {access.Proof{Certified: true, Subject: "ana", Bearer: true, Remote: "10.0.0.1:1"}, ""},
	} {
		id, err := d.SignIn(t.Context(), tt.proof)
		switch {
		case tt.by == "" && (!errors.Is(err, access.ErrBadCredentials) || id.UserID != ""):
			t.Errorf("%s: got %+v, %v, want a refusal", name, id, err)
		case tt.by != "" && (err != nil || id.UserID != "ana" || id.By != tt.by):
			t.Errorf("%s: got %+v, %v", name, id, err)
		}
	}
	if got := d.Stats(); got.Admitted != 3 || got.Refused != 9 {
		t.Errorf("counted %+v, want 3 admitted and 9 refused", got)
	}
}
