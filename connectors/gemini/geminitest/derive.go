package geminitest

import (
	"encoding/json"
	"strings"

	"github.com/intentd/intentd/connectors"
)

// document is what a prompt's user text holds.
type document struct {
	data    string // the JSON, without its marker lines
	purpose string
	entries []map[string]any // of a list at the top
	schema  schema
}

type schema struct {
	Type       string            `json:"type"`
	Enum       []string          `json:"enum"`
	Items      *schema           `json:"items"`
	MinItems   int               `json:"minItems"`
	Properties map[string]schema `json:"properties"`
	Required   []string          `json:"required"`
}

func read(p connectors.Prompt) document {
	d := document{data: payload(p.User), purpose: "other"}
	_ = json.Unmarshal(p.Schema, &d.schema)
	_ = json.Unmarshal([]byte(d.data), &d.entries)
	if list, ok := d.schema.Properties["answers"]; ok && list.Items != nil {
		if _, ok := list.Items.Properties["screen_context"]; ok {
			d.purpose = "stage1"
		}
	}
	if _, ok := d.schema.Properties["pairs"]; ok {
		d.purpose = "topics"
	}
	if _, ok := d.schema.Properties["headline"]; ok {
		d.purpose = "stage2"
	}
	return d
}

// payload is what stands between two equal lines, the first of which is a marker; without such lines it is all from the first bracket on.
func payload(user string) string {
	lines := strings.Split(user, "\n")
	for i, l := range lines {
		if len(l) < 8 {
			continue
		}
		for k := len(lines) - 1; k > i+1; k-- {
			if lines[k] == l {
				return strings.Join(lines[i+1:k], "\n")
			}
		}
	}
	if i := strings.IndexAny(user, "[{"); i >= 0 {
		return user[i:]
	}
	return user
}

// Derive makes a valid answer out of the prompt alone: the same prompt, whatever its marker, gets the same answer.
func Derive(p connectors.Prompt) []byte {
	d := read(p)
	var v any
	switch d.purpose {
	case "stage1":
		v = stage1(d)
	case "stage2":
		v = stage2(p, d)
	case "topics":
		v = pairs(d)
	default:
		v = d.schema.fill("", d)
	}
	raw, _ := json.Marshal(v)
	return raw
}

func text(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}

func stage1(d document) any {
	type answer struct {
		ID          string   `json:"id"`
		Context     []string `json:"screen_context"`
		Action      string   `json:"user_action"`
		Speculation string   `json:"speculation"`
	}
	answers := []answer{}
	for _, e := range d.entries {
		kind := strings.ReplaceAll(text(e, "kind"), "_", " ")
		about := kind
		for _, k := range []string{"element", "form", "campaign", "title", "page"} {
			if s := text(e, k); s != "" {
				about = s
				break
			}
		}
		page := text(e, "title")
		if page == "" {
			page = kind
		}
		answers = append(answers, answer{
			ID: text(e, "id"), Context: []string{page + " page", "main navigation", "about " + about},
			Action: kind + ": " + about, Speculation: "wants to know more about it",
		})
	}
	return map[string]any{"answers": answers}
}

func stage2(p connectors.Prompt, d document) any {
	var j struct {
		History, Recent []struct {
			Date  string
			Steps [][]string // id, kind, what they did, what they saw
		}
	}
	_ = json.Unmarshal([]byte(d.data), &j)
	claim := func(text string, ids ...string) []string { return append([]string{text}, ids...) }
	product, stage, interest, tier := "none", "exploring", "low", "low"
	var ids []string
	topics := [][]string{}
	day := ""
	all := append(j.History, j.Recent...)
	for _, s := range all {
		for _, st := range s.Steps {
			st = append(st, "", "", "", "")
			id, kind, first := st[0], st[1], st[3]
			first, _, _ = strings.Cut(first, "; ")
			ids = append(ids, id)
			seen := strings.ToLower(st[2] + " " + st[3])
			for _, name := range d.schema.Properties["product"].Enum {
				if name != "none" && strings.Contains(seen, strings.ToLower(name)) {
					product, interest, tier = name, "medium", "medium"
				}
			}
			if strings.Contains(seen, "pric") {
				stage = "comparing"
			}
			if kind == "demo_request" || kind == "form_submit" {
				stage, interest, tier = "deciding", "high", "high"
			}
			if first != "" && len(topics) < 4 {
				name := strings.TrimSuffix(first, " page")
				new := name != ""
				for _, t := range topics {
					new = new && t[0] != name
				}
				if new {
					topics = append(topics, claim(name, id))
				}
			}
			if f := strings.Fields(s.Date); len(f) > 1 {
				day = f[0] + " " + f[1]
			}
		}
	}
	if len(ids) == 0 {
		ids = []string{"none"}
	}
	last := ids[len(ids)-1]
	about := "the offer"
	if product != "none" {
		about = product
	}
	head, want, active, next := "Looks into "+about, "Wants to understand what "+about+" can do for them.", "Was active on "+day+".", "Offer a talk about "+about+"."
	if strings.Contains(p.System, "in German") {
		head, want, active, next = "Befasst sich mit "+about, "Will verstehen, was "+about+" leistet.", "War aktiv am "+day+".", "Ein Gespräch über "+about+" anbieten."
	}
	return map[string]any{
		"headline": claim(head, last), "sentences": [][]string{claim(want, ids[:min(len(ids), 4)]...), claim(active, last)}, "next_step": claim(next, last),
		"topics": topics, "product": product, "stage": stage, "interest": interest, "tier": tier,
	}
}

// pairs matches numbered topics that share a word.
func pairs(d document) any {
	type numbered struct {
		N     int
		Topic string
	}
	var lists struct{ Read, Wanted []numbered }
	_ = json.Unmarshal([]byte(d.data), &lists)
	found := []map[string]int{}
	for _, r := range lists.Read {
		for _, w := range lists.Wanted {
			if related(map[string]any{"a": r.Topic, "b": w.Topic}) {
				found = append(found, map[string]int{"read": r.N, "wanted": w.N})
			}
		}
	}
	return map[string]any{"pairs": found}
}

// fill makes a value of s: the first of an enum, one entry of a list per entry of the data, true where the two texts of an entry share a
// word.
func (s schema) fill(name string, d document) any {
	switch {
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Type == "object":
		m := map[string]any{}
		for k, v := range s.Properties {
			m[k] = v.fill(k, d)
		}
		return m
	case s.Type == "array":
		list := []any{}
		if s.Items == nil {
			return list
		}
		if s.Items.Type == "object" && len(d.entries) > 0 {
			for _, e := range d.entries {
				m := map[string]any{}
				for k, v := range s.Items.Properties {
					switch {
					case e[k] != nil:
						m[k] = e[k]
					case v.Type == "boolean":
						m[k] = related(e)
					default:
						m[k] = v.fill(k, document{data: d.data})
					}
				}
				list = append(list, m)
			}
			return list
		}
		for range s.MinItems {
			list = append(list, s.Items.fill(name, d))
		}
		return list
	case s.Type == "boolean":
		return false
	case s.Type == "integer", s.Type == "number":
		return 0
	}
	return name
}

// related says whether two texts of an entry share a word.
func related(e map[string]any) bool {
	seen := map[string]string{}
	for k, v := range e {
		s, ok := v.(string)
		if !ok || k == "id" {
			continue
		}
		for _, w := range strings.Fields(strings.ToLower(s)) {
			w = strings.TrimSuffix(w, "s")
			if other, ok := seen[w]; ok && other != k {
				return true
			}
			seen[w] = k
		}
	}
	return false
}
