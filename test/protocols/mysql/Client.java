import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Arrays;

/** URL COUNT: statements that are prepared in the server, batches, rows that are fetched page by page, an error, a transaction. */
public final class Client {
  public static void main(String[] arguments) throws SQLException {
    int count = Integer.parseInt(arguments[1]);
    try (Connection connection = DriverManager.getConnection(arguments[0], "shop", "secret")) {
      connection.createStatement().execute("CREATE TABLE parts (id int PRIMARY KEY, name varchar(40))");
      try (PreparedStatement insert = connection.prepareStatement("INSERT INTO parts VALUES (?, ?)")) {
        for (int round = 0; round < count; round++) batch(insert, round * 10);
        insert.setInt(1, 0);
        insert.setString(2, "again");
        insert.execute();
        throw new IllegalStateException("the same key twice");
      } catch (SQLException error) {
        check(error.getErrorCode() == 1062 && error.getSQLState().equals("23000"));
      }
      try (PreparedStatement select = connection.prepareStatement("SELECT name FROM parts WHERE id = ?")) {
        for (int i = 0; i < count; i++) {
          select.setInt(1, i);
          ResultSet rows = select.executeQuery();
          check(rows.next() && rows.getString(1).equals("part " + i));
        }
      }
      connection.setAutoCommit(false);
      for (int round = 0; round < count; round++) pages(connection);
      connection.setAutoCommit(true);
      connection.createStatement().execute("DROP TABLE parts");
    }
  }

  static void batch(PreparedStatement insert, int first) throws SQLException {
    for (int i = first; i < first + 10; i++) {
      insert.setInt(1, i);
      insert.setString(2, "part " + i);
      insert.addBatch();
    }
    check(Arrays.stream(insert.executeBatch()).allMatch(each -> each == 1));
  }

  /** Ten rows, four by four. */
  static void pages(Connection connection) throws SQLException {
    try (PreparedStatement select = connection.prepareStatement("SELECT id FROM parts ORDER BY id LIMIT 10")) {
      select.setFetchSize(4);
      ResultSet rows = select.executeQuery();
      int found = 0;
      while (rows.next()) found++;
      check(found == 10);
    }
    connection.rollback();
  }

  static void check(boolean right) {
    if (!right) throw new IllegalStateException("not what was written");
  }
}
