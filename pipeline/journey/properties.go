package journey

import "slices"

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
