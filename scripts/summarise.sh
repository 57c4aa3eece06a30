#!/bin/bash
# Counts what `make check` did in a build directory: prints "PASSED FAILED SKIPPED". A cmocka program counts
# as its tests, a script as its checks if it ends in "N checks, N failed", and as one otherwise. With --failures the logs of what failed go to standard error.
set -euo pipefail

[ $# -ge 1 ] || { echo "usage: $0 BUILD_DIRECTORY [--failures]" >&2; exit 2; }
passed=0 failed=0 skipped=0 found=0
while IFS= read -r -d '' trs; do
    found=1
    log=${trs%.trs}.log
    result=$(sed -n 's/^:global-test-result: //p' "$trs")
    # The totals of each cmocka group, or of the script's checks.
    read -r groups ok bad passed_over < <(awk '
        /^\[==========\] [0-9]+ test\(s\) run/            { groups++ }
        /^\[  PASSED  \] [0-9]+ test\(s\)/                { ok += $4 }
        /^\[  FAILED  \] [0-9]+ test\(s\), listed/        { bad += $4 }
        /^\[  SKIPPED \] [0-9]+ test\(s\), listed/        { over += $4 }
        /^[0-9]+ checks, [0-9]+ failed$/                  { groups++; ok += $1 - $3; bad += $3 }
        /^SKIP: /                                         { over++ }
        END { print groups + 0, ok + 0, bad + 0, over + 0 }' "$log")
    case $result in
    PASS) [ "$groups" -gt 0 ] || ok=1 ;;
    SKIP) passed_over=$((passed_over + 1)) ;;
    *) [ "$bad" -gt 0 ] || bad=1 ;;
    esac
    if [ "$bad" -gt 0 ] && [ "${2:-}" = --failures ]; then
        { echo "---- $log"; tail -n 60 "$log"; } >&2
    fi
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + passed_over))
done < <(find "$1" -name '*.trs' -not -path '*/urn-[0-9]*' -print0)
if [ $found -eq 0 ]; then # it did not even build
    failed=1
    [ "${2:-}" != --failures ] || tail -n 60 "$1/check.log" >&2 || true
fi
echo "$passed $failed $skipped"
