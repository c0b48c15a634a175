# psql and pgbench: HOST PORT COUNT FOLDER. Every way in which pgbench asks, and what psql is told of what is wrong.
set -eu
here=$(dirname "$0")
export PGHOST="$1" PGPORT="$2" PGUSER=shop PGPASSWORD=secret PGDATABASE=shop
psql -qXv ON_ERROR_STOP=1 -c 'CREATE TABLE accounts (id int PRIMARY KEY, balance int)' -c 'INSERT INTO accounts VALUES (1, 0)'
for mode in simple extended prepared; do
  pgbench -n -M "$mode" -t "$3" -f "$here/statements.sql" >/dev/null
done
[ "$(psql -XAtc 'SELECT balance FROM accounts')" = $((3 * $3)) ]
code() {
  if psql -XqAt -v VERBOSITY=sqlstate "$@" 2>&1; then echo 'no error'; fi
}
[ "$(code -c 'SELEC 1')" = 'ERROR:  42601' ]
[ "$(code -c 'INSERT INTO accounts VALUES (1, 1)')" = 'ERROR:  23505' ]
code -d missing | grep -q 'database "missing" does not exist'
psql -Xqc 'DROP TABLE accounts'
