#!/bin/sh
# HOST PORT COUNT: padded frames, a body with trailers ("plain": without), what is not there;
# several at a time.
base=http://$1:$2
count=$3

# statuses STATUS HOW-MANY OPTION ...
statuses() {
  status=$1
  wanted=$2
  shift 2
  out=$(nghttp -v --no-dep "$@") || exit 1
  found=$(printf '%s\n' "$out" | grep -c ":status: $status")
  [ "$found" = "$wanted" ] || { echo "$out" | tail -100; echo "$found of $wanted: $*"; exit 1; }
}
body=$(mktemp)
trap 'rm -f "$body"' EXIT
head -c 1000 /dev/zero >"$body"
for _ in $(seq "$((count / 20))"); do
  statuses 200 20 --padding=200 -m 20 "$base/small"
  statuses 404 20 -m 20 "$base/missing"
done
if [ "$4" = plain ]; then
  statuses 200 5 -d "$body" -m 5 "$base/echo"
else
  statuses 200 5 -d "$body" --trailer='x-sent: all' -m 5 "$base/echo"
fi
