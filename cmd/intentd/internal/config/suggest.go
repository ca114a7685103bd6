package config

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
)

var index = regexp.MustCompile(`\[[^]]*\]`)

// suggestKey is the fix for an unknown key: the sibling it resembles, or the section it belongs to, or all there are.
func suggestKey(key string, types []reflect.Type) string {
	segments := strings.Split(index.ReplaceAllString(key, ""), ".")
	last := segments[len(segments)-1]
	var siblings []string
	for _, t := range types {
		siblings = append(siblings, keysOf(t, segments[:len(segments)-1])...)
	}
	slices.Sort(siblings)
	if best, ok := nearest(last, siblings); ok {
		return "did you mean " + best + "?"
	}
	var places []string
	findKey(reflect.TypeFor[Config](), "", last, &places)
	if len(places) > 0 {
		return "the key exists as " + strings.Join(places, " and ") + ": move it there"
	}
	if len(siblings) == 0 {
		return "remove it"
	}
	return "remove it; the keys here are " + strings.Join(siblings, ", ")
}

// suggest is the fix for a value that is none of those allowed.
func suggest(value string, allowed []string) string {
	if best, ok := nearest(value, allowed); ok {
		return "did you mean " + best + "?"
	}
	return "write one of " + strings.Join(allowed, ", ")
}

// suggestVariable is the fix for an environment variable that is none of intentd's.
func suggestVariable(name string, known []string) string {
	lower := make([]string, len(known))
	for i, k := range known {
		lower[i] = strings.ToLower(k)
	}
	if best, ok := nearest(name, lower); ok {
		return "did you mean " + strings.ToUpper(best) + "?"
	}
	return "unset it; plain values outside lists are INTENTD_<SECTION>_<KEY>, secrets INTENTD_<NAME>_<KEY>"
}

// nearest is the candidate within a third of the word's length in edits.
func nearest(word string, candidates []string) (string, bool) {
	word = strings.ToLower(word)
	best, least := "", 1+max(len(word), 3)/3
	for _, c := range candidates {
		if d := edits(word, c); d < least {
			best, least = c, d
		}
	}
	return best, best != ""
}

// edits is the optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours.
func edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 64 || len(y) > 64 {
		return max(len(x), len(y))
	}
	d := make([][]int, len(x)+1)
	for i := range d {
		d[i] = make([]int, len(y)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(x)][len(y)]
}

// keysOf are the keys of the struct that path leads to from t.
func keysOf(t reflect.Type, path []string) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == secretType {
		return nil
	}
	var keys []string
	for i := range t.NumField() {
		tag := t.Field(i).Tag.Get("mapstructure")
		if tag == "-" || strings.HasPrefix(tag, ",") {
			continue
		}
		if len(path) == 0 {
			keys = append(keys, tag)
		} else if tag == path[0] {
			return keysOf(t.Field(i).Type, path[1:])
		}
	}
	return keys
}

// findKey collects where in the configuration a key of that name stands.
func findKey(t reflect.Type, at, key string, places *[]string) {
	list := ""
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		if t.Kind() == reflect.Slice {
			list = "[]"
		}
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == secretType {
		return
	}
	at += list
	for i := range t.NumField() {
		tag := t.Field(i).Tag.Get("mapstructure")
		if tag == "-" || strings.HasPrefix(tag, ",") {
			continue
		}
		if tag == key {
			*places = append(*places, join(at, tag))
		}
		findKey(t.Field(i).Type, join(at, tag), key, places)
	}
	if t == reflect.TypeFor[CRM]() {
		for _, ct := range crmTypes {
			var here []string
			findKey(reflect.TypeOf(ct.defaults()), at, key, &here)
			for _, place := range here {
				*places = append(*places, place+" of type "+ct.name)
			}
		}
	}
	if t == reflect.TypeFor[Source]() {
		for _, ct := range sourceTypes {
			findKey(reflect.TypeOf(ct.defaults()), at, key, places)
		}
	}
}
