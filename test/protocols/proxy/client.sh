#!/bin/sh
# HOST PORT COUNT: as 127.0.0.9, on a connection each and several times on one.
who=http://$1:$2/who

# right HOW-MANY OPTION ...: all answers name the client
right() {
  wanted=$1
  shift
  found=$(curl -sS --interface 127.0.0.9 "$@" | grep -c '^127\.0\.0\.9 ')
  [ "$found" = "$wanted" ] || { echo "$found of $wanted: $*"; exit 1; }
}
for _ in $(seq "$3"); do
  right 1 "$who"
  right 5 "$who?[1-5]"
  status=$(curl -sS --interface 127.0.0.9 -o /dev/null -w '%{http_code}' "http://$1:$2/missing")
  [ "$status" = 404 ] || { echo "$status"; exit 1; }
done
