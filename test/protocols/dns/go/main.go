// Go's own resolver: HOST PORT COUNT.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
)

func main() {
	address := net.JoinHostPort(os.Args[1], os.Args[2])
	count, _ := strconv.Atoi(os.Args[3])
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, network, address)
	}}
	for i := 0; i < count; i++ {
		found, err := resolver.LookupNetIP(context.Background(), "ip4", "www.example.test.")
		if err != nil || len(found) != 2 {
			fmt.Fprintln(os.Stderr, found, err)
			os.Exit(1)
		}
	}
}
