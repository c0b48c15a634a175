"""One channel: COUNT messages that are asked for one by one, empty answers, and consumed without acknowledgement; a queue that is missing."""

import sys

import pika

host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
parameters = pika.ConnectionParameters(host, port, heartbeat=0, client_properties={"connection_name": "python"})
connection = pika.BlockingConnection(parameters)
channel = connection.channel()
channel.queue_declare("asked")
for i in range(count):
    assert channel.basic_get("asked") == (None, None, None)
    channel.basic_publish("", "asked", b"message %d" % i)
    method = None
    while method is None:
        method, _, body = channel.basic_get("asked", auto_ack=True)
        if method is None:
            raise SystemExit("a publish and what follows it on a channel are in order")
    assert body == b"message %d" % i
sys.stdin.read()
for i in range(count):
    channel.basic_publish("", "asked", b"pushed %d" % i)
pushed = channel.consume("asked", auto_ack=True)
for i in range(count):
    assert next(pushed)[2] == b"pushed %d" % i
channel.cancel()
channel.queue_delete("asked")
try:
    channel.queue_declare("missing", passive=True)
    raise SystemExit("the queue is there")
except pika.exceptions.ChannelClosedByBroker as error:
    assert error.reply_code == 404
connection.close()
