package gateway

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/fitmq/fitmq/access"
)

// backupWrite is how long a client may take no byte of a backup; then it ends.
const backupWrite = 30 * time.Second

// backupMedia is the type of what GET /backup answers.
const backupMedia = "application/x-tar"

// backup serves GET /backup: a copy of the data directory. An answer that ends
// early is cut off, which the client sees, and the archive lacks its manifest.
func (g *Gateway) backup(w http.ResponseWriter, r *http.Request) {
	const route = apiPrefix + "/backup"
	start := time.Now()
	req := request{Request: r}
	out := &backupWriter{w: w, rc: http.NewResponseController(w)}
	err := g.mayBackUp(&req)
	if err == nil {
		g.audit(req, "change", http.StatusOK, "backup begins")
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(g.draining, cancel)()
		err = g.o.Backup(ctx, out)
		g.metrics.backedUp(out.n, err)
	}
	status := http.StatusOK
	if err != nil {
		p := problemOf(err)
		status = p.Status
		g.logFailure(req, p, err)
		if p.Status == http.StatusForbidden {
			g.audit(req, "refused", p.Status, p.Detail)
		}
		if out.n == 0 {
			p.write(w)
		}
	}
	g.metrics.observe(route, r.Method, status, time.Since(start))
	switch {
	case err == nil:
		g.log.Info("backup made", "user", req.id.UserID, "bytes", out.n, "took", time.Since(start))
	case out.n > 0:
		g.log.Warn("backup was cut off", "user", req.id.UserID, "bytes", out.n, "error", err)
		panic(http.ErrAbortHandler) // or the client would take what it has for the whole
	}
}

// mayBackUp lets administrators in.
func (g *Gateway) mayBackUp(r *request) (err error) {
	if r.Method != http.MethodGet {
		p := problem(http.StatusMethodNotAllowed, "a backup cannot be asked for its header alone")
		p.allow = http.MethodGet
		return p
	}
	ctx, cancel := context.WithTimeout(r.Context(), g.o.Limits.RequestTime)
	defer cancel()
	if r.id, err = g.signIn(r.WithContext(ctx), false); err != nil {
		return err
	}
	if err = deviceMay(*r, apiPrefix+"/backup"); err == nil {
		err = grantsMay(*r, apiPrefix+"/backup")
	}
	if err == nil && r.id.Role != access.Admin {
		err = forbidden("only administrators may")
	}
	return err
}

// backupWriter writes the answer, its header with the first bytes.
type backupWriter struct {
	w  http.ResponseWriter
	rc *http.ResponseController
	n  int64
}

// Write implements io.Writer.
func (b *backupWriter) Write(p []byte) (int, error) {
	if b.n == 0 {
		h := b.w.Header()
		h.Set("Content-Type", backupMedia)
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Disposition", `attachment; filename="fitmq-`+time.Now().UTC().Format("20060102T150405Z")+`.tar"`)
	}
	if err := b.rc.SetWriteDeadline(time.Now().Add(backupWrite)); err != nil {
		return 0, fmt.Errorf("write the backup: %w", err)
	}
	n, err := b.w.Write(p)
	b.n += int64(n)
	return n, err
}
