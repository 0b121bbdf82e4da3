package access

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// TokenKeyFile is, in the data directory, the key that signs this server's tokens.
const TokenKeyFile = "token.key"

// LoadOrCreateTokenKey returns the Ed25519 key in dir/token.key (PEM, PKCS #8);
// where there is none it makes one, readable by its owner only. Whoever replaces
// the file makes all tokens that this server has issued worthless.
func LoadOrCreateTokenKey(dir string) (ed25519.PrivateKey, error) {
	path := filepath.Join(dir, TokenKeyFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return createTokenKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read token key: %w", err)
	}
	if err := checkPrivateFile(path); err != nil {
		return nil, fmt.Errorf("read token key: %w", err)
	}
	if block, _ := pem.Decode(data); block != nil {
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if own, ok := key.(ed25519.PrivateKey); ok {
				return own, nil
			}
		}
	}
	return nil, fmt.Errorf("read token key: %s holds no Ed25519 key in PEM (PKCS #8): delete it and start again to get a new one, which ends the tokens of the old one", path)
}

func createTokenKey(path string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, fmt.Errorf("make token key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode token key: %w", err)
	}
	if err := writeNew(path, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))); err != nil {
		return nil, fmt.Errorf("write token key: %w", err)
	}
	return key, nil
}

// keyID is a short name for a key that no other key has.
func keyID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return "fitmq-" + base64.RawURLEncoding.EncodeToString(sum[:9])
}

// ParseKeys reads the public keys and certificates of a PEM text.
func ParseKeys(text []byte) ([]any, error) {
	var keys []any
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		key, err := parseKey(block)
		if err != nil {
			return nil, err
		}
		if err := checkKey(key); err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("no public key in PEM is in it")
	}
	return keys, nil
}

func parseKey(block *pem.Block) (any, error) {
	switch block.Type {
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return cert.PublicKey, nil
	}
	return nil, fmt.Errorf("a %s is not a public key: give the public one only", block.Type)
}

// keyAlgorithm is the one algorithm that a key is for, "" for none.
func keyAlgorithm(key any) string {
	switch k := key.(type) {
	case []byte:
		return "HS256"
	case *rsa.PublicKey:
		return "RS256"
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return "ES256"
		}
	case ed25519.PublicKey:
		return "EdDSA"
	}
	return ""
}

// Least strengths of keys: RFC 7518 sections 3.2 and 3.3.
const (
	minSecret  = 32   // bytes
	minRSABits = 2048 // of the modulus
)

func checkKey(key any) error {
	switch k := key.(type) {
	case []byte:
		if len(k) < minSecret {
			return fmt.Errorf("a secret for HS256 of %d bytes is under the limit of %d", len(k), minSecret)
		}
	case *rsa.PublicKey:
		if k.N.BitLen() < minRSABits {
			return fmt.Errorf("an RSA key of %d bits is under the limit of %d", k.N.BitLen(), minRSABits)
		}
	}
	if keyAlgorithm(key) == "" {
		return errors.New("a key is for none of HS256, RS256, ES256 (P-256) and EdDSA (Ed25519)")
	}
	return nil
}
