#!/usr/bin/env bash
# Makes a token for somebody who calls the coordinator. The token itself is printed once, or written to a file for its
# owner alone; the coordinator's DIR/tokens keeps its SHA-256 and nothing else. A coordinator that runs notices within a
# second. To withdraw a token, take its line out of DIR/tokens.
#
# usage: deploy/make-token.sh ROLE NAME --data DIR [--out FILE]
#   ROLE   client (all that sweepctl does), worker (a worker's session) or read (looks only)
#   NAME   who has it: letters, digits, '.', '_', '-' and '@', at most 64
#   DIR    the coordinator's --data
#   FILE   gets the token, mode 0600; must not be there yet. Without it the token goes to standard output
set -euo pipefail
umask 077

usage() { sed -n 's/^# \{0,1\}//; /^usage:/,/^  FILE/p' "$0" >&2; exit 2; }
fail() { printf 'make-token: %s\n' "$*" >&2; exit "${code:-2}"; }

words=() data="" out=""
while [ $# -gt 0 ]; do
  case "$1" in
    --data | --out)
      [ $# -ge 2 ] || fail "$1 wants a value"
      if [ "$1" = --data ]; then data=$2; else out=$2; fi
      shift 2 ;;
    -h | --help) usage ;;
    -*) fail "unknown option $1; --data DIR and --out FILE are known" ;;
    *) words+=("$1"); shift ;;
  esac
done
if [ ${#words[@]} -ne 2 ] || [ -z "$data" ]; then usage; fi
role=${words[0]} name=${words[1]}

case "$role" in
  client | worker | read) ;;
  *) fail "'$role' is no role: client, worker or read" ;;
esac
[[ $name =~ ^[A-Za-z0-9._@-]{1,64}$ ]] || fail "'$name' is no name: letters, digits, '.', '_', '-' and '@', at most 64"
[ -z "$out" ] || [ ! -e "$out" ] || fail "$out is there already; a token is not overwritten"

mkdir -p "$data"
tokens=$data/tokens
# One at a time: the file is replaced as a whole, so that the coordinator never reads a half.
exec 9>"$data/tokens.lock"
flock 9
if [ -e "$tokens" ] && awk -v role="$role" -v name="$name" '$1 == role && $2 == name { found = 1 } END { exit !found }' \
  "$tokens"; then
  fail "$tokens has a token '$role $name' already; take its line out first, or choose another name"
fi

token=$(openssl rand -hex 32)
hash=$(printf '%s' "$token" | openssl dgst -sha256 -r)
hash=${hash%% *}
if [ ${#token} -ne 64 ] || [ ${#hash} -ne 64 ]; then code=1 fail "openssl made no token"; fi

new=$tokens.new
{ [ ! -e "$tokens" ] || cat "$tokens"
  printf '%s %s %s %s\n' "$role" "$name" "$hash" "$(date -u +%Y-%m-%dT%H:%M:%SZ)"; } > "$new"
if [ -e "$tokens" ]; then chown --reference="$tokens" "$new" 2>/dev/null || true; fi
# The token first: a hash whose token nobody has would be a line to wonder about.
if [ -n "$out" ]; then
  (set -o noclobber; printf '%s\n' "$token" > "$out") || { rm -f "$new"; fail "$out cannot be written"; }
fi
mv "$new" "$tokens"
if [ -n "$out" ]; then printf 'make-token: %s is a token for %s %s\n' "$out" "$role" "$name" >&2
else printf '%s\n' "$token"; fi
