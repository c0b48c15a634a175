import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.concurrent.CompletableFuture;

/** HttpClient.sendAsync: the thread that reads a request starts the first call and is free; the rest runs in continuations. */
public final class AsyncClient {
  private static final HttpClient CLIENT =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private AsyncClient() {}

  private static CompletableFuture<Void> call(char letter, String path) {
    HttpRequest request = HttpRequest.newBuilder(FrontEnd.callUri(letter, path)).build();
    return CLIENT
        .sendAsync(request, BodyHandlers.ofString())
        .thenAccept(
            response -> {
              if (response.statusCode() != 200) throw new IllegalStateException(response.toString());
            });
  }

  public static void main(String[] args) throws IOException {
    FrontEnd.serve(
        args,
        exchange -> {
          String path = exchange.getRequestURI().getPath();
          call('a', path)
              .thenCompose(done -> CompletableFuture.allOf(call('b', path), call('c', path)))
              .thenCompose(done -> call('d', path))
              .thenRun(() -> FrontEnd.answer(exchange))
              .whenComplete(
                  (done, failure) -> {
                    if (failure != null) FrontEnd.fail(failure);
                  });
        });
  }
}
