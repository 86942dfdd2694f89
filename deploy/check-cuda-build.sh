#!/usr/bin/env bash
# Compiles and links the trainer and the GPU's tests against LibTorch's CUDA build, in an environment of its own
# (build/cuda, some 6 GB), so that code for GPUs cannot rot where there is none. Not part of deploy/test.sh: it is large.
# Where there is a GPU the tests run too; elsewhere it says that they did not.
#
# usage: deploy/check-cuda-build.sh [ARCHITECTURE…]      compute capabilities; default: 8.0 9.0
#
#   CUDA_HOME               the CUDA toolkit with nvcc, of the same major version as the wheel's; default /usr/local/cuda
#   LORIKEET_CUDA_TORCH     what pip installs: a requirement, a wheel file, or one with pip's options; it must be a CUDA
#                           build; default torch==2.13.0
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'check-cuda-build: %s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }

[ $# -gt 0 ] || set -- 8.0 9.0
for architecture in "$@"; do
  [[ $architecture =~ ^[0-9]+\.[0-9]+$ ]] || { say "$architecture: a compute capability such as 9.0 would be right"; exit 2; }
done
export CUDA_HOME=${CUDA_HOME:-/usr/local/cuda}
[ -x "$CUDA_HOME/bin/nvcc" ] || fail "$CUDA_HOME/bin/nvcc: no compiler there; set CUDA_HOME to a CUDA toolkit"
[ -e build/bootstrap.env ] || fail "run deploy/bootstrap.sh --tests first"
export PATH=$CUDA_HOME/bin:$PATH

# ---- The CUDA build of LibTorch -------------------------------------------------------------------------------------
venv=$PWD/build/cuda/venv
requirement=${LORIKEET_CUDA_TORCH:-torch==2.13.0}
if [ "$(cat "$venv/installed" 2>/dev/null)" != "$requirement" ]; then
  say "installing $requirement (several GB)"
  mkdir -p build/cuda
  rm -rf "$venv"
  python3 -m venv "$venv"
  # shellcheck disable=SC2086
  "$venv/bin/pip" install --quiet $requirement
  printf '%s\n' "$requirement" > "$venv/installed"
fi
torch=$("$venv/bin/python" -c 'import torch; print(torch.utils.cmake_prefix_path)')
cuda=$("$venv/bin/python" -c 'import torch; print(torch.version.cuda or "")')
[ -n "$cuda" ] || fail "$requirement is a CPU build here; set LORIKEET_CUDA_TORCH to a CUDA build"
toolkit=$("$CUDA_HOME/bin/nvcc" --version | sed -n 's/.*release \([0-9.]*\).*/\1/p')
[ "${cuda%%.*}" = "${toolkit%%.*}" ] || fail "torch is for CUDA $cuda, $CUDA_HOME is CUDA $toolkit"

# ---- Build ----------------------------------------------------------------------------------------------------------
torch_list=$(IFS=';'; echo "$*")
cmake_list=${torch_list//./}
# What the coordinator and the rest are built from does not differ: LibTorch's users alone.
CMAKE_PREFIX_PATH=$torch cmake -S . -B build/cuda/release -G Ninja -DCMAKE_BUILD_TYPE=Release -DLORIKEET_TESTS=ON \
  -DCMAKE_CUDA_COMPILER="$CUDA_HOME/bin/nvcc" -DCUDA_TOOLKIT_ROOT_DIR="$CUDA_HOME" \
  -DTORCH_CUDA_ARCH_LIST="$torch_list" -DLORIKEET_CUDA_ARCHITECTURES="$cmake_list" > build/cuda/configure.log 2>&1 ||
  { tail -40 build/cuda/configure.log >&2; fail "CMake failed; build/cuda/configure.log has it all"; }
cmake --build build/cuda/release --target sweep-trainer gpu_tests trainer_bench
# Linked means: no symbol of CUDA's or NCCL's is missing when it starts.
build/cuda/release/bin/sweep-trainer --version
say "compiled and linked for CUDA $cuda, compute capability $*"

# ---- Run ------------------------------------------------------------------------------------------------------------
if [ -e /dev/nvidia0 ]; then
  ctest --test-dir build/cuda/release -L gpu --output-on-failure --no-tests=error
else
  say "no GPU here: its tests were compiled and not run"
fi
