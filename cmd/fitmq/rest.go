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
	JSON   bool   `name:"json" help:"The same as --output json."`
}

// json reports whether to print what the server sends.
func (r *remote) json() bool { return r.JSON || r.Output == "json" }

// restTimeout bounds one request.
const restTimeout = 30 * time.Second

// maxAnswer bounds an answer in bytes.
const maxAnswer = 16 << 20

// locate returns the address and token to use.
func (r *remote) locate() (base, token string, err error) {
	base, token = strings.TrimSuffix(r.URL, "/"), r.Token
	if u, err := url.Parse(base); base != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		return "", "", hintError{fmt.Errorf("--url %q is not the address of a server", r.URL), "Write it like http://localhost:8080."}
	}
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
		var long *url.Error
		if errors.As(err, &long) {
			err = long.Err // without the whole request
		}
		return nil, hintError{fmt.Errorf("ask the server at %s: %w", base, err), "Is it running there, and is it http or https? fitmq serve prints its HTTP address; --url says where to look."}
	}
	if res.StatusCode < http.StatusMultipleChoices {
		return res, nil
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the server's answer: %w", err)
	}
	return nil, failed(path, res.StatusCode, answer)
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
func failed(path string, status int, answer []byte) error {
	var p struct{ Detail string }
	if json.Unmarshal(answer, &p) != nil || p.Detail == "" {
		line, _, _ := strings.Cut(strings.TrimSpace(string(answer)), "\n")
		if p.Detail = http.StatusText(status); len(line) > 0 && len(line) < 200 && line[0] != '<' && line[0] != '{' {
			p.Detail = line // another server's own words, or those of the MQTT port
		}
	}
	err := refusal{status, p.Detail}
	switch status {
	case http.StatusUnauthorized:
		return hintError{err, "Is it this server's token? It is in admin.token in its data directory."}
	case http.StatusForbidden:
		return hintError{err, "The rights are those of the token: --data DIR takes the administrator's, --token another one."}
	case http.StatusNotFound:
		return hintError{err, whereToLook(path)}
	}
	return err
}

// whereToLook says which command lists what was not found.
func whereToLook(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch {
	case strings.Contains(path, "/devices"):
		return "fitmq device list USER shows a user's devices."
	case first == "links":
		return "fitmq link list TRAINER shows a trainer's clients; fitmq link add TRAINER CLIENT links the two."
	case first == "sessions", first == "challenges":
		one := strings.TrimSuffix(first, "s")
		return "fitmq " + one + " list shows the " + first + "."
	case first == "conversations":
		return "fitmq conversation list shows the conversations of who asks."
	case first == "users", first == "tokens":
		return "fitmq user list shows the users."
	}
	return "Is it a fitmq, of this version, that answers there?"
}

// print writes the answer as JSON where that is wanted, else what text writes.
func (r *remote) print(e *env, answer []byte, text func(io.Writer)) error {
	if !r.json() {
		text(e.stdout)
		return nil
	}
	if len(answer) == 0 {
		answer = []byte("{}")
	}
	fmt.Fprintln(e.stdout, strings.TrimSpace(string(answer)))
	return nil
}

// present reads what is there into spec; nothing is no error.
func (r *remote) present(e *env, path string, spec any) error {
	var no refusal
	if _, err := r.call(e.ctx, http.MethodGet, path, nil, spec); err != nil && (!errors.As(err, &no) || no.status != http.StatusNotFound) {
		return err
	}
	return nil
}

// join puts a user into something, and says so.
func (r *remote) join(e *env, path, done string) error {
	return r.tell(e, http.MethodPut, path, struct{}{}, done)
}

// remove deletes a resource and says so.
func (r *remote) remove(e *env, path, done string) error {
	return r.tell(e, http.MethodDelete, path, nil, done)
}

// tell makes a request whose answer has nothing to show, and says what is done.
func (r *remote) tell(e *env, method, path string, body any, done string) error {
	answer, err := r.call(e.ctx, method, path, body, nil)
	if err != nil {
		return err
	}
	return r.print(e, answer, func(w io.Writer) { fmt.Fprintln(w, done) })
}
