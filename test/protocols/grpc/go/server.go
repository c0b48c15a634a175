package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"
)

type unary func(context.Context, []byte) ([]byte, error)

// Answers nobody before 1,000 are there.
type gathering struct {
	sync.Mutex
	here int
	all  chan struct{}
}

func (g *gathering) wait() {
	g.Lock()
	if g.all == nil {
		g.all = make(chan struct{})
	}
	all := g.all
	if g.here++; g.here == 1000 {
		close(all)
		g.here, g.all = 0, nil
	}
	g.Unlock()
	<-all
}

func method(name string, answer unary) grpc.MethodDesc {
	return grpc.MethodDesc{MethodName: name, Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		var request []byte
		if err := decode(&request); err != nil {
			return nil, err
		}
		response, err := answer(ctx, request)
		return &response, err
	}}
}

func fails(code codes.Code) unary {
	return func(context.Context, []byte) ([]byte, error) { return nil, status.Error(code, "as asked for") }
}

func same(_ context.Context, request []byte) ([]byte, error) { return request, nil }

func stream(name string, client, server bool, handler func(grpc.ServerStream) error) grpc.StreamDesc {
	return grpc.StreamDesc{StreamName: name, ClientStreams: client, ServerStreams: server,
		Handler: func(_ any, s grpc.ServerStream) error { return handler(s) }}
}

func collect(s grpc.ServerStream) error {
	size := 0
	for {
		var message []byte
		if err := s.RecvMsg(&message); err == io.EOF {
			answer := []byte(strconv.Itoa(size))
			return s.SendMsg(&answer)
		} else if err != nil {
			return err
		}
		size += len(message)
	}
}

func list(s grpc.ServerStream) error {
	var request []byte
	if err := s.RecvMsg(&request); err != nil {
		return err
	}
	count, err := strconv.Atoi(string(request))
	if err != nil {
		return err
	}
	for i := range count {
		answer := fmt.Appendf(nil, "order %d", i)
		if err := s.SendMsg(&answer); err != nil {
			return err
		}
	}
	return nil
}

func endless(s grpc.ServerStream) error {
	var request []byte
	if err := s.RecvMsg(&request); err != nil {
		return err
	}
	if err := s.SendMsg(&request); err != nil {
		return err
	}
	<-s.Context().Done()
	return s.Context().Err()
}

func talk(s grpc.ServerStream) error {
	for {
		var message []byte
		if err := s.RecvMsg(&message); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := s.SendMsg(&message); err != nil {
			return err
		}
	}
}

func serve(address string) error {
	var gathered gathering
	gather := func(_ context.Context, request []byte) ([]byte, error) {
		gathered.wait()
		return request, nil
	}
	wait := func(ctx context.Context, _ []byte) ([]byte, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	orders := grpc.ServiceDesc{
		ServiceName: "shop.Orders",
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{
			method("Get", same), method("Squeeze", same), method("Gather", gather), method("Wait", wait),
			method("Missing", fails(codes.NotFound)), method("Broken", fails(codes.Internal)),
			method("Late", fails(codes.DeadlineExceeded)),
		},
		Streams: []grpc.StreamDesc{
			stream("Collect", true, false, collect), stream("List", false, true, list),
			stream("Talk", true, true, talk), stream("Endless", false, true, endless),
		},
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.ForceServerCodec(raw{}))
	server.RegisterService(&orders, new(any))
	return server.Serve(listener)
}
