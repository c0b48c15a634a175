import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;

/** What the Java services have in common: the server (a thread a request), a call, and the truth. Usage: ../../README.md. */
final class FrontEnd {
  private static String[] arguments;

  /** No lock and no file stands between a request and its calls: written at the end. */
  private static final Queue<String> truth = new ConcurrentLinkedQueue<>();

  private FrontEnd() {}

  /** Notes that the request with this path is what the call comes from; gives back the call's URI, whose id is fresh. */
  static URI callUri(char letter, String path) {
    int id = path.lastIndexOf('/');
    int last = path.lastIndexOf('/', id - 1);
    String fresh = String.format("%016x", ThreadLocalRandom.current().nextLong());
    truth.add(path.substring(id + 1) + " " + fresh);
    String port = arguments[1 + "abcd".indexOf(letter)];
    return URI.create("http://127.0.0.1:" + port + path.substring(0, last) + "/" + letter + "/" + fresh);
  }

  /** Calls a back end on this thread, with HttpURLConnection. */
  static void call(char letter, String path) {
    try {
      HttpURLConnection connection = (HttpURLConnection) callUri(letter, path).toURL().openConnection();
      try (InputStream in = connection.getInputStream()) {
        in.readAllBytes();
      }
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  static void answer(HttpExchange exchange) {
    try (exchange) {
      byte[] body = "ok".getBytes(StandardCharsets.US_ASCII);
      exchange.sendResponseHeaders(200, body.length);
      exchange.getResponseBody().write(body);
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  /** Ends the process, loudly: a service that fails must not look like one that is only slow. */
  static void fail(Throwable failure) {
    failure.printStackTrace();
    Runtime.getRuntime().halt(1);
  }

  /** Makes the calls of the request with this path and blocks until all have been answered. */
  interface Calls {
    void makeAll(String path) throws ExecutionException, InterruptedException;
  }

  /** Runs the server; a request is answered when its calls have been. */
  static void serveBlocking(String[] args, Calls calls) throws IOException {
    serve(
        args,
        exchange -> {
          try {
            calls.makeAll(exchange.getRequestURI().getPath());
          } catch (ExecutionException | InterruptedException failed) {
            fail(failed);
          }
          answer(exchange);
        });
  }

  /** Runs the server; `handle` may return before the exchange has been answered. */
  static void serve(String[] args, Consumer<HttpExchange> handle) throws IOException {
    arguments = args;
    // One idle connection a thread: more than the 5 that are kept for one host by default.
    System.setProperty("http.maxConnections", "1024");
    System.setProperty("sun.net.httpserver.maxIdleConnections", "1024");
    // Without it every response waits for a delayed acknowledgement.
    System.setProperty("sun.net.httpserver.nodelay", "true");
    HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 4096);
    server.createContext(
        "/",
        exchange -> {
          try {
            exchange.getRequestBody().readAllBytes();
            handle.accept(exchange);
          } catch (IOException | RuntimeException failed) {
            fail(failed);
          }
        });
    server.setExecutor(Executors.newCachedThreadPool());
    Runtime.getRuntime().addShutdownHook(new Thread(FrontEnd::writeTruth));
    server.start();
    System.out.println("{\"port\":" + server.getAddress().getPort() + "}");
  }

  /** At SIGTERM, whose exit code 143 is Java's own. */
  private static void writeTruth() {
    try {
      Files.write(Path.of(arguments[0]), truth);
    } catch (IOException failed) {
      fail(failed);
    }
  }
}
