package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var updateLicences = flag.Bool("update-licences", false, "write docs/licences.md anew from the modules in go.mod (needs the go command)")

const licencesFile = "../../docs/licences.md"

// directly are the requirements of go.mod that something here imports.
var directly = regexp.MustCompile(`(?m)^(?:require)?\s+([a-z0-9.-]+\.[a-z]+/\S+) v\S+$`)

// Promise: whoever gets the binary gets the notices of what is in it.
func TestLicencesNameEveryDependency(t *testing.T) {
	if *updateLicences {
		writeLicences(t)
	}
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(licencesFile)
	if err != nil {
		t.Fatal(err)
	}
	found := directly.FindAllSubmatch(mod, -1)
	if len(found) < 10 {
		t.Fatalf("only %d requirements were found in go.mod", len(found))
	}
	for _, m := range found {
		if !bytes.Contains(text, []byte("| "+string(m[1])+" |")) {
			t.Errorf("docs/licences.md does not name %s: go test ./cmd/intentd -run Licences -update-licences", m[1])
		}
	}
}

// module is a module that the binary holds, or that its tests use.
type module struct{ Path, Dir string }

// notice is one text, and the modules it is of.
type notice struct {
	text    string
	modules []string
}

func writeLicences(t *testing.T) {
	t.Helper()
	linked := listed(t, "-deps", "./cmd/intentd")
	all := listed(t, "-deps", "-test", "./...")
	var b strings.Builder
	b.WriteString("# Licences of the parts\n\nintentd is under the Apache License 2.0 ([LICENSE](../LICENSE)). Its binary holds Go's standard library and the modules below; " +
		"tests use\nthose marked so. Written by `go test ./cmd/intentd -run Licences -update-licences`.\n\n" +
		"Weighed and not taken: minio-go and aws-sdk-go-v2 (both Apache-2.0) for `type: s3`, which makes two kinds of calls and signs them itself (connectors/s3 says why).\n\n| module | licence | |\n|---|---|---|\n")
	texts := map[string]*notice{}
	var order []*notice
	for _, path := range sortedPaths(all) {
		mark := ""
		if _, ok := linked[path]; !ok {
			mark = "tests only"
		}
		names := map[string]bool{}
		var kinds []string
		for _, file := range noticeFiles(t, all[path].Dir) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			body := strings.TrimSpace(strings.ReplaceAll(string(raw), "\r\n", "\n"))
			if kind := kindOf(body); kind != "" && !names[kind] {
				names[kind] = true
				kinds = append(kinds, kind)
			}
			n := texts[body]
			if n == nil {
				n = &notice{text: body}
				texts[body] = n
				order = append(order, n)
			}
			if !slices.Contains(n.modules, path) {
				n.modules = append(n.modules, path)
			}
		}
		if len(kinds) == 0 {
			t.Errorf("%s: no licence was recognised", path)
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", path, strings.Join(kinds, ", "), mark)
	}
	goRoot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	own, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(goRoot)), "LICENSE"))
	if err != nil {
		t.Fatal(err)
	}
	order = append([]*notice{{text: strings.TrimSpace(string(own)), modules: []string{"Go's standard library and runtime"}}}, order...)
	b.WriteString("\n## The texts\n")
	for _, n := range order {
		fmt.Fprintf(&b, "\n### %s\n\n```text\n%s\n```\n", strings.Join(n.modules, ", "), n.text)
	}
	if err := os.WriteFile(licencesFile, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// listed are the modules of the packages that go list finds.
func listed(t *testing.T, args ...string) map[string]module {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=Module"}, args...)...)
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	modules := map[string]module{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			Module *struct {
				module
				Main bool
			}
		}
		if err := d.Decode(&p); err == io.EOF {
			return modules
		} else if err != nil {
			t.Fatal(err)
		}
		if p.Module != nil && !p.Module.Main {
			modules[p.Module.Path] = p.Module.module
		}
	}
}

func sortedPaths(modules map[string]module) []string {
	var paths []string
	for path := range modules {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}

// noticeFiles are the licence and notice files at the top of a module, and those of code that it took over from others.
func noticeFiles(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.ToUpper(strings.TrimSuffix(strings.TrimSuffix(d.Name(), ".txt"), ".md"))
		if d.IsDir() && (d.Name() == "testdata" || d.Name() == "vendor") {
			return filepath.SkipDir
		}
		if !d.IsDir() && (strings.HasPrefix(name, "LICENSE") || strings.HasPrefix(name, "LICENCE") || name == "NOTICE" || name == "COPYING") {
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(files, func(a, b string) int {
		return cmp.Or(strings.Count(a, "/")-strings.Count(b, "/"), strings.Compare(a, b))
	})
	return files
}

// kindOf is the name of a licence by its words, "" for a notice.
func kindOf(text string) string {
	words := strings.Join(strings.Fields(text), " ")
	has := func(s string) bool { return strings.Contains(words, s) }
	switch {
	case has("Apache License") && has("Permission is hereby granted, free of charge"):
		return "MIT, Apache-2.0"
	case has("Mozilla Public License"):
		return "MPL-2.0"
	case has("Apache License") && has("Version 2.0"):
		return "Apache-2.0"
	case has("Redistribution and use in source and binary forms") && has("Neither the name"):
		return "BSD-3-Clause"
	case has("Redistribution and use in source and binary forms"):
		return "BSD-2-Clause"
	case has("Permission is hereby granted, free of charge"):
		return "MIT"
	case has("Permission to use, copy, modify, and/or distribute"):
		return "ISC"
	case has("CC0") || has("public domain"):
		return "CC0-1.0"
	}
	return ""
}
