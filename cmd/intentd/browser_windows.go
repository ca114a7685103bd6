package main

// browser is the system's command that shows a link.
var browser = []string{"rundll32", "url.dll,FileProtocolHandler"}
