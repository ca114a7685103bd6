package s3

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"encoding/xml"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// credentials finds keys where AWS's own tools look for them, and renews those that are lent. It is safe for concurrent use.
//
// In this order: the configuration; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; a web identity (AWS_WEB_IDENTITY_TOKEN_FILE and
// AWS_ROLE_ARN, as in Kubernetes); the profile in ~/.aws/credentials; the container's agent (AWS_CONTAINER_CREDENTIALS_…); the machine's
// role, from its metadata service (IMDSv2).
type credentials struct {
	name   string
	fixed  keys // of the configuration
	region string
	env    func(string) string
	http   http.RoundTripper
	now    func() time.Time
	redact *transport.Redactor

	mu   sync.Mutex
	kept keys
}

const (
	earlyRenewal = 5 * time.Minute // before the end that was told
	metadataHost = "http://169.254.169.254"
	agentHost    = "http://169.254.170.2" // of the container's agent
	fixKeys      = "set access_key and secret_key_file, the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role"
)

// get are keys that hold for a while.
func (c *credentials) get(ctx context.Context) (keys, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.kept; k.Access != "" && (k.Expires.IsZero() || c.now().Before(k.Expires.Add(-earlyRenewal))) {
		return k, nil
	}
	k, err := c.find(ctx)
	if err == nil && (k.Access == "" || k.Secret == "") {
		err = &connectors.Error{Kind: connectors.Auth, Op: c.name + ": sign in", Message: "no credentials were found", Fix: fixKeys}
	}
	if err != nil {
		return keys{}, err
	}
	c.redact.AddToken(k.Secret)
	c.redact.AddToken(k.Token)
	c.kept = k
	return k, nil
}

// forget drops keys that were refused: they may have been replaced where they lie.
func (c *credentials) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = keys{}
}

func (c *credentials) find(ctx context.Context) (keys, error) {
	if c.fixed.Access != "" {
		return c.fixed, nil
	}
	if k := (keys{Access: c.env("AWS_ACCESS_KEY_ID"), Secret: c.env("AWS_SECRET_ACCESS_KEY"), Token: c.env("AWS_SESSION_TOKEN")}); k.Access != "" {
		return k, nil
	}
	if file, role := c.env("AWS_WEB_IDENTITY_TOKEN_FILE"), c.env("AWS_ROLE_ARN"); file != "" && role != "" {
		return c.webIdentity(ctx, file, role)
	}
	if k := c.profile(); k.Access != "" {
		return k, nil
	}
	if path := c.env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); path != "" {
		return c.agent(ctx, agentHost+path)
	}
	if address := c.env("AWS_CONTAINER_CREDENTIALS_FULL_URI"); address != "" {
		return c.agent(ctx, address)
	}
	if strings.EqualFold(c.env("AWS_EC2_METADATA_DISABLED"), "true") {
		return keys{}, nil
	}
	return c.machine(ctx)
}

// profile reads the shared credentials file.
func (c *credentials) profile() (k keys) {
	path := c.env("AWS_SHARED_CREDENTIALS_FILE")
	if path == "" {
		home := c.env("HOME")
		if home == "" {
			return k
		}
		path = filepath.Join(home, ".aws", "credentials")
	}
	f, err := os.Open(path)
	if err != nil {
		return k
	}
	defer f.Close()
	section := "[" + cmp.Or(c.env("AWS_PROFILE"), "default") + "]"
	within := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") {
			within = strings.Join(strings.Fields(line), "") == section
			continue
		}
		name, value, _ := strings.Cut(line, "=")
		switch value = strings.TrimSpace(value); {
		case !within:
		case strings.TrimSpace(name) == "aws_access_key_id":
			k.Access = value
		case strings.TrimSpace(name) == "aws_secret_access_key":
			k.Secret = value
		case strings.TrimSpace(name) == "aws_session_token":
			k.Token = value
		}
	}
	return k
}

// lent is how the agent and the metadata service tell keys.
type lent struct {
	AccessKeyID, SecretAccessKey, Token string
	Expiration                          time.Time
}

func (l lent) keys() keys { return keys{l.AccessKeyID, l.SecretAccessKey, l.Token, l.Expiration} }

// agent asks the container's agent, which is on this machine or, by its own address, on the link.
func (c *credentials) agent(ctx context.Context, address string) (keys, error) {
	u, err := url.Parse(address)
	ip := net.IP(nil)
	if err == nil {
		ip = net.ParseIP(u.Hostname())
	}
	if err != nil || u.Scheme != "https" && !transport.Loopback(u.Hostname()) && !ip.IsLinkLocalUnicast() && !ip.IsPrivate() {
		return keys{}, connectors.Errorf(connectors.Config, c.name+": sign in", "AWS_CONTAINER_CREDENTIALS_FULL_URI is no address that keys may come from")
	}
	token := c.env("AWS_CONTAINER_AUTHORIZATION_TOKEN")
	if file := c.env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return keys{}, &connectors.Error{Kind: connectors.Config, Op: c.name + ": sign in", Message: "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE cannot be read", Err: err}
		}
		token = strings.TrimSpace(string(b))
	}
	header := http.Header{}
	if token != "" {
		header.Set("Authorization", token)
	}
	b, err := c.ask(ctx, http.MethodGet, address, header)
	return readLent(b, err)
}

// machine asks the metadata service of the machine for the keys of its role (IMDSv2).
func (c *credentials) machine(ctx context.Context) (keys, error) {
	host := strings.TrimRight(cmp.Or(c.env("AWS_EC2_METADATA_SERVICE_ENDPOINT"), metadataHost), "/")
	token, err := c.ask(ctx, http.MethodPut, host+"/latest/api/token", http.Header{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": {"300"}})
	if err != nil {
		if connectors.Interrupted(err) {
			return keys{}, err
		}
		return keys{}, nil // no machine of AWS's, or one without a role
	}
	header := http.Header{"X-Aws-Ec2-Metadata-Token": {string(token)}}
	const path = "/latest/meta-data/iam/security-credentials/"
	role, err := c.ask(ctx, http.MethodGet, host+path, header)
	if err != nil {
		return keys{}, err
	}
	name, _, _ := strings.Cut(strings.TrimSpace(string(role)), "\n")
	b, err := c.ask(ctx, http.MethodGet, host+path+url.PathEscape(name), header)
	return readLent(b, err)
}

func readLent(b []byte, err error) (keys, error) {
	var l lent
	if err == nil {
		err = json.Unmarshal(b, &l)
	}
	return l.keys(), err
}

// webIdentity exchanges the token that the cluster gave for keys of a role.
func (c *credentials) webIdentity(ctx context.Context, file, role string) (keys, error) {
	token, err := os.ReadFile(file)
	if err != nil {
		return keys{}, &connectors.Error{Kind: connectors.Config, Op: c.name + ": sign in", Message: "AWS_WEB_IDENTITY_TOKEN_FILE cannot be read", Err: err}
	}
	host := cmp.Or(c.env("AWS_ENDPOINT_URL_STS"), "https://sts."+c.region+"."+domainOf(c.region))
	query := url.Values{"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleArn": {role},
		"RoleSessionName": {cmp.Or(c.env("AWS_ROLE_SESSION_NAME"), "intentd")}, "WebIdentityToken": {strings.TrimSpace(string(token))}}
	b, err := c.ask(ctx, http.MethodGet, host+"/?"+query.Encode(), nil)
	var answer struct {
		Credentials struct {
			AccessKeyID     string `xml:"AccessKeyId"`
			SecretAccessKey string
			SessionToken    string
			Expiration      time.Time
		} `xml:"AssumeRoleWithWebIdentityResult>Credentials"`
	}
	if err == nil {
		err = xml.Unmarshal(b, &answer)
	}
	k := answer.Credentials
	return keys{k.AccessKeyID, k.SecretAccessKey, k.SessionToken, k.Expiration}, err
}

// ask makes one call for keys, which lie near: it waits for seconds only.
func (c *credentials) ask(ctx context.Context, method, address string, header http.Header) (body []byte, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, connectors.Errorf(connectors.Config, c.name+": sign in", "no URL to ask for credentials at")
	}
	base := &url.URL{Scheme: u.Scheme, Host: u.Host}
	client := transport.New(transport.Options{Name: c.name, Base: base, HTTP: c.http, Now: c.now, Timeout: 5 * time.Second, Tries: 2, Redactor: c.redact, Classify: classify})
	a, err := client.Do(ctx, transport.Request{Op: "sign in", Method: method, Path: u.RequestURI(), Header: header, Idempotent: true})
	if err != nil {
		return nil, err
	}
	return a.Body, nil
}
