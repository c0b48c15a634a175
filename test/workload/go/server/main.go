// HTTP server on net/http. Usage and query: ../../README.md.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func answer(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	io.Copy(io.Discard, r.Body)
	if query.Has("hang") {
		time.Sleep(time.Hour)
	}
	if delay, err := strconv.Atoi(query.Get("delay")); err == nil {
		time.Sleep(time.Duration(delay) * time.Millisecond)
	}
	size, _ := strconv.Atoi(query.Get("size"))
	status, err := strconv.Atoi(query.Get("status"))
	if err != nil {
		status = 200
	}
	body := strings.Repeat("x", size)
	if status == 204 || status == 304 {
		w.WriteHeader(status)
		return
	}
	if !query.Has("chunked") {
		w.Header().Set("Content-Length", strconv.Itoa(size))
	}
	w.WriteHeader(status)
	io.WriteString(w, body[:size/2])
	if query.Has("chunked") {
		w.(http.Flusher).Flush()
	}
	io.WriteString(w, body[size/2:])
}

func listen(address string) (net.Listener, string, error) {
	if strings.HasPrefix(address, "unix:") {
		path := strings.TrimPrefix(address, "unix:")
		os.Remove(path)
		l, err := net.Listen("unix", path)
		return l, address, err
	}
	network := "tcp"
	if !strings.HasPrefix(address, "[") {
		network = "tcp4"
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, "", err
	}
	host := address[:strings.LastIndex(address, ":")]
	return l, fmt.Sprintf("%s:%d", host, l.Addr().(*net.TCPAddr).Port), nil
}

func main() {
	listening := []string{}
	for _, address := range os.Args[1:] {
		l, name, err := listen(address)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		listening = append(listening, name)
		go http.Serve(l, http.HandlerFunc(answer))
	}
	json.NewEncoder(os.Stdout).Encode(map[string]any{"listening": listening})
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	<-stop
}
