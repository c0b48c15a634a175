"""MQTT 3.1.1: COUNT messages of each QoS to itself."""

import queue
import sys

import paho.mqtt.client as mqtt

host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
TOPIC = "undertrace/python"
happened: "queue.Queue[object]" = queue.Queue()

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="python", protocol=mqtt.MQTTv311)
client.on_connect = lambda _client, _data, _flags, code, _properties: happened.put(f"connected {code}")
client.on_subscribe = lambda *_: happened.put("subscribed")
client.on_unsubscribe = lambda *_: happened.put("unsubscribed")
client.on_message = lambda _client, _data, message: happened.put((message.payload, message.qos))


def expect(wanted: object) -> None:
    found = happened.get(timeout=20)
    assert found == wanted, f"{found} instead of {wanted}"


client.connect(host, port, keepalive=600)
client.loop_start()
expect("connected Success")
client.subscribe(TOPIC, 2)
expect("subscribed")
for i in range(count):
    for qos in (0, 1, 2):
        payload = b"message %d" % i
        client.publish(TOPIC, payload, qos).wait_for_publish(20)
        expect((payload, qos))
client.unsubscribe(TOPIC)
expect("unsubscribed")
client.disconnect()
client.loop_stop()
