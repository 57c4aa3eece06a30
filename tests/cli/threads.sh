#!/bin/bash
# The same bytes for any number of threads, and again.
. "${URN_SRCDIR:?}/tests/cli/lib.sh"
run 0 simulate hpmf --plate user=1500,item=200 --rows 20000 --popularity 0.8 --seed 2 --out sim
fit() {
    run 0 fit hpmf --data sim/data.csv --steps 40 --evaluations 5 --k-hat-draws 20 --holdout 0.1 --quiet "$@"
}
for threads in 1 2 3 8; do
    fit --threads $threads --out t$threads
    check cmp t1/draws.nc t$threads/draws.nc
    check cmp t1/log.csv t$threads/log.csv
    json t$threads/fit.json 'j["holdout"] == json.load(open("t1/fit.json"))["holdout"]'
    fit --threads $threads --particles 2 --guide delta --out d$threads
    check cmp d1/draws.nc d$threads/draws.nc
    check cmp d1/log.csv d$threads/log.csv
done
sleep 1 # another second on the clock
fit --threads 2 --out again
check cmp t1/draws.nc again/draws.nc
check cmp t1/log.csv again/log.csv
fit --threads 2 --seed 2 --out other
check test "$(cmp -s t1/log.csv other/log.csv; echo $?)" = 1
finish
