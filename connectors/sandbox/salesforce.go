package sandbox

import (
	"cmp"
	"context"
	"crypto/rsa"
	"strings"
	"time"
)

// SalesforceOptions say what org to imitate. The zero value is a production org of Enterprise Edition with one integration
// user, which signs in with any JWT that is well made.
type SalesforceOptions struct {
	Username     string         // of the integration user; "": integration@sandbox.example
	ClientID     string         // consumer key of the external client app; "": sandbox-client
	ClientSecret string         // "": sandbox-secret
	PublicKey    *rsa.PublicKey // of the app's certificate; nil: signatures are not checked
	RefreshToken string         // "": refresh tokens are not taken
	// RotateRefresh gives a new refresh token with every access token, and ends the old one with its session.
	RotateRefresh bool
	SessionTTL    time.Duration // 0: 2 hours
	Test          bool          // a sandbox org: JWTs are for test.salesforce.com
	InstanceURL   string        // told with tokens; "": where the org listens, else https://sandbox.my.salesforce.com
	DailyLimit    int           // API calls in 24 hours; 0: 100,000
	Unlimited     bool          // no limits, for benchmarks
	// WriteTime is how long a write of several records takes; until it is over, it locks its records and their accounts, and
	// other writes to them meet UNABLE_TO_LOCK_ROW.
	WriteTime time.Duration
	BulkTime  time.Duration    // how long a Bulk API job is worked on at least
	Now       func() time.Time // nil: time.Now
}

// Salesforce is an org. It is safe for concurrent use.
type Salesforce struct {
	desk
	o        SalesforceOptions
	all      []*orgObject
	objects  map[string]*orgObject // by lower-case name
	prefixes map[string]*orgObject
	users    *orgObject
	me, boss string // ids of the integration user and of the administrator

	sessions map[string]*orgSession
	refresh  string // the refresh token that is taken now
	locked   bool   // the integration user was frozen
	serial   uint64

	usage    rolling
	underWay map[*request]locks // writes of several records

	serves   []endpoint[*orgCall, *orgObject] // of the REST API
	enters   []endpoint[*orgCall, *orgObject] // outside of it
	cursors  []*orgCursor
	jobs     map[string]*bulkJob
	outcomes []BulkOutcome
	rules    []SalesforceRule
	refusals map[string]*rowRefusal
	dupes    bool
	assignTo string
	open     []*Transaction
}

// theOrg is the id of every org.
const theOrg = "00D5g0000000001EAA"

// NewSalesforce makes an org without people.
func NewSalesforce(o SalesforceOptions) *Salesforce {
	o.Username = cmp.Or(o.Username, "integration@sandbox.example")
	o.ClientID = cmp.Or(o.ClientID, "sandbox-client")
	o.ClientSecret = cmp.Or(o.ClientSecret, "sandbox-secret")
	o.SessionTTL = cmp.Or(o.SessionTTL, 2*time.Hour)
	o.DailyLimit = cmp.Or(o.DailyLimit, 100_000)
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Salesforce{
		o: o, refresh: o.RefreshToken,
		objects: map[string]*orgObject{}, prefixes: map[string]*orgObject{}, sessions: map[string]*orgSession{},
		underWay: map[*request]locks{}, jobs: map[string]*bulkJob{}, refusals: map[string]*rowRefusal{},
	}
	s.usage = rolling{max: o.DailyLimit, span: 24 * time.Hour}
	if o.Unlimited {
		s.usage.max = noLimit
	}
	s.all = standard()
	for _, o := range s.all {
		s.objects[strings.ToLower(o.Name)], s.prefixes[o.Prefix] = o, o
	}
	s.users = s.objects["user"]
	s.objects["organization"].onlyID = theOrg
	s.derivations()
	s.serves, s.enters = s.endpoints(), s.entrances()
	s.desk.open(s, o.Now)
	s.desk.largest = mostBulkCSV + 1
	s.settle()
	return s
}

// settle adds what every org has: itself, profiles and users.
func (s *Salesforce) settle() {
	s.boss = s.users.idOf(0)
	admin := s.seed("Profile", map[string]string{"Name": "System Administrator"})
	minimal := s.seed("Profile", map[string]string{"Name": "Minimum Access - API Only Integrations"})
	user := func(profile, first, last, username string) string {
		return s.seed("User", map[string]string{"Username": username, "FirstName": first, "LastName": last, "Email": username, "Alias": strings.ToLower(last[:min(8, len(last))]),
			"IsActive": "true", "UserType": "Standard", "ProfileId": profile, "TimeZoneSidKey": "Europe/Berlin"})
	}
	user(admin, "", "Administrator", "admin@sandbox.example")
	s.me = user(minimal, "", "Integration", s.o.Username)
	for i := range salesReps {
		name := lastNames[i*2]
		user(admin, firstNames[i*3], name, strings.ToLower(name)+"@sandbox.example")
	}
	s.seed("Organization", map[string]string{"Name": "Sandbox", "OrganizationType": "Enterprise Edition", "InstanceName": "SBX1", "IsSandbox": map[bool]string{true: "true"}[s.o.Test], "TimeZoneSidKey": "Europe/Berlin", "DefaultLocaleSidKey": "en_US"})
}

// salesReps is how many users of a new org are sales people.
const salesReps = 8

// nowMs is the org's clock, whose stamps have no finer grain than a second.
func (s *Salesforce) nowMs() int64 { return s.o.Now().Unix() * 1000 }

// object is an object by its name in any case.
func (s *Salesforce) object(name string) (*orgObject, bool) {
	o, ok := s.objects[strings.ToLower(name)]
	return o, ok
}

// recordOf is the object that an id of either length belongs to and the record that has it; nil if there is none.
func (s *Salesforce) recordOf(id string) (*orgObject, *record) {
	if id, ok := longID(id); ok {
		if o := s.prefixes[id[:3]]; o != nil {
			return o, o.byID[id]
		}
	}
	return nil, nil
}

// OrgID is the org's id, UserID that of the integration user, both with 18 characters.
func (s *Salesforce) OrgID() string  { return theOrg }
func (s *Salesforce) UserID() string { return s.me }

// Listen serves on addr, such as "127.0.0.1:0", until ctx ends and returns the base URL once connections are accepted. Tokens
// tell it as the instance unless the options say otherwise.
func (s *Salesforce) Listen(ctx context.Context, addr string) (string, error) {
	url, err := s.desk.Listen(ctx, addr)
	if err == nil {
		s.mu.Lock()
		if s.o.InstanceURL == "" {
			s.o.InstanceURL = url
		}
		s.mu.Unlock()
	}
	return url, err
}
