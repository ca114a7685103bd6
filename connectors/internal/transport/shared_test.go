package transport

import (
	"net/http"
	"testing"

	"github.com/intentd/intentd/connectors"
)

func TestTheBodyIsReadWhereTheAPISpoke(t *testing.T) {
	for _, v := range []struct {
		name    string
		status  int
		body    string
		words   string
		spoke   bool
		kind    connectors.Kind
		message string
	}{
		{"success", http.StatusOK, `{}`, "", false, 0, ""},
		{"words", http.StatusForbidden, `{}`, "no rights", true, connectors.Auth, "no rights"},
		{"no words", http.StatusForbidden, `{}`, "", true, connectors.Auth, "403 Forbidden"},
		{"a web page", http.StatusForbidden, `<html>`, "no rights", false, connectors.Transient, "an HTML page in place of an answer (status 403)"},
		{"too long", http.StatusRequestURITooLong, `{}`, "no rights", false, connectors.Config, "the request is too long"},
	} {
		t.Run(v.name, func(t *testing.T) {
			r := &Response{Status: v.status, Body: []byte(v.body), Header: http.Header{}}
			read := false
			o, spoke := ByBody(r, func([]byte) (string, string) { read = true; return "CODE", v.words })
			if spoke != v.spoke || read != v.spoke || o.Kind != v.kind || o.Message != v.message || (o.Code == "CODE") != v.spoke {
				t.Errorf("spoke %v, body read %v, %+v", spoke, read, o)
			}
		})
	}
}
