package collector

import (
	_ "embed"
	"hash/crc32"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

//go:embed script.js
var scriptSource string

// script is the tracker of our own as it is served: without comments, indentation and spaces around signs. No text in it holds those.
var script = func() []byte {
	var b strings.Builder
	for line := range strings.Lines(scriptSource) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			b.WriteString(spaced.ReplaceAllString(line, "$1") + "\n")
		}
	}
	return []byte(b.String())
}()

var spaced = regexp.MustCompile(` *([=>{},:?&|()+<]) *`)

var scriptTag = `"` + strconv.FormatUint(uint64(crc32.ChecksumIEEE(script)), 36) + `"`

// serveScript answers with the tracker. Browsers ask for it again after an hour.
func serveScript(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("ETag", scriptTag)
	if r.Header.Get("If-None-Match") == scriptTag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(script)
}
