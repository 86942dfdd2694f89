#!/usr/bin/env bash
# Installs what a build needs and is missing: Debian packages and LibTorch. Writes build/bootstrap.env, which the
# other scripts read. Run again, it installs nothing and takes a moment.
#
# usage: deploy/bootstrap.sh [--tests]     --tests: also what the tests and the linters need
#
# LibTorch comes from, first found:
#   Torch_DIR or CMAKE_PREFIX_PATH, if one of them holds it;
#   LORIKEET_TORCH, if set: what pip installs instead of torch==2.13.0: the URL of an index to take that from (of
#   PyTorch's CPU builds, say), a requirement, a wheel file, or one of these two with pip's options;
#   a Python `torch` 2.13 that `python3` can import;
#   `pip install torch==2.13.0`.
# pip's go into a virtual environment under ${XDG_CACHE_HOME:-~/.cache}/lorikeet, which all checkouts share.
set -euo pipefail
cd "$(dirname "$0")/.."

version=2.13
requirement=torch==2.13.0

say() { printf 'bootstrap: %s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }

packages=(ca-certificates cmake fonts-dejavu-core g++ git ninja-build pkg-config python3 python3-venv sqlite3
  libabsl-dev libboost-dev libcairo2-dev libcli11-dev libcpp-httplib-dev libfmt-dev libgrpc++-dev libjs-chart.js libprotobuf-dev libre2-dev libsentencepiece-dev libspdlog-dev
  libsqlite3-dev libsqlitecpp-dev libssl-dev libyaml-cpp-dev libzstd-dev nlohmann-json3-dev
  prometheus-cpp-dev protobuf-compiler protobuf-compiler-grpc zlib1g-dev)
case "${1:-}" in
  "") ;;
  --tests) packages+=(ccache chromium chromium-driver clang clang-format clang-tidy iproute2 libclang-rt-14-dev libgmock-dev libgtest-dev librapidcheck-dev
    llvm openssl prometheus python3-jsonschema python3-selenium python3-yaml shellcheck) ;;
  *) say "unknown argument $1; usage: deploy/bootstrap.sh [--tests]"; exit 2 ;;
esac

# ---- Debian's packages ----------------------------------------------------------------------------------------------
os_release=${LORIKEET_OS_RELEASE:-/etc/os-release}
system="an unknown system"
# shellcheck disable=SC1090
[ -r "$os_release" ] && system=$(. "$os_release"; echo "${PRETTY_NAME:-${ID:-$system}}")
case "$system" in
  *"Debian GNU/Linux 12"*) ;;
  *) say "tried on Debian 12 only; this is $system. Going on where possible." ;;
esac

missing_packages() {
  local installed package
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null || true)
  for package in "${packages[@]}"; do
    grep -qxF "installed $package" <<<"$installed" || echo "$package"
  done
}

if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
  mapfile -t missing < <(missing_packages)
  if [ ${#missing[@]} -gt 0 ]; then
    install=(apt-get install -y --no-install-recommends "${missing[@]}")
    by_hand="apt-get update && ${install[*]}"
    as_root=()
    if [ "$(id -u)" != 0 ]; then
      # Without a terminal sudo cannot ask for a password.
      if command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then as_root=(sudo)
      else fail "packages are missing, and this is neither root nor able to become it by sudo. As root, run:
  $by_hand"
      fi
    fi
    say "installing ${missing[*]}"
    "${as_root[@]}" apt-get update -qq >&2 || say "apt-get update failed; trying with the lists at hand"
    # env, because sudo does not hand variables on.
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "${install[@]}" >&2 ||
      fail "apt-get failed; once it is mended, as root run:
  $by_hand"
  fi
else
  say "no apt-get here: install the equivalents of: ${packages[*]}"
fi

# ---- LibTorch -------------------------------------------------------------------------------------------------------
# Prints the folder to put on CMAKE_PREFIX_PATH, if the Python $1 has a torch of our version; does not import it.
torch_of() {
  "$1" - "$version" <<'PYTHON' 2>/dev/null
import importlib.metadata, importlib.util, os, sys
if not importlib.metadata.version("torch").startswith(sys.argv[1] + "."): sys.exit(1)
cmake = os.path.join(os.path.dirname(importlib.util.find_spec("torch").origin), "share", "cmake")
if not os.path.exists(os.path.join(cmake, "Torch", "TorchConfig.cmake")): sys.exit(1)
print(cmake)
PYTHON
}

# Prints the folder with TorchConfig.cmake that is meant by a folder of Torch_DIR or CMAKE_PREFIX_PATH.
config_folder() {
  local folder
  for folder in "$1" "$1/Torch" "$1/share/cmake/Torch"; do
    if [ -e "$folder/TorchConfig.cmake" ]; then (cd "$folder" && pwd -P); return 0; fi
  done
  return 1
}

# Installs $1 into the virtual environment $2: all of it or nothing, whatever interrupts.
install_torch() {
  local new=$2.new
  say "installing $1 into $2 (once for all checkouts)"
  rm -rf "$new"
  mkdir -p "$(dirname "$2")"
  python3 -m venv "$new" >&2 || fail "python3 -m venv failed: is python3-venv installed?"
  # Word splitting is wanted: a requirement may bring pip's options.
  # shellcheck disable=SC2086
  "$new/bin/python" -m pip install --disable-pip-version-check -q $1 >&2 || {
    rm -rf "$new"
    fail "pip could not install '$1'. Set LORIKEET_TORCH to a requirement, an index or a wheel file that it can
  reach, or CMAKE_PREFIX_PATH to a LibTorch that is already there."
  }
  rm -rf "$2"
  mv "$new" "$2"
}

# Sets torch_path to that of $1 (as LORIKEET_TORCH), installed if it is not.
torch_from_pip() {
  local wanted=$1 environment
  case "$wanted" in
    *" "* | *.whl) ;;
    http://* | https://*) wanted="$requirement --index-url $wanted" ;;
  esac
  environment=${XDG_CACHE_HOME:-$HOME/.cache}/lorikeet/$(
    printf '%s' "$wanted" | sed 's/==/-/' | tr -c 'A-Za-z0-9.+-' '_')
  torch_path=$(torch_of "$environment/bin/python" || true)
  [ -z "$torch_path" ] || return 0
  install_torch "$wanted" "$environment"
  torch_path=$(torch_of "$environment/bin/python" || true)
  [ -n "$torch_path" ] || fail "'$wanted' installed, but it is no torch $version with its CMake files"
}

# Prints the CUDA version that the LibTorch at $1 wants, or "of an unknown version"; nothing for a CPU build.
cuda_of() {
  local root cuda=""
  root=$(cd "$(config_folder "$1")/../../.." && pwd)
  [ -e "$root/version.py" ] && cuda=$(sed -n "s/^cuda[^=]*= '\([0-9.]*\)'.*/\1/p" "$root/version.py")
  [ -n "$cuda" ] || [ ! -e "$root/lib/libtorch_cuda.so" ] || cuda="of an unknown version"
  printf '%s' "$cuda"
}

has_toolkit() { command -v nvcc >/dev/null || [ -x "${CUDA_HOME:-/usr/local/cuda}/bin/nvcc" ]; }

torch_path=""
if [ -n "${Torch_DIR:-}" ]; then
  torch_path=$(config_folder "$Torch_DIR" || true)
  [ -n "$torch_path" ] || say "Torch_DIR=$Torch_DIR holds no TorchConfig.cmake; looking further"
  torch_path=${torch_path%/Torch}
fi
if [ -z "$torch_path" ] && [ -n "${CMAKE_PREFIX_PATH:-}" ]; then
  IFS=':;' read -r -a folders <<<"$CMAKE_PREFIX_PATH"
  for folder in "${folders[@]}"; do
    if [ -n "$folder" ] && config_folder "$folder" >/dev/null; then torch_path=$folder; break; fi
  done
  [ -n "$torch_path" ] || say "CMAKE_PREFIX_PATH holds no TorchConfig.cmake; looking further"
fi
if [ -z "$torch_path" ] && [ -n "${LORIKEET_TORCH:-}" ]; then torch_from_pip "$LORIKEET_TORCH"; fi
if [ -z "$torch_path" ]; then torch_path=$(torch_of python3 || true); fi
if [ -z "$torch_path" ]; then torch_from_pip "$requirement"; fi

# A CUDA build stops CMake where there is no CUDA toolkit.
cuda=$(cuda_of "$torch_path")
if [ -n "$cuda" ] && ! has_toolkit; then
  say "the LibTorch at $torch_path is built for CUDA $cuda. Configuring with it needs the CUDA toolkit of that
  version, and there is no nvcc on PATH, nor in CUDA_HOME or /usr/local/cuda. Install the toolkit, or take the CPU
  build, which trains on CPUs only. The index that has it is on pytorch.org/get-started (pip, CPU: --index-url URL):
  LORIKEET_TORCH=URL deploy/quickstart.sh"
  answer=""
  if [ -t 0 ] && [ -t 2 ]; then read -r -p "bootstrap: The CPU build's URL (none: stop here): " answer || answer=""; fi
  [ -n "$answer" ] || exit 1
  torch_from_pip "$answer"
  cuda=$(cuda_of "$torch_path")
  [ -z "$cuda" ] || fail "'$answer' is built for CUDA $cuda too"
fi

prefix=$torch_path
case ":${CMAKE_PREFIX_PATH:-}:" in
  ::) ;;
  *":$torch_path:"*) prefix=$CMAKE_PREFIX_PATH ;;
  *) prefix=$torch_path:$CMAKE_PREFIX_PATH ;;
esac
mkdir -p build
printf 'export CMAKE_PREFIX_PATH=%q\n' "$prefix" > build/bootstrap.env
say "ready: LibTorch ${cuda:+for CUDA $cuda }at $torch_path"
