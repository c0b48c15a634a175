#!/bin/sh
# libmemcached's tools: HOST PORT COUNT. COUNT rounds of processes with a connection each, of both protocols.
set -eu
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
printf 'value of a tool' >tool
for _ in $(seq "$3"); do
  memccp --servers="$1:$2" --set tool
  [ "$(memccat --servers="$1:$2" tool)" = 'value of a tool' ]
  memcexist --servers="$1:$2" tool
  memcrm --servers="$1:$2" tool
  if memccat --servers="$1:$2" tool; then exit 1; fi
  memccp --binary --servers="$1:$2" tool
  [ "$(memccat --binary --servers="$1:$2" tool)" = 'value of a tool' ]
done
