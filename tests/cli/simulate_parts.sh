#!/bin/bash
# Many rows are drawn in parts: one truth for all of them, no pair twice, the same bytes again.
. "${URN_SRCDIR:?}/tests/cli/lib.sh"
sizes="--plate user=3000,item=800 --rows 1150000 --popularity 0.3 --set dim=2 --fix obs_scale=0.5"
# shellcheck disable=SC2086
run 0 simulate hpmf $sizes --seed 6 --out parts
in_err "1048576 of 1150000 rows"
in_out "parts/data.csv: 1150000 rows"
have_python && {
    python3 - <<'P' || fail "the rows of both parts do not follow from truth.json"
import json
truth = json.load(open("parts/truth.json"))["sites"]
U, V = truth["U"]["values"], truth["V"]["values"]
pairs, squares = set(), [[], []]
for i, line in enumerate(open("parts/data.csv")):
    if i == 0:
        assert line == "user,item,rating\n", line
        continue
    user, item, rating = line.split(",")
    u, v = int(user), int(item)
    pairs.add(u * 800 + v)
    mean = U[2 * u] * V[2 * v] + U[2 * u + 1] * V[2 * v + 1]
    squares[i > 1048576].append((float(rating) - mean) ** 2)
assert len(pairs) == 1150000
for part in squares:  # the mean of n squares is off by sqrt(2 / n) of itself: five of those
    assert abs(sum(part) / len(part) / 0.25 - 1) < 5 * (2 / len(part)) ** 0.5, sum(part) / len(part)
assert squares[0][:1000] != squares[1][:1000]
P
}
finish
