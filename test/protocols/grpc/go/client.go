package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"
)

type caller struct{ *grpc.ClientConn }

func (c caller) call(ctx context.Context, name string, request []byte, options ...grpc.CallOption) ([]byte, error) {
	var response []byte
	err := c.Invoke(ctx, "/shop.Orders/"+name, &request, &response, options...)
	return response, err
}

func (c caller) answers(name string, request []byte, options ...grpc.CallOption) {
	response, err := c.call(context.Background(), name, request, options...)
	check(err)
	if !bytes.Equal(response, request) {
		fail(name, response)
	}
}

func (c caller) fails(name string, limit time.Duration, codes ...codes.Code) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if _, err := c.call(ctx, name, []byte("?")); !slices.Contains(codes, status.Code(err)) {
		fail(name, err)
	}
}

// Sends so many messages, and returns those that came.
func (c caller) stream(name string, client, server bool, messages ...string) []string {
	description := &grpc.StreamDesc{StreamName: name, ClientStreams: client, ServerStreams: server}
	s, err := c.NewStream(context.Background(), description, "/shop.Orders/"+name)
	check(err)
	for _, each := range messages {
		message := []byte(each)
		check(s.SendMsg(&message))
	}
	check(s.CloseSend())
	var answers []string
	for {
		var answer []byte
		if err := s.RecvMsg(&answer); err == io.EOF {
			return answers
		} else if err != nil {
			fail(name, err)
		}
		answers = append(answers, string(answer))
	}
}

func (c caller) cancelled() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s, err := c.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/shop.Orders/Endless")
	check(err)
	message := []byte("go")
	check(s.SendMsg(&message))
	check(s.CloseSend())
	check(s.RecvMsg(&message))
	cancel()
	if err := s.RecvMsg(&message); status.Code(err) != codes.Canceled {
		fail("Endless", err)
	}
}

func ask(address, times string) {
	count, err := strconv.Atoi(times)
	check(err)
	connection, err := grpc.NewClient("passthrough:///"+address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{})))
	check(err)
	c := caller{connection}
	for i := range count {
		c.answers("Get", []byte(strconv.Itoa(i)))
	}
	_, err = io.ReadAll(os.Stdin)
	check(err)
	for range count / 10 {
		c.fails("Missing", time.Minute, codes.NotFound)
		c.fails("Broken", time.Minute, codes.Internal)
		c.fails("Late", time.Minute, codes.DeadlineExceeded)
		// A server in Go resets the stream, too, perhaps first.
		c.fails("Wait", 200*time.Millisecond, codes.DeadlineExceeded, codes.Canceled)
		c.fails("Unheard", time.Minute, codes.Unimplemented)
		if size := c.stream("Collect", true, false, "part 0", "part 1", "part 2", "part 3", "part 4")[0]; size != "30" {
			fail("Collect", size)
		}
		if orders := c.stream("List", false, true, "7"); len(orders) != 7 {
			fail("List", orders)
		}
		if parts := c.stream("Talk", true, true, "a", "b", "c", "d"); len(parts) != 4 {
			fail("Talk", parts)
		}
		c.answers("Squeeze", bytes.Repeat([]byte("x"), 5000), grpc.UseCompressor(gzip.Name))
		c.cancelled()
	}
	var all sync.WaitGroup
	for range 1000 {
		all.Go(func() { c.answers("Gather", []byte("g")) })
	}
	all.Wait()
	check(connection.Close())
}
