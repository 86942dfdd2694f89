#!/usr/bin/env bash
# Installs what a build needs and is missing: Debian packages and LibTorch. Writes build/bootstrap.env, which the
# other scripts read. Run again, it installs nothing and takes a moment.
#
# usage: deploy/bootstrap.sh [--tests]     --tests: also what the tests and the linters need
#
# LibTorch comes from, first found:
#   CMAKE_PREFIX_PATH or Torch_DIR, if one of them holds it;
#   a Python `torch` 2.13 that `python3` can import;
#   `pip install $LORIKEET_TORCH` (default: torch==2.13.0; another requirement, pip options with an index, or a wheel
#   file do as well) into a virtual environment under ${XDG_CACHE_HOME:-~/.cache}/lorikeet.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'bootstrap: %s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }

packages=(ca-certificates cmake g++ git ninja-build pkg-config python3 python3-venv sqlite3
  libabsl-dev libcli11-dev libfmt-dev libgrpc++-dev libprotobuf-dev libsentencepiece-dev libspdlog-dev
  libsqlite3-dev libsqlitecpp-dev libssl-dev libyaml-cpp-dev libzstd-dev nlohmann-json3-dev
  protobuf-compiler protobuf-compiler-grpc zlib1g-dev)
case "${1:-}" in
  "") ;;
  --tests) packages+=(clang clang-format clang-tidy libgmock-dev libgtest-dev librapidcheck-dev openssl) ;;
  *) fail "unknown argument $1; usage: deploy/bootstrap.sh [--tests]" ;;
esac

# ---- Debian's packages ----------------------------------------------------------------------------------------------
system="an unknown system"
[ -r /etc/os-release ] && system=$(. /etc/os-release; echo "${PRETTY_NAME:-$ID}")
case "$system" in
  *"Debian GNU/Linux 12"*) ;;
  *) say "tried on Debian 12 only; this is $system. Going on where possible." ;;
esac

missing_packages() {
  local package
  for package in "${packages[@]}"; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || echo "$package"
  done
}

if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
  mapfile -t missing < <(missing_packages)
  if [ ${#missing[@]} -gt 0 ]; then
    install="apt-get install -y --no-install-recommends ${missing[*]}"
    if [ "$(id -u)" = 0 ]; then as_root=""
    elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then as_root="sudo"
    else fail "these packages are missing and there is neither root nor sudo. As root, run:
  apt-get update && $install"
    fi
    say "installing ${missing[*]}"
    $as_root apt-get update -qq >&2 || say "apt-get update failed; trying with the lists at hand"
    DEBIAN_FRONTEND=noninteractive $as_root $install >&2 || fail "apt-get failed; once it is mended, as root run:
  apt-get update && $install"
  fi
else
  say "no apt-get here: install the equivalents of: ${packages[*]}"
fi

# ---- LibTorch -------------------------------------------------------------------------------------------------------
# Prints the folder to put on CMAKE_PREFIX_PATH, if the Python $1 has a torch 2.13 installed; does not import it.
torch_of() {
  "$1" - <<'PYTHON' 2>/dev/null
import importlib.metadata, importlib.util, os, sys
if not importlib.metadata.version("torch").startswith("2.13."): sys.exit(1)
cmake = os.path.join(os.path.dirname(importlib.util.find_spec("torch").origin), "share", "cmake")
if not os.path.exists(os.path.join(cmake, "Torch", "TorchConfig.cmake")): sys.exit(1)
print(cmake)
PYTHON
}

# Whether a folder given by the user holds TorchConfig.cmake.
holds_torch() {
  local folder
  for folder in "$1" "$1/Torch" "$1/share/cmake/Torch"; do
    [ -e "$folder/TorchConfig.cmake" ] && return 0
  done
  return 1
}

torch_path=""
if [ -n "${Torch_DIR:-}" ] && holds_torch "$Torch_DIR"; then
  torch_path=$(cd "$Torch_DIR" && cd .. && pwd)
elif [ -n "${CMAKE_PREFIX_PATH:-}" ]; then
  IFS=':;' read -r -a folders <<<"$CMAKE_PREFIX_PATH"
  for folder in "${folders[@]}"; do
    if holds_torch "$folder"; then torch_path=$folder; break; fi
  done
  [ -n "$torch_path" ] || say "CMAKE_PREFIX_PATH holds no TorchConfig.cmake; looking further"
fi
if [ -z "$torch_path" ] && [ -z "${LORIKEET_TORCH:-}" ]; then
  torch_path=$(torch_of python3 || true)
fi
if [ -z "$torch_path" ]; then
  requirement=${LORIKEET_TORCH:-torch==2.13.0}
  folder=$(printf '%s' "$requirement" | sed 's/==/-/' | tr -c 'A-Za-z0-9.+-' '_')
  environment=${XDG_CACHE_HOME:-$HOME/.cache}/lorikeet/$folder
  torch_path=$(torch_of "$environment/bin/python" || true)
  if [ -z "$torch_path" ]; then
    say "installing $requirement into $environment"
    rm -rf "$environment"
    mkdir -p "$(dirname "$environment")"
    python3 -m venv "$environment" || fail "python3 -m venv failed: is python3-venv installed?"
    # Word splitting is wanted: LORIKEET_TORCH may hold pip's options, such as an index.
    # shellcheck disable=SC2086
    "$environment/bin/pip" install --disable-pip-version-check -q $requirement >&2 || {
      rm -rf "$environment"
      fail "pip could not install '$requirement'. Set LORIKEET_TORCH to a requirement, an index or a wheel file that
  it can reach, or CMAKE_PREFIX_PATH to a LibTorch that is already there."
    }
    torch_path=$(torch_of "$environment/bin/python" || true)
    [ -n "$torch_path" ] || fail "'$requirement' installed, but it is no torch 2.13 with its CMake files"
  fi
fi

# A CUDA build stops CMake where there is no CUDA toolkit.
version_file=$torch_path/../../version.py
cuda=""
[ -e "$version_file" ] && cuda=$(sed -n "s/^cuda[^=]*= '\([0-9.]*\)'.*/\1/p" "$version_file")
if [ -n "$cuda" ] && ! command -v nvcc >/dev/null && [ ! -x "${CUDA_HOME:-/usr/local/cuda}/bin/nvcc" ]; then
  fail "the LibTorch at $torch_path is built for CUDA $cuda, and configuring with it needs the CUDA toolkit $cuda
  (nvcc), which is not here. Install the toolkit, or take the CPU build: set LORIKEET_TORCH to a CPU wheel's file or
  to 'torch==2.13.0 --index-url URL' with the index of PyTorch's CPU builds, and run this again."
fi

mkdir -p build
printf 'export CMAKE_PREFIX_PATH=%q\n' "$torch_path${CMAKE_PREFIX_PATH:+:$CMAKE_PREFIX_PATH}" > build/bootstrap.env
say "ready: LibTorch ${cuda:+for CUDA $cuda }at $torch_path"
