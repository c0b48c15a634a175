#!/bin/sh
# HOST PORT COUNT: COUNT * 20 requests, 1,000 at a time. On each connection few enough: of what it begins with 8 KiB are seen (payload_limit).
all=$(($3 * 20))
out=$(h2load -n "$all" -c 20 -m 50 "http://$1:$2/small") || exit 1
printf '%s\n' "$out" | grep -q " $all succeeded, 0 failed" || { echo "$out" >&2; exit 1; }
