package journey

import (
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
)

// machineMarks are properties by which trackers, mail vendors and browsers mark machines, as mark spells them.
var machineMarks = map[string]bool{
	"machine": true, "ismachine": true, "machineopen": true, "machineopened": true, "machineclick": true, "sgmachineopen": true,
	"bot": true, "isbot": true, "botclick": true, "botopen": true, "clickedbybot": true, "virtisbot": true, "automated": true, "isautomated": true, "autoopened": true,
	"mpp": true, "ismpp": true, "applempp": true, "appleprivacy": true, "appleprivacyopen": true, "applemachineopen": true, "mailprivacyprotection": true,
	"filteredevent": true, "nonhuman": true, "isnonhuman": true, "nonhumaninteraction": true, "nhi": true, "suspectedbot": true,
	"webdriver": true, "navigatorwebdriver": true, "headless": true, "isheadless": true, "crawler": true, "iscrawler": true,
	"prefetch": true, "isprefetch": true, "prefetched": true, "isprefetched": true, "prerender": true, "prerendered": true, "prerendering": true, "isprerender": true, "documentprerendering": true, "linkpreview": true,
	"spiderorrobot": true, "robot": true, "isrobot": true, "isbotactivity": true, "botactivity": true, "botdetected": true, "knownbot": true, "isproxy": true, "proxyopen": true, "honeypot": true, "syntheticmonitor": true, "synthetic": true, "linkscanner": true, "securityscanner": true, "securityscan": true, "securitygateway": true,
}

// machineClasses are properties by which enrichments name the class of a client.
var machineClasses = map[string]bool{
	"devicetype": true, "devicecategory": true, "deviceclass": true, "agentclass": true, "agenttype": true, "useragenttype": true, "useragentclass": true, "clienttype": true, "browsertype": true,
	"browser": true, "browsername": true, "browserfamily": true, "useragentfamily": true, "useragentname": true, "trafficclass": true, "visitortype": true,
}

// purposeMarks are headers in which browsers and mail programs say that nobody looks yet.
var purposeMarks = map[string]bool{"purpose": true, "secpurpose": true, "xpurpose": true, "xmoz": true}

// ownsUp says whether a property marks the event as a machine's.
func ownsUp(ev *connectors.Event) bool {
	var buf [32]byte
	for k, v := range ev.Properties {
		if len(k) > len(buf) || len(v) > 32 {
			continue
		}
		switch name := mark(k, &buf); {
		case machineMarks[string(name)]:
			if isYes(v) {
				return true
			}
			switch strings.ToLower(v) {
			case "apple", "gmail", "generic": // Mailgun names the machine
				return string(name) == "bot"
			}
		case machineClasses[string(name)]:
			if v = strings.ToLower(v); hasAny(v, "bot", "spider", "crawler", "headless", "scanner") || v == "library" {
				return true
			}
		case string(name) == "method" || string(name) == "httpmethod" || string(name) == "requestmethod":
			if strings.EqualFold(v, "HEAD") {
				return true
			}
		case string(name) == "visibilitystate":
			if strings.EqualFold(v, "prerender") {
				return true
			}
		case string(name) == "opentype" || string(name) == "openedby":
			switch strings.ToLower(v) {
			case "machine", "bot", "auto", "automatic", "proxy":
				return true
			}
		case purposeMarks[string(name)]:
			v, _, _ = strings.Cut(strings.ToLower(v), ";")
			if v == "prefetch" || v == "preview" || v == "prerender" {
				return true
			}
		}
	}
	return false
}

// isYes says whether a property's value says yes.
func isYes(v string) bool {
	switch strings.ToLower(v) {
	case "true", "1", "yes", "y", "t", "ja":
		return true
	}
	return false
}

func hasAny(s string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(s, p) })
}

// mark is a property's name, of at most 32 bytes, without what spellings differ in. It allocates nothing: every event has properties.
func mark(name string, buf *[32]byte) []byte {
	out := buf[:0]
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'A' && c <= 'Z':
			out = append(out, c+'a'-'A')
		case c >= 'a' && c <= 'z':
			out = append(out, c)
		}
	}
	return out
}

// marked says whether the vendor marks a mail's open or click as made by a machine.
func marked(ev *connectors.Event) bool {
	return ev.Properties[connectors.PropMachine] == "true" || ownsUp(ev) || ev.Kind != connectors.KindEmailOpen && ev.Kind != connectors.KindEmailClick &&
		slices.ContainsFunc(strings.Split(connectors.Fold(ev.Kind), "_"), func(w string) bool { return machineWords[w] })
}

// machineWords name who did it where an event's name does: "Email Machine Opened", "unique_proxy_open".
var machineWords = map[string]bool{"machine": true, "proxy": true, "bot": true, "mpp": true, "prefetch": true, "prefetched": true}
