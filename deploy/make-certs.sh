#!/usr/bin/env bash
# Makes what TLS needs: a CA of one's own, the coordinator's certificate, and one for each worker where the coordinator
# asks for them (--tls-client-ca). Run again with the same DIR it keeps the CA and makes what is asked for beside it.
#
# usage: deploy/make-certs.sh --out DIR [--days N] [--server NAME[,NAME|,IP]...] [--worker NAME]...
#   --out DIR     ca.crt and ca.key, made where they are missing. ca.key signs: keep it off the other hosts
#   --server ...  server.crt and server.key: the names and addresses by which workers and sweepctl reach the coordinator;
#                 localhost and 127.0.0.1 come with them
#   --worker NAME worker-NAME.crt and worker-NAME.key
#   --days N      how long the certificates hold: 365 unless said otherwise; a new CA ten times as long
# Keys are readable by their owner alone. A certificate that is there already is not overwritten: remove it first.
set -euo pipefail
umask 077

usage() { sed -n 's/^# \{0,1\}//; /^usage:/,/^Keys/p' "$0" >&2; exit 2; }
fail() { printf 'make-certs: %s\n' "$*" >&2; exit 2; }

out="" days=365 server="" workers=()
while [ $# -gt 0 ]; do
  case "$1" in
    --out | --days | --server | --worker)
      [ $# -ge 2 ] || fail "$1 wants a value"
      case "$1" in
        --out) out=$2 ;;
        --days) days=$2 ;;
        --server) server=$2 ;;
        --worker) workers+=("$2") ;;
      esac
      shift 2 ;;
    -h | --help) usage ;;
    *) fail "unknown argument $1; --out, --days, --server and --worker are known" ;;
  esac
done
[ -n "$out" ] || usage
[[ $days =~ ^[1-9][0-9]{0,4}$ ]] || fail "--days $days: a number from 1"
[ -n "$server" ] || [ ${#workers[@]} -gt 0 ] || fail "nothing to make: --server NAMES or --worker NAME"

is_name() { [[ $1 =~ ^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$ ]]; }
is_address() { [[ $1 =~ ^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$ || $1 =~ ^[0-9A-Fa-f:]*:[0-9A-Fa-f:]*$ ]]; }

# What the certificate is for: DNS:a,DNS:b,IP:c
names="" first=""
if [ -n "$server" ]; then
  IFS=, read -r -a asked <<<"$server"
  for name in "${asked[@]}" localhost 127.0.0.1; do
    if is_address "$name"; then entry=IP:$name
    elif is_name "$name"; then entry=DNS:$name
    else fail "--server: '$name' is neither a host's name nor an address"
    fi
    first=${first:-$name}
    case ",$names," in *",$entry,"*) ;; *) names=${names:+$names,}$entry ;; esac
  done
  [ ! -e "$out/server.crt" ] || fail "$out/server.crt is there already; remove it to make another"
fi
for worker in ${workers[@]+"${workers[@]}"}; do
  is_name "$worker" || fail "--worker: '$worker' is no host's name"
  [ ! -e "$out/worker-$worker.crt" ] || fail "$out/worker-$worker.crt is there already; remove it to make another"
done

mkdir -p "$out"
work=$(mktemp -d "$out/.make-certs.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The key and its request in $work, for the subject $1.
request() {
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -subj "/CN=$1" -keyout "$work/key" \
    -out "$work/request" 2>"$work/log" || { cat "$work/log" >&2; fail "openssl made no key for $1"; }
}

# Puts $work's pair in place as DIR/$1.key and .crt; the certificate last, since it says that the pair is there.
install_pair() {
  mv "$work/key" "$out/$1.key"
  chmod 644 "$work/crt"
  mv "$work/crt" "$out/$1.crt"
  printf 'make-certs: %s/%s.crt\n' "$out" "$1" >&2
}

# Signs $work/request as DIR/$1.crt with the extensions on standard input.
sign() {
  cat > "$work/extensions"
  openssl x509 -req -in "$work/request" -CA "$out/ca.crt" -CAkey "$out/ca.key" -days "$days" \
    -set_serial "0x$(openssl rand -hex 16)" -extfile "$work/extensions" -out "$work/crt" 2>"$work/log" ||
    { cat "$work/log" >&2; fail "openssl could not sign $1"; }
  install_pair "$1"
}

if [ ! -e "$out/ca.crt" ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days $((days * 10)) \
    -subj "/CN=lorikeet CA" -addext basicConstraints=critical,CA:TRUE,pathlen:0 \
    -addext keyUsage=critical,keyCertSign,cRLSign -keyout "$work/key" -out "$work/crt" 2>"$work/log" ||
    { cat "$work/log" >&2; fail "openssl made no CA"; }
  install_pair ca
fi
[ -e "$out/ca.key" ] || fail "$out/ca.key is missing: it signs; run this where it lies"

if [ -n "$server" ]; then
  request "$first"
  sign server <<EXTENSIONS
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = $names
EXTENSIONS
fi
for worker in ${workers[@]+"${workers[@]}"}; do
  request "$worker"
  sign "worker-$worker" <<EXTENSIONS
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
EXTENSIONS
done
