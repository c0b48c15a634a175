import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;

/** FILE COUNT: messages one by one and in batches, one way, refused ones, 1,000 in flight; pulls that find some and none. */
public final class Client {
  private static final MessageQueue ORDERS = new MessageQueue("orders", "broker", 0);

  public static void main(String[] arguments) {
    try {
      run(arguments);
      System.exit(0);
    } catch (Throwable error) {
      error.printStackTrace(); // threads of the client would keep the process
      System.exit(1);
    }
  }

  private static void run(String[] arguments) throws Exception {
    String names = Files.readString(Path.of(arguments[0]));
    int count = Integer.parseInt(arguments[1]);
    DefaultMQProducer producer = new DefaultMQProducer("sellers");
    producer.setNamesrvAddr(names);
    producer.setSendMsgTimeout(60_000);
    producer.setRetryTimesWhenSendAsyncFailed(0);
    producer.start();
    for (int i = 0; i < count; i++) {
      same(producer.send(message("orders", i)).getQueueOffset(), 3L * i);
      same(producer.send(List.of(message("orders", i), message("orders", i))).getQueueOffset(), 3L * i + 1);
      producer.sendOneway(message("told", i));
      try {
        producer.send(message("missing", i), new MessageQueue("missing", "broker", 0));
        throw new AssertionError("a topic that is missing took a message");
      } catch (MQBrokerException expected) {
        same(expected.getResponseCode(), 17);
      }
    }
    System.in.read();
    sendAtOnce(producer);
    pull(names, count);
    producer.shutdown();
  }

  private static void sendAtOnce(DefaultMQProducer producer) throws Exception {
    CountDownLatch left = new CountDownLatch(1000);
    AtomicReference<Throwable> failure = new AtomicReference<>();
    for (int i = 0; i < 1000; i++) {
      SendCallback callback =
          new SendCallback() {
            @Override
            public void onSuccess(SendResult result) {
              left.countDown();
            }

            @Override
            public void onException(Throwable error) {
              failure.set(error);
              left.countDown();
            }
          };
      producer.send(message("burst", i), callback);
    }
    if (!left.await(60, TimeUnit.SECONDS)) throw new AssertionError(left + " are not answered");
    if (failure.get() != null) throw new AssertionError(failure.get());
  }

  private static void pull(String names, int count) throws Exception {
    DefaultMQPullConsumer consumer = new DefaultMQPullConsumer("readers");
    consumer.setNamesrvAddr(names);
    consumer.start();
    same(consumer.maxOffset(ORDERS), 3L * count);
    for (int i = 0; i < count; i++) {
      PullResult result = consumer.pull(ORDERS, "*", 3L * i, 3);
      same(result.getMsgFoundList().size(), 3);
      same(result.getNextBeginOffset(), 3L * (i + 1));
    }
    PullResult none = consumer.pull(ORDERS, "*", 3L * count, 3);
    if (none.getPullStatus() != PullStatus.NO_NEW_MSG) throw new AssertionError(none);
    consumer.getOffsetStore().updateConsumeOffsetToBroker(ORDERS, 3L * count, false);
    consumer.shutdown();
  }

  private static Message message(String topic, int i) {
    return new Message(topic, "java", "key " + i, ("message " + i).getBytes());
  }

  private static void same(long found, long wanted) {
    if (found != wanted) throw new AssertionError(found + " is not " + wanted);
  }
}
