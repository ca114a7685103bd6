package sandbox

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
)

// The standard objects of an org, as far as programs that score people and follow deals look at them, and the fields that each
// has before and behind its own.
//
//go:embed standard/salesforce.json
var standardObjects []byte

// timeOf and toldOf are the fields that a record itself tells.
var (
	timeOf = map[string]func(r *record) int64{
		"CreatedDate":      func(r *record) int64 { return r.created },
		"LastModifiedDate": func(r *record) int64 { return r.modified },
		"SystemModstamp":   func(r *record) int64 { return r.stamp },
	}
	toldOf = map[string]func(o *orgObject, r *record) string{
		"Id":               func(_ *orgObject, r *record) string { return r.id },
		"IsDeleted":        func(_ *orgObject, r *record) string { return yes(r.gone != 0) },
		"CreatedById":      func(_ *orgObject, r *record) string { return r.createdBy },
		"LastModifiedById": func(_ *orgObject, r *record) string { return r.modifiedBy },
		"Name": func(o *orgObject, r *record) string {
			return strings.TrimSpace(o.get(r, "firstname") + " " + o.get(r, "lastname"))
		},
		"MasterRecordId": func(_ *orgObject, r *record) string {
			if r.into == nil {
				return ""
			}
			return r.into.id
		},
	}
)

// standardField is a field of a standard object: Told says that it is one of those that a record tells.
type standardField struct {
	orgField
	Values []string // of a picklist
	Told   bool
}

// standard makes the standard objects.
func standard() (list []*orgObject) {
	var all struct {
		Before, Behind []standardField
		Objects        []struct {
			orgObject
			Fields []standardField
		}
	}
	if err := json.Unmarshal(standardObjects, &all); err != nil {
		panic(fmt.Errorf("sandbox: standard objects: %w", err))
	}
	for i := range all.Objects {
		o := &all.Objects[i].orgObject
		o.byName, o.relations = map[string]*orgField{}, map[string]*orgField{}
		for _, fields := range [][]standardField{all.Before, all.Objects[i].Fields, all.Behind} {
			for _, given := range fields {
				f := o.define(&given.orgField)
				f.readable, f.editable = true, true
				for _, v := range given.Values {
					f.options = append(f.options, orgOption{v, v})
				}
				if told := toldOf[f.Name]; given.Told && told != nil {
					f.calc = func(r *record) string { return told(o, r) }
				}
				f.time = timeOf[f.Name]
			}
		}
		o.fields[0].Label = o.Label + " ID"
		list = append(list, o)
	}
	return list
}

// yes is a truth as values tell it.
func yes(is bool) string {
	if is {
		return "true"
	}
	return ""
}
