#!/bin/sh
# One SVI step of hpmf: Urn beside the hand-fused loop, in turns, one thread each. Prints the lowest of
# the median times, their ratio, and both programs' first losses, which must agree.
# usage: svi.sh FLOOR URN    (data in $URN_SHARED)
set -eu
floor=$1 urn=$2 rounds=${BENCH_ROUNDS:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# field FILE NAME: a number out of one-line or indented JSON
field() {
    sed -n "s/.*\"$2\": *\([-0-9.e+]*\).*/\1/p" "$1" | head -n 1
}

lower() {
    awk -v a="$1" -v b="$2" 'BEGIN { print (a == "" || b < a) ? b : a }'
}

# one NAME DATA COLUMNS MAP DIM STEPS
one() {
    if [ ! -r "$2" ]; then
        echo "skipped: $1: $2 is not there (set URN_SHARED)"
        return
    fi
    best_floor='' best_urn=''
    for round in $(seq "$rounds"); do
        "$floor" --data "$2" --columns "$3" --holdout 0.1 --dim "$5" --steps "$6" --seed 1 >"$work/floor"
        rm -rf "$work/run"
        "$urn" fit hpmf --data "$2" --map "$4" --set dim="$5" --engine svi --steps "$6" --lr 0.001 \
            --holdout 0.1 --seed 1 --threads 1 --out "$work/run" >"$work/out" 2>"$work/err" ||
            { cat "$work/err" >&2; exit 1; }
        best_floor=$(lower "$best_floor" "$(field "$work/floor" step_ms_median)")
        best_urn=$(lower "$best_urn" "$(field "$work/run/fit.json" step_ms_median)")
    done
    loss_floor=$(field "$work/floor" loss_first)
    loss_urn=$(sed -n 2p "$work/run/log.csv" | cut -d, -f2)
    awk -v name="$1" -v f="$best_floor" -v u="$best_urn" -v lf="$loss_floor" -v lu="$loss_urn" 'BEGIN {
        printf "%s: urn %.3f ms a step, floor %.3f, ratio %.2f; first loss %.9g, floor %.9g\n",
            name, u, f, u / f, lu, lf
        d = lu - lf
        exit (d < 0 ? -d : d) > 1e-6 * lf }' || { echo "the losses differ" >&2; exit 1; }
}

"$floor" --check
"$floor" --check --dim 30
one "AVOD minutes, d = 5" "$URN_SHARED/data/avod/watch_minutes.csv" 0,1,2 \
    user=user_id,item=video_id,rating=watched_minutes 5 3000
one "ml-latest-small, d = 30" "$URN_SHARED/data/ml-latest-small/ratings.csv" 0,1,2 \
    user=userId,item=movieId,rating=rating 30 500
