#!/bin/bash
# Ctrl-C: the fit stops at the next step, what there is gets written, the exit code is 130.
. "${URN_SRCDIR:?}/tests/cli/lib.sh"
set -m # background jobs otherwise ignore SIGINT
small_data

start() { # start DIR: an endless fit in the background; waits until it steps
    "$urn" fit hpmf --data small/data.csv --set dim=2 --steps 1000000000 --holdout 0.1 --out "$1" >out 2>err &
    job=$!
    for _ in $(seq 300); do
        grep -q '^step' err && return 0
        sleep 0.1
    done
    fail "the fit does not begin"
}

start run
sleep 0.3
kill -INT $job
wait $job
check test $? = 130
in_err "urn: interrupted after"
in_err "the run is written"
in_out "hpmf by svi"
check test "$(ls run)" = "draws.nc
fit.json
log.csv"
json run/fit.json 'j["interrupted"] and j["steps"] > 0 and j["holdout"]["n"] > 0'
steps=$(($(wc -l <run/log.csv) - 1))
json run/fit.json "j['steps'] == $steps"
run 0 summary run
run 0 recommend run --new-user --top 3

# SIGTERM does the same.
start term
kill -TERM $job
wait $job
check test $? = 130
check test -f term/fit.json

# So does calibration.
"$urn" sbc pmf --engine gibbs --plate user=3 --plate item=3 --rows 6 --trials 100000 >out 2>err &
job=$!
for _ in $(seq 300); do
    grep -q '^trial' err && break
    sleep 0.1
done
kill -INT $job
wait $job
check test $? = 130
in_err "urn: interrupted after"
finish
