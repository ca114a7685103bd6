//go:build unix

package salesforce

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
)

// instant answers describe with every field wanted, and everything else with one body, without a wire.
type instant struct{ describe, body []byte }

func (b instant) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body.Close()
	}
	body := b.body
	switch {
	case strings.HasSuffix(r.URL.Path, "/describe"):
		body = b.describe
	case strings.HasSuffix(r.URL.Path, "/token"):
		body = []byte(`{"access_token":"bench-token"}`)
	}
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: r}, nil
}

func instantly(b *testing.B, body []byte) *Client {
	o := Options{InstanceURL: orgHost, Auth: Auth{Flow: ClientCredentials, ClientID: "x", ClientSecret: "bench-secret"}, Objects: []string{Lead}, WriteConcurrency: 1}
	plain, err := New(o)
	if err != nil {
		b.Fatal(err)
	}
	var d bytes.Buffer
	d.WriteString(`{"fields":[`)
	for i, name := range plain.objects[Lead].want {
		if i > 0 {
			d.WriteByte(',')
		}
		fmt.Fprintf(&d, `{"name":%q,"type":"string","length":255,"updateable":true}`, name)
	}
	d.WriteString(`]}`)
	o.HTTP = instant{d.Bytes(), body}
	c, err := New(o)
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// leads are n ids and a collection of as many busy leads.
func leads(b *testing.B, n int) (refs []connectors.Ref, body []byte) {
	c := instantly(b, nil)
	var out bytes.Buffer
	out.WriteByte('[')
	for i := range n {
		id, _ := normalID(fmt.Sprintf("00Q5g00000%05d", i))
		refs = append(refs, c.ref(Lead, id))
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, `{"attributes":{"type":"Lead","url":"/services/data/v67.0/sobjects/Lead/%s"},"Id":%q`, id, id)
		for j, name := range c.objects[Lead].want {
			switch {
			case name == "Id":
			case name == "SystemModstamp" || name == "CreatedDate":
				fmt.Fprintf(&out, `,%q:"2026-11-20T08:17:00.000+0000"`, name)
			case name == "IsDeleted" || name == "IsConverted":
				fmt.Fprintf(&out, `,%q:false`, name)
			case name == "MasterRecordId" || j%3 == 0:
				fmt.Fprintf(&out, `,%q:null`, name)
			default:
				fmt.Fprintf(&out, `,%q:"value %d of it"`, name, i)
			}
		}
		out.WriteByte('}')
	}
	out.WriteByte(']')
	return refs, out.Bytes()
}

// BenchmarkRead aims at more than 20,000 leads/s on one core.
func BenchmarkRead(b *testing.B) {
	refs, body := leads(b, 1000)
	c := instantly(b, body)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	spent := connectortest.Stopwatch()
	for b.Loop() {
		if _, err := c.Read(b.Context(), refs); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(refs))/spent().Seconds(), "leads/cpu-s")
}

func BenchmarkWrite(b *testing.B) {
	refs, _ := leads(b, batchSize)
	c := instantly(b, []byte("["+strings.TrimSuffix(strings.Repeat(`{"id":"00Q5g0000000001EAA","success":true,"errors":[]},`, batchSize), ",")+"]"))
	patches := make([]connectors.Patch, batchSize)
	for i := range patches {
		patches[i] = connectors.Patch{Ref: refs[i], Fields: connectortest.FullPatch()}
	}
	b.ReportAllocs()
	spent := connectortest.Stopwatch()
	for b.Loop() {
		if _, err := c.Write(b.Context(), patches); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(patches))/spent().Seconds(), "patches/cpu-s")
}
