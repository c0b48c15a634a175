// rocketmq-client-go: FILE COUNT. COUNT messages one by one, one way and in batches, and ones that are too large; 1,000 in flight.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

func check(right bool, what ...any) {
	if !right {
		fmt.Fprintln(os.Stderr, what...)
		os.Exit(1)
	}
}

func message(topic, body string) *primitive.Message {
	return primitive.NewMessage(topic, []byte(body)).WithTag("go")
}

// Each has a connection of its own.
func start(names, instance string) rocketmq.Producer {
	made, err := rocketmq.NewProducer(
		producer.WithGroupName("gophers"),
		producer.WithInstanceName(instance),
		producer.WithNameServer([]string{names}),
		producer.WithRetry(0),
		producer.WithCompressMsgBodyOverHowmuch(1<<20),
	)
	check(err == nil, err)
	check(made.Start() == nil, "a producer does not start")
	return made
}

func main() {
	rlog.SetLogLevel("error")
	names, err := os.ReadFile(os.Args[1])
	check(err == nil, err)
	count, _ := strconv.Atoi(os.Args[2])
	seller, burst := start(string(names), "seller"), start(string(names), "burst")
	background := context.Background()
	large := strings.Repeat("x", 70_000)
	for i := 0; i < count; i++ {
		sent, err := seller.SendSync(background, message("gone", "one"))
		check(err == nil && sent.QueueOffset == int64(3*i), sent, err)
		sent, err = seller.SendSync(background, message("gone", "two"), message("gone", "three"))
		check(err == nil && sent.QueueOffset == int64(3*i+1), sent, err)
		check(seller.SendOneWay(background, message("told", "one way")) == nil, "it cannot be sent")
		_, err = seller.SendSync(background, message("large", large))
		check(err != nil && strings.Contains(err.Error(), "CODE: 13"), err)
		_, err = burst.SendSync(background, message("burst", "one"))
		check(err == nil, err)
	}
	_, err = io.ReadAll(os.Stdin)
	check(err == nil, err)
	var left sync.WaitGroup
	for i := 0; i < 1000; i++ {
		left.Add(1)
		err := burst.SendAsync(background, func(_ context.Context, _ *primitive.SendResult, err error) {
			check(err == nil, err)
			left.Done()
		}, message("burst", "at once"))
		check(err == nil, err)
	}
	left.Wait()
	check(seller.Shutdown() == nil && burst.Shutdown() == nil, "a producer does not end")
}
