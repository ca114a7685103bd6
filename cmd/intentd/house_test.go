package main

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// oneWay are the packages whose files use one another one way only.
var oneWay = []string{
	"cmd/intentd/internal/cli", "connectors", "connectors/clickstream", "connectors/identity", "pipeline", "pipeline/batch", "pipeline/deliver",
	"pipeline/fields", "pipeline/intake", "pipeline/intent", "pipeline/intent/rules", "pipeline/intent/twostage", "pipeline/journey", "pipeline/learn", "pipeline/operate", "pipeline/privacy", "pipeline/receipt", "pipeline/score", "pipeline/topics", "state",
}

// Promise: whoever follows a name from file to file in these packages goes down and never comes back to where they were. A file uses another
// when it names a function, method, type, variable or constant that the other declares; the methods of an interface are nobody's.
func TestFilesUseOneAnotherOneWay(t *testing.T) {
	for _, dir := range oneWay {
		t.Run(dir, func(t *testing.T) {
			uses := usesBetweenFiles(t, dir)
			if len(uses) == 0 {
				t.Fatal("no file was seen to use another")
			}
			if circle := circleAmong(uses); circle != nil {
				for i, file := range circle[1:] {
					names := slices.Sorted(maps.Keys(uses[circle[i]][file]))
					t.Errorf("%s uses %s: %s", circle[i], file, strings.Join(names, ", "))
				}
				t.Error("this is a circle: move what is used to the lower file, or split the file that holds two things")
			}
		})
	}
}

// usesBetweenFiles are the names by which the files of a package use one another: user → used → names.
func usesBetweenFiles(t *testing.T, dir string) map[string]map[string]map[string]bool {
	t.Helper()
	files, exports := compiled(t, "./../../"+dir)
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, name := range files {
		f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, f)
	}
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	info := types.Info{Uses: map[*ast.Ident]types.Object{}}
	pkg, err := (&types.Config{Importer: imports}).Check(dir, fset, parsed, &info)
	if err != nil {
		t.Fatal(err)
	}
	uses := map[string]map[string]map[string]bool{}
	for name, object := range info.Uses {
		declared := object.Parent() == pkg.Scope()
		if f, ok := object.(*types.Func); ok && f.Signature().Recv() != nil {
			object, declared = f.Origin(), f.Pkg() == pkg && !types.IsInterface(f.Signature().Recv().Type())
		}
		user, used := filepath.Base(fset.Position(name.Pos()).Filename), filepath.Base(fset.Position(object.Pos()).Filename)
		if !declared || user == used {
			continue
		}
		if uses[user] == nil {
			uses[user] = map[string]map[string]bool{}
		}
		if uses[user][used] == nil {
			uses[user][used] = map[string]bool{}
		}
		uses[user][used][object.Name()] = true
	}
	return uses
}

// compiled are the files of a package, and where the compiled form of each package that it imports lies, straight or through others.
func compiled(t *testing.T, pattern string) (files []string, exports map[string]string) {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-export", "-json=ImportPath,Dir,GoFiles,Export", pattern)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	exports = map[string]string{}
	for list := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath, Dir, Export string
			GoFiles                 []string
		}
		if err := list.Decode(&p); errors.Is(err, io.EOF) {
			return files, exports
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		files = files[:0] // the package itself comes last
		for _, name := range p.GoFiles {
			files = append(files, filepath.Join(p.Dir, name))
		}
	}
}

// circleAmong is a circle of files, the first one again at its end; nil if there is none.
func circleAmong(uses map[string]map[string]map[string]bool) []string {
	var path []string // from where the walk began to where it stands
	done := map[string]bool{}
	var walk func(file string) []string
	walk = func(file string) []string {
		if at := slices.Index(path, file); at >= 0 {
			return append(slices.Clone(path[at:]), file)
		}
		if done[file] {
			return nil
		}
		path = append(path, file)
		for _, next := range slices.Sorted(maps.Keys(uses[file])) {
			if circle := walk(next); circle != nil {
				return circle
			}
		}
		path, done[file] = path[:len(path)-1], true
		return nil
	}
	for _, file := range slices.Sorted(maps.Keys(uses)) {
		if circle := walk(file); circle != nil {
			return circle
		}
	}
	return nil
}
