#!/bin/bash
# valgrind over test programs that are quick enough for it: scripts/valgrind.sh BUILD_DIRECTORY [programs]
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
[ $# -ge 1 ] || { echo "usage: $0 BUILD_DIRECTORY [programs]" >&2; exit 2; }
cd "$1"
shift
if [ $# -gt 0 ]; then
    programs=("$@")
else
    mapfile -t programs < <(make -s print-valgrind-tests)
fi
make -j"$(nproc)" "${programs[@]}"
export URN_SHARED=${URN_SHARED:-$root/../shared} URN_SRCDIR=$root URN_BUILDDIR=$PWD
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=2
# valgrind knows no AVX-512; the library asks the processor and gets the older path.
check() {
    local code=0 log=valgrind-${1//\//-}.log
    ./libtool --mode=execute valgrind -q --error-exitcode=99 --leak-check=full \
        --errors-for-leak-kinds=definite,indirect --suppressions="$suppressions" "./$1" \
        >"$log" 2>&1 || code=$?
    echo "valgrind: $1: $([ $code -eq 0 ] && echo clean || cat "$log")"
    return $code
}
export -f check
export suppressions=$root/scripts/valgrind.supp
# valgrind runs one thread at a time, so as many programs as there are processors
printf '%s\0' "${programs[@]}" | xargs -0 -P "$(nproc)" -I '{}' bash -c 'check "$1"' _ '{}'
rm -f valgrind-*.log
echo "valgrind: clean"
