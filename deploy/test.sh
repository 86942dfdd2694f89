#!/usr/bin/env bash
# Installs what is missing, builds, runs every test through CTest: the release build with the linters and the
# integration tests, then what needs no LibTorch under sanitizers, then the fuzz targets for half a minute each. Fails
# where a test fails or is skipped. Tests labelled gpu run where there is a GPU, those labelled slow by hand alone:
# ctest --preset release -L slow.
#
# usage: deploy/test.sh [PRESET…]        default: release asan tsan fuzz
set -euo pipefail
cd "$(dirname "$0")/.."

deploy/bootstrap.sh --tests
[ $# -gt 0 ] || set -- release asan tsan fuzz
for preset in "$@"; do
  start=$SECONDS
  case "$preset" in
    release)
      options=(-DLORIKEET_TESTS=ON)
      # From nothing it is faster so.
      [ -e build/release/build.ninja ] || options+=(-DLORIKEET_TOGETHER=ON)
      deploy/build.sh "$preset" "${options[@]}" ;;
    *) deploy/build.sh "$preset" ;;
  esac
  built=$SECONDS
  arguments=(--preset "$preset" -j "$(nproc)" --output-junit "$PWD/build/$preset/tests.xml")
  without=slow
  [ -e /dev/nvidia0 ] || without='slow|gpu'
  arguments+=(-LE "$without")
  rm -f "build/$preset/tests.xml"
  outcome=0
  ctest "${arguments[@]}" || outcome=$?
  # What each target came to, with its seed.
  [ "$preset" != fuzz ] || cat "build/fuzz/findings/"*/summary 2>/dev/null || true
  if [ "$outcome" = 0 ] || [ -e "build/$preset/tests.xml" ]; then
    python3 deploy/count_tests.py "build/$preset/tests.xml" || outcome=$((outcome > 0 ? outcome : 1))
  fi
  printf '%s: built in %d s, tested in %d s\n' "$preset" $((built - start)) $((SECONDS - built))
  [ "$outcome" = 0 ] || exit "$outcome"
done
