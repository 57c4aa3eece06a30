#!/bin/bash
# Runs beside each other: two seeds, a guide, a point and a sampler; what is refused; the JSON.
. "${URN_SRCDIR:?}/tests/cli/lib.sh"

small_data
data="--data small/data.csv --set dim=2 --quiet"
svi="--engine svi --steps 1500 --lr 0.05 --schedule cosine"
run 0 fit hpmf $data $svi --holdout 0.2 --seed 1 --out a
run 0 fit hpmf $data $svi --holdout 0.2 --seed 2 --out b
run 0 fit hpmf $data --engine map --holdout 0.2 --out point

# ---- two seeds of one fit ----
run 0 compare a b
in_out "hpmf: 2 runs, measured by a; 239 training rows, 61 held out"
in_out "obs_scale"
in_out "singular value 1 of U V'"
in_out "length of loc_u"
in_out "predictions for a new user (15)"
in_out "held-out predictions (61)"
in_out "user with 6-20 training rows"
in_out "No sampler is among the runs"
in_out "b beside a:"
check test "$(grep -c 'U\[' out)" = 0 # factors are not compared entry by entry ...
run 0 compare a b --sites loc_u,U
in_out "loc_u[0] (not identified)" # ... unless asked
in_out "U (80) (not identified)"
run 0 compare a b --by item
in_out "item with more than 20 training rows"
run 0 compare a b --reference b
in_out "measured by b"

run 0 compare a b point --json
cp out one.json
json one.json 'j["schema_version"] == 1 and j["reference"] == "a" and j["by"] == "user" and j["mismatch"] is None'
json one.json 'len(j["runs"]) == 3 and [r["name"] for r in j["runs"]] == ["a", "b", "point"] and [r["posterior"] for r in j["runs"]] == ["normal", "normal", "point"]'
json one.json 'all(k in r for r in j["runs"] for k in "engine seed converged k_hat worst_r_hat least_ess warnings quantities fields scores elpd".split())'
json one.json 'set(j["thresholds"]) == set("r_hat r_hat_modes ess_per_chain k_hat sd_ratio_low sd_ratio_high shift_in_sds shift_in_errors score_errors score_share score_nats coverage".split())'
json one.json 'all(k in q for q in j["runs"][0]["quantities"] for k in "name kind identified draws mean sd mcse q5 q50 q95 r_hat ess_bulk ess_tail chain_means".split())'
json one.json 'all(k in q for q in j["runs"][1]["quantities"] for k in "difference difference_over_mcse difference_over_sd sd_ratio wasserstein".split())'
json one.json '{q["kind"] for q in j["runs"][0]["quantities"]} == {"held_out", "noise", "likelihood", "gram", "axes", "new"}'
json one.json 'all(set(r["scores"]) == {"all", "1-5", "6-20"} for r in j["runs"])'
json one.json 'all(s["all"]["n"] == 61 == s["1-5"]["n"] + s["6-20"]["n"] for s in (r["scores"] for r in j["runs"]))'
json one.json 'all("rmse_se" in r["score_differences"] for r in j["runs"][1:])'
json one.json 'len(j["verdict"]) == 6'
# ratios and differences follow from the figures themselves
json one.json 'all(abs(q["sd_ratio"] - q["sd"] / p["sd"]) < 1e-12 and abs(q["difference"] - q["mean"] + p["mean"]) < 1e-12 * (1 + abs(p["mean"])) for q, p in zip(j["runs"][1]["quantities"], j["runs"][0]["quantities"]))'
# a point has no spread but in what is drawn anew
json one.json 'all(q["sd"] == 0 for q in j["runs"][2]["quantities"] if q["kind"] != "new")'
# the scores are those of the fit (its seed, its draws)
json a/fit.json 'abs(j["holdout"]["rmse"] - json.load(open("one.json"))["runs"][0]["scores"]["all"]["rmse"]) < 1e-12'
json a/fit.json 'abs(j["holdout"]["mean_log_predictive_density"] - json.load(open("one.json"))["runs"][0]["scores"]["all"]["mean_log_predictive_density"]) < 1e-12'
json a/fit.json 'abs(j["holdout"]["coverage_80"] - json.load(open("one.json"))["runs"][0]["scores"]["all"]["coverage_80"]) < 1e-12'
# threads change nothing
run 0 compare a b point --json --threads 1
check cmp out one.json

# ---- a sampler is what others are measured by ----
run 0 fit hpmf $data --engine nuts --chains 2 --warmup 200 --draws 150 --holdout 0.2 --out n
run 0 compare a n
in_out "measured by n"
in_out "2 x 150"
in_out "a beside n:"
run 0 compare a n --json
json out 'j["reference"] == "n" and j["runs"][1]["chains"] == 2 and j["runs"][1]["draws"] == 150 and j["runs"][1]["worst_r_hat"] > 0.99'
json out 'j["runs"][1]["k_hat"] is None and j["runs"][0]["worst_r_hat"] is None'
run 0 compare a n --draws 50 --json
json out 'j["runs"][1]["draws"] == 25 and j["runs"][0]["draws"] == 50'

# ---- what is refused ----
run 2 compare a
in_err "urn compare needs RUN RUN..."
run 6 compare a nowhere
in_err "no such run directory"
run 2 compare a b --reference c
in_err 'unknown reference "c"'
run 2 compare a b --sites X
in_err "there is no site of this name to compare; there are: loc_u, tril_u, obs_scale, U, V"
run 2 compare a b --site S
in_err "no observed site of this name"
run 2 compare a b --by genre
in_err 'unknown plate of ids "genre"'
run 0 fit hpmf --data small/data.csv --set dim=3 $quick --holdout 0.2 --out wider
run 2 compare a wider
in_err "the runs are not of one model and one data set: wider has dim=3, a has dim=2"
in_err "--force"
run 0 fit hpmf $data $quick --holdout 0.1 --out tenth
run 2 compare a tenth
in_err "tenth holds out 0.1 of the rows, a 0.2"
head -n 250 small/data.csv >fewer.csv
run 0 fit hpmf --data fewer.csv --set dim=2 $quick --holdout 0.2 --out fewer
run 2 compare a fewer
in_err "the data of fewer is not that of a"
run 0 fit pmf $data $quick --holdout 0.2 --out pooled
run 2 compare a pooled
in_err "pooled is of the model pmf, a of hpmf"
run 0 compare a wider fewer --force
in_out "compared by force: wider has dim=3, a has dim=2; the data of fewer is not that of a"
in_out "wider - a, row by row: RMSE" # the same held-out rows ...
check test "$(grep -c 'fewer - a, row by row' out)" = 0 # ... which these are not

# ---- without the data, sites are still compared ----
mv small elsewhere
run 0 compare a b
in_out "a: the data of the fit is gone or has changed, so its rows are not compared"
in_out "obs_scale"
check test "$(grep -c 'held-out predictions' out)" = 0
mv elsewhere small

# ---- --test rows, --map, --duplicates are repeated ----
sed 1s/rating/stars/ small/data.csv >named.csv
{ head -n 1 named.csv; tail -n 40 named.csv; } >test.csv
head -n 200 named.csv >train.csv
sed -n 2p train.csv >>train.csv
for seed in 1 2; do
    run 0 fit hpmf --data train.csv --test test.csv --map rating=stars --duplicates mean --set dim=2 \
        --steps 300 --lr 0.05 --quiet --seed $seed --out t$seed
done
run 0 compare t1 t2 --json
json out 'all(r["scores"]["all"]["n"] == 40 for r in j["runs"])'
json t1/fit.json 'abs(j["holdout"]["rmse"] - json.load(open("out"))["runs"][0]["scores"]["all"]["rmse"]) < 1e-12'

# ---- a run that has not converged ----
run 0 fit hpmf $data --engine nuts --chains 1 --warmup 100 --draws 60 --holdout 0.2 --out single
run 5 compare a single --strict
in_err "single has not converged: one chain cannot tell whether it has converged"
in_out "One chain, so whether it has converged cannot be told: run four"
run 0 compare a b --strict

finish
