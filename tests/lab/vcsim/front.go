package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
)

// front stands before the simulator: it ends sessions, and writes down what was asked and answered.
type front struct {
	next        http.Handler
	expireAfter int
	mutex       sync.Mutex
	calls       map[string]int
	record      *json.Encoder
}

// exchange is one question and its answer, as a test replays them. Only the question's name is kept, and of pages
// the kind of object and the token: what was asked holds a password.
type exchange struct {
	Method string `json:"method"`
	About  string `json:"about,omitempty"`
	Status int    `json:"status"`
	Cookie string `json:"cookie,omitempty"`
	Body   string `json:"body"`
}

var (
	methodName = regexp.MustCompile(`<(?:\w+:)?Body[^>]*>\s*<(?:\w+:)?(\w+)`)
	askedOf    = regexp.MustCompile(`<type[^>]*>(\w+)</type>|<token[^>]*>([^<]*)</token>`)
	session    = regexp.MustCompile(`vmware_soap_session="?([^";]+)`)
)

const notAuthenticated = `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<soapenv:Body><soapenv:Fault><faultcode>ServerFaultCode</faultcode>
<faultstring>The session is not authenticated.</faultstring>
<detail><NotAuthenticatedFault xmlns="urn:vim25" xsi:type="NotAuthenticated">
<object type="Folder">group-d1</object><privilegeId>System.View</privilegeId>
</NotAuthenticatedFault></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>`

func newFront(next http.Handler, o options) *front {
	f := &front{next: next, expireAfter: o.expireAfter, calls: map[string]int{}}
	if o.record != "" {
		file, err := os.OpenFile(o.record, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			log.Fatal(err)
		}
		f.record = json.NewEncoder(file)
		f.record.SetEscapeHTML(false)
	}
	return f
}

func (f *front) isExpired(r *http.Request) bool {
	found := session.FindStringSubmatch(r.Header.Get("Cookie"))
	if f.expireAfter == 0 || found == nil {
		return false
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.calls[found[1]]++
	return f.calls[found[1]] > f.expireAfter
}

// answer keeps what the simulator writes.
type answer struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(data []byte) (int, error) {
	a.body.Write(data)
	return a.ResponseWriter.Write(data)
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(asked))
	kept := &answer{ResponseWriter: w, status: http.StatusOK}
	if f.isExpired(r) {
		kept.WriteHeader(http.StatusInternalServerError)
		_, _ = kept.Write([]byte(notAuthenticated))
	} else if f.record != nil {
		f.next.ServeHTTP(kept, r)
	} else {
		f.next.ServeHTTP(w, r)
		return
	}
	f.write(r, asked, kept)
}

func (f *front) write(r *http.Request, asked []byte, kept *answer) {
	if f.record == nil {
		return
	}
	told := exchange{Method: strings.TrimPrefix(r.URL.Path, "/"), Status: kept.status, Body: kept.body.String()}
	if found := methodName.FindSubmatch(asked); found != nil {
		told.Method = string(found[1])
	}
	if found := askedOf.FindSubmatch(asked); found != nil {
		told.About = string(found[1]) + string(found[2])
	}
	if bytes.Contains(asked, []byte(">config.hardware.device<")) {
		told.About += " devices"
	}
	told.Cookie = kept.Header().Get("Set-Cookie")
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if err := f.record.Encode(told); err != nil {
		log.Fatal(err)
	}
}
