#!/bin/sh
# redis-cli: HOST PORT COUNT. COUNT rounds of processes with a connection each, of both versions of the protocol.
set -eu
host=$1 port=$2 count=$3
answers() {
	want=$1
	shift
	got=$(redis-cli -h "$host" -p "$port" "$@")
	[ "$got" = "$want" ] || { echo "redis-cli $*: '$got' is not '$want'" >&2 && exit 1; }
}
i=0
while [ $i -lt "$count" ]; do
	answers OK SET tool "value $i"
	answers "value $i" -3 GET tool
	answers "$((i + 1))" INCR rounds
	answers 'WRONGTYPE Operation against a key holding the wrong kind of value' LPUSH tool x
	i=$((i + 1))
done
