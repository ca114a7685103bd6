package amplitude

import (
	"archive/zip"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
)

// project stands in for Amplitude: hours of upload, which are told two hours after they are over, a zip of gzip files, 404 where there is
// nothing, 400 where there is too much.
type project struct {
	t *testing.T

	*connectortest.Clock
	mu      sync.Mutex
	hours   map[string][]string // lines by hour of upload
	late    map[string]bool     // hours that are not loaded yet, though they should be
	perFile int
	most    int // events of one answer; 0: no bound
	fail    int // requests that are refused next, in a way that no attempt follows
	refuse  func(r *http.Request) (status int, body string, header http.Header)
	spoil   func(name string, packed []byte) []byte
	asked   []string
}

var today = time.Date(2026, 11, 29, 12, 30, 0, 0, time.UTC)

func newProject(t *testing.T) *project {
	return &project{t: t, Clock: connectortest.NewClock(today), hours: map[string][]string{}, late: map[string]bool{}, perFile: 7}
}

const timeForm = "2006-01-02 15:04:05.000000"

// upload has an event come in now.
func (p *project) upload(e map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e["server_upload_time"] = p.Now().Format(timeForm)
	b, _ := json.Marshal(e)
	hour := p.Now().Format(hourForm)
	p.hours[hour] = append(p.hours[hour], string(b))
}

func (p *project) view(n int) {
	p.upload(map[string]any{"event_type": "[Amplitude] Page Viewed", "$insert_id": fmt.Sprint("i", n), "user_id": "u-17", "device_id": "d", "session_id": -1,
		"event_time": p.Now().Format(timeForm), "event_properties": map[string]any{"[Amplitude] Page URL": fmt.Sprint("https://one.example/", n)}})
}

func (p *project) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.Header().Set("Date", p.Now().Format(http.TimeFormat))
	if user, password, _ := r.BasicAuth(); user != "api-key-of-project" || password != "secret-of-project" {
		connectortest.Reply(w, 403, `{"error":{"http_code":403,"type":"invalid","message":"Incorrect API Key and Secret Key"}}`, nil)
		return
	}
	if p.fail > 0 {
		p.fail--
		connectortest.Reply(w, 403, "not now", nil)
		return
	}
	if p.refuse != nil {
		if status, body, header := p.refuse(r); status != 0 {
			connectortest.Reply(w, status, body, header)
			return
		}
	}
	if r.URL.Host+r.URL.Path != "analytics.eu.amplitude.com/api/2/export" {
		p.t.Errorf("asked at %s", r.URL)
	}
	start, end := r.URL.Query().Get("start"), r.URL.Query().Get("end")
	p.asked = append(p.asked, start+"/"+end)
	from, err := time.Parse(hourForm, start)
	to, err2 := time.Parse(hourForm, end)
	if err != nil || err2 != nil || to.Before(from) || to.Sub(from) > 365*day {
		p.t.Errorf("asked for %s to %s", start, end)
	}
	files := map[string][]string{}
	var names []string
	total := 0
	for hour := from; !hour.After(to); hour = hour.Add(time.Hour) {
		if p.Now().Sub(hour) < 3*time.Hour || p.late[hour.Format(hourForm)] {
			continue
		}
		for i, line := range p.hours[hour.Format(hourForm)] {
			name := fmt.Sprintf("350000/350000_%s#%d.json.gz", hour.Format("2006-01-02_15"), i/p.perFile)
			if files[name] == nil {
				names = append([]string{name}, names...) // in no order
			}
			files[name] = append(files[name], line)
			total++
		}
	}
	switch {
	case total == 0:
		connectortest.Reply(w, 404, "Raw data files were not found.", nil)
	case p.most > 0 && total > p.most:
		connectortest.Reply(w, 400, "Requested data is too large, export less data.", nil)
	default:
		w.Header().Set("Content-Type", "application/zip")
		_, _ = w.Write(p.pack(names, files))
	}
}

// pack makes the zip. The last line of a file has no line feed.
func (p *project) pack(names []string, files map[string][]string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range names {
		var packed bytes.Buffer
		g := gzip.NewWriter(&packed)
		fmt.Fprint(g, strings.Join(files[name], "\n"))
		g.Close()
		body := packed.Bytes()
		if p.spoil != nil {
			body = p.spoil(name, body)
		}
		f, _ := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		_, _ = f.Write(body)
	}
	z.Close()
	return b.Bytes()
}

// settings are those of a source that reads from the stand-in.
func settings() *Config {
	o := Type.Settings().(*Config)
	o.APIKey, o.SecretKey, o.Region = "api-key-of-project", connectors.NewSecret("secret-of-project"), "eu"
	return o
}

func (p *project) feed(t *testing.T, o *Config, page int) *Feed {
	t.Helper()
	connectortest.NoProblem(t, o)
	o.TempDir = t.TempDir()
	f, err := o.open(connectors.Host{Name: "app", HTTP: connectortest.Wire(p.serve), Now: p.Now, Poll: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	f.most = cmp.Or(page, f.most)
	return f
}
