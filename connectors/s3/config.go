package s3

import (
	"cmp"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Type is a source of objects in S3-compatible storage.
var Type = connectors.SourceType{Poll: "@every 5m", Settings: func() connectors.Settings {
	return &Config{Back: 90 * 24 * time.Hour, Lookback: 48 * time.Hour}
}}

// Config are the keys of a source of type s3.
type Config struct {
	Bucket        string            `mapstructure:"bucket"`
	Prefix        string            `mapstructure:"prefix"` // of the keys that are read; "": all
	Region        string            `mapstructure:"region"` // AWS_REGION if empty
	Endpoint      string            `mapstructure:"endpoint"`
	Addressing    string            `mapstructure:"addressing"` // where the bucket's name stands: host or path; "": what suits the endpoint
	AccessKey     string            `mapstructure:"access_key"` // none: where AWS's own tools look for them
	SecretKey     connectors.Secret `mapstructure:"secret_key"`
	SecretKeyFile string            `mapstructure:"secret_key_file"`
	Back          time.Duration     `mapstructure:"back"`     // how long ago the oldest objects of the first pass were written
	Lookback      time.Duration     `mapstructure:"lookback"` // how long after its time of writing an object may turn up
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$`)

// Check implements connectors.Settings.
func (o *Config) Check(c *connectors.Check) {
	if c.Required("bucket", o.Bucket, "write the bucket's name, without s3://") && !bucketName.MatchString(o.Bucket) {
		c.Add("bucket", connectors.Quoted(o.Bucket)+" is no name of a bucket", "write the name alone, without s3:// and folders; those are the prefix")
	}
	if strings.HasPrefix(o.Prefix, "/") {
		c.Warn("prefix", "begins with a slash, as few keys do", "write it as keys begin: segment-logs/")
	}
	if o.Endpoint != "" {
		c.PrivateURL("endpoint", o.Endpoint)
	} else if o.region(os.Getenv) == "" {
		c.Add("region", "missing", "write the bucket's region, for example eu-central-1, or set AWS_REGION")
	}
	if o.Addressing != "" {
		c.OneOf("addressing", o.Addressing, "host", "path")
	}
	if o.AccessKey != "" || !o.SecretKey.IsZero() {
		c.Required("access_key", o.AccessKey, "write the access key that the secret belongs to")
		c.Secret("secret_key", o.SecretKey, "the secret access key", "write secret_key_file: /etc/intentd/s3_secret, or neither it nor access_key: credentials are then found as AWS's tools do")
	}
	c.Span("back", o.Back, 0, 3650*24*time.Hour)
	c.Span("lookback", o.Lookback, time.Hour, 30*24*time.Hour)
}

// region is where requests are signed for.
func (o *Config) region(env func(string) string) string {
	region := cmp.Or(o.Region, env("AWS_REGION"), env("AWS_DEFAULT_REGION"))
	if region == "" && o.Endpoint != "" {
		return "us-east-1" // which other vendors take, if they look at it
	}
	return region
}

func (o *Config) endpoint(region string) string {
	return cmp.Or(o.Endpoint, "https://s3."+region+"."+domainOf(region))
}

// pathStyle says that the bucket's name stands in the path: with a dot in it no certificate fits the host.
func (o *Config) pathStyle() bool {
	if o.Addressing != "" {
		return o.Addressing == "path"
	}
	return o.Endpoint != "" || strings.Contains(o.Bucket, ".")
}

// Disclose implements connectors.Discloser.
func (o *Config) Disclose() connectors.Disclosure {
	return connectors.Disclosure{At: connectors.HostOf(o.endpoint(o.region(os.Getenv))) + "/" + o.Bucket + "/" + o.Prefix, Way: connectors.Taken}
}

// Keeps implements connectors.Keeper.
func (o *Config) Keeps() string {
	return "the objects in s3://" + o.Bucket + "/" + o.Prefix + " are only read: delete the person's records there"
}

// Open implements connectors.SourceSettings.
func (o *Config) Open(h connectors.Host) (connectors.Origin, error) {
	f, err := o.open(h, os.Getenv)
	if err != nil {
		return connectors.Origin{}, err
	}
	return connectors.Origin{Name: h.Name, Feed: f}, nil
}

func (o *Config) open(h connectors.Host, env func(string) string) (*Feed, error) {
	now := h.Now
	if now == nil {
		now = time.Now
	}
	b, err := newBucket(*o, h, env, now)
	if err != nil {
		return nil, err
	}
	return &Feed{name: h.Name, o: *o, bucket: b, now: now, poll: h.Poll, most: pageEvents}, nil
}
