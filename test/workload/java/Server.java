import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;

/** HTTP server on com.sun.net.httpserver. Usage and query: ../README.md; no unix sockets. */
public final class Server {
  private Server() {}

  private static void answer(HttpExchange exchange) throws IOException {
    Map<String, String> query = new HashMap<>();
    String text = exchange.getRequestURI().getRawQuery();
    for (String pair : (text == null ? "" : text).split("&")) {
      int at = pair.indexOf('=');
      if (at > 0) query.put(pair.substring(0, at), pair.substring(at + 1));
    }
    exchange.getRequestBody().readAllBytes();
    try {
      Thread.sleep(query.containsKey("hang") ? 3_600_000 : Long.parseLong(query.getOrDefault("delay", "0")));
    } catch (InterruptedException interrupted) {
      throw new IOException(interrupted);
    }
    int status = Integer.parseInt(query.getOrDefault("status", "200"));
    byte[] body = new byte[Integer.parseInt(query.getOrDefault("size", "0"))];
    Arrays.fill(body, (byte) 'x');
    boolean bodiless = status == 204 || status == 304 || exchange.getRequestMethod().equals("HEAD");
    if (bodiless || body.length == 0 && !query.containsKey("chunked")) {
      // -1 is this class's word for "no body"; 0 would mean chunked.
      exchange.sendResponseHeaders(status, -1);
    } else {
      exchange.sendResponseHeaders(status, query.containsKey("chunked") ? 0 : body.length);
      try (OutputStream out = exchange.getResponseBody()) {
        out.write(body);
      }
    }
    exchange.close();
  }

  public static void main(String[] args) throws IOException {
    List<String> listening = new ArrayList<>();
    for (String address : args) {
      int colon = address.lastIndexOf(':');
      String host = address.substring(0, colon);
      InetAddress bind = InetAddress.getByName(host.replace("[", "").replace("]", ""));
      HttpServer server =
          HttpServer.create(
              new InetSocketAddress(bind, Integer.parseInt(address.substring(colon + 1))), 4096);
      server.createContext("/", Server::answer);
      server.setExecutor(Executors.newCachedThreadPool());
      server.start();
      listening.add("\"" + host + ":" + server.getAddress().getPort() + "\"");
    }
    System.out.println("{\"listening\":[" + String.join(",", listening) + "]}");
  }
}
