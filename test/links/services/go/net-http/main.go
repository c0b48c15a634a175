// net/http as server and client, goroutines for B and C. Usage: ../../../README.md.
package main

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
)

const letters = "abcd"

var (
	ports  []string
	client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1024}}
	lock   sync.Mutex
	truth  *bufio.Writer
)

// check ends the process, loudly: a service that fails must not look like one that is only slow.
func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// call asks a back end, with a fresh id, for the request whose path is run/…/old.
func call(letter byte, run, old string) {
	var bits [8]byte
	_, err := rand.Read(bits[:])
	check(err)
	id := hex.EncodeToString(bits[:])
	lock.Lock()
	fmt.Fprintf(truth, "%s %s\n", old, id)
	lock.Unlock()
	url := fmt.Sprintf("http://127.0.0.1:%s%s/%c/%s", ports[strings.IndexByte(letters, letter)], run, letter, id)
	response, err := client.Get(url)
	check(err)
	_, err = io.Copy(io.Discard, response.Body)
	check(err)
	check(response.Body.Close())
	if response.StatusCode != http.StatusOK {
		check(fmt.Errorf("%s answered %s", url, response.Status))
	}
}

func answer(w http.ResponseWriter, request *http.Request) {
	parts := strings.Split(request.URL.Path, "/")
	run, old := strings.Join(parts[:len(parts)-2], "/"), parts[len(parts)-1]
	call('a', run, old)
	var both sync.WaitGroup
	for _, letter := range []byte("bc") {
		both.Add(1)
		go func(letter byte) {
			defer both.Done()
			call(letter, run, old)
		}(letter)
	}
	both.Wait()
	call('d', run, old)
	w.Header().Set("Content-Type", "text/plain")
	_, err := io.WriteString(w, "ok")
	check(err)
}

func main() {
	file, err := os.Create(os.Args[1])
	check(err)
	truth = bufio.NewWriterSize(file, 1<<20)
	ports = os.Args[2:]
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go func() { check(http.Serve(listener, http.HandlerFunc(answer))) }()
	fmt.Printf("{\"port\":%d}\n", listener.Addr().(*net.TCPAddr).Port)
	ending := make(chan os.Signal, 1)
	signal.Notify(ending, syscall.SIGTERM)
	<-ending
	lock.Lock()
	check(truth.Flush())
	check(file.Close())
}
