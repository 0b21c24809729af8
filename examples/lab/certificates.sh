#!/bin/sh
# The lab's own authority, and a certificate for everybody who speaks to the broker.
#
#   ./certificates.sh BROKER-HOST NAME...      e.g. ./certificates.sh broker.lab collector telegraf liver-lab kidney-lab
#
# NAME is what the broker knows its client by: a bench's name in its bench file, `collector`, `telegraf`. Run it again
# with further names at any time; what is there stays. certs/ca.key makes certificates: keep it off the broker.
set -eu
umask 077
cd "$(dirname "$0")"
[ $# -ge 1 ] || { sed -n 's/^# \{0,1\}//p' "$0" | sed -n 3,5p; exit 2; }
host=$1
shift
days=${DAYS:-825}
mkdir -p certs secrets data/mosquitto
if [ ! -f certs/ca.key ]; then
    openssl ecparam -name prime256v1 -genkey -noout -out certs/ca.key
    openssl req -x509 -new -key certs/ca.key -sha256 -days 3650 -subj "/CN=Lab authority of $host" -out certs/ca.crt \
        -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign"
fi
issue() { # file, common name, extensions
    [ -f "certs/$1.crt" ] && return
    openssl ecparam -name prime256v1 -genkey -noout -out "certs/$1.key"
    openssl req -new -key "certs/$1.key" -subj "/CN=$2" -out "certs/$1.csr"
    printf '%s\n' "$3" >"certs/$1.ext"
    openssl x509 -req -in "certs/$1.csr" -CA certs/ca.crt -CAkey certs/ca.key -CAcreateserial -sha256 -days "$days" \
        -extfile "certs/$1.ext" -out "certs/$1.crt" 2>/dev/null
    rm "certs/$1.csr" "certs/$1.ext"
    echo "certs/$1.crt: $2, $days days"
}
case $host in
*[!0-9.]*) name="DNS:$host" ;;
*) name="IP:$host" ;;
esac
issue broker "$host" "subjectAltName=$name,DNS:localhost,IP:127.0.0.1
extendedKeyUsage=serverAuth"
for client in "$@"; do
    issue "$client" "$client" "extendedKeyUsage=clientAuth"
done
for who in owner collector grafana telegraf; do
    [ -f "secrets/postgres-$who" ] || openssl rand -hex 24 >"secrets/postgres-$who"
done
chmod 644 certs/*.crt
