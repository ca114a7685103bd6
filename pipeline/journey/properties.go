package journey

import (
	"slices"

	"github.com/intentd/intentd/connectors"
)

// cleanProperties gives m back if there is nothing to clean, else a cleaned copy of at most maxProperties, first by name.
func cleanProperties(m map[string]string) map[string]string {
	fine := len(m) <= maxProperties
	for k, v := range m {
		if !fine {
			break
		}
		fine = plain(k, maxName) && plain(v, maxValue)
	}
	if fine {
		return m
	}
	names := make([]string, 0, len(m))
	for k := range m {
		names = append(names, k)
	}
	slices.Sort(names)
	out := make(map[string]string, min(len(m), maxProperties))
	for _, k := range names {
		if len(out) == maxProperties {
			break
		}
		name := clean(k, maxName)
		if _, taken := out[name]; !taken && name != "" {
			out[name] = clean(m[k], maxValue)
		}
	}
	return out
}

// subject is what a mail or meeting is about.
func subject(ev *connectors.Event) string {
	return firstOf(clean(ev.Properties["subject"], maxText), clean(ev.Properties["title"], maxText), clean(ev.PageTitle, maxText))
}

func firstOf(s ...string) string {
	for _, v := range s {
		if v != "" {
			return v
		}
	}
	return ""
}

// item0 is the product that a shop's event is about, as the site names it.
func item0(ev *connectors.Event) string {
	return clean(firstOf(ev.Properties["product"], ev.Properties["product_name"], ev.Properties["item_name"], ev.Properties["model"], ev.Properties["modell"]), maxText)
}
