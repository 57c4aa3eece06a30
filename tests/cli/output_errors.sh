#!/bin/bash
# Output: a run is there whole or not at all, and what was there before stays.
. "${URN_SRCDIR:?}/tests/cli/lib.sh"
small_data
fit() {
    local code=$1
    shift
    # shellcheck disable=SC2086
    run "$code" fit hpmf --data small/data.csv --set dim=2 $quick "$@"
}
before() { ls -A . | grep -vx -e out -e err; }

fit 0 --out run
check test "$(ls run)" = "draws.nc
fit.json
log.csv"
check test "$(wc -l <run/log.csv)" = 31
check test "$(head -n 1 run/log.csv)" = step,loss

cp -r run kept
fit 2 --out run --seed 2
in_err "run: this directory exists already; choose another name, or replace it with --force"
check diff -r run kept
fit 0 --out run --seed 2 --force
check test "$(cmp -s run/log.csv kept/log.csv; echo $?)" = 1

mkdir precious
echo letters >precious/letters.txt
fit 2 --out precious --force
in_err "is not a run (it has no fit.json), so --force leaves it alone"
check test "$(cat precious/letters.txt)" = letters

: >file
fit 6 --out file/run
in_err "file/run: cannot make this directory: Not a directory"
fit 6 --out nowhere/run
in_err "nowhere/run: cannot make this directory: No such file or directory"
if [ "$(id -u)" -ne 0 ]; then
    mkdir locked
    chmod 555 locked
    fit 6 --out locked/run
    in_err "Permission denied"
    rmdir locked
else
    echo "SKIP: as root every directory can be written to" >&2
fi

# A full disk, played by a limit on file sizes: an error, the old run untouched, nothing left behind.
rm -rf kept
list=$(before)
cp -r run kept2
for limit in 4 40; do
    (
        ulimit -f $limit
        # shellcheck disable=SC2086
        "$urn" fit hpmf --data small/data.csv --set dim=2 $quick --out run --force >out2 2>err2
        echo $? >code
    )
    cp err2 err
    check test "$(cat code)" = 6
    in_err "File too large"
    check diff -r run kept2
    (
        ulimit -f $limit
        # shellcheck disable=SC2086
        "$urn" fit hpmf --data small/data.csv --set dim=2 $quick --out fresh >out2 2>err2
        echo $? >code
    )
    check test "$(cat code)" = 6
    absent fresh
done
rm -rf kept2 out2 err2 code
check test "$(before)" = "$list"

# Results on a full device.
if [ -w /dev/full ]; then
    run 6 predict run --test small/data.csv --out /dev/full
    in_err "No space left on device"
    "$urn" models >/dev/full 2>err
    check test $? = 6
    in_err "cannot write to the standard output"
fi
run 0 predict run --test small/data.csv --out predicted.csv
run 0 predict run --test small/data.csv
check cmp out predicted.csv
check test "$(wc -l <out)" = 301
finish
