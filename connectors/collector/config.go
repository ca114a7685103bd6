package collector

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/intentd/intentd/connectors"
)

// Type is a source that is sent its events. People who are seen are told at once; the poll is for what was missed.
var Type = connectors.SourceType{Poll: "@every 1m", Settings: func() connectors.Settings {
	return &Config{Listen: "127.0.0.1:8788", PerVisitor: 600}
}}

// Config are the keys of a source of type collector.
type Config struct {
	Listen     string     `mapstructure:"listen"`
	WriteKeys  []WriteKey `mapstructure:"write_keys"`
	Origins    []string   `mapstructure:"origins"`     // of pages that may send; none: every page
	PerVisitor int        `mapstructure:"per_visitor"` // calls that one visitor is taken by in an hour, and a tenth of what one address is
}

// WriteKey lets somebody send.
type WriteKey struct {
	Key     connectors.Secret `mapstructure:"key"`
	KeyFile string            `mapstructure:"key_file"`
	Trusted bool              `mapstructure:"trusted"` // who it says that somebody is, is so
}

// Check implements connectors.Settings.
func (o *Config) Check(c *connectors.Check) {
	if host, port, err := net.SplitHostPort(o.Listen); err != nil || !isPort(port) {
		c.Add("listen", connectors.Quoted(o.Listen)+" is no address to listen at", "write host and port, such as 127.0.0.1:8788")
	} else if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		c.Warn("listen", "can be reached from other machines, without encryption", "listen at 127.0.0.1 and let a web server with TLS pass requests on, or see that only such a server reaches it")
	}
	if len(o.WriteKeys) == 0 {
		c.Add("write_keys", "missing: nobody could send", "write [{key: ${COLLECTOR_KEY}}], or several of them")
	}
	seen := map[string]bool{}
	for i, k := range o.WriteKeys {
		key := fmt.Sprintf("write_keys[%d].key", i)
		if !c.Secret(key, k.Key, "the write key", "write key_file: PATH, or key: ${VARIABLE}") {
			continue
		}
		if seen[k.Key.Reveal()] {
			c.Add(key, "is given twice", "keep one of the two")
		}
		seen[k.Key.Reveal()] = true
		if k.Trusted && len(k.Key.Reveal()) < 16 {
			c.Warn(key, "is short for a key that is believed", "make one by: openssl rand -hex 16")
		}
	}
	for i, origin := range o.Origins {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.Path != "" || strings.Contains(origin, "*") {
			c.Add(fmt.Sprintf("origins[%d]", i), connectors.Quoted(origin)+" is no origin of pages", "write for example https://www.example.com, without a path")
		}
	}
	c.Whole("per_visitor", o.PerVisitor, 10, 1_000_000, "600 is more than people do in an hour")
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// Open implements connectors.SourceSettings.
func (o *Config) Open(h connectors.Host) (connectors.Origin, error) {
	return connectors.Origin{Name: h.Name, Receiver: New(*o, h)}, nil
}

// Disclose implements connectors.Discloser.
func (o *Config) Disclose() connectors.Disclosure {
	return connectors.Disclosure{At: o.Listen, Local: true, Way: connectors.Received}
}
