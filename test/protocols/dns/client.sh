#!/bin/sh
# dig: HOST PORT COUNT. Over UDP, over TCP with several queries on one connection, and a name that does not exist.
set -eu
host=$1 port=$2 count=$3
ask() {
	want=$1
	shift
	got=$(dig @"$host" -p "$port" +short +tries=1 +time=5 "$@" | sort | tr '\n' ' ')
	[ "$got" = "$want" ] || { echo "dig $*: '$got' is not '$want'" >&2 && exit 1; }
}
i=0
while [ $i -lt "$count" ]; do
	ask '192.0.2.1 192.0.2.2 ' www.example.test A
	ask '"hello world" ' txt.example.test TXT
	ask '' nope.example.test A
	ask '192.0.2.1 192.0.2.2 2001:db8::1 ' +tcp +keepopen www.example.test A www.example.test AAAA
	i=$((i + 1))
done
