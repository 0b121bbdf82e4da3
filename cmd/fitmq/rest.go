package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fitmq/fitmq/access"
)

// remote is how a command finds the server's REST interface and signs in there.
type remote struct {
	Data   string `placeholder:"DIR" type:"path" env:"FITMQ_DATA" help:"Data directory of a server on this machine: its address and the admin token are read from there."`
	URL    string `placeholder:"URL" env:"FITMQ_URL" help:"Where the server's HTTP is, when not from --data, like http://localhost:8080."`
	Token  string `placeholder:"TOKEN" env:"FITMQ_TOKEN" help:"Admin token, or a user's token, when not from --data. Better in the environment than on the command line."`
	Output string `enum:"text,json" default:"text" help:"What to print: text, or json as the server sends it."`
}

// restTimeout bounds one request.
const restTimeout = 30 * time.Second

// maxAnswer bounds an answer in bytes.
const maxAnswer = 16 << 20

// locate returns the address and token to use.
func (r *remote) locate() (base, token string, err error) {
	base, token = strings.TrimSuffix(r.URL, "/"), r.Token
	if r.Data != "" && base == "" {
		a, ok := readAddresses(r.Data)
		if !ok {
			return "", "", hintError{fmt.Errorf("no server is running on %s", r.Data), "Start it with fitmq serve --data " + r.Data + ", or say where it is with --url."}
		}
		base = "http://" + a.HTTP
		if a.HTTPS {
			base = "https://" + a.HTTP // the certificate names a host: where it is not this one, --url is needed
		}
	}
	if r.Data != "" && token == "" {
		text, err := os.ReadFile(filepath.Join(r.Data, access.AdminTokenFile))
		if err != nil {
			return "", "", hintError{fmt.Errorf("read the admin token: %w", err), "Run this as the user who runs the server, or give a token with --token."}
		}
		token = strings.TrimSpace(string(text))
	}
	switch {
	case base == "":
		return "", "", hintError{errors.New("which server?"), "Give its data directory with --data DIR, or --url and --token."}
	case token == "":
		return "", "", hintError{errors.New("no token to sign in with"), "Give one with --token or in FITMQ_TOKEN: the server's is in admin.token in its data directory."}
	}
	return base, token, nil
}

// path joins the parts of a resource's path, whatever characters they have.
func path(parts ...string) string {
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return "/" + strings.Join(parts, "/")
}

// call makes a request and decodes the answer into out, where there is one. It
// returns the answer as it came.
func (r *remote) call(ctx context.Context, method, path string, body, out any) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, restTimeout)
	defer cancel()
	res, err := r.send(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the server's answer: %w", err)
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			return nil, hintError{fmt.Errorf("decode the server's answer: %w", err), "Is it a fitmq, of this version, that answers there?"}
		}
	}
	return answer, nil
}

// send makes a request; a refusal is an error. The caller closes the answer's body.
func (r *remote) send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	base, token, err := r.locate()
	if err != nil {
		return nil, err
	}
	var content io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		content = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, base+"/api/v1"+path, content)
	if err != nil {
		return nil, hintError{fmt.Errorf("make request: %w", err), "Write --url like http://localhost:8080."}
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, hintError{fmt.Errorf("ask the server: %w", err), "Is it running there? fitmq serve prints its HTTP address; --url says where to look."}
	}
	if res.StatusCode < http.StatusMultipleChoices {
		return res, nil
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the server's answer: %w", err)
	}
	return nil, failed(res.StatusCode, answer)
}

// refusal is the server's answer that it does not do what was asked.
type refusal struct {
	status int
	detail string
}

func (r refusal) Error() string {
	return fmt.Sprintf("the server refuses (%d): %s", r.status, r.detail)
}

// failed makes an error of a refusal, with the next step.
func failed(status int, answer []byte) error {
	var p struct{ Detail string }
	if json.Unmarshal(answer, &p) != nil || p.Detail == "" {
		p.Detail = http.StatusText(status)
	}
	err := refusal{status, p.Detail}
	switch status {
	case http.StatusUnauthorized:
		return hintError{err, "Is it this server's token? It is in admin.token in its data directory."}
	case http.StatusForbidden:
		return hintError{err, "Use the admin token, with --data DIR or --token."}
	case http.StatusNotFound:
		return hintError{err, "fitmq user list shows the users, fitmq device list USER a user's devices."}
	}
	return err
}

// print writes the answer as JSON where that is wanted, else what text writes.
func (r *remote) print(e *env, answer []byte, text func(io.Writer)) error {
	if r.Output != "json" {
		text(e.stdout)
		return nil
	}
	if len(answer) == 0 {
		answer = []byte("{}")
	}
	fmt.Fprintln(e.stdout, strings.TrimSpace(string(answer)))
	return nil
}
