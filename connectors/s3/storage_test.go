package s3

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
)

// storage stands in for S3: lists of keys by pages, ranges, conditions, and refusals in XML.
type storage struct {
	t *testing.T

	*connectortest.Clock
	mu      sync.Mutex
	objects map[string]*stored
	keys    int // of a page of the list
	fail    int // requests that are refused next, in a way that no attempt follows
	refuse  func(r *http.Request) (status int, code string, header http.Header)
	lists   int
	gets    int
	asked   []string
}

type stored struct {
	body     []byte
	etag     string
	written  time.Time
	class    string
	encoding string
}

var today = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func newStorage(t *testing.T) *storage {
	return &storage{t: t, Clock: connectortest.NewClock(today), objects: map[string]*stored{}, keys: 3}
}

func (s *storage) put(key string, body []byte) *stored {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := md5.Sum(append([]byte(s.Now().String()), body...))
	o := &stored{body: body, etag: `"` + hex.EncodeToString(sum[:]) + `"`, written: s.Now()}
	s.objects[key] = o
	return o
}

func (s *storage) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Date", s.Now().Format(http.TimeFormat))
	s.asked = append(s.asked, r.URL.String())
	if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AK/"+s.Now().Format("20060102")+"/eu-central-1/s3/aws4_request, SignedHeaders=host;") {
		s.t.Errorf("authorization %q", r.Header.Get("Authorization"))
	}
	if r.URL.RawQuery != encodeQuery(r.URL.Query()) || r.URL.EscapedPath() != escapePath(r.URL.Path) {
		s.t.Errorf("%s is sent in another form than it is signed in", r.URL)
	}
	if s.fail > 0 {
		s.fail--
		refuse(w, http.StatusForbidden, "AccessDenied", nil)
		return
	}
	if s.refuse != nil {
		if status, code, header := s.refuse(r); status != 0 {
			refuse(w, status, code, header)
			return
		}
	}
	if r.URL.Host != "lake.s3.eu-central-1.amazonaws.com" {
		s.t.Errorf("asked at %s", r.URL.Host)
	}
	if r.URL.Query().Get("list-type") == "2" {
		s.list(w, r)
		return
	}
	s.get(w, r, strings.TrimPrefix(r.URL.Path, "/"))
}

func refuse(w http.ResponseWriter, status int, code string, header http.Header) {
	maps.Copy(w.Header(), header)
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>no, said the storage</Message><RequestId>4442587FB7D0A2F9</RequestId></Error>", code)
}

func (s *storage) list(w http.ResponseWriter, r *http.Request) {
	s.lists++
	q := r.URL.Query()
	type contents struct {
		Key, LastModified, ETag string
		Size                    int
		StorageClass            string
	}
	answer := struct {
		XMLName      xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
		KeyCount     int
		EncodingType string
		IsTruncated  bool
		Contents     []contents
	}{EncodingType: q.Get("encoding-type")}
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		if !strings.HasPrefix(key, q.Get("prefix")) || key <= q.Get("start-after") {
			continue
		}
		if len(answer.Contents) == s.keys {
			answer.IsTruncated = true
			break
		}
		o := s.objects[key]
		class := o.class
		if class == "" {
			class = "STANDARD"
		}
		answer.Contents = append(answer.Contents, contents{escape(key, "/"), o.written.Format("2006-01-02T15:04:05.000Z"), o.etag, len(o.body), class})
	}
	answer.KeyCount = len(answer.Contents)
	w.Header().Set("Content-Type", "application/xml")
	fmt.Fprint(w, xml.Header)
	_ = xml.NewEncoder(w).Encode(answer)
}

func (s *storage) get(w http.ResponseWriter, r *http.Request, key string) {
	s.gets++
	o := s.objects[key]
	switch {
	case o == nil:
		refuse(w, http.StatusNotFound, "NoSuchKey", nil)
		return
	case r.Header.Get("If-Match") != o.etag:
		refuse(w, http.StatusPreconditionFailed, "PreconditionFailed", nil)
		return
	}
	var from, to int
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to); err != nil || from >= len(o.body) {
		s.t.Errorf("range %q of %d bytes", r.Header.Get("Range"), len(o.body))
		refuse(w, http.StatusRequestedRangeNotSatisfiable, "InvalidRange", nil)
		return
	}
	if o.encoding != "" {
		w.Header().Set("Content-Encoding", o.encoding)
	}
	w.Header().Set("Content-Type", "binary/octet-stream")
	w.Header().Set("ETag", o.etag)
	w.WriteHeader(http.StatusPartialContent)
	_, _ = w.Write(o.body[from:min(to+1, len(o.body))])
}

// settings are those of a source that reads below a prefix.
func settings(prefix string) *Config {
	o := Type.Settings().(*Config)
	o.Bucket, o.Prefix, o.Region, o.AccessKey, o.SecretKey = "lake", prefix, "eu-central-1", "AK", connectors.NewSecret("secret-access-key")
	return o
}

func (s *storage) feed(t *testing.T, o *Config, page int) *Feed {
	t.Helper()
	connectortest.NoProblem(t, o)
	f, err := o.open(connectors.Host{Name: "lake", HTTP: connectortest.Wire(s.serve), Now: s.Now, Poll: 5 * time.Minute}, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	if page > 0 {
		f.most, f.part = page, make([]byte, 100)
	}
	return f
}

func zipped(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	w.Close()
	return b.Bytes()
}
