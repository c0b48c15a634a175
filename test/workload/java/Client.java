import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;

/**
 * HTTP client: java.net.http.HttpClient, or HttpURLConnection with a fifth argument `--api=urlconnection`. Usage: ../README.md; no
 * unix sockets. System.nanoTime() is CLOCK_MONOTONIC on Linux.
 */
public final class Client {
  private Client() {}

  private interface Api {
    /** Fills [status, bytes received]. */
    void send(String method, String url, byte[] body, long[] result) throws IOException, InterruptedException;
  }

  private static Api httpClient(boolean close) {
    HttpClient[] client = {null};
    return (method, url, body, result) -> {
      // `Connection` may not be set on a request, so a connection a request means a client a request.
      if (client[0] == null || close) {
        client[0] = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
      }
      HttpRequest.BodyPublisher publisher =
          body.length == 0
              ? HttpRequest.BodyPublishers.noBody()
              : HttpRequest.BodyPublishers.ofByteArray(body);
      HttpRequest request = HttpRequest.newBuilder(URI.create(url)).method(method, publisher).build();
      HttpResponse<byte[]> response = client[0].send(request, HttpResponse.BodyHandlers.ofByteArray());
      result[0] = response.statusCode();
      result[1] = response.body().length;
    };
  }

  private static Api urlConnection(boolean close) {
    System.setProperty("http.keepAlive", close ? "false" : "true");
    return (method, url, body, result) -> {
      HttpURLConnection connection = (HttpURLConnection) URI.create(url).toURL().openConnection();
      connection.setRequestMethod(method);
      connection.setInstanceFollowRedirects(false);
      if (body.length > 0) {
        connection.setDoOutput(true);
        connection.getOutputStream().write(body);
      }
      result[0] = connection.getResponseCode();
      InputStream stream =
          result[0] >= 400 ? connection.getErrorStream() : connection.getInputStream();
      if (stream != null) result[1] = stream.readAllBytes().length;
    };
  }

  public static void main(String[] args) throws IOException, InterruptedException {
    boolean close = args[3].equals("close");
    Api api =
        args.length > 4 && args[4].equals("--api=urlconnection")
            ? urlConnection(close)
            : httpClient(close);
    try (PrintWriter log = new PrintWriter(Files.newBufferedWriter(Path.of(args[2])))) {
      for (String line : Files.readAllLines(Path.of(args[1]))) {
        String[] words = line.split(" ");
        byte[] body = new byte[Integer.parseInt(words[2])];
        Arrays.fill(body, (byte) 'y');
        long[] result = {0, 0};
        String error = "";
        Instant now = Instant.now();
        long start = System.nanoTime();
        try {
          api.send(words[0], args[0] + words[1], body, result);
        } catch (IOException failed) {
          error = ",\"error\":\"" + failed.getClass().getName() + "\"";
        }
        long end = System.nanoTime();
        log.printf(
            "{\"method\":\"%s\",\"target\":\"%s\",\"status\":%d,\"sent\":%d,\"received\":%d,"
                + "\"startNs\":%d,\"endNs\":%d,\"unixNs\":\"%d%09d\"%s}%n",
            words[0], words[1], result[0], body.length, result[1],
            start, end, now.getEpochSecond(), now.getNano(), error);
      }
    }
    System.exit(0);
  }
}
