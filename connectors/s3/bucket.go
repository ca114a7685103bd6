package s3

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// bucket makes the calls.
type bucket struct {
	name, bucket string // of the source, of the bucket
	byHost       *url.URL
	byPath       *url.URL // the endpoint
	pathStyle    bool
	client       *transport.Client
	credentials  *credentials
	signedBy     atomic.Pointer[keys]
}

func newBucket(o Config, h connectors.Host, env func(string) string, now func() time.Time) (*bucket, error) {
	region := o.region(env)
	endpoint, err := transport.ParseBase(o.endpoint(region))
	if err != nil {
		return nil, err
	}
	b := &bucket{name: h.Name, bucket: o.Bucket, byPath: endpoint, pathStyle: o.pathStyle()}
	host := *endpoint
	host.Host = o.Bucket + "." + endpoint.Host
	b.byHost = &host
	redact := transport.NewRedactor(o.SecretKey.Reveal())
	round := h.HTTP
	if round == nil {
		round = transport.NewRoundTripper()
	}
	b.credentials = &credentials{name: h.Name, fixed: keys{Access: o.AccessKey, Secret: o.SecretKey.Reveal()}, region: region, env: env, http: round, now: now, redact: redact}
	b.client = transport.New(transport.Options{
		Name: h.Name, Base: endpoint, HTTP: asStored{round}, Now: h.Now, Logger: h.Logger, Redactor: redact, Classify: classify, Timeout: 2 * time.Minute,
		Prepare: func(r *http.Request) { sign(r, *b.signedBy.Load(), region, now()) },
	})
	return b, nil
}

// asStored hands on bodies as they are stored: what S3 calls an object's encoding is a note of its writer's, and a range of the object begins
// anywhere in it.
type asStored struct{ http.RoundTripper }

func (t asStored) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Header.Del("Content-Encoding")
	}
	return resp, err
}

func domainOf(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

// where is the base and path of a key, "" for the bucket itself. A key that begins with a slash needs the bucket's name before it.
func (b *bucket) where(key string) (*url.URL, string) {
	if b.pathStyle || strings.HasPrefix(key, "/") {
		return b.byPath, "/" + b.bucket + "/" + escape(key, "/")
	}
	return b.byHost, "/" + escape(key, "/")
}

func (b *bucket) do(ctx context.Context, r transport.Request) (*transport.Response, error) {
	k, err := b.credentials.get(ctx)
	if err != nil {
		return nil, err
	}
	b.signedBy.Store(&k)
	answer, err := b.client.Do(ctx, r)
	var e *connectors.Error
	if !errors.As(err, &e) {
		return answer, err
	}
	if e.Kind == connectors.Auth {
		b.credentials.forget()
	}
	if answer != nil && answer.Status/100 == 3 || e.Code == "AuthorizationHeaderMalformed" {
		e.Kind, e.Fix = connectors.Config, "set region to where the bucket is"
		if answer != nil && answer.Header.Get("X-Amz-Bucket-Region") != "" {
			e.Fix = "set region: " + answer.Header.Get("X-Amz-Bucket-Region")
		}
	}
	return answer, err
}

// entry is an object as the list tells it.
type entry struct {
	Key          string
	LastModified time.Time
	ETag         string
	Size         int64
	StorageClass string
}

// list is a page of keys behind after, in their order; more says that others follow it, and date when that was by the storage's clock.
func (b *bucket) list(ctx context.Context, prefix, after string) (entries []entry, more bool, date time.Time, err error) {
	query := url.Values{"list-type": {"2"}, "encoding-type": {"url"}}
	if prefix != "" {
		query.Set("prefix", prefix)
	}
	if after != "" {
		query.Set("start-after", after)
	}
	var answer struct {
		Contents     []entry
		IsTruncated  bool
		EncodingType string
	}
	base, path := b.where("")
	told, err := b.do(ctx, transport.Request{Op: "list objects", Method: http.MethodGet, Base: base, Path: path + "?" + encodeQuery(query), Idempotent: true, Decode: func(r *transport.Response) error {
		answer.Contents, answer.IsTruncated, answer.EncodingType = nil, false, ""
		return xml.Unmarshal(r.Body, &answer)
	}})
	if err != nil {
		return nil, false, date, err
	}
	if answer.EncodingType == "url" {
		for i := range answer.Contents {
			if key, err := url.QueryUnescape(answer.Contents[i].Key); err == nil {
				answer.Contents[i].Key = key
			}
		}
	}
	return answer.Contents, answer.IsTruncated && len(answer.Contents) > 0, told.Date, nil
}

// get fills part with the bytes of the object that begin at an offset. An object that is gone or another one by now is an error of kind
// Gone.
func (b *bucket) get(ctx context.Context, o *object, from int64, part []byte) error {
	base, path := b.where(o.Key)
	header := http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", from, from+int64(len(part))-1)}, "If-Match": {o.ETag}}
	answer, err := b.do(ctx, transport.Request{Op: "read an object", Method: http.MethodGet, Base: base, Path: path, Header: header, Idempotent: true, Stream: func(r io.Reader) error {
		_, err := io.ReadFull(r, part)
		return err
	}})
	if err == nil && answer.Status != http.StatusPartialContent && (from > 0 || int64(len(part)) < o.Size) {
		return connectors.Errorf(connectors.Config, b.name+": read an object", "the storage answers with the whole object where a part was asked for")
	}
	return err
}

// classify says what an answer means, by the code in its XML.
func classify(r *transport.Response, _ int) transport.Outcome {
	bare := *r
	bare.Body = nil // XML, which is no web page
	o := transport.ByStatus(&bare)
	if o.Kind == 0 {
		return o
	}
	var said struct{ Code, Message string }
	if xml.Unmarshal(r.Body, &said) == nil && said.Code != "" {
		o.Code, o.Message = said.Code, said.Message
	}
	switch o.Code {
	case "SlowDown", "RequestTimeout", "OperationAborted", "InternalError", "ServiceUnavailable", "Busy":
		o.Kind, o.Retry = connectors.Transient, true
	case "NoSuchKey", "PreconditionFailed", "InvalidObjectState", "InvalidRange":
		o.Kind, o.Retry = connectors.Gone, false
	case "NoSuchBucket":
		o.Kind, o.Fix = connectors.Config, "correct the source's bucket, or its endpoint"
	case "AccessDenied", "AllAccessDisabled", "AccountProblem":
		o.Kind, o.Fix = connectors.Auth, "allow s3:ListBucket on the bucket and s3:GetObject on what is below the prefix (kms:Decrypt, too, where objects are encrypted by a key of KMS)"
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "TokenRefreshRequired", "InvalidClientTokenId":
		o.Kind, o.Fix = connectors.Auth, fixKeys
	case "RequestTimeTooSkewed", "RequestExpired":
		o.Kind, o.Fix = connectors.Config, "set this machine's clock: it is too far from the storage's"
	}
	if r.Status == http.StatusPreconditionFailed || r.Status == http.StatusRequestedRangeNotSatisfiable {
		o.Kind = connectors.Gone
	}
	return o
}
