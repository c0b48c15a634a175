#!/bin/sh
# mosquitto_sub and mosquitto_pub: HOST PORT COUNT. COUNT messages, of a process and connection each, one half of them in MQTT 5.
set -eu
host=$1 port=$2 count=$3
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
mkfifo "$folder/heard"
stdbuf -oL mosquitto_sub -h "$host" -p "$port" -t undertrace/tools -q 1 -C "$count" -d >"$folder/heard" &
sub=$!
exec 3<"$folder/heard"
# Others are heard by nobody before it has subscribed.
while read -r line <&3; do
	case $line in Subscribed*) break ;; esac
done
cat <&3 >"$folder/said" &
cat=$!
i=0
while [ $i -lt "$count" ]; do
	version=$([ $((i % 2)) = 0 ] && echo 311 || echo 5)
	mosquitto_pub -h "$host" -p "$port" -V "$version" -t undertrace/tools -q 1 -m "message $i"
	i=$((i + 1))
done
wait $sub $cat
[ "$(grep -c '^message ' "$folder/said")" = "$count" ]
