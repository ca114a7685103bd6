package sandbox

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

//go:embed standard/salesforce.txt
var standardObjects string

// newObject makes an object of its part of the standard ones.
func (s *Salesforce) newObject(spec string) *orgObject {
	title, fields, _ := strings.Cut(strings.TrimSpace(spec), "\n")
	words := strings.Fields(title)
	label := spacedLabel(words[0])
	o := &orgObject{name: words[0], label: label, prefix: words[1], tooling: len(words) > 2, byName: map[string]*orgField{}, relations: map[string]*orgField{}}
	o.define(&orgField{name: "Id", label: label + " ID", typ: orgIDType, length: 18, calc: func(r *record) string { return r.id }})
	o.define(&orgField{name: "IsDeleted", label: "Deleted", typ: orgBool, calc: func(r *record) string { return yes(r.gone != 0) }})
	for field := range strings.Lines(fields) {
		o.define(s.fieldOfSpec(o, strings.TrimSpace(field)))
	}
	stamp := func(name string, at func(r *record) int64) {
		o.define(&orgField{name: name, label: spacedLabel(name), typ: orgDateTime, readOnly: true, time: at})
	}
	user := func(name string, by func(r *record) string) {
		o.define(&orgField{name: name + "Id", label: spacedLabel(name + "Id"), typ: orgRef, refTo: []string{"User"}, relation: name, readOnly: true, calc: by})
	}
	stamp("CreatedDate", func(r *record) int64 { return r.created })
	user("CreatedBy", func(r *record) string { return r.createdBy })
	stamp("LastModifiedDate", func(r *record) int64 { return r.modified })
	user("LastModifiedBy", func(r *record) string { return r.modifiedBy })
	stamp("SystemModstamp", func(r *record) int64 { return r.stamp })
	for _, f := range o.fields {
		f.readable, f.editable = true, true
	}
	o.fields[0].readOnly, o.fields[1].readOnly = true, true
	return o
}

// yes is a truth as values tell it.
func yes(is bool) string {
	if is {
		return "true"
	}
	return ""
}

// fieldOfSpec reads a line of an object's fields.
func (s *Salesforce) fieldOfSpec(o *orgObject, line string) *orgField {
	name, rest, _ := strings.Cut(line, " ")
	typ, args, _ := strings.Cut(rest, " ")
	f := &orgField{typ: typ}
	f.name = strings.TrimLeft(name, "*!^")
	for _, mark := range name[:len(name)-len(f.name)] {
		switch mark {
		case '*':
			f.required = true
		case '!':
			f.readOnly = true
		case '^':
			f.createOnly = true
		}
	}
	f.label = spacedLabel(f.name)
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			panic(fmt.Sprintf("sandbox: field %s: %v", line, err))
		}
		return n
	}
	switch typ {
	case orgString, orgText, orgEmail, orgPhone, orgURL:
		f.length = number(args)
	case orgInt, orgCurrency, orgPercent, orgDouble:
		p, sc, _ := strings.Cut(args, " ")
		f.precision, f.scale = number(p), number(sc)
	case orgPick:
		f.length = 255
		for v := range strings.SplitSeq(args, "|") {
			f.options = append(f.options, orgOption{v, v})
		}
	case orgRef:
		f.length = 18
		f.refTo = strings.Split(args, ",")
		f.relation = strings.TrimSuffix(f.name, "Id")
	case "name":
		f.typ, f.length = orgString, 121
		f.calc = func(r *record) string {
			return strings.TrimSpace(o.get(r, "firstname") + " " + o.get(r, "lastname"))
		}
	case "master":
		f.typ, f.length, f.refTo, f.relation = orgRef, 18, []string{args}, "MasterRecord"
		f.calc = func(r *record) string {
			if r.into == nil {
				return ""
			}
			return r.into.id
		}
	}
	switch {
	case f.name == "Status" && f.required:
		f.standardValue = f.options[0].value
	case f.name == "TaskSubtype" || f.name == "EventSubtype":
		f.standardValue = f.options[0].value
	case f.name == "Priority":
		f.standardValue = "Normal"
	}
	return f
}

// spacedLabel is how Salesforce would label a field of that name: LeadSource, Lead Source; OwnerId, Owner ID.
func spacedLabel(name string) string {
	name = strings.TrimSuffix(name, "__c")
	var b strings.Builder
	last := rune(0)
	for _, c := range name {
		if unicode.IsUpper(c) && unicode.IsLower(last) {
			b.WriteByte(' ')
		}
		if c == '_' {
			c = ' '
		}
		b.WriteRune(c)
		last = c
	}
	label := b.String()
	if strings.HasSuffix(label, " Id") {
		label = label[:len(label)-1] + "D"
	}
	return label
}
