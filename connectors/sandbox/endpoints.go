package sandbox

import (
	"slices"
	"strings"
)

// endpoint is what a vendor answers under a method and a path, whose parts in braces stand for anything. C is the vendor's
// call, O its kind of object, which the part {object} names.
type endpoint[C, O any] struct {
	method, path string
	answer       func(c C, o O) reply
}

// find is the endpoint of a request, and the name of the object in its path: the first whose path fits decides, so that words
// stand before parts in braces. Without the endpoint, pathIs says that the path is one of another method.
func find[C, O any](list []endpoint[C, O], method string, p path) (e *endpoint[C, O], object string, pathIs bool) {
	fits := ""
	for i := range list {
		if e := &list[i]; e.path == fits || fits == "" && p.fits(e.path) {
			if fits = e.path; e.method == method {
				return e, p.at(slices.Index(strings.Split(e.path, "/"), "{object}")), true
			}
		}
	}
	return nil, "", fits != ""
}

// fits says whether a path is of a form, whatever the case of its words.
func (p path) fits(form string) bool {
	return slices.EqualFunc(p, strings.Split(form, "/"), func(given, part string) bool {
		return given != "" && part[0] == '{' || strings.EqualFold(given, part)
	})
}

// named is an endpoint's name for counting: its path with the object's own name in it.
func (e *endpoint[C, O]) named(object string) string {
	return e.method + " " + strings.Replace(e.path, "{object}", object, 1)
}

// stopIf ends what somebody asked for with a refusal, when there is cause.
func stopIf(when bool, refusal any) {
	if when {
		panic(refusal)
	}
}

// caught does what may refuse by a panic with an F, and gives the refusal.
func caught[F any](do func()) (refusal *F) {
	defer func() {
		switch bad := recover().(type) {
		case nil:
		case *F:
			refusal = bad
		default:
			panic(bad)
		}
	}()
	do()
	return nil
}
