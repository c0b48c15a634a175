import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;

/** HOST PORT COUNT: batches, statements that the server keeps from their third use on, a transaction, pages of rows, an error within a batch. */
public final class Client {
  public static void main(String[] arguments) throws SQLException {
    String url = "jdbc:postgresql://%s:%s/shop?user=shop&password=secret&prepareThreshold=3".formatted((Object[]) arguments);
    int count = Integer.parseInt(arguments[2]);
    try (Connection connection = DriverManager.getConnection(url)) {
      try (Statement statement = connection.createStatement()) {
        statement.execute("CREATE TABLE parts (id int PRIMARY KEY, name text)");
      }
      for (int round = 0; round < count; round++) batch(connection, round * 10);
      try (PreparedStatement select = connection.prepareStatement("SELECT name FROM parts WHERE id = ?")) {
        for (int i = 0; i < count; i++) {
          select.setInt(1, i);
          ResultSet rows = select.executeQuery();
          check(rows.next() && rows.getString(1).equals("part " + i));
        }
      }
      connection.setAutoCommit(false);
      for (int round = 0; round < count; round++) {
        pages(connection);
        repeat(connection);
      }
      connection.setAutoCommit(true);
      try (Statement statement = connection.createStatement()) {
        statement.execute("DROP TABLE parts");
      }
    }
  }

  static void batch(Connection connection, int first) throws SQLException {
    try (PreparedStatement insert = connection.prepareStatement("INSERT INTO parts VALUES (?, ?)")) {
      for (int i = first; i < first + 10; i++) {
        insert.setInt(1, i);
        insert.setString(2, "part " + i);
        insert.addBatch();
      }
      check(Arrays.stream(insert.executeBatch()).sum() == 10);
    }
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
  }

  static void repeat(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.addBatch("UPDATE parts SET name = 'a' WHERE id = 0");
      statement.addBatch("INSERT INTO parts VALUES (0, 'once more')");
      statement.executeBatch();
      throw new IllegalStateException("the same key twice");
    } catch (SQLException error) {
      check(error.getSQLState().equals("23505"));
      connection.rollback();
    }
  }

  static void check(boolean right) {
    if (!right) throw new IllegalStateException("not what was written");
  }
}
