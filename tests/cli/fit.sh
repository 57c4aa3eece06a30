#!/bin/bash
# From simulated data to a fit, its files, predictions and recommendations.
. "${URN_SRCDIR:?}/tests/cli/lib.sh"

# ---- simulate ----
run 0 simulate hpmf --plate user=60 --plate item=25 --rows 900 --popularity 0.6 --fix obs_scale=0.5 \
    --set dim=2 --seed 7 --out sim
in_out "sim/data.csv: 900 rows"
check test "$(head -n 1 sim/data.csv)" = user,item,rating
check test "$(tail -n +2 sim/data.csv | cut -d, -f1,2 | sort -u | wc -l)" = 900   # pairs are unique
check test "$(tail -n +2 sim/data.csv | cut -d, -f1 | sort -u | wc -l)" = 60       # every user is there
json sim/truth.json 'j["sites"]["obs_scale"]["values"] == [0.5] and j["sites"]["U"]["dims"] == [60, 2] and len(j["sites"]["V"]["values"]) == 50'
# what is observed is what the truth says, and the noise is as fixed
have_python && {
    checks=$((checks + 1))
    python3 - <<'P' || fail "simulated ratings do not follow from truth.json"
import csv, json, math
t = json.load(open("sim/truth.json"))["sites"]
U, V = t["U"]["values"], t["V"]["values"]
e = []
for r in csv.DictReader(open("sim/data.csv")):
    u, v = int(r["user"]), int(r["item"])
    e.append(float(r["rating"]) - sum(U[2 * u + k] * V[2 * v + k] for k in range(2)))
sd = math.sqrt(sum(x * x for x in e) / len(e))
assert abs(sd - 0.5) < 4 * 0.5 / math.sqrt(2 * len(e)), sd
P
}
run 0 simulate hpmf --plate user=60,item=25 --rows 900 --popularity 0.6 --fix obs_scale=0.5 \
    --set dim=2 --seed 7 --out again
check cmp sim/data.csv again/data.csv
check cmp sim/truth.json again/truth.json

# ---- fit ----
run 0 fit hpmf --data sim/data.csv --set dim=2 --engine svi --steps 3000 --lr 0.03 --schedule cosine \
    --holdout 0.1 --seed 1 --out run
in_err "step      1/3000  loss "
in_err "step   3000/3000  loss "
check test "$(grep -c '^step' err)" = 31
in_out "held out, seed 1"
in_out "held out, site R:"
in_out "global mean"
in_out "user means"
in_out "item means"
in_out "coverage of intervals"
in_out "obs_scale"
json run/fit.json 'j["schema_version"] == 1 and j["model"] == "hpmf" and j["engine"] == "svi" and j["seed"] == 1 and j["steps"] == 3000'
json run/fit.json 'all(k in j for k in "options hashes versions threads wall_s peak_rss_mb step_ms_median loss_per_observation holdout baselines".split())'
json run/fit.json 'all(k in j["holdout"] for k in "rmse mae mean_log_predictive_density coverage_50 coverage_80 coverage_95".split())'
json run/fit.json 'set(j["hashes"]) == {"model", "data", "options"} and j["n_training"] + j["n_held_out"] == 900'
# it found something: the held-out error is far below every baseline's
json run/fit.json 'j["holdout"]["rmse"] < 0.6 * min(b["rmse"] for b in j["baselines"].values())'
json run/fit.json 'abs(next(s for s in j["sites"] if s["site"] == "obs_scale")["elements"][0]["mean"] - 0.5) < 0.15'
# the split and the baselines are those of the definition, computed here by other means
have_python && {
    checks=$((checks + 1))
    python3 - <<'P' || fail "hold-out split or baselines differ"
import csv, json, math
rows = [(r["user"], r["item"], float(r["rating"])) for r in csv.DictReader(open("sim/data.csv"))]
held = [((i * 2654435761) % 2**32) / 2**32 < 0.1 for i in range(len(rows))]
train = [r for r, h in zip(rows, held) if not h]
test = [r for r, h in zip(rows, held) if h]
j = json.load(open("run/fit.json"))
assert j["n_held_out"] == len(test) == j["holdout"]["n"]
mean = sum(r[2] for r in train) / len(train)
def score(predict):
    e = [r[2] - predict(r) for r in test]
    return math.sqrt(sum(x * x for x in e) / len(e)), sum(map(abs, e)) / len(e)
def by(k):
    groups = {}
    for r in train:
        groups.setdefault(r[k], []).append(r[2])
    return lambda r: sum(groups[r[k]]) / len(groups[r[k]]) if r[k] in groups else mean
for name, predict in ("global_mean", lambda r: mean), ("user_means", by(0)), ("item_means", by(1)):
    for got, want in zip((j["baselines"][name]["rmse"], j["baselines"][name]["mae"]), score(predict)):
        assert abs(got - want) < 1e-9 * want, (name, got, want)
P
}

# ---- single precision: the same draws, so the same fit up to rounding ----
run 0 fit hpmf --data sim/data.csv --set dim=2 --engine svi --steps 3000 --lr 0.03 --schedule cosine \
    --holdout 0.1 --seed 1 --precision single --quiet --out single
json single/fit.json 'j["precision"] == "single" and json.load(open("run/fit.json"))["precision"] == "double"'
json single/fit.json 'abs(j["holdout"]["rmse"] / json.load(open("run/fit.json"))["holdout"]["rmse"] - 1) < 0.01'
json single/fit.json 'abs(j["loss_per_observation"] - json.load(open("run/fit.json"))["loss_per_observation"]) < 0.005'
have_python && {
    checks=$((checks + 1))
    python3 - <<'P' || fail "the first losses in single precision are not those in double"
import csv
a, b = ([float(r["loss"]) for r in csv.DictReader(open(d + "/log.csv"))] for d in ("single", "run"))
assert len(a) == len(b) == 3000 and a != b
assert all(abs(x - y) <= 1e-4 * abs(y) for x, y in list(zip(a, b))[:50])
P
}
run 0 fit hpmf --data sim/data.csv --set dim=2 --engine map --method adam --steps 300 --quiet --precision single --out floats
run 0 fit hpmf --data sim/data.csv --set dim=2 --engine map --method adam --steps 300 --quiet --out doubles
json floats/fit.json 'abs(j["loss_per_observation"] - json.load(open("doubles/fit.json"))["loss_per_observation"]) < 1e-3'
run 0 predict single --test sim/data.csv --json
run 0 fit hpmf --data sim/data.csv --set dim=2 --steps 20 --evaluations 5 --k-hat-draws 0 --quiet --precision single --profile
in_out "draw from the guide"
in_out "log density and gradient"
in_out "update of the guide and next draw"
check grep -qE '^factor_density|^density_all' out

# --json gives fit.json on stdout
run 0 fit hpmf --data sim/data.csv --set dim=2 --steps 20 --evaluations 5 --k-hat-draws 0 --quiet --json
json out 'j["schema_version"] == 1 and j["steps"] == 20'
check test ! -s err

# ---- the same data in other files and words ----
sed '1s/.*/uid,vid,stars/' sim/data.csv >renamed.csv
short="--set dim=2 --steps 40 --evaluations 5 --k-hat-draws 0 --quiet"
# shellcheck disable=SC2086
{
    run 0 fit hpmf --data sim/data.csv $short --out plain
    run 0 fit hpmf --data ratings=renamed.csv --map user=uid,item=vid --map rating=stars $short --out renamed
    check cmp plain/log.csv renamed/log.csv
    # a test file is held out, as --holdout would
    head -n 801 sim/data.csv >train.csv
    { head -n 1 sim/data.csv; tail -n 100 sim/data.csv; } >test.csv
    run 0 fit hpmf --data train.csv --test test.csv $short --out tested
    in_out "800 training rows, 100 held out"
    # mini-batches, MAP, the delta guide, the notebook's prior, pmf
    run 0 fit hpmf --data sim/data.csv $short --batch ratings=200
    run 0 fit hpmf --data sim/data.csv $short --guide delta --out delta
    # guides with covariances: saved, gone on with
    for guide in rows low-rank full; do
        run 0 fit hpmf --data sim/data.csv $short --holdout 0.1 --guide $guide --out with-$guide
        run 0 fit hpmf --data sim/data.csv --set dim=2 --evaluations 5 --k-hat-draws 0 --quiet --holdout 0.1 --guide $guide --init-from with-$guide \
            --steps 1 --lr 1e-12 --out on
        json on/fit.json "abs(j['loss_per_observation'] - json.load(open('with-$guide/fit.json'))['loss_per_observation']) < 1e-8"
        rm -r on
    done
    run 2 fit hpmf --data sim/data.csv $short --guide rows --rank 3
    in_err 'option "rank" was given, but belongs to --guide low-rank'
    run 2 fit hpmf --data sim/data.csv $short --guide full --precision single
    in_err "--guide full computes in double precision only"
    run 0 fit hpmf --data sim/data.csv $short --set prior=notebook
    run 0 fit hpmf --data sim/data.csv $short --set center=mean --holdout 0.2 --out centred
    run 0 fit pmf --data sim/data.csv $short --set noise=free
    run 0 fit pmf --data sim/data.csv --set dim=2 --engine map --steps 50 --quiet --out mode
    in_out "pmf by map"
    # from where another run ended: the first loss is near its last
    run 0 fit hpmf --data sim/data.csv $short --holdout 0.1 --init-from run --out warm
}
have_python && {
    checks=$((checks + 1))
    python3 - <<'P' || fail "--init-from did not start where the run ended"
last = [float(l.split(",")[1]) for l in open("run/log.csv").readlines()[-20:]]
first = float(open("warm/log.csv").readlines()[1].split(",")[1])
cold = float(open("plain/log.csv").readlines()[1].split(",")[1])
assert abs(first - sum(last) / 20) < 0.2 * abs(cold - sum(last) / 20), (first, last, cold)
P
}
echo '{"obs_scale": 3.5}' >init.json
run 0 fit hpmf --data sim/data.csv --set dim=2 --evaluations 5 --quiet --steps=1 --guide delta --lr 1e-9 --init-jitter 0 --init init.json --out at
json at/fit.json 'abs(next(s for s in j["sites"] if s["site"] == "obs_scale")["elements"][0]["mean"] - 3.5) < 1e-6'

# ---- summary ----
run 0 summary run
in_out "hpmf by svi, seed 1"
run 0 summary run --sites V,obs_scale --json
json out '[s["site"] for s in j["sites"]] == ["obs_scale", "V"] and len(j["sites"][1]["elements"]) == 50'
json out 'j["sites"][1]["elements"][2]["name"] == "V[1,0]"'
# what is summarised is what was fitted
json out 'abs(j["sites"][0]["elements"][0]["mean"] - next(s for s in json.load(open("run/fit.json"))["sites"] if s["site"] == "obs_scale")["elements"][0]["mean"]) < 1e-12'

# ---- predict: the held-out rows again, from the run alone ----
have_python && {
    python3 - <<'P'
rows = open("sim/data.csv").read().splitlines()
held = [r for i, r in enumerate(rows[1:]) if ((i * 2654435761) % 2**32) / 2**32 < 0.1]
open("held.csv", "w").write("\n".join([rows[0]] + held) + "\n")
open("bare.csv", "w").write("\n".join(",".join(r.split(",")[:2]) for r in [rows[0]] + held) + "\n")
P
    mv sim/data.csv sim/moved.csv
    run 0 predict run --test held.csv --json
    json out 'abs(j["scores"]["rmse"] - json.load(open("run/fit.json"))["holdout"]["rmse"]) < 1e-9'
    json out 'abs(j["scores"]["mean_log_predictive_density"] - json.load(open("run/fit.json"))["holdout"]["mean_log_predictive_density"]) < 1e-9'
    for guide in rows low-rank full; do # the same draws, covariances and all
        run 0 predict with-$guide --test held.csv --json
        json out "abs(j['scores']['rmse'] - json.load(open('with-$guide/fit.json'))['holdout']['rmse']) < 1e-9"
        json out "abs(j['scores']['mean_log_predictive_density'] - json.load(open('with-$guide/fit.json'))['holdout']['mean_log_predictive_density']) < 1e-9"
    done
    run 0 predict run --test held.csv --out with.csv
    run 0 predict run --test bare.csv --out without.csv # predictions need no ratings
    check cmp with.csv without.csv
    check test "$(head -n 1 with.csv)" = user,item,mean,sd,low,high
    run 0 predict centred --test held.csv
    run 0 predict delta --test held.csv
    run 0 predict run --test held.csv --plug-in
    mv sim/moved.csv sim/data.csv
}

# ---- recommend ----
run 0 recommend run --user 5 --top 4
in_out "expected for user 5"
check test "$(wc -l <out)" = 6
run 0 recommend run --user 5 --top 1000 --json
rated=$(tail -n +2 sim/data.csv | awk -F, '$1 == 5' | wc -l)
json out 'len(j["items"]) == 25 - '"$rated"' and j["rated_left_out"]'
json out 'all(a["mean"] >= b["mean"] for a, b in zip(j["items"], j["items"][1:]))'
json out 'all(i["low"] <= i["mean"] <= i["high"] for i in j["items"])'
run 0 recommend run --user 5 --top 1000 --all --json
json out 'len(j["items"]) == 25'
mv sim/data.csv sim/moved.csv
run 0 recommend run --user 5 --json
in_err "the training data is gone or has changed"
mv sim/moved.csv sim/data.csv
# a new user: in expectation V loc_u (both from the run's own draws)
run 0 recommend run --new-user --top 25 --draws 20000 --json
cp out cold.json
run 0 summary run --sites loc_u,V --json
have_python && {
    checks=$((checks + 1))
    python3 - <<'P' || fail "the expected ratings of a new user are not V loc_u"
import json, math
s = {x["site"]: [e["mean"] for e in x["elements"]] for x in json.load(open("out"))["sites"]}
items = json.load(open("cold.json"))["items"]
assert len(items) == 25
for i in items:
    k = int(i["item"])
    want = sum(s["V"][2 * k + d] * s["loc_u"][d] for d in range(2))
    assert abs(i["mean"] - want) < 5 * i["sd"] / math.sqrt(20000), (i, want)
    assert i["sd"] > 0.1 and i["low"] < want < i["high"]
P
}
run 0 recommend run --plate item --items user --new-user --top 3
in_out "expected for a new item"

# ---- text ids ----
awk -F, 'NR == 1 { print; next } { print "u" $1 "," "the \"" $2 "\"," $3 }' sim/data.csv |
    sed '1!s/,the "\([0-9]*\)",/,"the ""\1""",/' >named.csv
# shellcheck disable=SC2086
run 0 fit hpmf --data named.csv $short --out named
run 0 recommend named --user u5 --top 2
in_out 'the "'
run 0 recommend named --new-user --top 2
run 3 recommend named --user 5
printf 'user,item\nu5,"the ""3"""\nstranger,"the ""3"""\n' >who.csv
run 0 predict named --test who.csv
in_out 'u5,"the ""3""",'
in_err "1 of 2 rows have an id that the fit never saw"
finish
