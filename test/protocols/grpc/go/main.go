// shop.Orders, whose messages are bytes of any kind, and calls of all kinds to it: `serve HOST PORT`, or `ask HOST PORT COUNT`.
package main

import (
	"fmt"
	"net"
	"os"
)

// Messages are what they are.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (raw) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}
func (raw) Name() string { return "raw" }

func main() {
	address := net.JoinHostPort(os.Args[2], os.Args[3])
	if os.Args[1] == "serve" {
		check(serve(address))
		return
	}
	ask(address, os.Args[4])
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
