#!/bin/bash
# --max-memory: the estimate comes before the work, with its parts, and what would need less.
. "${URN_SRCDIR:?}/tests/cli/lib.sh"
run 0 simulate hpmf --plate user=9000,item=400 --rows 30000 --seed 3 --set dim=16 --out sim
data=sim/data.csv
# shellcheck disable=SC2086
fit() { # fit EXIT-CODE ARGUMENTS...
    local code=$1
    shift
    run "$code" fit hpmf --data $data --set dim=16 $quick "$@"
}
for size in x 0 -5M 1.5Q 4GG G ''; do
    fit 2 --max-memory "$size"
    in_err "option --max-memory is \"$size\"; it takes a size of at least a byte, such as 500M or 4G"
done

# Refused before the data is read: the files say enough.
fit 1 --max-memory 100K --out run
in_err "reading the data alone takes about "
in_err " and --max-memory allows 100 KB: the program itself "
in_err ", data, going by its files "
check grep -qE 'going by its files 58[56] KB' err # 30,000 rows: two ids, a double, 4 bytes more on the way
fit 1 --max-memory 100K --out run --precision single
check grep -qE 'going by its files 46[89] KB' err # a float in its place
fit 1 --max-memory 100K --out run
in_err "less memory is needed with --precision single, mini-batches (--batch PLATE=N), a smaller model (--set dim=N), or fewer rows"
absent run run.*

# What was estimated, and what it was in the end.
for precision in double single; do
    fit 0 --precision $precision --holdout 0.1 --out $precision
    check grep -qE '^memory: [0-9.]+ [MG]B at the peak, estimated [0-9.]+ [MG]B$' out
    json $precision/fit.json '0 < j["memory_estimate_mb"] and 0 < j["peak_rss_mb"]'
done
# (With the address sanitiser most of the resident memory is not the program's own.)
grep -q __asan_init "$URN_BUILDDIR/urn" ||
    json double/fit.json '0.6 * j["peak_rss_mb"] < j["memory_estimate_mb"] < 1.6 * j["peak_rss_mb"]'
have_python && {
    estimate() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["memory_estimate_mb"])' "$1"; }
    part() { sed -nE "s/.*[:,] $1 ([0-9.]+) MB.*/\1/p" err; }
    fit 0 --max-memory "$(python3 -c "print($(estimate double/fit.json) * 1.2)")M" --precision double \
        --holdout 0.1 --out again
    check cmp double/log.csv again/log.csv # a limit changes nothing else
    json again/fit.json 'j["hashes"] == json.load(open("double/fit.json"))["hashes"]'
    # the optimiser and the guide: (9000 + 400) x 16 coordinates, eight arrays, doubles or floats
    for precision in double single; do
        fit 0 --json --precision $precision
        limit=$(python3 -c "print($(estimate out) * 0.96)")M
        fit 1 --max-memory "$limit" --precision $precision
        in_err "the fit would take about "
        in_err ": the program itself "
        in_err ", data "
        in_err ", the compiled model "
        in_err ", parameters and optimiser "
        check test ! -s out
        part "parameters and optimiser" >$precision.mb
    done
    check python3 -c "import sys; sys.exit(0 if abs($(cat double.mb) - 9400 * 16 * 64 / 2**20) < 0.2 else 1)"
    check python3 -c "import sys; sys.exit(0 if abs($(cat single.mb) - 9400 * 16 * 32 / 2**20) < 0.2 else 1)"
    # a run's files can be what is too much
    fit 0 --json
    fit 1 --max-memory "$(python3 -c "print($(estimate out) + 5)")M" --out run
    in_err ", the run's files "
    in_err "less memory is needed with fewer draws kept (--save-budget), or fewer rows"
    absent run run.*
    run 0 fit hpmf --data $data --set dim=16 --engine map --steps 2 --quiet --json
    run 1 fit hpmf --data $data --set dim=16 --engine map --steps 2 --quiet --history 100 \
        --max-memory "$(estimate out)M"
    in_err "less memory is needed with --method adam, --precision single, "
}
finish
