package amplitude

import (
	"archive/zip"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/spool"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// spoolLimit is more than the 4 GB that Amplitude answers at most.
const spoolLimit = 5 << 30

// errShorter says that a shorter range is to be asked for.
var errShorter = errors.New("a shorter range is to be asked for")

const hourForm = "20060102T15"

// exportOf asks for what was uploaded from an hour until another one.
func exportOf(from, to time.Time) transport.Request {
	return transport.Request{
		Op: "export " + from.Format(hourForm) + " to " + to.Add(-time.Hour).Format(hourForm), Method: http.MethodGet, Path: "/api/2/export", Idempotent: true,
		Query: url.Values{"start": {from.Format(hourForm)}, "end": {to.Add(-time.Hour).Format(hourForm)}}, Header: http.Header{"Accept": {"application/zip"}},
		Answers: []int{http.StatusNotFound},
	}
}

// export keeps what was uploaded from an hour until another one; nil if there is nothing.
func (f *Feed) export(ctx context.Context, from, to time.Time) (*os.File, error) {
	file, answer, err := spool.Download(ctx, f.client, exportOf(from, to), spool.Options{Dir: f.o.TempDir, Limit: spoolLimit}, func(w io.Writer, r io.Reader) error {
		_, err := io.Copy(w, r)
		return err
	})
	switch {
	case errors.Is(err, spool.ErrTooLarge):
		return nil, errShorter
	case err != nil && answer != nil && (answer.Status == http.StatusBadRequest || answer.Status == http.StatusGatewayTimeout) && to.Sub(from) > time.Hour:
		return nil, errShorter
	case err != nil:
		return nil, err
	case answer.Status == http.StatusNotFound:
		file.Close()
		return nil, nil
	}
	return file, nil
}

// limitWait is how long a limit is waited for where the answer does not say.
const limitWait = 5 * time.Minute

// classify says what an answer means.
func classify(r *transport.Response, _ int) transport.Outcome {
	o, told := transport.ByBody(r, transport.ErrorWords)
	if r.Status == http.StatusGatewayTimeout { // the same range would take as long again
		o.Retry = false
	}
	if !told {
		return o
	}
	o.WaitUntold(r, limitWait)
	switch r.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		o.Fix = "check api_key and secret_key of the project, and its region"
	case http.StatusBadRequest:
		o.Kind, o.Fix = connectors.Config, "if one hour holds more than 4 GB, have Amplitude export to S3, and use a source of type s3"
	}
	return o
}

// archive reads the lines of all files of a zip, in the order of their names. damaged is told the name of a file that is no whole gzip, though the
// zip itself is sound; the rest of it is passed over.
type archive struct {
	files   []*zip.File
	damaged func(name string)
	entry   io.ReadCloser
	text    *gzip.Reader
	ended   bool // the file's text: a line feed stands between it and the next
}

func openArchive(f *os.File, damaged func(name string)) (io.Reader, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	z, err := zip.NewReader(f, info.Size())
	if err != nil {
		return nil, err
	}
	files := slices.DeleteFunc(slices.Clone(z.File), func(f *zip.File) bool { return f.FileInfo().IsDir() })
	slices.SortFunc(files, func(a, b *zip.File) int { return cmp.Compare(a.Name, b.Name) })
	return &archive{files: files, damaged: damaged, text: new(gzip.Reader)}, nil
}

func (a *archive) Read(p []byte) (n int, err error) {
	for {
		switch {
		case a.ended:
			a.ended = false
			return copy(p, "\n"), nil
		case a.entry == nil && len(a.files) == 0:
			return 0, io.EOF
		case a.entry == nil:
			if a.entry, err = a.files[0].Open(); err != nil {
				return 0, err
			}
			err = a.text.Reset(a.entry)
		default:
			n, err = a.text.Read(p)
		}
		if err == nil && n == 0 {
			continue
		}
		if err != nil {
			if err = a.close(err); err != nil {
				return n, err
			}
		}
		if n > 0 {
			return n, nil
		}
	}
}

// close ends the present file. An error is one of the zip.
func (a *archive) close(why error) error {
	name := a.files[0].Name
	a.entry.Close()
	a.entry, a.files, a.ended = nil, a.files[1:], true
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(why, io.EOF):
		return nil
	case errors.Is(why, zip.ErrChecksum):
		return why
	case errors.As(why, &corrupt), errors.Is(why, gzip.ErrHeader), errors.Is(why, gzip.ErrChecksum), errors.Is(why, io.ErrUnexpectedEOF):
		a.damaged(name)
		return nil
	}
	return why
}
