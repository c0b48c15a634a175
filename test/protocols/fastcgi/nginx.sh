#!/bin/sh
# nginx asked by curl: COUNT FOLDER PORT-OF-NGINX. COUNT rounds of requests, over new and over kept connections to PHP.
set -eu
nginx -c "$2/nginx.conf" &
server=$!
trap 'kill $server; wait $server' EXIT
site="http://127.0.0.1:$3"
curl -s --retry 50 --retry-connrefused --retry-delay 1 -o /dev/null "$site/ready"
trace=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
head -c 5000 /dev/zero | tr '\0' x >"$2/upload"
for _ in $(seq "$1"); do
  got=$(curl -s -H "traceparent: $trace" -w '%{http_code} %{size_download} ' -o /dev/null \
    "$site/hello?size=5&token=secret" -o /dev/null "$site/kept/hello?size=70000" \
    -o /dev/null "$site/kept/none?status=404" -o /dev/null "$site/kept/broken?throw" \
    -o /dev/null "$site/kept/noted?stderr&size=20")
  case $got in
  '200 5 200 70000 404 10 500 0 200 20 ') ;;
  *)
    echo "$got" >&2
    exit 1
    ;;
  esac
  got=$(curl -s -w '%{http_code} %{size_download}' -o /dev/null --data-binary "@$2/upload" "$site/kept/sent")
  [ "$got" = '200 5010' ]
done
