// HTTP client on net/http. Usage: ../../README.md.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

type entry struct {
	Method   string `json:"method"`
	Target   string `json:"target"`
	Status   int    `json:"status"`
	Sent     int    `json:"sent"`
	Received int64  `json:"received"`
	StartNs  int64  `json:"startNs"`
	EndNs    int64  `json:"endNs"`
	UnixNs   string `json:"unixNs"`
	Local    string `json:"local,omitempty"`
	Peer     string `json:"peer,omitempty"`
	Error    string `json:"error,omitempty"`
}

// monotonic reads CLOCK_MONOTONIC, which package time does not give away.
func monotonic() int64 {
	var ts syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&ts)), 0)
	return ts.Nano()
}

func endpoint(a net.Addr) string {
	if t, ok := a.(*net.TCPAddr); ok {
		return fmt.Sprintf("%s:%d", t.IP.String(), t.Port)
	}
	return ""
}

func main() {
	base, plan, log, mode := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	transport := &http.Transport{DisableKeepAlives: mode == "close", DisableCompression: true}
	if strings.HasPrefix(base, "unix:") {
		path := strings.TrimPrefix(base, "unix:")
		base = "http://localhost"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}
	}
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	in, err := os.Open(plan)
	if err != nil {
		panic(err)
	}
	file, err := os.Create(log)
	if err != nil {
		panic(err)
	}
	out := bufio.NewWriter(file)
	lines := json.NewEncoder(out)
	for scanner := bufio.NewScanner(in); scanner.Scan(); {
		lines.Encode(send(client, base, strings.Fields(scanner.Text())))
	}
	out.Flush()
}

func send(client *http.Client, base string, words []string) entry {
	size, _ := strconv.Atoi(words[2])
	line := entry{Method: words[0], Target: words[1], Sent: size}
	var body io.Reader
	if size > 0 {
		body = strings.NewReader(strings.Repeat("y", size))
		if len(words) > 3 && words[3] == "chunked" {
			body = io.MultiReader(body) // hides the length, so net/http frames in chunks
		}
	}
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		line.Local, line.Peer = endpoint(info.Conn.LocalAddr()), endpoint(info.Conn.RemoteAddr())
	}}
	line.UnixNs = strconv.FormatInt(time.Now().UnixNano(), 10)
	line.StartNs = monotonic()
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(context.Background(), trace), words[0], base+words[1], body)
	if err == nil {
		var response *http.Response
		if response, err = client.Do(request); err == nil {
			line.Status = response.StatusCode
			line.Received, err = io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
	}
	line.EndNs = monotonic()
	if err != nil {
		line.Error = err.Error()
	}
	return line
}
