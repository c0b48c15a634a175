import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.MethodConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.rpc.RpcException;
import org.apache.dubbo.rpc.model.ApplicationModel;

/** `serve` PORT: a provider that speaks Dubbo 2 and Triple. `dubbo` or `tri` HOST PORT COUNT: a consumer that makes calls of each kind. */
public final class Greetings {
  public interface Greeter {
    String greet(String name);

    CompletableFuture<String> greetLater(String name);

    void tell(String name);

    String fail(String name);

    String greetSlowly(String name);
  }

  public static final class Polite implements Greeter {
    @Override
    public String greet(String name) {
      return "hello " + name;
    }

    @Override
    public CompletableFuture<String> greetLater(String name) {
      return CompletableFuture.completedFuture("later " + name);
    }

    @Override
    public void tell(String name) {
      // Nobody waits for this.
    }

    @Override
    public String fail(String name) {
      throw new IllegalStateException(name);
    }

    @Override
    public String greetSlowly(String name) {
      try {
        Thread.sleep(400);
      } catch (InterruptedException stopped) {
        throw new IllegalStateException(stopped);
      }
      return greet(name);
    }
  }

  public static void main(String[] arguments) {
    try {
      if (arguments[0].equals("serve")) {
        serve(Integer.parseInt(arguments[1]));
        return;
      }
      consume(arguments[0], arguments[1] + ":" + arguments[2], Integer.parseInt(arguments[3]));
      System.exit(0);
    } catch (Throwable error) {
      error.printStackTrace(); // Dubbo's threads would keep the process
      System.exit(1);
    }
  }

  private static void serve(int port) throws InterruptedException {
    configure("provider");
    ProtocolConfig protocol = new ProtocolConfig("dubbo", port);
    protocol.setHost("127.0.0.1");
    protocol.setExtProtocol("tri");
    protocol.setThreads(8);
    protocol.setQueues(5000);
    ServiceConfig<Greeter> service = new ServiceConfig<>();
    service.setInterface(Greeter.class);
    service.setRef(new Polite());
    service.setProtocol(protocol);
    service.setRegistry(new RegistryConfig("N/A"));
    service.export();
    System.out.println("greetings are served");
    Thread.currentThread().join();
  }

  private static void configure(String name) {
    ApplicationConfig application = new ApplicationConfig(name);
    application.setQosEnable(false);
    ApplicationModel.defaultModel().getApplicationConfigManager().setApplication(application);
  }

  private static ReferenceConfig<Greeter> reference(String url) {
    MethodConfig oneWay = new MethodConfig();
    oneWay.setName("tell");
    oneWay.setReturn(false);
    MethodConfig hasty = new MethodConfig();
    hasty.setName("greetSlowly");
    hasty.setTimeout(100);
    ReferenceConfig<Greeter> reference = new ReferenceConfig<>();
    reference.setInterface(Greeter.class);
    reference.setUrl(url);
    reference.setRetries(0);
    reference.setTimeout(60_000);
    reference.setCheck(false);
    reference.setMethods(List.of(oneWay, hasty));
    return reference;
  }

  private static void consume(String protocol, String at, int count) throws Exception {
    configure("consumer");
    String url = protocol + "://" + at + "/" + Greeter.class.getName() + "?heartbeat=1000";
    boolean triple = protocol.equals("tri");
    Greeter greeter = reference(url).get();
    for (int i = 0; i < count; i++) {
      same(greeter.greet("caller " + i), "hello caller " + i);
      try {
        greeter.fail("caller " + i);
        throw new AssertionError("it does not fail");
      } catch (IllegalStateException | RpcException expected) {
        if (!expected.getMessage().contains("caller " + i)) throw expected;
      }
      if (!triple) greeter.tell("caller " + i);
    }
    for (int i = 0; i < 5 && !triple; i++) {
      try {
        greeter.greetSlowly("caller");
        throw new AssertionError("it is in time");
      } catch (RpcException expected) {
        if (!expected.isTimeout()) throw expected;
      }
    }
    System.in.read();
    List<CompletableFuture<String>> answers = new ArrayList<>();
    int atOnce = triple ? 100 : 1000;
    for (int i = 0; i < atOnce; i++) answers.add(greeter.greetLater("caller " + i));
    for (int i = 0; i < atOnce; i++) same(answers.get(i).get(60, TimeUnit.SECONDS), "later caller " + i);
  }

  private static void same(String found, String wanted) {
    if (!found.equals(wanted)) throw new AssertionError(found + " is not " + wanted);
  }
}
