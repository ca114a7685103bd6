package hubspot

import (
	"cmp"
	"net/url"
	"regexp"
)

// paths builds every path in one place: HubSpot replaces its v3 and v4 paths (unsupported from 2027) by ones with a date.
type paths struct {
	version string // "2026-09"; "" for v3
}

var datedVersion = regexp.MustCompile(`^20[0-9]{2}-(0[1-9]|1[0-2])$`)

func pathsOf(version string) (paths, bool) {
	if version == "v3" {
		return paths{}, true
	}
	return paths{version: version}, datedVersion.MatchString(version)
}

func (p paths) pick(dated, v3 string) string {
	if p.version == "" {
		return v3
	}
	return dated
}

// objects is a path below the records of an object: objects("contacts", "/batch/read"). Of deals the published v3 paths hold the type
// in place of the name.
func (p paths) objects(object, rest string) string {
	if p.version == "" && object == Deals {
		object = "0-3"
	}
	return p.pick("/crm/objects/"+p.version+"/", "/crm/v3/objects/") + object + rest
}

func (p paths) object(object, id string) string { return p.objects(object, "/"+escape(id)) }

func (p paths) properties(rest string) string {
	return p.pick("/crm/properties/"+p.version+"/contacts", "/crm/v3/properties/contacts") + rest
}

func (p paths) property(name string) string { return p.properties("/" + escape(name)) }

func (p paths) dealContacts() string {
	return p.pick("/crm/associations/2026-03", "/crm/v4/associations") + "/deals/contacts/batch/read"
}

func (p paths) contactTasks() string {
	return p.pick("/crm/associations/2026-03", "/crm/v4/associations") + "/contacts/tasks/batch/read"
}

func (p paths) owners() string { return p.pick("/crm/owners/2026-03", "/crm/v3/owners") }

func (p paths) occurrences() string {
	return p.pick("/events/event-occurrences/2026-03", "/events/v3/events")
}

func (p paths) eventTypes() string { return p.occurrences() + "/event-types" }

// forms and the three below have no path with a date that is not a beta.
func (p paths) forms() string { return "/marketing/v3/forms" }

func (p paths) submissions(form string) string {
	return "/form-integrations/v1/submissions/forms/" + url.PathEscape(form)
}

func (p paths) emailEvents() string { return "/email/public/v1/events" }

func (p paths) emailCampaign(id string) string {
	return "/email/public/v1/campaigns/" + url.PathEscape(id)
}

func (p paths) token() string { return p.pick("/oauth/2026-03/token", "/oauth/v1/token") }

// journal is a path below one of the two webhooks journals. They have no v3 form; that of v4 ends with the paths of v4.
func (p paths) journal(name, rest string) string { return p.webhooks(name) + rest }

func (p paths) subscriptions() string { return p.webhooks("subscriptions") }

func (p paths) webhooks(api string) string {
	return "/webhooks-journal/" + api + "/" + cmp.Or(p.version, "2026-09")
}

func escape(part string) string { return url.PathEscape(part) }

func (p paths) account() string {
	return p.pick("/account-info/"+p.version+"/details", "/account-info/v3/details")
}
