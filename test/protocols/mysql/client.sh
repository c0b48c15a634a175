# The command line's client: HOST PORT. Statements of which one is wrong, as text.
set -eu
ask() {
  mariadb --no-defaults --ssl=0 -h "$1" -P "$2" -u shop -psecret -N "$3" -e "$4" 2>&1
}
ask "$1" "$2" shop 'CREATE TABLE cli (id int); INSERT INTO cli VALUES (1), (2)'
[ "$(ask "$1" "$2" shop 'SELECT sum(id) FROM cli')" = 3 ]
ask "$1" "$2" shop 'DROP TABLE cli; SELECT * FROM missing' | grep -q 'ERROR 1146 (42S02)'
ask "$1" "$2" missing 'SELECT 1' | grep -q 'ERROR 1049 (42000)'
