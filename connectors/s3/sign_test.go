package s3

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// The examples of AWS's documentation of Signature Version 4 for S3.
func TestSignature(t *testing.T) {
	k := keys{Access: "AKIAIOSFODNN7EXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	for _, c := range []struct{ url, span, signed, signature string }{
		{"https://examplebucket.s3.amazonaws.com/test.txt", "bytes=0-9", "host;range;x-amz-content-sha256;x-amz-date", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
		{"https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J", "", "host;x-amz-content-sha256;x-amz-date", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
	} {
		r, err := http.NewRequest(http.MethodGet, c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.span != "" {
			r.Header.Set("Range", c.span)
		}
		sign(r, k, "us-east-1", time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC))
		want := "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=" + c.signed + ", Signature=" + c.signature
		if got := r.Header.Get("Authorization"); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.url, got, want)
		}
	}
}

// Promise: keys are found where AWS's own tools find them, lent ones are renewed before their end, and none at all is told with a fix.
func TestCredentials(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	profiles := write("credentials", "[default]\naws_access_key_id = P1\naws_secret_access_key = s\n\n[ lake ]\naws_access_key_id=P2\naws_secret_access_key=s\n")
	token := write("token", "web-identity-token\n")
	now := today
	lends := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lent := func(key string) {
			lends++
			fmt.Fprintf(w, `{"Code":"Success","AccessKeyId":%q,"SecretAccessKey":"s","Token":"lent-token","Expiration":%q}`, key, now.Add(time.Hour).Format(time.RFC3339))
		}
		switch path := r.URL.Path; {
		case path == "/agent" && r.Header.Get("Authorization") == "Bearer agent":
			lent("A1")
		case path == "/latest/api/token" && r.Method == http.MethodPut && r.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") != "":
			fmt.Fprint(w, "imds-token")
		case r.Header.Get("X-Aws-Ec2-Metadata-Token") == "imds-token" && strings.HasSuffix(path, "/security-credentials/"):
			fmt.Fprint(w, "reader\n")
		case r.Header.Get("X-Aws-Ec2-Metadata-Token") == "imds-token" && strings.HasSuffix(path, "/security-credentials/reader"):
			lent("M1")
		case r.URL.Query().Get("Action") == "AssumeRoleWithWebIdentity" && r.URL.Query().Get("WebIdentityToken") == "web-identity-token" && r.URL.Query().Get("RoleArn") == "arn:aws:iam::1:role/reader":
			fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><SessionToken>t</SessionToken><SecretAccessKey>s</SecretAccessKey><Expiration>%s</Expiration><AccessKeyId>W1</AccessKeyId></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`, now.Add(time.Hour).Format(time.RFC3339))
		default:
			refuse(w, http.StatusForbidden, "AccessDenied", nil)
		}
	}))
	defer server.Close()
	for name, c := range map[string]struct {
		fixed keys
		env   map[string]string
		want  string
	}{
		"configured":   {keys{Access: "C1", Secret: "s"}, map[string]string{"AWS_ACCESS_KEY_ID": "E1", "AWS_SECRET_ACCESS_KEY": "s"}, "C1"},
		"environment":  {keys{}, map[string]string{"AWS_ACCESS_KEY_ID": "E1", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SHARED_CREDENTIALS_FILE": profiles}, "E1"},
		"profile":      {keys{}, map[string]string{"AWS_SHARED_CREDENTIALS_FILE": profiles}, "P1"},
		"named":        {keys{}, map[string]string{"AWS_SHARED_CREDENTIALS_FILE": profiles, "AWS_PROFILE": "lake"}, "P2"},
		"web identity": {keys{}, map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": token, "AWS_ROLE_ARN": "arn:aws:iam::1:role/reader", "AWS_ENDPOINT_URL_STS": server.URL}, "W1"},
		"agent":        {keys{}, map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": server.URL + "/agent", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Bearer agent"}, "A1"},
		"machine":      {keys{}, map[string]string{"AWS_EC2_METADATA_SERVICE_ENDPOINT": server.URL}, "M1"},
		"far agent":    {keys{}, map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://keys.example.com/agent"}, ""},
		"none":         {keys{}, map[string]string{"AWS_EC2_METADATA_DISABLED": "true"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			credentials := &credentials{name: "lake", fixed: c.fixed, region: "eu-central-1", env: func(n string) string { return c.env[n] }, now: func() time.Time { return now }, redact: transport.NewRedactor()}
			k, err := credentials.get(context.Background())
			if c.want == "" {
				if kind := connectors.KindOf(err); kind != connectors.Auth && kind != connectors.Config {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil || k.Access != c.want {
				t.Fatalf("got %q, want %q: %v", k.Access, c.want, err)
			}
			if k.Token != "lent-token" {
				return
			}
			before := lends
			_, _ = credentials.get(context.Background())
			if now = now.Add(58 * time.Minute); lends != before {
				t.Error("asked for again at once")
			}
			if _, err := credentials.get(context.Background()); err != nil || lends != before+1 {
				t.Errorf("not renewed before its end: %v", err)
			}
		})
	}
}
