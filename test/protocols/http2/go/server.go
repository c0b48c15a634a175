package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/h2c"
)

const streams = 2000

// Answers nobody before `streams` of its callers are there.
type gathering struct {
	sync.Mutex
	here int
	all  chan struct{}
}

func (g *gathering) wait(size int) {
	g.Lock()
	if g.all == nil {
		g.all = make(chan struct{})
	}
	all := g.all
	if g.here++; g.here == size {
		close(all)
		g.here, g.all = 0, nil
	}
	g.Unlock()
	<-all
}

func serve(address string) error {
	var gathered gathering
	mux := http.NewServeMux()
	mux.HandleFunc("/small", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello\n") })
	mux.HandleFunc("/gather", func(w http.ResponseWriter, r *http.Request) {
		gathered.wait(1000)
		fmt.Fprint(w, "hello\n")
	})
	mux.HandleFunc("/big", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat("x", 300_000)) })
	mux.HandleFunc("/head", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("~", 20_000))
		fmt.Fprint(w, "hello\n")
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		if len(r.Trailer) == 0 {
			io.Copy(w, r.Body)
			return
		}
		w.Header().Set("Trailer", "X-Got")
		io.Copy(w, r.Body)
		w.Header().Set("X-Got", r.Trailer.Get("X-Sent"))
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "part")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("/broken", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "part")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	handler := h2c.NewHandler(mux, &http2.Server{MaxConcurrentStreams: streams})
	return http.ListenAndServe(address, handler)
}
