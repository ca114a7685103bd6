package sandbox

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"
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
	marked, rest, _ := strings.Cut(line, " ")
	typ, args, _ := strings.Cut(rest, " ")
	name := strings.TrimLeft(marked, "*!^")
	f := &orgField{
		typ: typ, name: name, label: spacedLabel(name),
		required: strings.Contains(marked, "*"), readOnly: strings.Contains(marked, "!"), createOnly: strings.Contains(marked, "^"),
	}
	switch typ {
	case orgString, orgText, orgEmail, orgPhone, orgURL:
		fmt.Sscan(args, &f.length)
	case orgInt, orgCurrency, orgPercent, orgDouble:
		fmt.Sscan(args, &f.precision, &f.scale)
	case orgPick:
		f.length = 255
		for v := range strings.SplitSeq(args, "|") {
			f.options = append(f.options, orgOption{v, v})
		}
	case orgRef:
		f.length, f.refTo, f.relation = 18, strings.Split(args, ","), strings.TrimSuffix(name, "Id")
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
	case name == "Status" && (f.required || o.name == "CampaignMember"), name == "TaskSubtype", name == "EventSubtype":
		f.standardValue = f.options[0].value
	case name == "Priority":
		f.standardValue = "Normal"
	}
	return f
}

// wordEnds are where a word of a field's name ends.
var wordEnds = regexp.MustCompile(`([a-z])([A-Z])`)

// spacedLabel is how Salesforce would label a field of that name: LeadSource, Lead Source; OwnerId, Owner ID.
func spacedLabel(name string) string {
	label := wordEnds.ReplaceAllString(name, "$1 $2")
	if before, isID := strings.CutSuffix(label, " Id"); isID {
		return before + " ID"
	}
	return label
}
