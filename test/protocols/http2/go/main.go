// HTTP/2 without TLS in Go: `serve HOST PORT`, or `ask HOST PORT COUNT BURST SIZE FACES`.
package main

import (
	"fmt"
	"net"
	"os"
)

func main() {
	address := net.JoinHostPort(os.Args[2], os.Args[3])
	if os.Args[1] == "serve" {
		check(serve(address))
		return
	}
	ask(address, os.Args[4:])
}

func check(err error) {
	if err != nil {
		fail(err)
	}
}

func fail(why ...any) {
	fmt.Fprintln(os.Stderr, why...)
	os.Exit(1)
}
