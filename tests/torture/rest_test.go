package torture_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// call makes a REST request, with the token or as the administrator where it is
// empty, and decodes the answer into out where that is not nil. It tries again
// while the broker is away.
func (p *process) call(method, path, token string, body, out any) error {
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) { // the broker is being restarted
		var answer []byte
		var status int
		if status, answer, err = p.callOnce(method, path, token, body); err != nil || status == http.StatusServiceUnavailable {
			continue
		}
		if status >= 300 {
			return fmt.Errorf("%s %s: status %d: %s", method, path, status, answer)
		}
		if out == nil {
			return nil
		}
		if err := json.Unmarshal(answer, out); err != nil {
			return fmt.Errorf("%s %s: %w: %s", method, path, err, answer)
		}
		return nil
	}
	return fmt.Errorf("%s %s: %w: %w", method, path, errGivenUp, err)
}

func (p *process) callOnce(method, path, token string, body any) (int, []byte, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	req, err := http.NewRequest(method, "http://"+p.http.Load().(string)+"/api/v1"+path, bytes.NewReader(data))
	if err != nil {
		return 0, nil, err
	}
	if token == "" {
		if token, err = p.adminToken(); err != nil {
			return 0, nil, err
		}
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	client := http.Client{Timeout: patience}
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

func (p *process) adminToken() (string, error) {
	b, err := os.ReadFile(filepath.Join(p.dir, "data", "admin.token"))
	return strings.TrimSpace(string(b)), err
}
