package sandbox

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Form is a form of the portal.
type Form struct {
	ID       string // "": made up
	Name     string
	Type     string // hubspot (also ""), captured, flow or blog_comment
	Archived bool
}

// Submission is a form that somebody sent.
type Submission struct {
	ID      string    // conversionId; "": made up, "-": none, as of old submissions
	Time    time.Time // zero: now; whoever submits by API may say what is past
	PageURL string
	Values  map[string]string // by field; email is whose it is
}

// sent is a submission of a form.
type sent struct {
	form *Form
	Submission
}

// AddForm makes a form and returns its id.
func (h *HubSpot) AddForm(f Form) string {
	defer h.lock()()
	f.ID, f.Type = cmp.Or(f.ID, h.uuid()), cmp.Or(f.Type, "hubspot")
	h.forms = append(h.forms, &f)
	return f.ID
}

// ArchiveForm archives a form: lists tell it only when asked for archived ones, its submissions stay.
func (h *HubSpot) ArchiveForm(id string) {
	defer h.lock()()
	h.form(id).Archived = true
}

func (h *HubSpot) form(id string) *Form {
	i := slices.IndexFunc(h.forms, func(f *Form) bool { return f.ID == id })
	if i < 0 {
		panic(fmt.Errorf("sandbox: no form %s", id))
	}
	return h.forms[i]
}

// Submit sends a form. The contact with the address, made where there is none, is told of it; its id comes back, "" without an address.
func (h *HubSpot) Submit(form string, s Submission) (contactID string) {
	defer h.lock()()
	f := h.form(form)
	if s.ID == "" {
		s.ID = h.uuid()
	}
	now := h.o.Now()
	if s.Time.IsZero() {
		s.Time = now
	}
	h.submissions = append(h.submissions, sent{f, s})
	address := s.Values["email"]
	if address == "" {
		return ""
	}
	r := h.holder(address)
	if r == nil {
		r = h.seed(h.contacts, map[string]string{"email": address})
	}
	value := func(name string) string { return r.value(h.contacts.byName[name].number) }
	n, _ := strconv.Atoi(value("num_conversion_events"))
	told := map[string]string{"num_conversion_events": strconv.Itoa(n + 1), "recent_conversion_date": stamp(s.Time), "recent_conversion_event_name": "Example Ltd: " + f.Name}
	if n == 0 {
		told["first_conversion_date"] = told["recent_conversion_date"]
	}
	h.edit(h.contacts, []string{r.id}, told, "", now.UnixMilli())
	return r.id
}

// formPage is how many forms a page can hold and still say that there are more (seen by others: at 100 paging is left out).
const (
	formPage       = 50
	submissionPage = 50
)

// listForms answers the forms: those made in HubSpot alone unless other types are named.
func (h *HubSpot) listForms(c call, _ *hubObject) reply {
	v := c.params()
	limit, offset := page(v, 20, 1000)
	types := v["formTypes"]
	if len(types) == 0 {
		types = []string{"hubspot"}
	}
	var found []*Form
	for _, f := range h.forms {
		if f.Archived == (v.Get("archived") == "true") && slices.Contains(types, f.Type) {
			found = append(found, f)
		}
	}
	made := instant(c.now.Add(-time.Hour).UnixMilli())
	out, next := pageFrom(found, offset, limit, func(f *Form) members {
		return members{{"id", f.ID}, {"name", f.Name}, {"formType", f.Type}, {"archived", f.Archived}, {"createdAt", made}, {"updatedAt", made}}
	})
	if limit > formPage {
		next = ""
	}
	return jsonReply(http.StatusOK, listed(out, next, c.link(next)))
}

// listSubmissions answers the submissions of a form, newest first. Where a page begins is counted from the newest: what comes in between
// two pages moves the rest, so that rows are told twice.
func (h *HubSpot) listSubmissions(c call, _ *hubObject) reply {
	id, v := c.rest.at(1), c.params()
	known := slices.ContainsFunc(h.forms, func(f *Form) bool { return f.ID == id })
	refuseIf(!known, http.StatusNotFound, "OBJECT_NOT_FOUND", "No form found with guid '%s'", id)
	if token := v.Get("after"); token != "" {
		offset, err := base64.StdEncoding.DecodeString(token)
		invalidIf(err != nil, "after is not valid")
		v.Set("after", string(offset))
	}
	limit, offset := page(v, 20, submissionPage)
	var found []sent
	for _, s := range h.submissions {
		if s.form.ID == id {
			found = append(found, s)
		}
	}
	slices.SortStableFunc(found, func(a, b sent) int { return b.Time.Compare(a.Time) })
	out, next := pageFrom(found, offset, limit, func(s sent) members {
		values := []members{}
		for _, name := range slices.Sorted(maps.Keys(s.Values)) {
			values = append(values, members{{"name", name}, {"value", s.Values[name]}, {"objectTypeId", "0-1"}})
		}
		told := members{{"submittedAt", s.Time.UnixMilli()}, {"values", values}}
		if id := strings.TrimPrefix(s.ID, "-"); id != "" {
			told = append(members{{"conversionId", id}}, told...)
		}
		if s.PageURL != "" {
			told = append(told, member{"pageUrl", s.PageURL})
		}
		return told
	})
	if next != "" {
		next = base64.StdEncoding.EncodeToString([]byte(next))
	}
	return jsonReply(http.StatusOK, listed(out, next, c.link(next)))
}
