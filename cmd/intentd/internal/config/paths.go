package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// paths makes every path of a struct, and of those in it, relative to the config file: fields tagged kind:"path" and the files of
// secrets.
func (c *checker) paths(at string, v reflect.Value) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		key := field.Tag.Get("mapstructure")
		path := join(at, key)
		secret, isFile := strings.CutSuffix(field.Name, "File")
		if isFile {
			f, ok := v.Type().FieldByName(secret)
			isFile = ok && f.Type == secretType
		}
		switch {
		case field.Type.Kind() == reflect.Struct && field.Type != secretType:
			c.paths(path, v.Field(i))
		case field.Type.Kind() == reflect.Slice && field.Type.Elem().Kind() == reflect.Struct:
			for k := range v.Field(i).Len() {
				c.paths(fmt.Sprintf("%s[%d]", path, k), v.Field(i).Index(k))
			}
		case isFile || field.Tag.Get("kind") == "path":
			v.Field(i).SetString(c.resolve(path, v.Field(i).String()))
		}
	}
}

// resolve is where a path of the config file leads. What exists relative to the working directory only, where earlier versions
// looked, is used as before and warned about: an update must not begin with an empty state.
func (c *checker) resolve(at, path string) string {
	if os.Getenv(envName(at)) != "" {
		return path // whoever sets a variable thinks of the working directory
	}
	is, was := resolve(c.dir, path)
	if was == "" {
		return is
	}
	absolute, err := filepath.Abs(was)
	if err != nil {
		absolute = was
	}
	if is == was {
		c.Warn(at, path+" is there relative to the working directory only; relative paths are relative to the config file", "write "+absolute)
	} else {
		c.Warn(at, path+" is there twice, relative to the config file and to the working directory; "+is+" is used", "remove the other ("+absolute+"), or write the path in full")
	}
	return is
}

// resolve is where path leads from dir, and the place in the working directory if something else is there, too. Both are the same
// where it is there only.
func resolve(dir, path string) (is, was string) {
	if path == "" || filepath.IsAbs(path) {
		return path, ""
	}
	is = filepath.Join(dir, path)
	if same(dir, ".") {
		return path, ""
	}
	if !exists(path) {
		return is, ""
	}
	if !exists(is) {
		return path, path
	}
	return is, path
}

// exists says whether something is there, or for a pattern of names, whether anything fits it.
func exists(path string) bool {
	found, err := filepath.Glob(path)
	return err == nil && len(found) > 0
}

// same says whether two paths are one directory.
func same(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(x, y)
}
