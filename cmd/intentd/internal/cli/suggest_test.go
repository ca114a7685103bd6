package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/operate"
)

// What is suggested can be copied into the configuration.
func TestSuggestText(t *testing.T) {
	var out strings.Builder
	found := []operate.Uncovered{{Unruled: learn.Unruled{Form: "gform 12"}, Times: 3}, {Unruled: learn.Unruled{Kind: "Heat Map", Source: "site"}, Times: 1},
		{Unruled: learn.Unruled{URL: "/industries/logistics"}, Times: 9, People: 4}}
	suggestText(&out, found)
	want := ` scoring:
   rules:
+    - {form: "gform 12", signal: hand_raise}                               # sent 3 times; ignore: true if it asks for nothing
+    - {kind: "Heat Map", source: site, signal: content_view}               # 1 event
+    - {url: "/industries/logistics", signal: content_view}                 # 9 views by 4 people
Once intentd learn went over closed deals, it is told here how many people of won deals did each.
`
	if out.String() != want {
		t.Errorf("%s\nwant\n%s", out.String(), want)
	}
	day := time.Date(2026, 11, 29, 4, 0, 0, 0, time.UTC)
	all := learn.Share{OfWon: 40, OfPeople: 90, Since: day.AddDate(-1, 0, 0), At: day}
	found[1].Deals, found[2].Deals = &all, &learn.Share{Won: 12, People: 15, OfWon: 40, OfPeople: 90, Since: all.Since, At: day}
	out.Reset()
	suggestText(&out, found[1:])
	want = ` scoring:
   rules:
+    - {kind: "Heat Map", source: site, signal: content_view}               # 1 event; before a deal: fewer than 3 of 90 people
+    - {url: "/industries/logistics", signal: content_view}                 # 9 views by 4 people; before a deal: 12 of 40 people of won ones, 15 of 90 of all
Before a deal: until a day before it was created, of deals closed since 29 Nov 2025, as intentd learn went over them on 29 Nov 2026.
`
	if out.String() != want {
		t.Errorf("%s\nwant\n%s", out.String(), want)
	}
	out.Reset()
	if suggestText(&out, nil); out.String() != "nothing that came often is without a rule\n" {
		t.Error(out.String())
	}
}
