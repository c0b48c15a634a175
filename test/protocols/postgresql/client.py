"""psycopg 3: HOST PORT COUNT. Transactions, COPY in and out, 1,000 queries in flight in pipeline mode, a query that is cancelled."""

import sys
from threading import Event, Thread

import psycopg

host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
address = f"host={host} port={port} user=shop password=secret dbname=shop"


def copy(cursor: psycopg.Cursor, round: int) -> None:
    with cursor.copy("COPY items (id, name) FROM STDIN") as rows:
        for i in range(100):
            rows.write_row((round * 100 + i, f"item {i} " * 50))
    with cursor.copy(f"COPY (SELECT id FROM items WHERE id >= {round * 100}) TO STDOUT") as rows:
        assert [int(line[0]) for line in rows.rows()] == list(range(round * 100, round * 100 + 100))
    try:
        with cursor.copy("COPY items (id, name) FROM STDIN") as rows:
            rows.write_row((round * 100, "once more"))
        sys.exit("the same key twice")
    except psycopg.errors.UniqueViolation as error:
        assert error.sqlstate == "23505"


def transact(connection: psycopg.Connection, cursor: psycopg.Cursor, round: int) -> None:
    cursor.execute("INSERT INTO notes VALUES (%s, %s)", (round, "secret"), prepare=True)
    cursor.execute("SELECT text FROM notes WHERE id = %s FOR UPDATE", (round,))
    assert cursor.fetchone() == ("secret",)
    try:
        cursor.execute("SELECT 1 / (id - id) FROM notes")
        sys.exit("divided by zero")
    except psycopg.errors.DivisionByZero:
        connection.rollback()


def cancel(connection: psycopg.Connection, cursor: psycopg.Cursor) -> None:
    """It is under way when the server says so in a notice."""
    running = Event()
    outcome = []
    connection.add_notice_handler(lambda notice: running.set())

    def run() -> None:
        try:
            cursor.execute("DO $$ BEGIN RAISE NOTICE 'running'; PERFORM pg_sleep(60); END $$")
        except psycopg.errors.QueryCanceled as error:
            outcome.append(error.sqlstate)

    thread = Thread(target=run)
    thread.start()
    assert running.wait(60)
    connection.cancel()
    thread.join()
    assert outcome == ["57014"]


with psycopg.connect(address, autocommit=True) as connection, connection.cursor() as cursor:
    cursor.execute("CREATE TABLE items (id int PRIMARY KEY, name text)")
    cursor.execute("CREATE TABLE notes (id int PRIMARY KEY, text text)")
    for round in range(count):
        connection.autocommit = False
        transact(connection, cursor, round)
        connection.autocommit = True
        copy(cursor, round)
    with connection.pipeline() as pipeline:
        cursors = []
        for i in range(1000):
            cursors.append(connection.execute("SELECT name, %s::int FROM items WHERE id = 0", (i,)))
            pipeline.sync()
        assert [each.fetchone()[1] for each in cursors] == list(range(1000))
    cancel(connection, cursor)
    cursor.execute("DROP TABLE items, notes")
try:
    psycopg.connect(address.replace("secret", "wrong"))
    sys.exit("a wrong password was taken")
except psycopg.OperationalError as error:
    assert "password authentication failed" in str(error)
