package sandbox

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// bigOrg has as many leads as a large customer; it is made once.
var bigOrg = sync.OnceValues(func() (*Salesforce, float64) {
	const n = 1_000_000
	now := time.Date(2026, 11, 20, 8, 17, 0, 0, time.UTC)
	s := NewSalesforce(SalesforceOptions{Unlimited: true, SessionTTL: 1 << 62, Now: func() time.Time { return now }})
	for _, name := range []string{"Headline", "Product", "Topics", "Stage", "Trend"} {
		if err := s.Define("Lead.Intent_"+name+"__c", `{"label":"x","type":"Text","length":255}`); err != nil {
			panic(err)
		}
	}
	for _, name := range []string{"Summary", "Reasons"} {
		if err := s.Define("Lead.Intent_"+name+"__c", `{"label":"x","type":"LongTextArea","length":4000,"visibleLines":4}`); err != nil {
			panic(err)
		}
	}
	if err := s.Define("Lead.Intent_Score__c", `{"label":"x","type":"Number","precision":5,"scale":2}`); err != nil {
		panic(err)
	}
	for _, name := range []string{"Headline", "Product", "Topics", "Stage", "Trend", "Summary", "Reasons", "Score"} {
		if err := s.Grant("Lead.Intent_" + name + "__c"); err != nil {
			panic(err)
		}
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for lo := 0; lo < n; lo += 100_000 { // two thirds of those that Populate makes are leads
		s.Populate(150_000, uint64(lo))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	return s, float64(after.HeapAlloc-before.HeapAlloc) / (1.5 * n)
})

// askOrg sends requests over the transport and reports the processor time the sandbox says they took.
func askOrg(b *testing.B, s *Salesforce, method string, request func(i int) (path string, body []byte)) {
	b.Helper()
	g := &org{s, b, nil, &http.Client{Transport: s.Transport()}, ""}
	g.signIn()
	start := s.Counters().CPU
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		path, body := request(i)
		q, _ := http.NewRequest(method, myDomain+v67+path, bytes.NewReader(body))
		q.Header.Set("Authorization", "Bearer "+g.token)
		q.Header.Set("Content-Type", "application/json")
		res, err := s.Transport().RoundTrip(q)
		if err != nil {
			b.Fatal(err)
		}
		if res.StatusCode != 200 {
			raw, _ := io.ReadAll(res.Body)
			b.Fatalf("%d %s", res.StatusCode, raw)
		}
	}
	b.ReportMetric(float64((s.Counters().CPU-start).Microseconds())/float64(b.N), "cpu-µs/op")
}

func BenchmarkCollectionsUpdate200(b *testing.B) {
	s, _ := bigOrg()
	ids := s.IDs("Lead")
	text := strings.Repeat("Read the pricing page twice on 19 Nov and compared plans. ", 5)
	askOrg(b, s, "PATCH", func(i int) (string, []byte) {
		var w bytes.Buffer
		w.WriteString(`{"allOrNone":false,"records":[`)
		for k := range 200 {
			if k > 0 {
				w.WriteByte(',')
			}
			fmt.Fprintf(&w, `{"attributes":{"type":"Lead"},"id":%q,"Intent_Score__c":%d.4,"Intent_Headline__c":"Compared plans","Intent_Summary__c":"%s","Intent_Reasons__c":"%s","Intent_Product__c":"CRM","Intent_Topics__c":"pricing; plans","Intent_Stage__c":"comparing","Intent_Trend__c":"rising"}`,
				ids[(i*7919+k*3571)%len(ids)], i%90, text, text)
		}
		w.WriteString(`]}`)
		return "/composite/sobjects", w.Bytes()
	})
}

const leadColumns = "Id, FirstName, LastName, Email, Title, Company, Status, OwnerId, IsConverted, ConvertedContactId, CreatedDate, LastModifiedDate, SystemModstamp"

func BenchmarkKeysetPage2000(b *testing.B) {
	s, perRecord := bigOrg()
	for _, c := range []struct {
		name string
		ago  time.Duration
	}{{"hour", time.Hour}, {"month", 30 * 24 * time.Hour}, {"all", 3 * 365 * 24 * time.Hour}} {
		b.Run(c.name, func(b *testing.B) {
			askOrg(b, s, "GET", func(i int) (string, []byte) {
				t := s.o.Now().Add(-c.ago + time.Duration(i%60)*time.Second).Format("2006-01-02T15:04:05Z")
				return "/query?q=" + url.QueryEscape(fmt.Sprintf("SELECT %s FROM Lead WHERE (SystemModstamp = %s AND Id > '00Q5g00000004JkAAI') OR SystemModstamp > %s ORDER BY SystemModstamp, Id LIMIT 2000", leadColumns, t, t)), nil
			})
			b.ReportMetric(perRecord, "B/record")
		})
	}
	b.Run("by-id", func(b *testing.B) {
		ids := s.IDs("Lead")
		askOrg(b, s, "GET", func(i int) (string, []byte) {
			return "/query?q=" + url.QueryEscape(fmt.Sprintf("SELECT %s FROM Lead WHERE Id > '%s' ORDER BY Id LIMIT 2000", leadColumns, ids[i*7919%len(ids)])), nil
		})
	})
	b.Run("deleted", func(b *testing.B) {
		askOrg(b, s, "GET", func(int) (string, []byte) {
			return "/queryAll?q=" + url.QueryEscape("SELECT Id, MasterRecordId FROM Lead WHERE IsDeleted = true AND SystemModstamp > 2026-11-19T00:00:00Z ORDER BY SystemModstamp, Id LIMIT 2000"), nil
		})
	})
}

func BenchmarkReadCollection2000(b *testing.B) {
	s, _ := bigOrg()
	ids := s.IDs("Lead")
	askOrg(b, s, "POST", func(i int) (string, []byte) {
		from := i * 7919 % (len(ids) - 2000)
		return "/composite/sobjects/Lead", fmt.Appendf(nil, `{"ids":["%s"],"fields":["%s"]}`, strings.Join(ids[from:from+2000], `","`), strings.ReplaceAll(leadColumns, ", ", `","`))
	})
}
