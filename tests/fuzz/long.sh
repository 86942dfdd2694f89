#!/usr/bin/env bash
# Builds the fuzz targets and runs each so many minutes, one after the other; prints a line of what each came to. Fails
# where one found something, after all have run.
#
# usage: tests/fuzz/long.sh MINUTES [TARGET…]
set -euo pipefail
cd "$(dirname "$0")/../.."
[[ ${1:-} =~ ^[1-9][0-9]*$ ]] || { echo "usage: tests/fuzz/long.sh MINUTES [TARGET…]" >&2; exit 2; }
minutes=$1
shift
if [ $# -eq 0 ]; then
  for folder in tests/fuzz/corpus/*/; do set -- "$@" "$(basename "$folder")"; done
fi
deploy/build.sh fuzz >&2
found=0
for target in "$@"; do
  tests/fuzz/run.sh build/fuzz "$target" $((60 * minutes)) || found=1
done
exit "$found"
