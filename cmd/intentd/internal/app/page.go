package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Page answers browsers.
type Page interface {
	http.Handler
	// Link is the path of a link that signs whoever opens it in, once, and until when it does.
	Link() (path string, until time.Time)
}

// servePage answers as the configuration of the moment asks: a reload switches the page on and off.
func (a *App) servePage(w http.ResponseWriter, r *http.Request) {
	if !a.Config().HTTP.Page {
		http.NotFound(w, r)
		return
	}
	a.page.ServeHTTP(w, r)
}

// PageLink is a link that signs in to the page, once.
type PageLink struct {
	URL   string    `json:"url"`
	Until time.Time `json:"until"`
}

// OpenPage makes a link to the page. It is asked for through the control socket: who may reach that may look at everybody.
var OpenPage = operation("page", func(a *App, _ context.Context, _ Nothing) (PageLink, error) {
	switch {
	case a.page == nil || a.addr == "":
		return PageLink{}, errors.New("the page is answered by a daemon: start one with intentd run, with http.page: true")
	case !a.Config().HTTP.Page:
		return PageLink{}, errors.New("the page is off: set http.page: true in the configuration and reload it (systemctl reload intentd)")
	}
	path, until := a.page.Link()
	return PageLink{"http://" + reachable(a.addr) + path, until}, nil
})

// reachable is an address to which a browser on this machine can go: one that stands for all addresses is the loopback.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsUnspecified() {
		return addr
	}
	return net.JoinHostPort("127.0.0.1", port)
}

// Logger is where the app logs.
func (a *App) Logger() *slog.Logger { return a.log }

// Now is the app's clock.
func (a *App) Now() time.Time { return a.o.Now() }

// File is the config file as it is now; the zero File, which stands for what is in force, where it cannot be read.
func (a *App) File() File {
	f, err := ReadFile(a.o.Path)
	if err != nil {
		return File{}
	}
	return f
}

// Beside is a text in the place of the config file: relative paths in it mean what they mean there.
func (a *App) Beside(text string) (File, error) {
	f, err := ReadFile(a.o.Path)
	if err != nil {
		return File{}, fmt.Errorf("the config file cannot be read: %w", innermost(err))
	}
	return File{Text: text, Path: f.Path}, nil
}

// Version is what the app says of itself.
func (a *App) Version() string { return a.o.Version }
