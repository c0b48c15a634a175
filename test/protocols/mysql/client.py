"""PyMySQL: HOST PORT COUNT FOLDER. Transactions, errors, a stored procedure with several results, LOAD DATA LOCAL, what the server refuses."""

import sys
from pathlib import Path

import pymysql

host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
address = {"host": host, "port": port, "user": "shop", "database": "shop"}


def fails(code: int, run) -> None:
    try:
        run()
    except pymysql.MySQLError as error:
        assert error.args[0] == code, error
        return
    sys.exit(f"no error {code}")


connection = pymysql.connect(password="secret", local_infile=True, **address)
cursor = connection.cursor()
cursor.execute("CREATE TABLE notes (id int PRIMARY KEY, text varchar(40))")
cursor.execute("CREATE PROCEDURE both_of(a int) BEGIN SELECT a; SELECT text FROM notes; END")
for i in range(count):
    assert cursor.execute("INSERT INTO notes VALUES (%s, %s), (%s, %s)", (2 * i, "secret", 2 * i + 1, "it's")) == 2
    connection.commit()
    assert cursor.execute("SELECT text FROM notes WHERE id IN (%s, %s)", (2 * i, 2 * i + 1)) == 2
    fails(1062, lambda: cursor.execute("INSERT INTO notes VALUES (%s, 'again')", (2 * i,)))
    connection.rollback()
    cursor.execute("CALL both_of(%s)", (i,))
    assert cursor.fetchall() == ((i,),)
    assert cursor.nextset() and len(cursor.fetchall()) == 2 * (i + 1)
    assert cursor.nextset()
    connection.ping()
file = Path(sys.argv[4]) / "lines"
file.write_text("".join(f"{i}\tline {i}\n" for i in range(1000, 2000)))
assert cursor.execute(f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE notes") == 1000
fails(1049, lambda: connection.select_db("missing"))
connection.select_db("shop")
cursor.execute("DROP PROCEDURE both_of")
cursor.execute("DROP TABLE notes")
connection.close()
fails(1045, lambda: pymysql.connect(password="wrong", **address))
