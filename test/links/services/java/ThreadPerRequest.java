import java.io.IOException;

/** The thread that reads a request makes its calls one after the other (B and C too) with HttpURLConnection, and answers. */
public final class ThreadPerRequest {
  private ThreadPerRequest() {}

  public static void main(String[] args) throws IOException {
    FrontEnd.serve(
        args,
        exchange -> {
          String path = exchange.getRequestURI().getPath();
          for (char letter : "abcd".toCharArray()) FrontEnd.call(letter, path);
          FrontEnd.answer(exchange);
        });
  }
}
