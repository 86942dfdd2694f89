#!/usr/bin/env bash
# Configures and builds one preset; where nothing is to be done, in a moment. Run deploy/bootstrap.sh once before.
# usage: deploy/build.sh PRESET [cmake options…]        LORIKEET_JOBS=N: compile so many files at once
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 1 ] || { echo "usage: deploy/build.sh PRESET [cmake options…]" >&2; exit 2; }
preset=$1; shift
[ -e build/bootstrap.env ] || { echo "build: run deploy/bootstrap.sh first" >&2; exit 2; }
# shellcheck disable=SC1091
. build/bootstrap.env
folder=build/$preset
mkdir -p "$folder"

# Configured already, with all of this the same? Ninja itself sees changed CMake files. The revision is among it because
# programs say which one they were built from.
wanted=$(printf '%s\n' "$CMAKE_PREFIX_PATH" "$@" "$(git describe --always --dirty --abbrev=12 2>/dev/null || true)")
if [ ! -e "$folder/build.ninja" ] || [ "$wanted" != "$(cat "$folder/configured" 2>/dev/null)" ]; then
  rm -f "$folder/configured"
  if ! cmake --preset "$preset" "$@" > "$folder/configure.log" 2>&1; then
    cat "$folder/configure.log" >&2
    exit 1
  fi
  printf '%s\n' "$wanted" > "$folder/configured"
fi

# A compiler with LibTorch's headers in it takes some 1.5 GB: no more of them than fit.
jobs=${LORIKEET_JOBS:-$(nproc)}
if [ -z "${LORIKEET_JOBS:-}" ] && [ -r /proc/meminfo ]; then
  fit=$(awk '/^MemAvailable:/ {print int($2 / 1572864)}' /proc/meminfo)
  [ "${fit:-0}" -ge "$jobs" ] || jobs=$((fit > 1 ? fit : 1))
fi
cmake --build "$folder" -j "$jobs"
