#!/usr/bin/env bash
# Installs what is missing, builds, runs every test through CTest: the release build with the linters and the
# integration tests, then the trainer-free tests under AddressSanitizer/UBSan and ThreadSanitizer.
# usage: deploy/test.sh            LORIKEET_TEST_PRESETS="release" to run fewer
set -euo pipefail
cd "$(dirname "$0")/.."

deploy/bootstrap.sh --tests
for preset in ${LORIKEET_TEST_PRESETS:-release asan tsan}; do
  start=$SECONDS
  case "$preset" in
    release) deploy/build.sh "$preset" -DLORIKEET_TESTS=ON; exclude="slow|gpu" ;;
    *) deploy/build.sh "$preset"; exclude="slow|gpu|lint|integration" ;;
  esac
  built=$SECONDS
  ctest --preset "$preset" -j "$(nproc)" -LE "$exclude"
  printf '%s: built in %d s, tested in %d s\n' "$preset" $((built - start)) $((SECONDS - built))
done
