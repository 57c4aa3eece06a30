#!/bin/bash
# The same bytes for any number of threads, and again.
. "${URN_SRCDIR:?}/tests/cli/lib.sh"
run 0 simulate hpmf --plate user=1500,item=200 --rows 20000 --popularity 0.8 --seed 2 --out sim
steps=40
fit() {
    run 0 fit hpmf --data sim/data.csv --steps $steps --evaluations 5 --k-hat-draws 20 --holdout 0.1 --quiet "$@"
}
for threads in 1 2 3 8; do
    fit --threads $threads --out t$threads
    check cmp t1/draws.nc t$threads/draws.nc
    check cmp t1/log.csv t$threads/log.csv
    json t$threads/fit.json 'j["holdout"] == json.load(open("t1/fit.json"))["holdout"]'
    fit --threads $threads --precision single --out s$threads
    check cmp s1/draws.nc s$threads/draws.nc
    check cmp s1/log.csv s$threads/log.csv
    json s$threads/fit.json 'j["holdout"] == json.load(open("s1/fit.json"))["holdout"] and j["threads_used"] <= '$threads
    fit --threads $threads --batch ratings=300 --out b$threads # updates the rows it touches
    check cmp b1/draws.nc b$threads/draws.nc
    check cmp b1/log.csv b$threads/log.csv
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
check test "$(cmp -s t1/log.csv s1/log.csv; echo $?)" = 1 # floats
# each CPU path there is: the same bits on any number of threads, other ones than on another path
steps=12
for cpu in base v3 v4; do
    "$urn" fit hpmf --data sim/data.csv --cpu $cpu --steps 1 --quiet >/dev/null 2>&1 || continue
    for precision in double single; do
        fit --cpu $cpu --threads 1 --precision $precision --out c1 --force
        for threads in 2 3 8; do
            fit --cpu $cpu --threads $threads --precision $precision --out c$threads --force
            check cmp c1/draws.nc c$threads/draws.nc
            check cmp c1/log.csv c$threads/log.csv
        done
        json c1/fit.json 'j["cpu"] == "'$cpu'" and j["precision"] == "'$precision'"'
        # ... up to rounding
        have_python && {
            own=t1
            [ $precision = double ] || own=s1
            checks=$((checks + 1))
            python3 - c1/log.csv $own/log.csv <<'P' || fail "losses on $cpu are not those on the best path"
import csv, sys
a, b = ([float(r["loss"]) for r in csv.DictReader(open(f))] for f in sys.argv[1:])
assert len(a) == 12 and len(b) == 40
assert all(abs(x - y) <= 1e-4 * abs(y) for x, y in zip(a, b)), max(abs(x - y) / abs(y) for x, y in zip(a, b))
P
        }
    done
done
finish
