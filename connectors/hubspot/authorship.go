package hubspot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
)

// HumanEdited tells which of intentd's fields a person set last by hand, by the source that the history of each property names (see
// bySource), and since when the verdict is as it is: one request per 50 records.
func (c *Client) HumanEdited(ctx context.Context, refs []connectors.Ref) (map[connectors.Ref]connectors.Edits, error) {
	op := fmt.Sprintf("read who edited %d contacts", len(refs))
	ids, err := c.numericIDs(op, refs)
	if err != nil {
		return nil, err
	}
	var properties []string
	for _, f := range c.schema.Set.Fields {
		properties = append(properties, c.schema.Own[f.Name].Property)
	}
	slices.Sort(properties)
	out := map[connectors.Ref]connectors.Edits{}
	for _, batch := range chunks(ids, historyBatchSize) {
		answer, err := c.readBatch(ctx, op, batchRead{Properties: properties, History: properties, Inputs: idInputs(batch)}, false)
		if err != nil {
			return nil, err
		}
		for i := range answer.Results {
			r := &answer.Results[i]
			past := r.versions()
			var e connectors.Edits
			for _, f := range c.schema.Set.Fields {
				v, ok := newest(past[c.schema.Own[f.Name].Property])
				switch {
				case !ok:
				case f.RepEdits:
					e.VerdictAt, _ = parseTime(v.Timestamp)
				case v.Value != "" && v.human():
					e.Fields = append(e.Fields, f.Name)
				}
			}
			if e.Fields != nil || !e.VerdictAt.IsZero() {
				out[c.ref(r.ID)] = e
			}
		}
	}
	return out, nil
}

// newest is the version with the latest time; HubSpot lists the newest first, which nobody promises.
func newest(versions []version) (version, bool) {
	if len(versions) == 0 {
		return version{}, false
	}
	best := versions[0]
	at, _ := parseTime(best.Timestamp)
	for _, v := range versions[1:] {
		if t, ok := parseTime(v.Timestamp); ok && t.After(at) {
			best, at = v, t
		}
	}
	return best, true
}

// bySource says of the sources of a change, as HubSpot names them, whether a person made it by hand. A source stands for all whose
// names go on after it with an underscore. What came in by a file, from another system or from an automation is nobody's edit,
// even where a user is named who set it up.
var bySource = map[string]bool{
	// HubSpot's own screens, on the web and on telephones, and its side panel in a mail program.
	"CRM_UI": true, "WORK_UI": true, "CONTACTS_WEB": true, "CONTACTS": true, "MOBILE": true, "PLAYBOOKS": true, "SIDEKICK": true,

	// Files and other systems.
	"IMPORT": false, "EMAIL_INBOX_IMPORT": false, "INTEGRATION": false, "INTEGRATIONS": false, "API": false, "SALESFORCE": false,
	"EMAIL_INTEGRATION": false, "GMAIL_INTEGRATION": false, "SLACK_INTEGRATION": false, "CONNECTED_ACCOUNT": false, "MARKETPLACE": false,
	"MICROAPPS": false, "PORTAL_OBJECT_SYNC": false, "FLYWHEEL_PRODUCT_DATA_SYNC": false, "DATASET": false, "DI_WRITE_TO_CRM": false,
	// Automations, and what HubSpot works out or fills in itself.
	"WORKFLOWS": false, "WORKFLOW": false, "AUTOMATION": false, "PRIMARY_AUTOMATION": false, "SEQUENCES": false, "CALCULATED": false,
	"BEHAVIORAL_EVENTS": false, "ANALYTICS": false, "INTERNAL_PROCESSING": false, "PROPERTY_DEFAULT_VALUE": false, "DATA_ENRICHMENT": false,
	"DATA_QUALITY": false, "CONVERSATIONAL_ENRICHMENT": false, "SMART_DATA_CAPTURE": false, "COMPANY_INSIGHTS": false, "SIGNALS": false,
	"INTENT": false, "BOT": false, "CHATSPOT": false, "BREEZE_AGENT": false, "CUSTOMER_AGENT": false, "PROSPECTING_AGENT": false,
	"FORM": false, "EMAIL": false, "LEADIN": false, "MIGRATION": false,
	// A value that a record took over from another or got back.
	"MERGE": false, "CLONE_OBJECTS": false, "RECYCLING_BIN": false, "RESTORE_OBJECTS": false, "PROPERTY_RESTORE": false,
}

// human says whether a person made the change by hand. A source that is not known counts as a person's where a user is named.
func (v version) human() bool {
	for name := strings.ToUpper(v.SourceType); name != ""; {
		if person, known := bySource[name]; known {
			return person
		}
		name = name[:max(strings.LastIndexByte(name, '_'), 0)]
	}
	if user := v.UserID; user != "" && user != "0" {
		return true
	}
	return strings.HasPrefix(strings.ToLower(v.SourceID), "userid:")
}
