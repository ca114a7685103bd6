package connectors

import (
	"maps"
	"slices"
	"strings"
	"unicode"
)

// kindsByKey, kindsByCore and knownKinds are made of the tables of spellings.
var kindsByKey, kindsByCore, knownKinds = func() (byKey, byCore map[string]string, known map[string]bool) {
	byKey, byCore, known = map[string]string{}, map[string]string{}, map[string]bool{}
	for _, t := range signalTypes {
		known[t] = true
	}
	for kind, names := range spellings {
		known[kind] = true
		for _, name := range append(names, kind) {
			byKey[kindKey(name)] = kind
		}
	}
	for key, kind := range byKey {
		if kindCore(key) == key {
			byCore[key] = kind
		}
	}
	cut := map[string]bool{} // cores of longer names
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		core, kind := kindCore(key), byKey[key]
		switch other, taken := byCore[core]; {
		case core == "" || taken && !cut[core]:
		case taken && other != kind:
			byCore[core] = "" // only words of beside tell two kinds apart
		default:
			byCore[core], cut[core] = kind, true
		}
	}
	return byKey, byCore, known
}()

// EventKind is the kind that a tracker's name for an event means: one of the Kind… constants or a signal type of the score. Case,
// spaces, hyphens, "$", the order of words and the forms of verbs make no difference, nor do a vendor's own name, numbers and
// prepositions where the name means nothing with them. A name that means no kind comes back as it is in the form of [Fold], and known
// is false.
func EventKind(name string) (kind string, known bool) {
	if knownKinds[name] {
		return name, true
	}
	folded := Fold(name)
	if knownKinds[folded] {
		return folded, true
	}
	key := kindKey(name)
	if kind = kindsByKey[key]; kind == "" {
		kind = kindsByCore[kindCore(key)]
	}
	if kind == "" {
		kind = kindByAct(strings.Fields(key))
	}
	if kind == "" {
		return folded, false
	}
	return kind, true
}

// kindCore is a key without numbers and the words of beside.
func kindCore(key string) string {
	return strings.Join(slices.DeleteFunc(strings.Fields(key), func(w string) bool { return beside[w] || w[0] >= '0' && w[0] <= '9' }), " ")
}

// kindByAct is the kind of a name that says what was done to something, however a site calls it, "Blog Post Page Viewed": that of the
// first of acts that fits; "" if none does.
func kindByAct(key []string) string {
	has := func(words []string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(key, w) })
	}
	for i := range acts {
		a := &acts[i]
		if has(a.of) && (len(a.with) == 0 || has(a.with)) && (len(a.and) == 0 || has(a.and)) && !has(a.not) {
			return a.kind
		}
	}
	return ""
}

// Fold is a name without what spellings differ in: lower case, words joined by "_".
func Fold(name string) string { return strings.Join(words(name), "_") }

// kindKey is a name's words in base form, each once, in the order of the alphabet.
func kindKey(name string) string {
	var all []string
	for _, w := range words(name) {
		if base, ok := baseForms[w]; ok {
			all = append(all, strings.Fields(base)...)
		} else {
			all = append(all, w)
		}
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " ")
}

// words are the words of a name in lower case: "CTAClicked", "$cta-clicked" and "CTA clicked" have the same two.
func words(name string) []string {
	var out []string
	var word []rune
	end := func() {
		if len(word) > 0 {
			out, word = append(out, string(word)), word[:0]
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			end()
			continue
		}
		if unicode.IsUpper(r) && i > 0 {
			afterSmall := unicode.IsLower(runes[i-1]) || unicode.IsDigit(runes[i-1])
			beforeSmall := unicode.IsUpper(runes[i-1]) && i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if afterSmall || beforeSmall {
				end()
			}
		}
		word = append(word, unicode.ToLower(r))
	}
	end()
	return out
}
