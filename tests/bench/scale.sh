#!/usr/bin/env bash
# How much a sweep-coordinator bears, as a table: tests/bench/load/main.cc says how each row is measured. Nothing else
# should run on the machine meanwhile.
#
# usage: tests/bench/scale.sh COORDINATOR_BINARY [--rows 1,5] [--scratch DIR] [--json FILE] [--growth] [further options]
#
# The generator is LORIKEET_LOAD, else BUILD/tests/coordinator_load beside BUILD/bin/sweep-coordinator. Data folders are
# made under --scratch, on a disk; without it in the current folder. The further options are coordinator_load's (--help).
set -euo pipefail
usage() { sed -n 's/^# usage/usage/p' "$0" >&2; exit 2; }
if [ $# -lt 1 ] || [ "${1#-}" != "$1" ]; then usage; fi
coordinator=$1; shift
[ -x "$coordinator" ] || { echo "scale: $coordinator: no program; build sweep-coordinator first" >&2; exit 2; }
load=${LORIKEET_LOAD:-$(dirname "$coordinator")/../tests/coordinator_load}
if [ ! -x "$load" ]; then
  echo "scale: $load: no program; build coordinator_load (LORIKEET_TESTS=ON), or set LORIKEET_LOAD" >&2
  exit 2
fi
case " $* " in
  *" --scratch"*) ;;
  *) set -- --scratch "$PWD" "$@" ;;
esac
ulimit -n "$(ulimit -Hn)"
exec "$load" --coordinator "$coordinator" "$@"
