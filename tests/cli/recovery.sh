#!/bin/bash
# Data simulated with known truth, 2,000 x 500 with 100,000 ratings: the fit finds the noise within 5 %
# and predicts held-out ratings better than every mean.
. "${URN_SRCDIR:?}/tests/cli/lib.sh"

run 0 simulate hpmf --plate user=2000 --plate item=500 --rows 100000 --popularity 0.7 \
    --fix obs_scale=1 --set dim=5 --seed 3 --out sim
run 0 fit hpmf --data sim/data.csv --holdout 0.1 --set dim=5 --engine svi --steps 3000 --lr 0.03 \
    --schedule cosine --seed 1 --threads 1 --out run
json run/fit.json '0.95 < [e["q50"] for s in j["sites"] if s["site"] == "obs_scale" for e in s["elements"]][0] < 1.05'
json run/fit.json 'j["holdout"]["rmse"] < 0.5 * min(b["rmse"] for b in j["baselines"].values())'
# noise 1 and factors known to a few per cent: nothing predicts better than the noise itself
json run/fit.json '1.0 - 4 / (2 * 9991) ** 0.5 < j["holdout"]["rmse"] < 1.15'
finish
