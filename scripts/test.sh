#!/bin/bash
# Installs what is missing, builds Urn in every way it must build and runs the whole suite. Ends in one line:
# N passed, N failed, N skipped. `scripts/test.sh quick` stops after the first build's `make check`.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
scripts/setup.sh test
[ -z "${URN_SHARED:-}" ] || export URN_SHARED
jobs=$(nproc)
# Files and lines of reports, without the rest of what debuggers want: a third of the disk space.
debug="-g1 -gz"
passed=0 failed=0 skipped=0 started=$SECONDS

# count STAGE PASSED FAILED SKIPPED
count() {
    passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
    printf '%-28s %5d passed %4d failed %4d skipped   %4d s\n' "$1" "$2" "$3" "$4" $((SECONDS - stage_started))
}

# check STAGE DIRECTORY [configure arguments]: build and make check
check() {
    local stage=$1 directory=build/$2 counts
    shift 2
    stage_started=$SECONDS
    if ! scripts/build.sh "$directory" "$@"; then
        count "$stage: build" 0 1 0
        return
    fi
    local code=0
    make -C "$directory" -j"$jobs" check >"$directory/check.log" 2>&1 || code=$?
    counts=$(scripts/summarise.sh "$directory" --failures)
    # shellcheck disable=SC2086
    count "$stage" $counts
    # a test that never ran fails nothing
    if [ $code -ne 0 ] && [ "$(cut -d' ' -f2 <<<"$counts")" = 0 ]; then
        tail -n 20 "$directory/check.log" >&2
        count "$stage: make check" 0 1 0
    fi
    # what no later stage runs need not fill the disk
    if [ $code -eq 0 ] && [ "$stage" != gcc ]; then
        make -s -C "$directory" clean-checkPROGRAMS >/dev/null
    fi
}

# step STAGE LOG COMMAND...: one command that must succeed, or skip itself with exit code 77
step() {
    local stage=$1 log=$2
    shift 2
    stage_started=$SECONDS
    local code=0
    "$@" >"$log" 2>&1 || code=$?
    if [ $code -eq 0 ]; then
        count "$stage" 1 0 0
    elif [ $code -eq 77 ]; then
        tail -n 1 "$log"
        count "$stage" 0 0 1
    else
        tail -n 60 "$log" >&2
        count "$stage" 0 1 0
    fi
}

finish() {
    printf '%d minutes\n' $(((SECONDS - started + 59) / 60))
    printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

check "gcc" gcc CC=gcc --enable-werror CFLAGS="-O3 $debug"
if [ "${1:-all}" = quick ]; then
    finish
    exit
fi
step "lint" build/lint.log make -C build/gcc lint
step "instructions" build/instructions.log scripts/instructions.sh build/gcc
check "clang" clang CC=clang --enable-werror CFLAGS="-O3 $debug"
# Figures of long runs have been compared twice by now; what follows looks for other things.
export URN_TEST_QUICK=1
check "address, undefined" asan CC=gcc --enable-asan --enable-ubsan CFLAGS="-O1 $debug"
step "threads" build/tsan.log scripts/tsan.sh
step "valgrind" build/valgrind.log scripts/valgrind.sh build/gcc
step "distcheck" build/distcheck.log make -C build/gcc distcheck \
    AM_DISTCHECK_CONFIGURE_FLAGS="--enable-werror CFLAGS=-O3" MAKEFLAGS=-j"$jobs" URN_SHARED="${URN_SHARED:-$root/../shared}"
finish
