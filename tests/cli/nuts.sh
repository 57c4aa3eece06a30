#!/bin/bash
# Hamiltonian chains from the command line: Stan's data, metrics, warnings, refusals.
. "${URN_SRCDIR:?}/tests/cli/lib.sh"
set -m # background jobs otherwise ignore SIGINT
examples=$URN_SRCDIR/examples/posteriordb
schools() {
    run "$1" fit "$examples/eight_schools_noncentered.c" --data "$examples/data/eight_schools_noncentered.json" --quiet "${@:2}"
}

# ---- Stan's JSON, ids in an array, a matrix ----
run 0 fit "$examples/radon_hierarchical_intercept_noncentered.c" --quiet --engine nuts --warmup 200 --draws 100 \
    --data "$examples/data/radon_hierarchical_intercept_noncentered.json" --out radon
json radon/fit.json 'j["chains"] == 4 and j["leapfrogs_per_draw"] > 1 and 0.5 < j["acceptance_rate"] < 1 and j["e_bfmi"] > 0.1'
json radon/fit.json 'any(s["site"] == "alpha" for s in j["sites"])'
run 0 fit "$examples/blr.c" --quiet --engine nuts --warmup 200 --draws 100 --data "$examples/data/blr.json"
in_out "beta[2]"

# ---- metrics ----
echo '{"stepsize": 0.3, "metric_type": "diag_e", "inv_metric": [1, 1, 1, 1, 1, 1, 1, 1, 10, 1]}' >diag.json
echo '{"inv_metric": [1, 2]}' >short.json
echo '{"inv_metric": [[1, 2], [3]]}' >ragged.json
echo '{"inv_metric": [1, 1, 1, 1, 1, 1, 1, 1, 1, -1]}' >negative.json
schools 0 --engine nuts --warmup 30 --draws 30 --metric-file diag.json
schools 2 --engine nuts --metric-file short.json
in_err "the inverse metric has 2 numbers; for 10 coordinates --metric diag takes 10"
schools 3 --engine nuts --metric-file ragged.json
in_err 'ragged.json: "inv_metric" is not a list of numbers, or of equally long lists of them'
schools 2 --engine nuts --metric-file negative.json
in_err "the inverse metric is not positive definite"
schools 2 --engine nuts --metric unit --metric-file diag.json
in_err "a unit metric has none"
schools 2 --engine svi --metric-file diag.json
in_err 'engine "svi" has no metric'

# ---- what a chain learned is kept, and taken up again: without warm-up acceptance is near --delta at once ----
schools 0 --engine nuts --seed 5 --out learned
json learned/metric_4.json 'set(j) == {"stepsize", "metric_type", "inv_metric"} and j["metric_type"] == "diag_e" and len(j["inv_metric"]) == 10'
json learned/metric_1.json '0.05 < j["stepsize"] < 2 and all(0.1 < v < 20 for v in j["inv_metric"])'
absent learned/metric_0.json learned/metric_5.json
schools 0 --engine nuts --seed 6 --metric-file learned/metric_2.json --init-from learned --warmup 0 --draws 250 --out again
json again/fit.json 'abs(j["acceptance_rate"] - 0.8) < 0.12 and j["divergences"] <= 5'
json again/metric_1.json 'all(math.isclose(a, b, rel_tol=1e-12) for a, b in zip(j["inv_metric"], json.load(open("learned/metric_2.json"))["inv_metric"]))'
json again/metric_1.json 'math.isclose(j["stepsize"], json.load(open("learned/metric_2.json"))["stepsize"], rel_tol=1e-12)'
schools 0 --engine hmc --path 2 --warmup 200 --draws 30 --metric dense --out dense
json dense/metric_1.json 'j["metric_type"] == "dense_e" and [len(r) for r in j["inv_metric"]] == [10] * 10'
schools 0 --engine nuts --warmup 0 --draws 20 --stepsize 0.25 --metric-file dense/metric_1.json --out denser
json denser/metric_2.json 'j["metric_type"] == "dense_e" and j["stepsize"] == 0.25'

# ---- from a variational fit: chains start at draws from its guide ----
schools 0 --engine svi --steps 300 --lr 0.05 --out guide
schools 0 --engine nuts --warmup 50 --draws 20 --init-from guide --out from
for word in median zero random; do
    schools 0 --engine nuts --warmup 50 --draws 20 --init $word
done

# ---- options out of range, warnings, strictness ----
schools 2 --engine nuts --max-depth 0
in_err "option --max-depth is 0; it takes 1 to 20"
schools 2 --engine nuts --delta 1
schools 0 --engine nuts --max-depth 1 --warmup 50 --draws 50
in_out "used all 1 doublings of --max-depth"
schools 0 --engine hmc --chains 1 --warmup 0 --draws 2 --stepsize 1e-5
in_out "2 of 2 draws ended after 16384 leapfrogs, short of --path"
schools 0 --engine hmc --chains 1 --warmup 0 --draws 2 --stepsize 1e-5 --leapfrogs 20000
check test "$(grep -c 'short of --path' out)" = 0
run 5 fit "$examples/eight_schools_centered.c" --quiet --engine nuts --strict \
    --data "$examples/data/eight_schools_centered.json" --draws 2000
in_err "diverged"
in_out "--delta 0.95"

# ---- handlers ----
centred() {
    run "$1" fit "$examples/eight_schools_centered.c" --data "$examples/data/eight_schools_centered.json" "${@:2}"
}
centred 0 --engine nuts --delta 0.95 --strict --reparam auto --out formed
in_err 'urn: site "theta" is non-centred: the data leave'
in_out "theta[7]"
json formed/fit.json 'j["handlers"] == [{"kind": "noncentred", "site": "theta", "values": []}] and j["divergences"] == 0'
run 0 summary formed
in_out "theta[7]"
centred 0 --quiet --engine nuts --warmup 50 --draws 20 --reparam theta=noncentred --init-from formed
centred 0 --quiet --engine nuts --warmup 50 --draws 20 --reparam auto --reparam theta=centred --out kept
json kept/fit.json '"handlers" not in j'
centred 0 --engine gibbs --warmup 5 --draws 5 --reparam auto
in_err "--reparam auto changes nothing for gibbs: its conditionals in closed form are those of centred sites"
centred 4 --quiet --engine gibbs --reparam theta=noncentred
in_err "the site is non-centred, and conditionals in closed form are those of centred sites"
centred 4 --quiet --engine gibbs --scale y=0.5
in_err "the site's density is scaled by 0.5"
centred 2 --reparam theta=curved
in_err 'option --reparam is "theta=curved"; it takes auto, SITE=noncentred or SITE=centred'
centred 2 --reparam tau=noncentred
in_err "(half_cauchy): the family has no non-centred form"
centred 0 --quiet --engine nuts --warmup 50 --draws 20 --condition tau=3 --do mu=1.5 --scale y=0.5 --out fixed
json fixed/fit.json '{s["site"]: s["role"] for s in j["sites"]}["mu"] == "recorded" and [h["kind"] for h in j["handlers"]] == ["condition", "do", "scale"]'
run 0 summary fixed
echo '{"theta": [1, 2, 3, 4, 5, 6, 7, 8], "tau": 2}' >values.json
centred 0 --quiet --engine nuts --warmup 50 --draws 20 --condition theta=values.json
centred 3 --quiet --engine nuts --condition mu=values.json
in_err 'values.json: there is no entry "mu"'
centred 2 --quiet --engine nuts --condition theta=1,2
in_err "condition gives 2 elements; the site has 8"
echo '{"theta": [1, 2, 3, 4, 5, 6, 7, 8], "tau": 2}' >init.json
centred 0 --quiet --engine nuts --warmup 50 --draws 20 --reparam theta=noncentred --init init.json
run 0 describe "$examples/eight_schools_centered.c" --data "$examples/data/eight_schools_centered.json" --reparam auto
in_out "theta          noncentred"
run 0 describe "$examples/eight_schools_centered.c" --data "$examples/data/eight_schools_centered.json" --scale "t*=2"
in_out "theta          -           2"
run 0 check "$examples/eight_schools_centered.c" --data "$examples/data/eight_schools_centered.json"

# ---- what cannot be sampled ----
cat >label.c <<'C'
#include <urn/urn.h>
static void label(urn_model *m)
{
    urn_var z = urn_sample(m, "z", bernoulli, .logits = urn_real(m, 0.0));
    urn_observe(m, "y", normal, .value = urn_data_real(m, "y"), .loc = z, .scale = urn_real(m, 1.0));
}
URN_MODEL(label, "a test");
C
cat >broken.c <<'C'
#include <urn/urn.h>
static void broken(urn_model *m)
{
    urn_var x = urn_sample(m, "x", normal, .loc = urn_real(m, 0.0), .scale = urn_real(m, 1.0));
    urn_observe(m, "y", normal, .value = urn_data_real(m, "y"), .loc = x, .scale = urn_neg(urn_exp(x)));
}
URN_MODEL(broken, "a test");
C
echo '{"y": 0.5}' >y.json
run 4 fit label.c --data y.json --engine nuts
in_err "the latent site is discrete"
in_err "--engine gibbs, or sum the site out"
run 1 fit broken.c --data y.json --engine nuts
in_err "not finite at any of 100 random first positions"
in_err '"y"'

# ---- laplace and pathfinder: independent draws of approximations ----
# the example's posterior is skewed: k-hat is what it is, and is told
schools 0 --engine pathfinder --seed 1 --draws 400 --out paths
in_out "400 independent draws"
in_out "highest ELBO of a path"
in_out "log evidence by importance weights"
in_out "k-hat of the approximation"
json paths/fit.json 'j["engine"] == "pathfinder" and j["draws"] == j["draws_stored"] == 400 and j["paths"] == 4 and j["paths_failed"] == 0'
json paths/fit.json 'j["importance_draws"] == 4000 and 1 <= j["importance_size"] <= 4000 and "chains" not in j and "convergence" not in j'
json paths/fit.json 'not any("r_hat" in e or "ess_bulk" in e or "mcse_mean" in e for s in j["sites"] for e in s.get("elements", []))'
check test "$(head -n 1 paths/log.csv)" = path,step,lp,elbo
json paths/fit.json 'j["steps"] == sum(1 for _ in open("paths/log.csv")) - 1'
check test "$(cut -d, -f1 paths/log.csv | uniq | tr '\n' ' ')" = "path 0 1 2 3 "
for threads in 1 2 3 8; do
    schools 0 --engine pathfinder --seed 1 --draws 400 --threads $threads --out paths$threads
    check cmp paths/draws.nc paths$threads/draws.nc
    check cmp paths/log.csv paths$threads/log.csv
done
run 0 summary paths --json
json out 'j["sites"] == json.load(open("paths/fit.json"))["sites"]'
run 0 diagnose paths
in_out "k-hat of the approximation"
run 0 export paths --out stan
check test "$(grep -v '^#' stan_1.csv | wc -l)" = 401
check test "$(grep -v '^#' stan_1.csv | head -n 1 | cut -d, -f1-3)" = lp__,lp_approx__,mu
check grep -q "^# method = pathfinder" stan_1.csv
run 0 export paths1 --out stan --force --sites mu
run 0 compare paths learned
in_out "measured by learned"
in_out "paths (pathfinder): Its k-hat is"
schools 5 --engine pathfinder --seed 1 --draws 400 --strict --init median --init-jitter 0 --paths 1

# every chain begins at another draw: with no step worth the name they are where they began
still="--warmup 0 --draws 1 --stepsize 1e-12 --max-depth 1"
schools 0 --engine nuts $still --init-from paths --seed 3 --out begun
schools 0 --engine nuts $still --init-from learned --chains 6 --seed 3 --out begun6
have_python && python3 -c 'import netCDF4' 2>/dev/null && {
    python3 - <<'P' || fail "chains do not begin at draws of the run"
import netCDF4, numpy
def of(run): return numpy.array(netCDF4.Dataset(run + "/draws.nc")["guide"]["loc"])
paths, learned = of("paths")[0], of("learned")
begun, begun6 = of("begun")[:, 0], of("begun6")[:, 0]
near = lambda x, all: numpy.abs(all - x).max(axis=1).min()
assert begun.shape == (4, 10) and all(near(x, paths) < 1e-9 for x in begun)
assert all(numpy.abs(begun[i] - begun[k]).max() > 1e-3 for i in range(4) for k in range(i))
assert all(numpy.abs(begun6[c] - learned[c, -1]).max() < 1e-9 for c in range(4))
assert all(near(x, learned.reshape(-1, 10)) < 1e-9 for x in begun6)
assert all(numpy.abs(begun6[i] - begun6[k]).max() > 1e-3 for i in range(6) for k in range(i))
P
}
schools 0 --engine pathfinder --init-from learned --seed 3
schools 0 --engine laplace --init-from learned --seed 3
schools 0 --engine svi --steps 5 --evaluations 5 --init-from paths

run 0 fit "$examples/blr.c" --quiet --engine laplace --data "$examples/data/blr.json" --resample psis --out laplace
in_out "log evidence by the approximation"
json laplace/fit.json 'j["k_hat"] < 0.7 and abs(j["log_evidence"] - j["importance_log_evidence"]) < 0.2 and j["warnings"] == []'
run 0 diagnose laplace --strict
in_out "no problems found"
run 0 export laplace --out stan --force
check test "$(grep -v '^#' stan_1.csv | head -n 1 | cut -d, -f1-2)" = log_p__,log_q__
run 1 fit "$examples/eight_schools_centered.c" --data "$examples/data/eight_schools_centered.json" --quiet --engine laplace
in_err 'engine "laplace": '
in_err "tau"
in_err "use nuts"
schools 2 --engine laplace --max-size 9
in_err "the model has 10 coordinates. A dense Hessian of them takes"
schools 2 --engine laplace --warmup 10
in_err 'engine "laplace" optimises: it has no warm-up, and no thinning'
schools 2 --engine svi --draws 10
in_err "it has no warm-up, draws or thinning"
run 4 fit label.c --data y.json --engine pathfinder
in_err "the latent site is discrete"
run 1 fit broken.c --data y.json --engine pathfinder
in_err "none of 4 paths came to an approximation. The first: the log density is not finite at any of 100 random first positions"
run 1 fit broken.c --data y.json --engine laplace
in_err "not finite at the first position"

# Ctrl-C: what the paths have come to is kept
"$urn" fit "$examples/eight_schools_noncentered.c" --data "$examples/data/eight_schools_noncentered.json" --engine pathfinder \
    --path-draws 10000000 --log-every 1 --out stopped >out 2>err &
job=$!
for _ in $(seq 300); do
    grep -q 'paths ' err && break
    sleep 0.1
done
sleep 0.3
kill -INT $job
wait $job
check test $? = 130
in_err "the run is written"
json stopped/fit.json 'j["interrupted"] and j["draws_stored"] == 100 and any("have not been weighed" in w for w in j["warnings"])'
run 0 summary stopped
finish
