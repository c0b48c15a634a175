#!/bin/sh
# cgi-fcgi of libfcgi: HOST PORT COUNT SCRIPT. COUNT requests by a process each.
set -eu
for _ in $(seq "$3"); do
  env -i PATH="$PATH" REQUEST_METHOD=GET SCRIPT_NAME=/tool QUERY_STRING=size=4 SCRIPT_FILENAME="$4" \
    SERVER_NAME=tool.example HTTP_HOST=ignored.example cgi-fcgi -bind -connect "$1:$2" | tail -n 1 | grep -qx xxxx
done
