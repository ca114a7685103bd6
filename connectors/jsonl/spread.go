package jsonl

import "bytes"

// spread finds the end of an object that is written over several lines, as by a pretty printer. One begins with a line that holds
// nothing but its brace; a string never goes over the end of a line.
type spread struct {
	length int  // of what was looked at, from the beginning of the object; 0: none is open
	depth  int  // of braces and brackets
	flat   bool // what seemed to be one was none: the rest of the file is read line by line
}

// goesOn looks at the next line and says whether the object goes on behind it.
func (v *spread) goesOn(line []byte) bool {
	if v.flat {
		return false
	}
	trimmed := bytes.TrimSpace(line)
	opens := len(trimmed) > 0 && len(trimmed) <= 2 && trimmed[len(trimmed)-1] == '{'
	switch {
	case v.length == 0 && !opens:
		return false
	case v.length > 0 && v.depth == 1 && opens && trimmed[0] == '{': // an object is no member
		v.giveUp()
		return true // look at its first line again
	}
	change, whole := balance(trimmed)
	if !whole {
		v.giveUp()
		return true
	}
	v.depth += change
	if v.depth > 0 {
		v.length += len(line) + 1
		return true
	}
	v.length, v.depth = 0, 0
	return false
}

func (v *spread) giveUp() { *v = spread{flat: true} }

// balance is by how much a line goes into braces and brackets; whole is false if a string does not end in it.
func balance(line []byte) (depth int, whole bool) {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			for i++; i < len(line) && line[i] != '"'; i++ {
				if line[i] == '\\' {
					i++
				}
			}
			if i >= len(line) {
				return 0, false
			}
		}
	}
	return depth, true
}
