import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A thread a request, which hands its calls to a pool of 12: D alone, then the others by invokeAll. */
public final class InvokeAllPool {
  private static final ExecutorService POOL = Executors.newFixedThreadPool(12);

  private InvokeAllPool() {}

  private static Callable<Void> task(char letter, String path) {
    return () -> {
      FrontEnd.call(letter, path);
      return null;
    };
  }

  private static void callAll(String path) throws ExecutionException, InterruptedException {
    POOL.submit(task('d', path)).get();
    for (var done : POOL.invokeAll(List.of(task('a', path), task('b', path), task('c', path)))) done.get();
  }

  public static void main(String[] args) throws IOException {
    FrontEnd.serveBlocking(args, InvokeAllPool::callAll);
  }
}
