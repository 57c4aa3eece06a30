#!/bin/bash
# From a fresh clone to a fitted posterior: installs what is missing, builds, draws viewing data of the size
# of a small video service from the model itself (12,628 users, 565 videos, 29,000 views, the true
# values kept), fits the hierarchical matrix factorisation to nine tenths of them, scores the rest
# beside baselines, and says what a new user is expected to watch.
#   scripts/demo.sh [DIRECTORY]     what it makes goes there (default: build/demo)
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
directory=${1:-$root/build/demo}
"$root/scripts/setup.sh"
"$root/scripts/build.sh" "$directory/build" --disable-tests
PATH=$directory/build:$PATH
cd "$directory"

# Says a command the way a user would type it, and runs it.
run() {
    printf '\n$ %s\n' "$*"
    "$@"
}

run urn simulate hpmf --plate user=12628,item=565 --rows 29000 --popularity 0.8 \
    --fix obs_scale=5 --seed 1 --out views --force
run urn fit hpmf --data views/data.csv --engine svi --steps 10000 --lr 0.03 --schedule cosine \
    --holdout 0.1 --seed 1 --threads 1 --log-every 1000 --out run --force
run urn recommend run --new-user --top 5
