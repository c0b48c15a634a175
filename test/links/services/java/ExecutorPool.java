import java.io.IOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** A thread a request, which hands every call to a pool of 8 and blocks on Future.get. */
public final class ExecutorPool {
  private static final ExecutorService POOL = Executors.newFixedThreadPool(8);

  private ExecutorPool() {}

  private static Future<?> submit(char letter, String path) {
    return POOL.submit(() -> FrontEnd.call(letter, path));
  }

  private static void callAll(String path) throws ExecutionException, InterruptedException {
    submit('a', path).get();
    Future<?> b = submit('b', path);
    Future<?> c = submit('c', path);
    b.get();
    c.get();
    submit('d', path).get();
  }

  public static void main(String[] args) throws IOException {
    FrontEnd.serveBlocking(args, ExecutorPool::callAll);
  }
}
