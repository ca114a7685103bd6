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
	option := func(field string) string { return pick(rng, s.objects["lead"].byName[field].options).value }
	rep := func() string { return s.users.recs[2+rng.IntN(salesReps)].id }
	start := len(s.objects["lead"].recs) + len(s.objects["contact"].recs)
	account, accountName := "", ""
	for i := range n {
		object, company := "Lead", newCompany(rng)
		if i%3 == 2 {
			if object = "Contact"; account == "" || rng.IntN(4) == 0 {
				accountName = company
				account = s.seed("Account", map[string]string{"Name": company, "Industry": option("industry"), "OwnerId": rep(), "CreatedDate": wire(ago(rng, now, 3*365*24*time.Hour))})
			}
			company = accountName
		}
		who := newSomeone(rng, now, start+i, company)
		when := func() time.Time { return between(rng, who.created, now) }
		modified := wire(when())
		fields := map[string]string{
			"FirstName": who.first, "LastName": who.last, "Title": who.title, "Email": who.email, "Phone": who.phone, "LeadSource": option("leadsource"),
			"OwnerId": rep(), "CreatedDate": wire(who.created), "LastModifiedDate": modified, "SystemModstamp": modified,
		}
		if object == "Lead" {
			fields["Company"], fields["Industry"] = company, option("industry")
			fields["Status"] = pick(rng, []string{"Open - Not Contacted", "Open - Not Contacted", "Working - Contacted", "Closed - Not Converted"})
		} else {
			fields["AccountId"] = account
		}
		id := s.seed(object, fields)
		s.populateActivity(rng, when, object, id, fields["OwnerId"], campaigns)
		if object == "Contact" && rng.IntN(20) == 0 {
			s.populateDeal(rng, ago(rng, now, 300*24*time.Hour), account, id, fields["OwnerId"])
		}
	}
}

// populateDeal adds a deal of an account with a contact on it.
func (s *Salesforce) populateDeal(rng *rand.Rand, closed time.Time, account, contact, owner string) {
	created := wire(closed.Add(-time.Duration(10+rng.IntN(80)) * 24 * time.Hour))
	deal := s.seed("Opportunity", map[string]string{
		"Name": "Subscription", "AccountId": account, "Amount": strconv.Itoa(1000 * (1 + rng.IntN(60))), "CloseDate": closed.Format(time.DateOnly),
		"StageName": pick(rng, []string{"Closed Won", "Closed Lost", "Closed Lost", "Proposal/Price Quote"}), "OwnerId": owner,
		"CreatedDate": created, "LastModifiedDate": wire(closed), "SystemModstamp": wire(closed),
	})
	s.seed("OpportunityContactRole", map[string]string{"OpportunityId": deal, "ContactId": contact, "Role": "Decision Maker", "IsPrimary": "true", "CreatedDate": created})
}

// populateActivity adds what happened with a person: for most nothing, for some a campaign or a few calls and mails.
func (s *Salesforce) populateActivity(rng *rand.Rand, when func() time.Time, object, id, owner string, campaigns []string) {
	if rng.IntN(5) == 0 {
		at := when()
		member := map[string]string{"CampaignId": pick(rng, campaigns), object + "Id": id, "Status": "Sent", "CreatedDate": wire(at)}
		if rng.IntN(3) == 0 {
			member["Status"], member["FirstRespondedDate"] = "Responded", at.Format(time.DateOnly)
		}
		s.seed("CampaignMember", member)
	}
	if rng.IntN(6) > 0 {
		return
	}
	for range 1 + rng.IntN(3) {
		at, kind := when(), pick(rng, []string{"Email", "Call"})
		s.seed("Task", map[string]string{"WhoId": id, "Subject": kind + ": follow-up", "Type": kind, "TaskSubtype": kind, "Status": "Completed", "ActivityDate": at.Format(time.DateOnly), "OwnerId": owner, "CreatedDate": wire(at)})
	}
}

func wire(t time.Time) string { return formatWireTime(t.UnixMilli()) }
