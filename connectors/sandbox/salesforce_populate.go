package sandbox

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// Populate adds n believable people, two thirds of them leads and one third contacts of accounts, with campaigns they were in,
// what was done with them, and closed deals for about every twentieth contact. Equal seeds under an equal clock give equal
// orgs. The people are made up and their addresses lie under .example, which no mail reaches.
func (s *Salesforce) Populate(n int, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 0x5a1e5))
	defer s.lock()()
	now := s.o.Now().UTC().Truncate(time.Second)
	var campaigns []string
	for _, name := range []string{"Webinar: scoring leads", "Trade fair", "Spring newsletter"} {
		campaigns = append(campaigns, s.seed("Campaign", map[string]string{"Name": name, "Type": "Webinar", "Status": "Completed", "IsActive": "true"}))
	}
	start := len(s.objects["lead"].recs) + len(s.objects["contact"].recs)
	account, accountName := "", ""
	for i := range n {
		if i%3 < 2 {
			s.populateLead(rng, now, start+i, campaigns)
			continue
		}
		if account == "" || rng.IntN(4) == 0 {
			accountName = newCompany(rng)
			account = s.seed("Account", map[string]string{"Name": accountName, "Industry": s.option(rng, "industry"), "OwnerId": s.rep(rng), "CreatedDate": wire(ago(rng, now, 3*365*24*time.Hour))})
		}
		s.populateContact(rng, now, start+i, account, accountName, campaigns)
	}
}

// option is a value of a picklist of leads.
func (s *Salesforce) option(rng *rand.Rand, field string) string {
	return pick(rng, s.objects["lead"].byName[field].options).value
}

// rep is the id of a sales person.
func (s *Salesforce) rep(rng *rand.Rand) string { return s.users.recs[2+rng.IntN(salesReps)].id }

func (s *Salesforce) populateLead(rng *rand.Rand, now time.Time, i int, campaigns []string) {
	company := newCompany(rng)
	fields := s.somebody(rng, now, i, company)
	fields["Company"] = company
	fields["Status"] = pick(rng, []string{"Open - Not Contacted", "Open - Not Contacted", "Working - Contacted", "Closed - Not Converted"})
	fields["Industry"] = s.option(rng, "industry")
	id := s.seed("Lead", fields)
	s.populateActivity(rng, now, "LeadId", id, fields, campaigns)
}

func (s *Salesforce) populateContact(rng *rand.Rand, now time.Time, i int, account, company string, campaigns []string) {
	fields := s.somebody(rng, now, i, company)
	fields["AccountId"] = account
	id := s.seed("Contact", fields)
	s.populateActivity(rng, now, "ContactId", id, fields, campaigns)
	if rng.IntN(20) > 0 {
		return
	}
	closed := ago(rng, now, 300*24*time.Hour)
	created := closed.Add(-time.Duration(10+rng.IntN(80)) * 24 * time.Hour)
	deal := s.seed("Opportunity", map[string]string{
		"Name": company + " subscription", "AccountId": account, "Amount": strconv.Itoa(1000 * (1 + rng.IntN(60))), "CloseDate": closed.Format(time.DateOnly),
		"StageName": pick(rng, []string{"Closed Won", "Closed Lost", "Closed Lost", "Proposal/Price Quote"}), "OwnerId": fields["OwnerId"],
		"CreatedDate": wire(created), "LastModifiedDate": wire(closed), "SystemModstamp": wire(closed),
	})
	s.seed("OpportunityContactRole", map[string]string{"OpportunityId": deal, "ContactId": id, "Role": "Decision Maker", "IsPrimary": "true", "CreatedDate": wire(created)})
}

// somebody makes what leads and contacts have in common.
func (s *Salesforce) somebody(rng *rand.Rand, now time.Time, i int, company string) map[string]string {
	who := newSomeone(rng, now, i, company)
	modified := wire(between(rng, who.created, now))
	return map[string]string{
		"FirstName": who.first, "LastName": who.last, "Title": who.title, "Email": who.email, "Phone": who.phone, "LeadSource": s.option(rng, "leadsource"),
		"OwnerId": s.rep(rng), "CreatedDate": wire(who.created), "LastModifiedDate": modified, "SystemModstamp": modified,
	}
}

// populateActivity adds what happened with a person: for most nothing, for some a campaign or a few calls and mails.
func (s *Salesforce) populateActivity(rng *rand.Rand, now time.Time, lookup, id string, person map[string]string, campaigns []string) {
	created, _ := parseWireTime(person["CreatedDate"])
	if rng.IntN(5) == 0 {
		at := between(rng, created, now)
		member := map[string]string{"CampaignId": pick(rng, campaigns), lookup: id, "Status": "Sent", "CreatedDate": wire(at)}
		if rng.IntN(3) == 0 {
			member["Status"], member["FirstRespondedDate"] = "Responded", at.Format(time.DateOnly)
		}
		s.seed("CampaignMember", member)
	}
	if rng.IntN(6) > 0 {
		return
	}
	for range 1 + rng.IntN(3) {
		at := between(rng, created, now)
		kind := pick(rng, []string{"Email", "Call"})
		s.seed("Task", map[string]string{"WhoId": id, "Subject": kind + ": follow-up", "Type": kind, "TaskSubtype": kind, "Status": "Completed", "ActivityDate": at.Format(time.DateOnly), "OwnerId": person["OwnerId"], "CreatedDate": wire(at)})
	}
}

func wire(t time.Time) string { return formatWireTime(t.UnixMilli()) }
