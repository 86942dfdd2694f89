#!/usr/bin/env bash
# Configures and builds one preset, quietly where nothing is to be done.
# usage: deploy/build.sh PRESET [cmake options…]
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1; shift
# shellcheck disable=SC1091
. build/bootstrap.env
mkdir -p "build/$preset"
if ! cmake --preset "$preset" "$@" > "build/$preset/configure.log" 2>&1; then
  cat "build/$preset/configure.log" >&2
  exit 1
fi
cmake --build --preset "$preset" -j "$(nproc)"
