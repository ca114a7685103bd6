// Package web is intentd to look at: pages for browsers, rendered here with html/template (the standard library's: kept, and no build step),
// over the same operations as the command line. A page is one question of theirs; what it does by itself is words, numbers and layout.
//
// Terms: a guest is who is signed in; a form token ties what is sent to whom the form was shown.
//
// Promises: who is not signed in gets the way in and nothing else, from the loopback, too; every answer forbids scripts, styles and frames
// that are not this package's own; nothing changes but by a POST from a page of ours with its guest's token; every look at a person is logged,
// by key; nothing is asked of the network but what an operation asks.
package web

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/cmd/intentd/internal/config"
)

//go:embed templates/*.html assets
var files embed.FS

// host is what stands behind a door.
type host interface {
	Config() *config.Config // of the moment: language, names and token
	Now() time.Time
	Logger() *slog.Logger
	Version() string
}

// door lets guests in and shows them pages; what is behind it says which.
type door struct {
	host   host
	cookie string // name of the session's
	how    string // to get a link, as the key of a sentence
	nav    bool   // there are pages to go between
	access *access
	mux    *http.ServeMux
	cross  *http.CrossOriginProtection
	sheets map[string]map[string]*template.Template // by language and page
}

func newDoor(h host, cookie, how string, nav bool) *door {
	d := &door{host: h, cookie: cookie, how: how, nav: nav, access: newAccess(), mux: http.NewServeMux(), cross: http.NewCrossOriginProtection(), sheets: parse(func() *time.Location { return h.Config().Text.Location() })}
	assets, err := fs.Sub(files, "assets")
	if err != nil {
		panic(err) // a fault of the embedded files alone
	}
	d.mux.Handle("GET /assets/", http.StripPrefix("/assets/", http.FileServerFS(assets)))
	d.mux.HandleFunc("GET /signin", d.signIn) // for everybody, as the assets are
	d.mux.HandleFunc("POST /signin", d.signIn)
	return d
}

// answers says what guests are answered, by pattern.
func (d *door) answers(by map[string]func(http.ResponseWriter, *http.Request, guest)) {
	by["/"] = d.missing
	for pattern, answer := range by {
		d.mux.HandleFunc(pattern, d.signedIn(answer))
	}
}

// Page answers browsers for an app.
type Page struct {
	*door
	app *app.App
}

// New is the page of an app.
func New(a *app.App) *Page {
	p := &Page{newDoor(a, cookieName, "signin.how", true), a}
	p.answers(map[string]func(http.ResponseWriter, *http.Request, guest){
		"GET /{$}":                 p.overview,
		"POST /release":            p.release,
		"GET /people":              p.people,
		"GET /person":              p.find,
		"POST /export":             p.export,
		"POST /forget":             p.forget,
		"POST /person":             p.findPerson,
		"GET /person/{who...}":     p.person,
		"GET /sources":             p.sources,
		"GET /told/{source}/{who}": p.told,
		"GET /trouble":             p.trouble,
		"POST /trouble/retry":      p.retry,
		"GET /effects":             p.effects,
		"POST /effects":            p.tryEffects,
		"POST /signout":            p.signOut,
	})
	return p
}

// Link is a one-time link, as app.Page has it.
func (d *door) Link() (path string, until time.Time) {
	secret, until := d.access.link(d.host.Now())
	return "/signin?link=" + secret, until
}

// policy lets a browser load what this package serves and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

const mostSent = 1 << 20 // bytes of a request; a config is far below

// ServeHTTP implements http.Handler.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if !d.expected(r.Host) {
		http.Error(w, "this host name is not known here: list it in http.hosts", http.StatusMisdirectedRequest)
		return
	}
	if d.cross.Check(r) != nil {
		http.Error(w, "this was sent from another site", http.StatusForbidden)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, mostSent)
	d.mux.ServeHTTP(w, r)
}

// signedIn lets guests through, and what they send only with their token.
func (d *door) signedIn(answer func(http.ResponseWriter, *http.Request, guest)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		g, ok := d.guest(r)
		var big *http.MaxBytesError
		switch {
		case !ok && r.Method == http.MethodGet:
			http.Redirect(w, r, "/signin", http.StatusSeeOther)
		case !ok:
			http.Error(w, "nobody is signed in", http.StatusUnauthorized)
		case r.Method != http.MethodGet && errors.As(r.ParseMultipartForm(mostSent), &big):
			http.Error(w, "this is more than a megabyte", http.StatusRequestEntityTooLarge)
		case r.Method != http.MethodGet && r.Method != http.MethodHead && !sameSecret(r.PostFormValue("form"), g.form):
			http.Error(w, "this form is not of your session: load the page again", http.StatusForbidden)
		default:
			answer(w, r, g)
		}
	}
}

func (d *door) missing(w http.ResponseWriter, r *http.Request, _ guest) {
	d.fail(w, r, http.StatusNotFound, errors.New(d.tongue().say("missing")))
}

// frame is what every page has around its own.
type frame struct {
	Page    string // its name, as in the navigation
	Guest   guest  // nobody, where nobody is signed in
	Form    string // token
	Now     time.Time
	Version string
	Nav     bool
	V       any
}

// show renders a page in the configuration's language. A page that cannot be rendered is told whole: no half of it is sent.
func (d *door) show(w http.ResponseWriter, r *http.Request, code int, page string, view any) {
	g, ok := d.guest(r)
	if !ok {
		g = guest{}
	}
	var out bytes.Buffer
	err := d.sheets[d.language()][page].ExecuteTemplate(&out, "page", frame{page, g, g.form, d.host.Now(), d.host.Version(), d.nav && ok, view})
	if err != nil {
		d.host.Logger().Error("a page could not be rendered", "page", page, "error", err)
		http.Error(w, "this page could not be rendered: the log says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(out.Bytes()) // a browser that has gone needs no answer
}

// fail shows what could not be done, in the operation's words.
func (d *door) fail(w http.ResponseWriter, r *http.Request, code int, err error) {
	d.show(w, r, code, "failure", err.Error())
}

func (d *door) language() string {
	return d.host.Config().Text.Language
}

func (d *door) tongue() *tongue {
	return &tongue{d.language(), d.host.Config().Text.Location}
}

// parse reads the templates once for each language and page.
func parse(zone func() *time.Location) map[string]map[string]*template.Template {
	sheets := map[string]map[string]*template.Template{}
	for lang := range tongues {
		sheets[lang] = map[string]*template.Template{}
		t := &tongue{lang, zone}
		base := template.Must(template.New("").Funcs(t.funcs()).ParseFS(files, "templates/frame.html"))
		names, err := fs.Glob(files, "templates/*.html")
		if err != nil {
			panic(err)
		}
		for _, name := range names {
			page := name[len("templates/") : len(name)-len(".html")]
			if page == "frame" {
				continue
			}
			sheets[lang][page] = template.Must(template.Must(base.Clone()).ParseFS(files, name))
		}
	}
	return sheets
}
