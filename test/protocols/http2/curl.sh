#!/bin/sh
# HOST PORT COUNT: prior knowledge, a connection for each (curl 7.88 does not get on with a second request); "upgrade": the first of each connection
# is HTTP/1.1 with Upgrade: h2c.
base=http://$1:$2
count=$3

# ask STATUS HOW-MANY OPTION ...
ask() {
  wanted="$2 $1 2"
  shift 2
  found=$(timeout 60 curl -sS -o /dev/null -w '%{http_code} %{http_version}\n' "$@" | sort | uniq -c | sed 's/^ *//')
  [ "$found" = "$wanted" ] || { echo "$found instead of $wanted: $*"; exit 1; }
}
how=--http2-prior-knowledge
for _ in $(seq "$((count / 10))"); do
  ask 200 1 $how "$base/small"
  ask 404 1 $how "$base/missing"
  ask 200 1 $how -d "$(printf %05000d 0)" "$base/echo"
  ask 200 1 $how "$base/big"
done
[ "$4" = upgrade ] || exit 0
for _ in $(seq "$((count / 20))"); do
  ask 200 5 --http2 "$base/small?[1-5]"
  ask 200 5 --http2 --parallel "$base/small?[1-5]"
  ask 404 1 --http2 "$base/missing"
  ask 200 2 --http2 -d some "$base/echo?[1-2]"
done
