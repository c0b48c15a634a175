"""JetStream: COUNT acknowledged publishes, each fetched and acknowledged; in verbose mode a message to itself."""

import asyncio
import sys

import nats

url, count = f"nats://{sys.argv[1]}:{sys.argv[2]}", int(sys.argv[3])


async def main() -> None:
    client = await nats.connect(url, name="store")
    stream = client.jetstream()
    await stream.add_stream(name="UNDERTRACE", subjects=["undertrace.kept"])
    consumer = await stream.pull_subscribe("undertrace.kept", durable="worker")
    for i in range(count):
        assert (await stream.publish("undertrace.kept", b"kept %d" % i)).seq == i + 1
        [message] = await consumer.fetch(1, timeout=20)
        assert message.data == b"kept %d" % i
        await message.ack()
    await stream.delete_stream("UNDERTRACE")
    await client.close()
    verbose = await nats.connect(url, name="verbose", verbose=True)
    subscription = await verbose.subscribe("undertrace.python")
    for i in range(count):
        await verbose.publish("undertrace.python", b"message %d" % i)
        assert (await subscription.next_msg(timeout=20)).data == b"message %d" % i
    await verbose.flush()
    await verbose.close()


asyncio.run(main())
