import java.nio.file.Path;
import java.util.Map;
import kafka.Kafka;
import kafka.tools.StorageTool;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * FILE INTERNAL: a Kafka node with these properties, whose storage is new. It says so once it has what groups and transactions need, which clients
 * would otherwise find missing a number of times. INTERNAL is a listener that no client uses.
 */
public final class Server {
  public static void main(String[] arguments) throws Exception {
    String file = Path.of(arguments[0]).toAbsolutePath().toString();
    String[] format = {"format", "--cluster-id", "dW5kZXJ0cmFjZS10ZXN0cw", "--config", file};
    if (StorageTool.execute(format, System.out) != 0) System.exit(1);
    new Thread(() -> Kafka.main(new String[] {file})).start();
    try (Admin admin = Admin.create(Map.<String, Object>of("bootstrap.servers", arguments[1]))) {
      admin.listConsumerGroupOffsets("none").partitionsToOffsetAndMetadata().get();
    }
    Map<String, Object> transactional = Map.of("bootstrap.servers", arguments[1], "transactional.id", "none");
    StringSerializer text = new StringSerializer();
    try (KafkaProducer<String, String> producer = new KafkaProducer<>(transactional, text, text)) {
      producer.initTransactions();
    }
    System.out.println("groups and transactions are served");
  }
}
