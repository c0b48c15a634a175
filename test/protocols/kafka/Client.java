import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** HOST PORT COUNT: messages one by one, 1,000 in flight, a batch, a transaction; and COUNT messages that are fetched one at a time. */
public final class Client {
  private static final StringSerializer TEXT = new StringSerializer();
  private static String servers;

  public static void main(String[] arguments) throws Exception {
    servers = arguments[0] + ":" + arguments[1];
    int count = Integer.parseInt(arguments[2]);
    createTopics();
    Map<String, Object> manyAtOnce =
        Map.of("batch.size", 0, "max.in.flight.requests.per.connection", 1000, "acks", "1", "enable.idempotence", false);
    try (KafkaProducer<String, String> producer = producer(manyAtOnce)) {
      for (int i = 0; i < count; i++) same(producer.send(record("burst", i)).get().offset(), i);
      oneByOne(count);
      System.in.read();
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      for (int i = 0; i < 1000; i++) sent.add(producer.send(record("burst", i)));
      for (int i = 0; i < 1000; i++) same(sent.get(i).get().offset(), count + i);
    }
  }

  private static void oneByOne(int count) throws Exception {
    try (KafkaProducer<String, String> producer = producer(Map.of("acks", "all"))) {
      for (int i = 0; i < count; i++) same(producer.send(record("kept", i)).get().offset(), i);
    }
    try (KafkaProducer<String, String> producer = producer(Map.of("linger.ms", 60_000, "compression.type", "gzip"))) {
      for (int i = 0; i < 5; i++) producer.send(record("batch", i));
    }
    try (KafkaProducer<String, String> producer = producer(Map.of("transactional.id", "purchase"))) {
      producer.initTransactions();
      producer.beginTransaction();
      for (int i = 0; i < count; i++) producer.send(record("bought", i)).get();
      producer.commitTransaction();
    }
    consume(count);
  }

  private static void createTopics() throws Exception {
    try (Admin admin = Admin.create(Map.<String, Object>of("bootstrap.servers", servers))) {
      List<NewTopic> topics = new ArrayList<>();
      for (String name : List.of("kept", "burst", "batch", "bought")) topics.add(new NewTopic(name, 1, (short) 1));
      admin.createTopics(topics).all().get();
      try {
        admin.createTopics(topics.subList(0, 1)).all().get();
        throw new AssertionError("a topic was made twice");
      } catch (ExecutionException expected) {
        if (!(expected.getCause() instanceof TopicExistsException)) throw expected;
      }
    }
  }

  /** A fetch is answered when there is something, with as little as there can be: one batch, which has one message. */
  private static void consume(int count) throws Exception {
    Map<String, Object> settings =
        Map.of("bootstrap.servers", servers, "client.id", "reader", "fetch.max.wait.ms", 100_000, "request.timeout.ms", 200_000,
            "max.partition.fetch.bytes", 1, "auto.offset.reset", "earliest");
    StringDeserializer text = new StringDeserializer();
    try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(settings, text, text)) {
      consumer.assign(List.of(new TopicPartition("kept", 0)));
      for (int i = 0; i < count; ) {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofSeconds(30))) same(record.offset(), i++);
      }
      // Its next fetch waits for this.
      try (KafkaProducer<String, String> producer = producer(Map.of("acks", "all"))) {
        producer.send(record("kept", count)).get();
      }
    }
  }

  private static KafkaProducer<String, String> producer(Map<String, Object> settings) {
    Map<String, Object> all = new HashMap<>(Map.of("bootstrap.servers", servers, "client.id", "java"));
    all.putAll(settings);
    return new KafkaProducer<>(all, TEXT, TEXT);
  }

  private static ProducerRecord<String, String> record(String topic, int i) {
    return new ProducerRecord<>(topic, "key " + i, "message " + i);
  }

  private static void same(long found, long wanted) {
    if (found != wanted) throw new AssertionError(found + " is not " + wanted);
  }
}
