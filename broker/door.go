package broker

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/fitmq/fitmq/access"
	"github.com/fitmq/fitmq/config"
)

// openDoor makes what signing in is made of.
func (b *Broker) openDoor(ctx context.Context) error {
	own, err := access.LoadOrCreateTokenKey(b.opts.DataDir)
	if err != nil {
		return err
	}
	c := b.opts.Config.Tokens
	o := access.TokensOptions{
		Users: b.users, Own: own, Issuer: c.Issuer, Audience: c.Audience,
		Leeway: c.Leeway.Std(), RequireUser: c.RequireUser,
	}
	if o.Keys, err = tokenKeys(c); err != nil {
		return fmt.Errorf("configuration: tokens.%w", err)
	}
	if c.JWKS != "" {
		// The set is refreshed for as long as the broker lives, which is longer
		// than its making.
		keys, stop := context.WithCancel(context.WithoutCancel(ctx))
		b.stopKeys = stop
		if o.Set, err = access.OpenKeySet(keys, access.KeySetOptions{Location: c.JWKS, Refresh: c.JWKSRefresh.Std(), Logger: b.log}); err != nil {
			return fmt.Errorf("configuration: tokens.jwks: %w", err)
		}
	}
	if b.tokens, err = access.NewTokens(o); err != nil {
		return fmt.Errorf("configuration: tokens: %w", err)
	}
	b.audit, err = access.OpenAudit(access.AuditOptions{
		Path:    filepath.Join(b.opts.DataDir, access.AuditFile),
		MaxSize: int64(b.opts.Config.Audit.MaxSize), Keep: b.opts.Config.Audit.Keep, Logger: b.log,
	})
	if err != nil {
		return err
	}
	s := b.opts.Config.SignIn
	b.door = access.NewDoor(access.DoorOptions{
		Users: b.users, Admin: access.NewAdminToken(b.token),
		Audit: b.audit, Refused: b.refusals.door,
		Throttle: access.NewThrottle(access.ThrottleOptions{
			UserFailures: s.UserFailures, AddressFailures: s.AddressFailures, MaxWait: s.MaxWait.Std(),
		}),
		Methods: b.methods(),
	})
	return nil
}

// methods are the ways to sign in, in the configured order.
func (b *Broker) methods() []access.Method {
	c := b.opts.Config.SignIn
	var list []access.Method
	for _, word := range c.Order {
		switch word {
		case "device":
			list = append(list, access.DeviceMethod(b.users))
		case "token":
			list = append(list, b.tokens)
		case "password":
			list = append(list, access.PasswordMethod(b.users))
		case "url":
			if c.URL == "" {
				continue
			}
			o := access.HTTPMethodOptions{URL: c.URL, Timeout: c.Timeout.Std(), Cache: c.Cache.Std()}
			if o.Cache == 0 {
				o.Cache = -1 // none, where zero would mean the default
			}
			list = append(list, access.NewHTTPMethod(o))
		}
	}
	return list
}

// foreign reports whether others than the store vouch for users.
func (b *Broker) foreign() bool {
	c := b.opts.Config.Tokens
	return b.opts.Config.SignIn.URL != "" || !c.RequireUser && (c.Secret != "" || c.SecretFile != "" || len(c.Keys) > 0 || c.JWKS != "")
}

// tokenKeys reads the keys that the configuration names.
func tokenKeys(c config.Tokens) ([]any, error) {
	var keys []any
	if c.Secret != "" {
		keys = append(keys, []byte(c.Secret))
	}
	if c.SecretFile != "" {
		secret, err := os.ReadFile(c.SecretFile)
		if err != nil {
			return nil, fmt.Errorf("secretFile: %w", err)
		}
		keys = append(keys, bytes.TrimSpace(secret))
	}
	for _, k := range c.Keys {
		text, name := []byte(k), "the text"
		if !strings.Contains(k, "-----BEGIN") {
			var err error
			if text, err = os.ReadFile(k); err != nil {
				return nil, fmt.Errorf("keys: %w", err)
			}
			name = k
		}
		found, err := access.ParseKeys(text)
		if err != nil {
			return nil, fmt.Errorf("keys: %s: %w", name, err)
		}
		keys = append(keys, found...)
	}
	return keys, nil
}
