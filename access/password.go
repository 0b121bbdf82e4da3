package access

import (
	"cmp"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// PasswordParams is how hard a password is hashed with argon2id (RFC 9106).
// Lanes are always 1: the parallelism of a server is its many sign-ins.
type PasswordParams struct {
	// Memory in KiB; zero means 19,456 (19 MiB, OWASP's recommendation for two
	// iterations). Range 8 to 4,194,304.
	Memory uint32
	// Iterations over the memory; zero means 2. Range 1 to 100.
	Iterations uint32
}

func (p PasswordParams) withDefaults() PasswordParams {
	p.Memory = cmp.Or(p.Memory, 19*1024)
	p.Iterations = cmp.Or(p.Iterations, 2)
	return p
}

const (
	saltLen = 16 // bytes, RFC 9106 section 3.1
	hashLen = 32 // bytes
	// What a stored hash may ask for at most: a damaged record must not make
	// the server allocate or compute without bound.
	maxMemory     = 4 << 20 // KiB
	maxIterations = 100
	maxLanes      = 16
)

// passwordHash is a hash and what it was made with.
type passwordHash struct {
	memory, iterations uint32
	lanes              uint8
	salt, sum          []byte
}

// newPasswordHash hashes a password with a fresh salt.
func newPasswordHash(password string, p PasswordParams) passwordHash {
	salt := make([]byte, saltLen)
	rand.Read(salt) // never fails: crypto/rand crashes the program rather than return an error
	h := passwordHash{memory: p.Memory, iterations: p.Iterations, lanes: 1, salt: salt}
	h.sum = h.derive(password, hashLen)
	return h
}

func (h passwordHash) derive(password string, n uint32) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.iterations, h.memory, h.lanes, n)
}

// verify reports whether it is the password, in time that does not depend on
// how much of it is right.
func (h passwordHash) verify(password string) bool {
	return subtle.ConstantTimeCompare(h.derive(password, uint32(len(h.sum))), h.sum) == 1
}

// String returns the PHC string: $argon2id$v=19$m=19456,t=2,p=1$salt$hash.
func (h passwordHash) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		h.memory, h.iterations, h.lanes, b64.EncodeToString(h.salt), b64.EncodeToString(h.sum))
}

// parsePasswordHash reads a PHC string.
func parsePasswordHash(s string) (passwordHash, error) {
	var h passwordHash
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, fmt.Errorf("parse password hash: not an argon2id string of version %d", argon2.Version)
	}
	params := strings.Split(parts[3], ",")
	limits := []struct {
		name     string
		low, max uint64
		value    uint64
	}{{"m=", 8, maxMemory, 0}, {"t=", 1, maxIterations, 0}, {"p=", 1, maxLanes, 0}}
	if len(params) != len(limits) {
		return h, fmt.Errorf("parse password hash: %d parameters, want m, t and p", len(params))
	}
	for i := range limits {
		l := &limits[i]
		word, ok := strings.CutPrefix(params[i], l.name)
		n, err := strconv.ParseUint(word, 10, 32)
		if !ok || err != nil || n < l.low || n > l.max {
			return h, fmt.Errorf("parse password hash: parameter %q is not %s%d to %d", params[i], l.name, l.low, l.max)
		}
		l.value = n
	}
	h.memory, h.iterations, h.lanes = uint32(limits[0].value), uint32(limits[1].value), uint8(limits[2].value)
	var err error
	if h.salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4]); err != nil {
		return h, fmt.Errorf("parse password hash: salt: %w", err)
	}
	if h.sum, err = base64.RawStdEncoding.Strict().DecodeString(parts[5]); err != nil {
		return h, fmt.Errorf("parse password hash: hash: %w", err)
	}
	if len(h.salt) < 8 || len(h.salt) > 64 || len(h.sum) < 16 || len(h.sum) > 64 {
		return h, fmt.Errorf("parse password hash: salt of %d and hash of %d bytes are outside 8..64 and 16..64", len(h.salt), len(h.sum))
	}
	return h, nil
}
