package cli

import (
	"strings"
	"testing"

	"github.com/intentd/intentd/pipeline/operate"
)

// What is suggested can be copied into the configuration.
func TestSuggestText(t *testing.T) {
	var out strings.Builder
	suggestText(&out, []operate.Uncovered{{Form: "gform 12", Times: 3}, {Kind: "Heat Map", Source: "site", Times: 1}, {URL: "/industries/logistics", Times: 9, People: 4}})
	want := ` scoring:
   rules:
+    - {form: "gform 12", signal: hand_raise}                               # sent 3 times; ignore: true if it asks for nothing
+    - {kind: "Heat Map", source: site, signal: content_view}               # 1 event
+    - {url: "/industries/logistics", signal: content_view}                 # 9 views by 4 people
`
	if out.String() != want {
		t.Errorf("%s\nwant\n%s", out.String(), want)
	}
	out.Reset()
	if suggestText(&out, nil); out.String() != "nothing that came often is without a rule\n" {
		t.Error(out.String())
	}
}
