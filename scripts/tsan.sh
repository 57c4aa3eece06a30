#!/bin/bash
# ThreadSanitizer over the tests that run threads: clang with libomp, whose archer tool tells the sanitizer
# about OpenMP's own synchronisation. Other libraries are not instrumented and are left out.
# scripts/tsan.sh [test programs]
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
archer=$(find /usr/lib/llvm-*/lib -name libarcher.so 2>/dev/null | sort -V | tail -n 1)
if [ -z "$archer" ]; then
    echo "tsan: libarcher.so is missing (Debian: libomp-dev)" >&2
    exit 1
fi
scripts/build.sh build/tsan CC=clang --enable-tsan CFLAGS="-O1 -g1 -gz"
cd build/tsan
if [ $# -gt 0 ]; then
    programs=("$@")
else
    mapfile -t programs < <(make -s print-threaded-tests)
fi
make -j"$(nproc)" "${programs[@]}"
export OMP_TOOL_LIBRARIES=$archer
export TSAN_OPTIONS="ignore_noninstrumented_modules=1 halt_on_error=1 ${TSAN_OPTIONS:-}"
export URN_SHARED=${URN_SHARED:-$root/../shared} URN_SRCDIR=$root URN_BUILDDIR=$PWD
export OPENBLAS_NUM_THREADS=1
for program in "${programs[@]}"; do
    echo "tsan: $program"
    "./$program"
done
echo "tsan: clean"
