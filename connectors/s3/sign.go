package s3

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Signature Version 4 as AWS documents it for requests without a body.

const (
	emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // SHA-256 of nothing
	stampForm = "20060102T150405Z"
)

// keys are credentials. Token goes along with those that are lent for a while.
type keys struct {
	Access, Secret, Token string
	Expires               time.Time // zero: they last
}

// sign adds the signature to r. What is signed are host, range and x-amz headers.
func sign(r *http.Request, k keys, region string, now time.Time) {
	stamp := now.UTC().Format(stampForm)
	r.Header.Set("X-Amz-Date", stamp)
	r.Header.Set("X-Amz-Content-Sha256", emptyHash)
	if k.Token != "" {
		r.Header.Set("X-Amz-Security-Token", k.Token)
	}
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	lines := []string{"host:" + host}
	for name, values := range r.Header {
		if low := strings.ToLower(name); low == "range" || strings.HasPrefix(low, "x-amz-") {
			lines = append(lines, low+":"+strings.TrimSpace(strings.Join(values, ",")))
		}
	}
	slices.Sort(lines)
	var names []string
	for _, l := range lines {
		names = append(names, l[:strings.IndexByte(l, ':')])
	}
	signed := strings.Join(names, ";")
	canonical := strings.Join([]string{r.Method, escapePath(r.URL.Path), encodeQuery(r.URL.Query()), strings.Join(lines, "\n") + "\n", signed, emptyHash}, "\n")
	scope := stamp[:8] + "/" + region + "/s3/aws4_request"
	hash := sha256.Sum256([]byte(canonical))
	text := "AWS4-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + hex.EncodeToString(hash[:])
	key := []byte("AWS4" + k.Secret)
	for _, part := range strings.Split(scope, "/") {
		key = keyed(key, part)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+k.Access+"/"+scope+", SignedHeaders="+signed+", Signature="+hex.EncodeToString(keyed(key, text)))
}

func keyed(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// encodeQuery is a query in the form that is signed: sorted, with nothing but unreserved characters left as they are.
func encodeQuery(q url.Values) string {
	var parts []string
	for name, values := range q {
		for _, v := range values {
			parts = append(parts, escape(name, "")+"="+escape(v, ""))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, "&")
}

func escapePath(path string) string {
	if path == "" {
		return "/"
	}
	return escape(path, "/")
}

// escape encodes all but unreserved characters (RFC 3986) and those of also.
func escape(s, also string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~"+also, c) >= 0 {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}
