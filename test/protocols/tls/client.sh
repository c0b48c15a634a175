#!/bin/sh
# MODE HOST PORT COUNT FOLDER: OpenSSL's s_client (1.2, 1.3, resumed-1.2, resumed-1.3, version) and curl (h2, http1).
mode=$1
at=$2:$3
folder=$5

# s_client OPTION ...: a request and its response
s_client() {
  printf 'GET / HTTP/1.0\r\n\r\n' |
    openssl s_client -connect "$at" -servername shop.example -CAfile "$folder/certificate.pem" -verify_return_error -ign_eof "$@" 2>&1
}

# curl OPTION ...
ask() {
  status=$(curl -sS --cacert "$folder/certificate.pem" --resolve "shop.example:${at#*:}:127.0.0.1" -o /dev/null \
    -w '%{http_version} %{http_code}' "$@" "https://shop.example:${at#*:}/") || exit 1
  echo "$status"
}

# must FOUND WORDS
must() {
  printf '%s\n' "$1" | grep -q "$2" || { echo "no $2 in: $1"; exit 1; }
}

for _ in $(seq "$4"); do
  case $mode in
    1.*)
      out=$(s_client "-tls$(echo "$mode" | tr . _)" -sess_out "$folder/session-$mode")
      must "$out" '^New, TLSv'
      must "$out" '200 [oO][kK]'
      ;;
    resumed-*)
      version=${mode#resumed-}
      out=$(s_client "-tls$(echo "$version" | tr . _)" -sess_in "$folder/session-$version")
      must "$out" '^Reused, TLSv'
      must "$out" '200 [oO][kK]'
      ;;
    version) must "$(s_client -tls1_2)" 'alert protocol version' ;;
    h2) must "$(ask --tls-max 1.2)" '^2 200' ;;
    http1) must "$(ask --tls-max 1.2 --http1.1)" '^1.* 200' ;;
  esac
done
