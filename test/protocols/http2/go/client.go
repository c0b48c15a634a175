package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/net/http2"
)

type asker struct {
	client http.Client
	base   string
	// The server is a proxy or the like: it has neither trailers nor ways to break a stream off.
	plain bool
}

func ask(address string, args []string) {
	count, err := strconv.Atoi(args[0])
	check(err)
	transport := &http2.Transport{
		AllowHTTP:                  true,
		StrictMaxConcurrentStreams: true,
		DialTLSContext: func(ctx context.Context, network, address string, _ *tls.Config) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, network, address)
		},
	}
	a := asker{http.Client{Transport: transport}, "http://" + address, args[3] == "plain"}
	for range count {
		a.get("/small", "", 200, 6)
		a.get("/missing", "", 404, -1)
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	check(err)
	for i := range count / 10 {
		a.echo(1000 * i)
		a.get("/small", strings.Repeat("~", 20_000), 200, 6)
		a.get("/big", "", 200, 300_000)
		a.cancel()
		if !a.plain {
			a.get("/head", "", 200, 6)
			a.broken()
		}
	}
	var burst sync.WaitGroup
	size, err := strconv.Atoi(args[2])
	check(err)
	for range size {
		burst.Add(1)
		go func() {
			defer burst.Done()
			a.get(args[1], "", 200, 6)
		}()
	}
	burst.Wait()
	transport.CloseIdleConnections()
}

func (a *asker) get(path, long string, status, size int) {
	request, err := http.NewRequest("GET", a.base+path, nil)
	check(err)
	if long != "" {
		request.Header.Set("X-Long", long)
	}
	response, err := a.client.Do(request)
	check(err)
	body, err := io.ReadAll(response.Body)
	check(err)
	if response.StatusCode != status || (size >= 0 && len(body) != size) {
		fail(path, response.Status, len(body))
	}
}

func (a *asker) echo(size int) {
	body := bytes.Repeat([]byte("e"), size)
	// What has no known length can have trailers.
	request, err := http.NewRequest("POST", a.base+"/echo", io.NopCloser(bytes.NewReader(body)))
	check(err)
	if !a.plain {
		request.Trailer = http.Header{"X-Sent": {"all"}}
	}
	response, err := a.client.Do(request)
	check(err)
	got, err := io.ReadAll(response.Body)
	check(err)
	if a.plain {
		return
	}
	if !bytes.Equal(got, body) || response.Trailer.Get("X-Got") != "all" {
		fail("echo:", len(got), "of", size, response.Trailer)
	}
}

func (a *asker) cancel() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, "GET", a.base+"/slow", nil)
	check(err)
	response, err := a.client.Do(request)
	check(err)
	_, err = io.ReadFull(response.Body, make([]byte, 4))
	check(err)
	cancel()
	if _, err = io.ReadAll(response.Body); err == nil {
		fail("a response that was given up has an end")
	}
}

func (a *asker) broken() {
	response, err := a.client.Get(a.base + "/broken")
	check(err)
	if _, err = io.ReadAll(response.Body); err == nil {
		fail("a response that was broken off has an end")
	}
}
