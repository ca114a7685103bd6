package pipeline_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/clickstream"
	"github.com/intentd/intentd/connectors/connectortest"
	"github.com/intentd/intentd/connectors/hubspot"
	"github.com/intentd/intentd/connectors/salesforce"
	"github.com/intentd/intentd/connectors/sandbox"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/fields"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/pipeline/intent/rules"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/pipeline/topics"
	"github.com/intentd/intentd/state"
)

// A sandbox in a process of its own, so that its CPU and memory are not taken for the daemon's.
const (
	childEnv    = "INTENTD_TEST_SANDBOX_PEOPLE"
	childCRMEnv = "INTENTD_TEST_SANDBOX_CRM"
)

func TestMain(m *testing.M) {
	if n, err := strconv.Atoi(os.Getenv(childEnv)); err == nil {
		if err := serveSandbox(n); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serveSandbox serves n contacts until standard input ends, and prints its counters at every line it reads.
func serveSandbox(n int) error {
	var h interface {
		Listen(ctx context.Context, addr string) (string, error)
		Counters() sandbox.Counters
	}
	if os.Getenv(childCRMEnv) == "salesforce" {
		org := sandbox.NewSalesforce(sandbox.SalesforceOptions{Unlimited: true})
		newLeads(org, n)
		h = org
	} else {
		portal := sandbox.NewHubSpot(sandbox.HubSpotOptions{Unlimited: true, History: -1})
		portal.CreateContacts(n, func(i int) map[string]string {
			return map[string]string{
				"email": address(i), "firstname": "Person", "lastname": strconv.Itoa(i), "company": "Company " + strconv.Itoa(i%500),
				"jobtitle": "Head of Sales", "lifecyclestage": "lead",
			}
		})
		h = portal
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	url, err := h.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(url)
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		b, err := json.Marshal(seen{h.Counters(), connectortest.ProcessorTime()})
		if err != nil {
			return err
		}
		fmt.Println(string(b))
	}
	return nil
}

// seen is what a sandbox's process tells of itself.
type seen struct {
	sandbox.Counters
	CPU time.Duration // of the whole process
}

type child struct {
	url string
	in  io.WriteCloser
	out *bufio.Reader
	cmd *exec.Cmd
}

func startSandbox(b testing.TB, crm string, n int) *child {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+strconv.Itoa(n), childCRMEnv+"="+crm)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	c := &child{in: in, out: bufio.NewReader(out), cmd: cmd}
	b.Cleanup(func() {
		in.Close()
		_ = cmd.Wait()
	})
	line, err := c.out.ReadString('\n')
	if err != nil {
		b.Fatal("the sandbox did not start: ", err)
	}
	c.url = strings.TrimSpace(line)
	return c
}

func (c *child) counters(b testing.TB) (out seen) {
	b.Helper()
	fmt.Fprintln(c.in)
	line, err := c.out.ReadString('\n')
	if err == nil {
		err = json.Unmarshal([]byte(line), &out)
	}
	if err != nil {
		b.Fatal(err)
	}
	return out
}

func address(i int) string {
	return "person" + strconv.Itoa(i) + "@company" + strconv.Itoa(i%500) + ".example"
}

// shop is the generated site: a page by number, with the handful of pages that tell intent.
func shop(i int) (path, title string) {
	switch i % 20 {
	case 0:
		return "/pricing", "Pricing"
	case 1:
		return "/compare/others", "How we compare"
	case 2, 3, 4:
		return "/cards/" + strconv.Itoa(i%7), "Card " + strconv.Itoa(i%7)
	}
	return "/blog/" + strconv.Itoa(i%200), "Article " + strconv.Itoa(i%200)
}

// takeInEvents gives each of n people perPerson events over the last weeks, some with a form.
func takeInEvents(b testing.TB, store *clickstream.Store, n, perPerson int, now time.Time) {
	b.Helper()
	const chunk = 500
	for from := 0; from < n; from += chunk {
		var events []connectors.Event
		for i := from; i < min(n, from+chunk); i++ {
			for k := range perPerson {
				path, title := shop(i*31 + k*7)
				at := now.Add(-time.Duration((i*37+k*1013)%(60*24*60)) * time.Minute)
				e := connectors.Event{
					ID: fmt.Sprintf("e%d-%d", i, k), Time: at, Received: at, Kind: connectors.KindPageView, Email: address(i),
					AnonymousID: "anon" + strconv.Itoa(i), URL: "https://www.shop.example" + path, PageTitle: title,
				}
				if k == 7 && i%5 == 0 {
					e.Kind, e.Properties = connectors.KindFormSubmit, map[string]string{connectors.PropForm: "Newsletter"}
				}
				events = append(events, e)
			}
		}
		if _, err := store.Ingest(clickstream.Batch{Source: "site", Events: events}); err != nil {
			b.Fatal(err)
		}
	}
}

// reopen closes a store and opens it again: what taking in leaves in memory is none of a sync's.
func reopen(b testing.TB, store *clickstream.Store, dir string) *clickstream.Store {
	b.Helper()
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
	store, err := clickstream.Open(filepath.Join(dir, "events"), clickstream.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return store
}

// daemon is the real pipeline on real connectors, clickstream store and state.
type daemon struct {
	db    *state.DB
	store *clickstream.Store
	pipe  *pipeline.Pipeline
}

// newDaemon is a daemon on HubSpot alone.
func newDaemon(b testing.TB, dir string, store *clickstream.Store, o hubspot.Options, now func() time.Time) *daemon {
	b.Helper()
	return assemble(b, dir, store, now, func(*state.DB) []pipeline.CRM { return []pipeline.CRM{hubspotCRM(b, o, now)} })
}

// hubspotCRM is the real HubSpot connector on a portal, its properties provisioned.
func hubspotCRM(b testing.TB, o hubspot.Options, now func() time.Time) pipeline.CRM {
	b.Helper()
	o.Name, o.Token, o.Now = "hubspot", "pat-na1-sandbox", now
	hub, err := hubspot.New(o)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := hub.Apply(b.Context()); err != nil {
		b.Fatal(err)
	}
	names := map[string]string{}
	for _, f := range connectors.PersonFields().Fields {
		names[f.Name] = hubspot.DefaultProperty(f.Name)
	}
	return pipeline.CRM{Name: "hubspot", Type: "hubspot", CRM: hub, Objects: []string{hubspot.Contacts}, Fields: names}
}

// assemble makes a daemon on the given CRMs, with fsync on.
func assemble(b testing.TB, dir string, store *clickstream.Store, now func() time.Time, crms func(*state.DB) []pipeline.CRM) *daemon {
	b.Helper()
	db, err := state.Open(filepath.Join(dir, "intentd.db"), state.Options{Now: now})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	jc := journey.Defaults()
	jc.OwnHosts = []string{"www.shop.example"}
	jc.Products = []journey.Product{{Name: "Credit cards", Match: []string{"/cards/**"}}}
	builder, err := journey.NewBuilder(jc)
	if err != nil {
		b.Fatal(err)
	}
	engine := rules.New(rules.Options{Products: []string{"Credit cards"}})
	setup := &pipeline.Setup{
		CRMs:    crms(db),
		Sources: []pipeline.Source{{Name: "site", Source: store.For("site")}},
		Journey: builder, Score: score.Defaults(), Topics: topics.New(topics.Config{Win: []string{"credit cards"}, LexiconOnly: true}),
		Engine: engine, Rules: engine, Fields: fields.Options{Language: "en", Location: time.UTC, OwnHosts: jc.OwnHosts},
		History: 400 * 24 * time.Hour, Write: pipeline.Write{Mode: pipeline.WriteOn}, BrakeShare: 0.1,
	}
	o := pipeline.Options{DB: db, Now: now}
	if setup.CRMs[len(setup.CRMs)-1].Type == "salesforce" {
		o.LotSize = 200 // as the daemon does
	}
	p, err := pipeline.New(o, setup)
	if err != nil {
		b.Fatal(err)
	}
	return &daemon{db: db, store: store, pipe: p}
}

// BenchmarkPipeline is the whole pipeline with echo: first sync of people with 20 events each (already taken in), every patch
// written over loopback and acknowledged, the echoes polled and dropped. fsync is on, texts are by rules, the sandbox has no
// limits and a process of its own.
//
//	people/s       of the whole
//	peak-MB        highest resident memory of this process (the sandbox apart)
//	cpu-us/person  processor time of this process
//	kB/person      memory allocated, which is what the garbage collector has to do
//	sandbox-us/person  processor time of the sandbox's process
func BenchmarkPipeline(b *testing.B) {
	for _, crm := range []string{"hubspot", "salesforce", "salesforce-bulk"} {
		b.Run(crm, func(b *testing.B) { benchmarkPipeline(b, crm) })
	}
}

func benchmarkPipeline(b *testing.B, crm string) {
	const people, events = 20_000, 20
	for b.Loop() {
		dir := b.TempDir()
		store, err := clickstream.Open(filepath.Join(dir, "events"), clickstream.Options{})
		if err != nil {
			b.Fatal(err)
		}
		takeInEvents(b, store, people, events, time.Now())
		store = reopen(b, store, dir)
		vendor, _, _ := strings.Cut(crm, "-")
		c := startSandbox(b, vendor, people)
		d := assemble(b, dir, store, nil, func(db *state.DB) []pipeline.CRM {
			switch crm {
			case "salesforce":
				return []pipeline.CRM{salesforceCRM(b, db, salesforce.Options{InstanceURL: c.url, BulkThreshold: 1 << 30})}
			case "salesforce-bulk":
				return []pipeline.CRM{salesforceCRM(b, db, salesforce.Options{InstanceURL: c.url})}
			}
			return []pipeline.CRM{hubspotCRM(b, hubspot.Options{BaseURL: c.url, RateShare: 1, SearchesPerSecond: 1e6, DailyReserve: -1}, nil)}
		})
		runtime.GC()
		resetPeak()
		cpu := connectortest.ProcessorTime()
		before := c.counters(b)
		var memoryBefore, memory runtime.MemStats
		runtime.ReadMemStats(&memoryBefore)
		start := time.Now()
		f, err := operate.Once(b.Context(), d.pipe)
		if err != nil {
			b.Fatal(err)
		}
		f2, err := intake.Poll(b.Context(), d.pipe, vendor)
		if err != nil {
			b.Fatal(err)
		}
		took := time.Since(start)
		runtime.ReadMemStats(&memory)
		after := c.counters(b)
		if after.Patches-before.Patches != people || f.Queued < people {
			b.Fatalf("%d people, %d queued, %d patches written", people, f.Queued, after.Patches-before.Patches)
		}
		if f2.Queued != 0 {
			b.Fatalf("%d people came back by echo", f2.Queued)
		}
		b.ReportMetric(people/took.Seconds(), "people/s")
		b.ReportMetric(float64(peakMemory())/1e6, "peak-MB")
		b.ReportMetric(float64((connectortest.ProcessorTime()-cpu).Microseconds())/people, "cpu-us/person")
		b.ReportMetric(float64((after.CPU-before.CPU).Microseconds())/people, "sandbox-us/person")
		b.ReportMetric(float64(after.Requests-before.Requests), "requests")
		b.ReportMetric(float64(memory.TotalAlloc-memoryBefore.TotalAlloc)/1000/people, "kB/person")
		b.ReportMetric(0, "ns/op")
		store.Close()
	}
}

// resetPeak makes the kernel forget the highest resident memory so far.
func resetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// peakMemory is the highest resident memory of this process, in bytes.
func peakMemory() int64 { return memoryLine("VmHWM:") }

// residentMemory is the present one.
func residentMemory() int64 { return memoryLine("VmRSS:") }

func memoryLine(name string) int64 {
	b, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(b), "\n") {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n * 1024
		}
	}
	return 0
}
