package openai

import "testing"

// Over plain http a connection is made to this machine and the own network only, whatever a name stood for.
func TestPlainHTTPStaysNear(t *testing.T) {
	for address, near := range map[string]bool{
		"127.0.0.1:80": true, "10.0.0.1:8000": true, "172.16.0.9:80": true, "192.168.1.1:80": true, "[::1]:80": true, "[fd12::1]:80": true, "[fe80::1%eth0]:80": true, "[::ffff:10.0.0.1]:80": true,
		"8.8.8.8:80": false, "172.32.0.1:80": false, "[2001:db8::1]:80": false, "[::ffff:8.8.8.8]:80": false, "nonsense": false,
	} {
		if err := privateOnly("tcp", address, nil); (err == nil) != near {
			t.Errorf("%s: %v", address, err)
		}
	}
}
