#!/bin/bash
# The template: its commands work as printed, from an empty directory, and the fit finds the truth.
. "${URN_SRCDIR:?}/tests/cli/lib.sh"
PATH=$URN_BUILDDIR:$PATH
run 0 new mine
cp out printed
check test -f mine.c
check grep -q 'URN_MODEL(mine, ' mine.c
sed -n 's/^  urn //p' printed >commands
check test "$(wc -l <commands)" = 2
while read -r line; do
    # shellcheck disable=SC2086
    run 0 $line
done <commands
in_out "held out, site y:"
run 0 summary mine-run --json
cp out summary.json
have_python && {
    checks=$((checks + 1))
    python3 - <<'P' || fail "the template's fit is far from the truth it was simulated with"
import json
truth = json.load(open("mine-data/truth.json"))["sites"]
sites = {s["site"]: s for s in json.load(open("summary.json"))["sites"]}
for name, near in ("slope", 0.4), ("noise", 0.4), ("intercept", 0.8):
    found, true = sites[name]["elements"][0]["mean"], truth[name]["values"][0]
    assert abs(found - true) < near, (name, found, true)
P
}
# the commands in the file's own comment are the same ones
check grep -qF 'urn simulate mine.c --plate group=20 --rows 1000 --seed 1 --out mine-data' mine.c
run 0 check mine.c --plate group=5 --rows 40
in_out "gradient     ok"
run 0 describe mine.c --data mine-data/data.csv
in_out "regression with an intercept for every group"
run 0 new other --out elsewhere.c
check grep -q 'URN_MODEL(other, ' elsewhere.c
finish
