package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"time"
)

// ErrNoDaemon says that no daemon answers at a control socket.
var ErrNoDaemon = errors.New("no intentd is running on this state file")

// A Target is where an operation is carried out: an App of this process, or a Client of a running daemon.
type Target interface {
	call(ctx context.Context, operation string, arguments, result any) error
	// Backup writes a consistent copy of the state to w.
	Backup(ctx context.Context, w io.Writer) (int64, error)
	// BackupEvents writes a consistent copy of the event store into dir, which must be empty.
	BackupEvents(ctx context.Context, dir string) (int64, error)
}

// controlServer answers operations on a Unix socket that only its own user can reach.
type controlServer struct {
	path string
	ln   net.Listener
	http *http.Server
}

// serveControl listens beside the state file. The state's lock is held, so that a socket found there is a dead one's.
func serveControl(a *App) (*controlServer, error) {
	path := a.cfg.SocketPath()
	ln, err := listenPrivately(path)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /operation/{name}", a.serveOperation)
	mux.HandleFunc("GET /backup", a.serveBackup(a.Backup))
	mux.HandleFunc("GET /backup/events", a.serveBackup(a.streamEvents))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	s := &controlServer{path: path, ln: ln, http: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}}
	go func() {
		if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("the control socket is no longer answered", "error", err)
		}
	}()
	return s, nil
}

func (s *controlServer) close() {
	_ = s.http.Close()
	_ = os.Remove(s.path)
}

// failure is how an operation's error crosses the socket.
type failure struct {
	Error   string `json:"error"`
	Misused bool   `json:"misused,omitempty"`
}

// Misused is an error that other arguments mend, or another configuration.
type Misused struct{ error }

func (e Misused) Unwrap() error { return e.error }

func (a *App) serveOperation(w http.ResponseWriter, r *http.Request) {
	arguments, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	var result any
	if err == nil {
		result, err = a.perform(r.Context(), r.PathValue("name"), arguments)
	}
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusUnprocessableEntity)
		result = failure{Error: err.Error(), Misused: errors.As(err, &Misused{})}
	}
	_ = json.NewEncoder(w).Encode(result)
}

// Client speaks to a running daemon.
type Client struct{ http *http.Client }

// Dial looks for a daemon at a control socket. It returns ErrNoDaemon where none listens.
func Dial(ctx context.Context, socket string) (*Client, error) {
	dial := func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}
	conn, err := dial(ctx)
	switch {
	case err != nil && nobodyListens(err):
		return nil, ErrNoDaemon
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("the daemon's control socket %s belongs to another user: run this as the user intentd runs as (sudo -u intentd …)", socket)
	case err != nil:
		return nil, fmt.Errorf("reach the daemon: %w", err)
	}
	conn.Close()
	return &Client{&http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
	}}}, nil
}

func (c *Client) call(ctx context.Context, operation string, arguments, result any) error {
	body, err := json.Marshal(arguments)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://intentd/operation/"+operation, bytes.NewReader(body))
	if err != nil {
		return err
	}
	return c.send(req, func(answer io.Reader) error { return json.NewDecoder(answer).Decode(result) })
}

// send asks the daemon and reads its answer.
func (c *Client) send(req *http.Request, read func(answer io.Reader) error) error {
	resp, err := c.http.Do(req)
	if err != nil {
		return brokenOff(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return refused(resp)
	}
	return read(resp.Body)
}

// brokenOff is the end of a daemon in the middle of an operation.
func brokenOff(err error) error {
	if errors.Is(err, io.EOF) || hungUp(err) {
		return fmt.Errorf("the daemon ended before it answered: what it had begun to change it takes up again at its next start (%w)", err)
	}
	return fmt.Errorf("ask the daemon: %w", err)
}

// refused is the daemon's error.
func refused(resp *http.Response) error {
	var f failure
	if err := json.NewDecoder(resp.Body).Decode(&f); err != nil || f.Error == "" {
		return fmt.Errorf("ask the daemon: %s (does it run the same version?)", resp.Status)
	}
	if f.Misused {
		return Misused{errors.New(f.Error)}
	}
	return errors.New(f.Error)
}
