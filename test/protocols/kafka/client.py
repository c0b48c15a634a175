"""kafka-python: HOST PORT COUNT. COUNT messages one by one, refused ones, and a group that gets one message at a time and says how far it is."""
import sys

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic
from kafka.errors import MessageSizeTooLargeError, TopicAlreadyExistsError
from kafka.structs import OffsetAndMetadata

host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
servers = f"{host}:{port}"
admin = KafkaAdminClient(bootstrap_servers=servers)
topics = [NewTopic("shelf", 1, 1), NewTopic("slim", 1, 1, topic_configs={"max.message.bytes": "500"})]
admin.create_topics(topics)
try:
    admin.create_topics(topics[:1])
    sys.exit("a topic was made twice")
except TopicAlreadyExistsError:
    pass
admin.close()
producer = KafkaProducer(bootstrap_servers=servers, client_id="python", acks="all", batch_size=0, enable_idempotence=False, retries=0)
for i in range(count):
    sent = producer.send("shelf", b"message %d" % i, headers=[("round", b"%d" % i)]).get(30)
    assert (sent.topic, sent.partition, sent.offset) == ("shelf", 0, i)
    try:
        producer.send("slim", b"x" * 600).get(30)
        sys.exit("a message that is too large was taken")
    except MessageSizeTooLargeError:
        pass
producer.close()
consumer = KafkaConsumer(
    "shelf",
    bootstrap_servers=servers,
    group_id="pages",
    enable_auto_commit=False,
    auto_offset_reset="earliest",
    fetch_max_wait_ms=100_000,
    request_timeout_ms=200_000,
    connections_max_idle_ms=300_000,
    max_partition_fetch_bytes=1,
)
for i in range(count):
    message = next(consumer)
    assert (message.offset, message.value) == (i, b"message %d" % i)
partition = next(iter(consumer.assignment()))
consumer.commit({partition: OffsetAndMetadata(count, "", -1)})
consumer.close(autocommit=False)
