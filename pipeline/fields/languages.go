package fields

var languages = map[string]*language{"en": &english, "de": &german}

func languageOf(name string) *language {
	if l, ok := languages[name]; ok {
		return l
	}
	return &english
}
