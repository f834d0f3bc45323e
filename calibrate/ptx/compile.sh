#!/usr/bin/env bash
# Makes kernels_sm60.ptx and kernels_sm80.ptx of kernels.cu. Needs clang 14 (Debian: apt-get install clang-14) and
# nothing of CUDA; another version of clang makes other text. Same input, same bytes.
#   go generate ./calibrate/ptx
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
out=${1:-.}
clang=${CLANG:-clang-14}
for way in sm_60:ptx60 sm_80:ptx70; do
  arch=${way%:*}
  "$clang" -x cuda --cuda-device-only -nocudainc -nocudalib --cuda-gpu-arch="$arch" -Xclang -target-feature -Xclang \
    "+${way#*:}" -O3 -S -o "$out/kernels_${arch/_/}.ptx" kernels.cu
done
