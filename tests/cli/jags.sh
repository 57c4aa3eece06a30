#!/bin/bash
# Gibbs against JAGS (Plummer 2003), an implementation that shares nothing with this one: posterior means of
# a mixed model and of a small matrix factorisation agree within 4 standard errors.
. "${URN_SRCDIR:?}/tests/cli/lib.sh"
if ! command -v jags >/dev/null || ! command -v python3 >/dev/null; then
    echo "SKIPPED: no jags on this machine (Debian package jags)" >&2
    exit 77
fi

python3 - <<'PY'
import random
random.seed(4)
level = [random.gauss(1, 0.8) for _ in range(6)]
rows = []
for i in range(60):
    x = random.uniform(-2, 2)
    rows.append((i % 6 + 1, round(x, 4), round(level[i % 6] + 0.7 * x + random.gauss(0, 0.6), 4)))
u = [[random.gauss(0, 1) for _ in range(2)] for _ in range(8)]
v = [[random.gauss(0, 1) for _ in range(2)] for _ in range(6)]
cells = [(i, j) for i in range(8) for j in range(6) if (i * 7 + j * 5) % 4]
ratings = [(i + 1, j + 1, round(sum(a * b for a, b in zip(u[i], v[j])) + random.gauss(0, 0.5), 4)) for i, j in cells]

def write(stem, names, rows, sizes):
    with open(stem + ".csv", "w") as f:
        f.write(",".join(names) + "\n" + "".join(",".join(map(str, r)) + "\n" for r in rows))
    with open(stem + ".data.R", "w") as f:
        for k, name in enumerate(names):
            f.write("%s <- c(%s)\n" % (name, ", ".join(str(r[k]) for r in rows)))
        for name, value in dict(sizes, n=len(rows)).items():
            f.write("%s <- %d\n" % (name, value))

write("mixed", ("group", "x", "y"), rows, {"groups": 6})
write("factors", ("user", "item", "rating"), ratings, {"users": 8, "items": 6})
PY

cat >mixed.c <<'C'
#include <urn/urn.h>

static void mixed(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), groups = urn_plate_of(m, "group");
    urn_var zero = urn_real(m, 0.0), one = urn_real(m, 1.0);
    urn_var mean = urn_sample(m, "mean", normal, .loc = zero, .precision = urn_real(m, 0.01));
    urn_var slope = urn_sample(m, "slope", normal, .loc = zero, .precision = urn_real(m, 0.1));
    urn_var tau = urn_sample(m, "tau", gamma, .shape = urn_real(m, 2.0), .rate = one);
    urn_var noise = urn_sample(m, "noise", uniform, .low = zero, .high = urn_real(m, 5.0));
    urn_var level = urn_sample(m, "level", normal, .loc = mean, .precision = tau, .plate = groups);
    urn_var loc = urn_add(urn_gather(level, urn_index(rows, "group", groups)),
                          urn_mul(slope, urn_data(rows, "x")));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = loc, .scale = noise,
                .plate = rows);
}
URN_MODEL(mixed, "groups, a slope, a noise with a flat prior");
C
cat >mixed.bug <<'BUG'
model {
    for (i in 1:n) { y[i] ~ dnorm(level[group[i]] + slope * x[i], pow(noise, -2)) }
    for (g in 1:groups) { level[g] ~ dnorm(mean, tau) }
    mean ~ dnorm(0, 0.01)
    slope ~ dnorm(0, 0.1)
    tau ~ dgamma(2, 1)
    noise ~ dunif(0, 5)
}
BUG
cat >factors.c <<'C'
#include <urn/urn.h>

static void factors(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_plate users = urn_plate_of(m, "user"), items = urn_plate_of(m, "item");
    urn_var zero = urn_zeros(m, 2), one = urn_real(m, 1.0);
    urn_var U = urn_sample(m, "U", mvn, .loc = zero, .precision = urn_eye(m, 2, 1.0), .plate = users);
    urn_var V = urn_sample(m, "V", mvn, .loc = zero, .precision = urn_eye(m, 2, 1.0), .plate = items);
    urn_var alpha = urn_sample(m, "alpha", gamma, .shape = one, .rate = one);
    urn_var r = urn_row_dot(urn_gather(U, urn_index(rows, "user", users)),
                            urn_gather(V, urn_index(rows, "item", items)));
    urn_record(m, "uu", urn_row_dot(U, U)); /* rotations of the factors do not change these */
    urn_record(m, "vv", urn_row_dot(V, V));
    urn_observe(m, "R", normal, .value = urn_data(rows, "rating"), .loc = r, .precision = alpha,
                .plate = rows);
}
URN_MODEL(factors, "two factors, noise inferred");
C
cat >factors.bug <<'BUG'
model {
    for (k in 1:n) { r[k] <- inprod(U[user[k],], V[item[k],])
                     rating[k] ~ dnorm(r[k], alpha) }
    for (i in 1:users) { for (d in 1:2) { U[i,d] ~ dnorm(0, 1) } }
    for (j in 1:items) { for (d in 1:2) { V[j,d] ~ dnorm(0, 1) } }
    for (i in 1:users) { uu[i] <- inprod(U[i,], U[i,]) }
    for (j in 1:items) { vv[j] <- inprod(V[j,], V[j,]) }
    alpha ~ dgamma(1, 1)
}
BUG

cat >agree.py <<'PY'
# agree.py SUMMARY.json: means of the summary against those of CODAchain1.txt, in standard errors (JAGS's by
# means of 40 batches). Prints the largest distance and how many numbers were compared.
import json, math, sys
chain = [float(line.split()[1]) for line in open("CODAchain1.txt")]
jags = {}
for line in open("CODAindex.txt"):
    name, first, last = line.split()
    x = chain[int(first) - 1:int(last)]
    size = len(x) // 40
    means = [sum(x[b * size:(b + 1) * size]) / size for b in range(40)]
    mean = sum(means) / 40
    jags[name] = mean, math.sqrt(sum((m - mean) ** 2 for m in means) / 39 / 40)
worst, n = 0.0, 0
for site in json.load(open(sys.argv[1]))["sites"]:
    for k, e in enumerate(site.get("elements", [])):
        name = site["site"] if site["size"] == 1 else "%s[%d]" % (site["site"], k + 1)
        if name in jags:
            mean, se = jags[name]
            z = abs(mean - e["mean"]) / math.hypot(se, e["mcse_mean"])
            worst, n = max(worst, z), n + 1
            if z > 4:
                print("%s: urn %g, jags %g" % (name, e["mean"], mean), file=sys.stderr)
print("largest distance %.2f of %d" % (worst, n))
sys.exit(worst > 4 or n < 10)
PY

against() { # against MODEL MONITORS DRAWS
    {
        printf 'model in "%s.bug"\ndata in "%s.data.R"\ncompile, nchains(1)\n' "$1" "$1"
        printf 'parameters in "seed.R", chain(1)\ninitialize\nupdate 2000\n'
        for site in $2; do echo "monitor $site"; done
        printf 'update %s\ncoda *\n' "$3"
    } >run.cmd
    printf '".RNG.name" <- "base::Mersenne-Twister"\n".RNG.seed" <- 7\n' >seed.R
    jags run.cmd >jags.out 2>&1 || fail "jags: $(tail -n 3 jags.out)"
    run 0 fit "./$1.c" --data "$1.csv" --engine gibbs --warmup 1000 --draws "$3" --chains 2 --quiet --out "run-$1"
    run 0 summary "run-$1" --sites "${2// /,}" --json
    cp out summary.json
    checks=$((checks + 1))
    python3 agree.py summary.json >agreed || fail "$1: $(cat agreed)"
    echo "$1: $(cat agreed)"
}
against mixed "mean slope tau noise level" 10000
against factors "alpha uu vv" 20000
finish
