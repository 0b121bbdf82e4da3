package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"
)

// list prints a list of the server's, a page at a time: a line for each item, with
// what row says in columns; as JSON a page a line.
func list[T any](e *env, r *remote, path string, row func(T) []any) error {
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	for after := ""; ; {
		var page struct {
			Items []T    `json:"items"`
			Next  string `json:"next"`
		}
		answer, err := r.call(e.ctx, http.MethodGet, path+sep+"limit=1000&after="+url.QueryEscape(after), nil, &page)
		if err != nil {
			return err
		}
		if r.json() {
			fmt.Fprintln(e.stdout, strings.TrimSpace(string(answer)))
		} else {
			for _, item := range page.Items {
				fmt.Fprintln(w, columns(row(item)))
			}
		}
		if after = page.Next; after == "" {
			return w.Flush()
		}
	}
}

// columns joins values for a tabwriter.
func columns(values []any) string {
	texts := make([]string, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case time.Time:
			if !v.IsZero() {
				texts[i] = v.Format(time.RFC3339)
			}
		default:
			texts[i] = fmt.Sprint(v)
		}
	}
	return strings.TrimRight(strings.Join(texts, "\t"), "\t ")
}
