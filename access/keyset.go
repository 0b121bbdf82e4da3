package access

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"
)

const (
	keySetTimeout = 5 * time.Second  // for one fetch
	keySetPause   = 10 * time.Second // between fetches for unknown key ids, by default
	keySetWait    = 2 * time.Second  // at most, of one sign-in for its turn and the fetch
	maxKeySet     = 1 << 20          // bytes; what is behind makes the set unreadable
)

// KeySetOptions sets up [OpenKeySet].
type KeySetOptions struct {
	// Location is a file or an https or http URL of a JSON Web Key Set (RFC 7517).
	Location string
	// Refresh is how often it is read again; zero means an hour. A key id that is
	// not in it makes it be read at once, at most once in every Pause; zero means 10 s.
	Refresh, Pause time.Duration
	// Logger hears of failed reads; nil for none.
	Logger *slog.Logger
}

// KeySet is the keys of another authority, kept in memory: while they cannot be
// fetched the old ones count. Safe for concurrent use.
type KeySet struct {
	cached, fetching keyfunc.Keyfunc
	public           bool // it came over the network: secrets in it are none
	background       chan *jwt.Token
}

// OpenKeySet reads the set and keeps it fresh until ctx ends. A file that cannot
// be read is an error; an address that does not answer is not, since it may
// answer later.
func OpenKeySet(ctx context.Context, o KeySetOptions) (*KeySet, error) {
	o.Refresh = cmp.Or(o.Refresh, time.Hour)
	o.Pause = cmp.Or(o.Pause, keySetPause)
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	s := &KeySet{public: IsURL(o.Location), background: make(chan *jwt.Token, 1)}
	address := o.Location
	if !s.public {
		path, err := filepath.Abs(o.Location)
		if err != nil {
			return nil, fmt.Errorf("open key set: %w", err)
		}
		address = (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String()
	}
	failed := func(_ context.Context, err error) {
		o.Logger.Warn("keys of tokens could not be read; the old ones count", "from", o.Location, "error", err)
	}
	memory := jwkset.NewMemoryStorage()
	source, err := jwkset.NewStorageFromHTTP(address, jwkset.HTTPClientStorageOptions{
		Client: keySetClient(), Ctx: ctx, HTTPTimeout: keySetTimeout, Storage: memory,
		NoErrorReturnFirstHTTPReq: s.public, RefreshErrorHandler: failed, RefreshInterval: o.Refresh,
	})
	if err != nil {
		return nil, fmt.Errorf("open key set %s: %w", o.Location, err)
	}
	client, err := jwkset.NewHTTPClient(jwkset.HTTPClientOptions{
		HTTPURLs: map[string]jwkset.Storage{address: source}, RateLimitWaitMax: min(keySetWait, o.Pause/5),
		RefreshUnknownKID: rate.NewLimiter(rate.Every(o.Pause), 1),
	})
	if err != nil {
		return nil, fmt.Errorf("open key set %s: %w", o.Location, err)
	}
	if s.cached, err = keyfunc.New(keyfunc.Options{Ctx: ctx, Storage: memory}); err != nil {
		return nil, fmt.Errorf("open key set: %w", err)
	}
	if s.fetching, err = keyfunc.New(keyfunc.Options{Ctx: ctx, Storage: client}); err != nil {
		return nil, fmt.Errorf("open key set: %w", err)
	}
	go s.fetch(ctx)
	return s, nil
}

// IsURL reports whether the location of a key set is an address on the network.
func IsURL(location string) bool {
	return strings.HasPrefix(location, "https://") || strings.HasPrefix(location, "http://")
}

// keySetClient reads files and addresses, and never more than maxKeySet.
func keySetClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.RegisterProtocol("file", http.NewFileTransport(http.Dir("/")))
	return &http.Client{Transport: bounded{t}, Timeout: keySetTimeout}
}

// bounded cuts the bodies of answers.
type bounded struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(res.Body, maxKeySet), res.Body}
	return res, nil
}

// fetch looks up the key ids that somebody could not wait for. It ends with ctx.
func (s *KeySet) fetch(ctx context.Context) {
	for {
		select {
		case tok := <-s.background:
			// What it finds is in memory from then on; what it does not is the
			// asker's to hear about at the next attempt.
			_, _ = s.fetching.KeyfuncCtx(ctx)(tok)
		case <-ctx.Done():
			return
		}
	}
}

// keys returns the candidates for a token. Without fetch it does not wait for
// the network: an unknown key id is fetched in the background.
func (s *KeySet) keys(ctx context.Context, tok *jwt.Token, fetch bool) ([]any, error) {
	found, err := s.cached.KeyfuncCtx(ctx)(tok)
	if err != nil && fetch {
		found, err = s.fetching.KeyfuncCtx(ctx)(tok)
	} else if err != nil {
		select {
		case s.background <- tok:
		default: // one is under way
		}
	}
	if err != nil {
		return nil, fmt.Errorf("no key for this token: %w", err)
	}
	list := []any{found}
	if set, ok := found.(jwt.VerificationKeySet); ok {
		list = list[:0]
		for _, k := range set.Keys {
			list = append(list, k)
		}
	}
	kept := list[:0]
	for _, k := range list {
		if _, secret := k.([]byte); secret && s.public {
			continue // everybody could sign with it
		}
		kept = append(kept, k)
	}
	return kept, nil
}
