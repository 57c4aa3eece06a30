#!/bin/bash
# Hamiltonian chains from the command line: Stan's data, metrics, warnings, refusals.
. "${URN_SRCDIR:?}/tests/cli/lib.sh"
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
finish
