package salesforce

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// object is one of the objects that people are: which fields are wanted of it, what each is for, and what describe says of them.
type object struct {
	*crmkit.Schema
	name string
	want []string // the allow-list, in one spelling each

	ahead      *ahead                    // what was read before it is asked for
	walked     atomic.Pointer[time.Time] // when a poll last came to the end of the object
	rows       sizing                    // of a collection that is written
	wrote      atomic.Bool               // a row was taken since the client was made
	describing chan struct{}             // holds a token while nobody asks
	mu         sync.Mutex
	described  *description
}

// Parts of Salesforce's own.
const (
	id = crmkit.Vendor + iota
	group
	stamp
	deleted
	master
	converted
	convertedTo
	person // whether a contact is one with its account
)

// identityFields are what a Contact is made of. Without id and stamp nothing works; the others are left out where they are hidden.
var identityFields = map[string]map[string]crmkit.Part{
	Lead: {"Id": id, "SystemModstamp": stamp, "CreatedDate": crmkit.Created, "IsDeleted": deleted, "MasterRecordId": master, "IsConverted": converted,
		"ConvertedContactId": convertedTo, "OwnerId": crmkit.Owner, "Email": crmkit.Email, "Phone": crmkit.Phone, "MobilePhone": crmkit.Phone,
		"FirstName": crmkit.FirstName, "LastName": crmkit.LastName, "Title": crmkit.JobTitle, "Company": crmkit.Company, "Status": crmkit.LeadStatus},
	Contact: {"Id": id, "SystemModstamp": stamp, "CreatedDate": crmkit.Created, "IsDeleted": deleted, "MasterRecordId": master, "AccountId": group,
		"OwnerId": crmkit.Owner, "Email": crmkit.Email, "Phone": crmkit.Phone, "MobilePhone": crmkit.Phone, isPersonAccount: person,
		"FirstName": crmkit.FirstName, "LastName": crmkit.LastName, "Title": crmkit.JobTitle},
}

// standardInputs are fields that go into Contact.Fields of every org. LastActivityDate is what tells a poll of new activity.
var standardInputs = map[string][]string{
	Lead:    {"LeadSource", "Industry", "Rating", "HasOptedOutOfEmail", "LastActivityDate"},
	Contact: {"LeadSource", "Department", "HasOptedOutOfEmail", "LastActivityDate"},
}

// fieldName is the form of an API name.
var fieldName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,79}$`)

// defaultName is the API name of one of intentd's fields unless the options name another: tier_since, Intent_Tier_Since__c.
func defaultName(canonical string) string {
	words := strings.Split(canonical, "_")
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return "Intent_" + strings.Join(words, "_") + "__c"
}

// describable is an object of which nothing is wanted.
func describable(name string) *object {
	o := &object{Schema: new(crmkit.Schema), name: name, ahead: newAhead(), describing: make(chan struct{}, 1)}
	o.describing <- struct{}{}
	return o
}

func newObject(o Options, name string) (*object, *connectors.Error) {
	obj := describable("")
	for known := range identityFields {
		if strings.EqualFold(known, name) {
			obj.name = known
		}
	}
	if obj.name == "" {
		return nil, crmkit.ConfigError(o.Name, fmt.Sprintf("objects: %q is neither Lead nor Contact", name), "set objects to [Lead, Contact]")
	}
	var e *connectors.Error
	if obj.Schema, e = crmkit.NewSchema(crmkit.Naming{Connector: o.Name, Word: "field", Default: defaultName, Form: fieldName, Refusal: "is no API name",
		Fix: func(canonical string) string { return "use the field's API name, such as " + defaultName(canonical) }}, o.own(), o.Fields); e != nil {
		return nil, e
	}
	for api, p := range identityFields[obj.name] {
		obj.Roles[api] = &crmkit.Role{Part: p} // a standard field is never one of ours
	}
	inputs := slices.Clone(standardInputs[obj.name])
	for _, in := range o.Inputs {
		in = strings.TrimSpace(in)
		only, api, dotted := strings.Cut(in, ".")
		if !dotted {
			only, api = "", in
		}
		if !fieldName.MatchString(api) || only != "" && !strings.EqualFold(only, Lead) && !strings.EqualFold(only, Contact) {
			return nil, crmkit.ConfigError(o.Name, fmt.Sprintf("inputs: %q is no field", in), "use the field's API name, such as Segment__c or Lead.Segment__c")
		}
		if only == "" || strings.EqualFold(only, obj.name) {
			inputs = append(inputs, api)
		}
	}
	for _, api := range inputs {
		if _, there := obj.role(api); !there {
			obj.Roles[api] = &crmkit.Role{Part: crmkit.Field}
		}
	}
	for api := range obj.Roles {
		obj.want = append(obj.want, api)
	}
	slices.Sort(obj.want)
	return obj, nil
}

// role finds a field's role whatever the spelling of its name.
func (o *object) role(api string) (*crmkit.Role, bool) {
	if r := o.Roles[api]; r != nil {
		return r, true
	}
	for name, r := range o.Roles {
		if strings.EqualFold(name, api) {
			return r, true
		}
	}
	return nil, false
}

// description is what the running user may see of an object.
type description struct {
	at     time.Time
	fields map[string]*fieldWire   // by lower-case name
	read   []string                // the wanted fields that can be read, as the org spells them
	roles  map[string]*crmkit.Role // by the org's spelling
	absent []string                // the wanted fields that cannot

	updateable *bool // the object, whatever its fields; nil: not told
}

// fieldWire is a field as describe tells it.
type fieldWire struct {
	Name       string       `json:"name"`
	Label      string       `json:"label"`
	Type       string       `json:"type"`
	Length     int          `json:"length"`
	Custom     bool         `json:"custom"`
	Calculated bool         `json:"calculated"`
	Updateable bool         `json:"updateable"`
	Options    []optionWire `json:"picklistValues"`
}

type optionWire struct {
	Value  string `json:"value"`
	Label  string `json:"label"`
	Active bool   `json:"active"`
}

func (d *description) field(api string) *fieldWire { return d.fields[strings.ToLower(api)] }

// describe is what describe says of an object, asked at most every 12 hours, or again after forget.
func (c *Client) describe(ctx context.Context, o *object) (*description, error) {
	if d := o.known(c.o.Now()); d != nil {
		return d, nil
	}
	select {
	case <-o.describing:
		defer func() { o.describing <- struct{}{} }()
	case <-ctx.Done():
		e := c.err(connectors.Transient, "describe "+o.name, "")
		e.Err = ctx.Err()
		return nil, e
	}
	if d := o.known(c.o.Now()); d != nil {
		return d, nil // somebody else asked meanwhile
	}
	d, err := c.ask(ctx, o)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	o.described = d
	o.mu.Unlock()
	return d, nil
}

func (o *object) known(now time.Time) *description {
	o.mu.Lock()
	defer o.mu.Unlock()
	if d := o.described; d != nil && now.Sub(d.at).Abs() < describeFor {
		return d
	}
	return nil
}

// forget makes the next use ask again: what the org answered does not fit what describe said.
func (o *object) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.described = nil
}

// forgetBefore is forget where a row was refused with a code. A record that the user may not edit is common, and a description of
// the last minute says as much about the others as a fresh one.
func (o *object) forgetBefore(now time.Time, code string) {
	if d := o.known(now); d != nil && (code != codeNoAccess || now.Sub(d.at) > time.Minute) {
		o.forget()
	}
}

// ask asks for a fresh description.
func (c *Client) ask(ctx context.Context, o *object) (*description, error) {
	type answer struct {
		Fields     []*fieldWire `json:"fields"`
		Updateable *bool        `json:"updateable"`
	}
	op := "describe " + o.name
	v, _, err := transport.Do[answer](ctx, c.http, transport.Get(op, c.data+"/sobjects/"+o.name+"/describe"))
	if err != nil {
		return nil, err
	}
	d := &description{at: c.o.Now(), updateable: v.Updateable, fields: make(map[string]*fieldWire, len(v.Fields)), roles: make(map[string]*crmkit.Role, len(o.want))}
	for _, f := range v.Fields {
		d.fields[strings.ToLower(f.Name)] = f
	}
	for _, api := range o.want {
		f := d.field(api)
		r := o.Roles[api]
		switch {
		case f != nil:
			d.read = append(d.read, f.Name)
			d.roles[f.Name] = r
		case r.Part == id || r.Part == stamp:
			return nil, c.err(connectors.Transient, op, "the answer lists no field %s", api)
		default:
			d.absent = append(d.absent, api)
		}
	}
	return d, nil
}

// ownFields is how many fields of ours all objects together have.
func (c *Client) ownFields() (n int) {
	for _, o := range c.objects {
		n += len(o.Set.Fields)
	}
	return n
}
