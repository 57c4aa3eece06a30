#!/bin/bash
# Samplers from the command line: chains, warm-up, thinning, what is kept of them and said about them.
. "${URN_SRCDIR:?}/tests/cli/lib.sh"
set -m # background jobs otherwise ignore SIGINT
small_data
sampled() {
    run 0 fit hpmf --data small/data.csv --set dim=2 --engine nuts --holdout 0.1 "$@"
}

# ---- a run ----
sampled --warmup 150 --draws 120 --chains 3 --seed 3 --log-every 100 --prior 50 --out run
in_err "chain 2  warm-up " # quick chains have few lines
in_err "chain 0  sampling    270/270"
in_out "hpmf by nuts"
in_out "3 chains, 120 draws each after 150 steps of warm-up, 120 kept"
in_out "bulk ESS"
in_out "R-hat"
in_out "coverage of intervals"
json run/fit.json 'j["engine"] == "nuts" and j["steps"] == 810 and j["chains"] == 3 and j["warmup"] == 150'
json run/fit.json 'j["draws"] == j["draws_stored"] == 120 and j["thin"] == 1 and j["step_ms_median"] > 0'
json run/fit.json 'j["divergences"] >= 0 and j["holdout"]["n"] == j["n_held_out"] and j["holdout"]["coverage_50"] > 0.2'
json run/fit.json 'set(j["convergence"]) == {"r_hat", "ess_bulk", "ess_tail", "warnings"} and j["convergence"]["r_hat"]["value"] > 0.9'
json run/fit.json 'all(k in e for s in j["sites"] for e in s.get("elements", []) for k in "mean mcse_mean sd mcse_sd q5 q50 q95 ess_bulk ess_tail r_hat".split())'
json run/fit.json 'not any("elements" in s for s in j["sites"] if s["site"] in "UV")'
check test "$(wc -l <run/log.csv)" = 811
check test "$(head -n 1 run/log.csv | cut -d, -f1-4)" = chain,step,warmup,lp
check test "$(awk -F, 'NR > 1 { print $1, $2 }' run/log.csv | sort -n -k1,1 -k2,2 | cksum)" = \
    "$(awk -F, 'NR > 1 { print $1, $2 }' run/log.csv | cksum)" # in order, whatever ran first
check test "$(awk -F, 'NR > 1 && $3 == 1' run/log.csv | wc -l)" = 450

# ---- what is read back is what was drawn ----
run 0 summary run --json
json out 'j["sites"] == json.load(open("run/fit.json"))["sites"] and j["convergence"] == json.load(open("run/fit.json"))["convergence"]'
run 0 summary run --sites U
in_out "U[0,1]"
have_python && {
    python3 - <<'P'
rows = open("small/data.csv").read().splitlines()
held = [r for i, r in enumerate(rows[1:]) if ((i * 2654435761) % 2**32) / 2**32 < 0.1]
open("held.csv", "w").write("\n".join([rows[0]] + held) + "\n")
P
    run 0 predict run --test held.csv --json
    json out 'abs(j["scores"]["rmse"] - json.load(open("run/fit.json"))["holdout"]["rmse"]) < 1e-9'
    json out 'abs(j["scores"]["coverage_80"] - json.load(open("run/fit.json"))["holdout"]["coverage_80"]) < 1e-9'
}
run 0 recommend run --user 5 --top 3
run 0 fit hpmf --data small/data.csv --set dim=2 --steps 5 --evaluations 5 --quiet --init-from run

# factors turn: chains need not agree on them, and are not blamed for it
json run/fit.json '{s["site"] for s in j["sites"] if s.get("turns")} == {"U", "V", "loc_u", "tril_u"}'
json run/fit.json 'all(j["convergence"][k]["name"] == "obs_scale" for k in ("r_hat", "ess_bulk", "ess_tail"))'
run 0 summary run
in_out "loc_u, tril_u: turn with the factors, so chains need not agree"

# ---- diagnose ----
run 0 diagnose run
in_out "divergences"
in_out "trajectories at --max-depth"
in_out "least E-BFMI of a chain"
in_out "worst R-hat"
in_out "obs_scale"
in_out "4 sites not looked at: large, or turning with factors"
run 0 diagnose run --sites loc_u,obs_scale --json
json out 'j["engine"] == "nuts" and {c["check"] for c in j["checks"]} >= {"divergences", "worst R-hat", "least bulk ESS", "least tail ESS"}'
json out 'all(isinstance(c["ok"], bool) for c in j["checks"]) and j["ok"] == (all(c["ok"] for c in j["checks"]) and not j["warnings"])'
run 0 fit hpmf --data small/data.csv --set dim=2 --engine nuts --warmup 300 --draws 500 --chains 4 --delta 0.95 --seed 2 --quiet --out good
run 0 diagnose good
run 0 fit hpmf --data small/data.csv --set dim=2 --engine nuts --warmup 20 --draws 15 --chains 2 --delta 0.5 --quiet --out bad
run 5 diagnose bad --strict
in_out "BAD"
in_out "warning: "
in_err "the run has problems"
run 0 fit hpmf --data small/data.csv --set dim=2 --steps 100 --evaluations 5 --quiet --out guide
run 0 diagnose guide
in_out "k-hat of the guide"
run 2 diagnose run --sites nothing
in_err 'unknown site "nothing"'

# ---- export as CmdStan's CSV ----
run 0 export run --out stan
in_out "stan_3.csv: 120 draws"
check test "$(grep -v '^#' stan_2.csv | wc -l)" = 121
check test "$(grep -v '^#' stan_1.csv | head -n 1 | cut -d, -f1-8)" = \
    lp__,accept_stat__,stepsize__,treedepth__,n_leapfrog__,divergent__,energy__,loc_u.1
check grep -q ",U.1.1,U.2.1,U.3.1," stan_1.csv # the first index runs fastest
check test "$(grep -v '^#' stan_1.csv | awk -F, '{ print NF }' | sort -u | wc -l)" = 1
run 2 export run --out stan
in_err "stan_1.csv exists"
run 0 export run --out stan --force --sites obs_scale --json
json out 'j["files"] == ["stan_1.csv", "stan_2.csv", "stan_3.csv"]'
check test "$(grep -v '^#' stan_3.csv | head -n 1 | cut -d, -f8-)" = obs_scale
run 2 export run --sites nothing
in_err 'unknown site "nothing"'

# ---- the same bytes on any number of threads ----
for threads in 1 2 3 8; do
    sampled --warmup 60 --draws 40 --chains 3 --threads $threads --quiet --out t$threads
    check cmp t1/draws.nc t$threads/draws.nc
    check cmp t1/log.csv t$threads/log.csv
    json t$threads/fit.json 'all(j[k] == json.load(open("t1/fit.json"))[k] for k in ("sites", "holdout", "warnings", "convergence"))'
done

# ---- one chain, thinning, little room ----
sampled --warmup 0 --draws 50 --thin 2 --chains 1 --quiet --out one
in_out "one chain: R-hat needs several (--chains 4)"
in_out "1 chain, 50 draws each after 0 steps of warm-up, 50 kept"
json one/fit.json 'j["warmup"] == 0 and j["steps"] == 100 and j["convergence"].keys() == {"ess_bulk", "ess_tail", "warnings"}'
sampled --warmup 50 --draws 1200 --chains 1 --quiet --save-budget 1 --out tight
in_out "one of every 3 is stored (--save-budget allows more)"
json tight/fit.json 'j["draws"] == 1200 and j["draws_stored"] == 400'
run 0 summary tight
# ... and mean and sd over all draws of the large sites, here beside a run that keeps them all
sampled --warmup 50 --draws 1200 --chains 1 --quiet --out roomy
command -v ncdump >/dev/null && have_python && {
    checks=$((checks + 1))
    python3 - <<'P' || fail "moments are not those of all draws"
import math, re, subprocess
def numbers(run, var):
    text = subprocess.run(["ncdump", "-p", "17,17", "-v", var, run + "/draws.nc"], capture_output=True, text=True).stdout
    return [float(x) for x in re.split(r"[,\s]+", re.findall(r"\n *%s =([^;]*);" % var.split("/")[-1], text)[-1].strip())]
draws = numbers("roomy", "posterior/U")
n, size = 1200, 80
assert len(draws) == n * size
mean, sd = numbers("tight", "moments/U_mean"), numbers("tight", "moments/U_sd")
for i in range(size):
    x = draws[i::size]
    m = sum(x) / n
    assert math.isclose(mean[i], m, rel_tol=1e-9, abs_tol=1e-12)
    assert math.isclose(sd[i], math.sqrt(sum((v - m) ** 2 for v in x) / (n - 1)), rel_tol=1e-9)
P
}
check test "$(ncdump -h roomy/draws.nc 2>/dev/null | grep -c 'group: moments')" = 0
# every draw counts for the held-out rows, stored or not: the last error of the mean is the score
for run in one tight; do
    have_python || break
    checks=$((checks + 1))
    python3 - $run <<'P' || fail "errors in log.csv are not those of the held-out rows"
import csv, json, math, sys
rows = list(csv.DictReader(open(sys.argv[1] + "/log.csv")))
j = json.load(open(sys.argv[1] + "/fit.json"))
drawn = [r for r in rows if r["rmse"] != "nan"]
assert len(drawn) == j["draws"] and all(r["warmup"] == "0" for r in drawn)
assert math.isclose(float(rows[-1]["rmse_of_mean"]), j["holdout"]["rmse"], rel_tol=1e-12)
assert float(drawn[0]["rmse"]) == float(drawn[0]["rmse_of_mean"])
P
done
run 0 fit pmf --data small/data.csv --set dim=2 --engine gibbs --warmup 3 --draws 20 --holdout 0.1 --out sweeps
in_err "items/s"
in_err "ratings/s"
in_err "chain 0  sampling     23/23  RMSE "
in_err ", of the mean "
in_out "after 3 sweeps of warm-up"
json sweeps/fit.json 'j["sweep_ms_median"] > 0 and "step_ms_median" not in j and j["holdout"]["coverage_50"] > 0'
json sweeps/fit.json 'abs(j["holdout"]["rmse"] - float(open("sweeps/log.csv").read().split()[-1].split(",")[-1])) < 1e-12'
run 5 fit hpmf --data small/data.csv --set dim=2 --engine nuts --warmup 20 --draws 10 --quiet --strict
in_err "the fit has warnings"

# ---- discrete sites, one a row: integers in draws.nc, read back with their rows ----
cat >groups.c <<'C'
#include <urn/urn.h>
static void groups(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var share = urn_sample(m, "share", beta,
                               .concentration1 = urn_real(m, 2.0),
                               .concentration0 = urn_real(m, 2.0));
    urn_var z = urn_sample(m, "z", bernoulli, .probs = share, .plate = rows);
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = urn_mul(urn_real(m, 6.0), z),
                .scale = urn_real(m, 1.0), .plate = rows);
}
URN_MODEL(groups, "two groups");
C
{
    echo y
    for i in $(seq 40); do echo $((i % 4 == 0 ? 6 : 0)).$((i % 7)); done
} >groups.csv
run 0 fit ./groups.c --data groups.csv --engine gibbs --warmup 20 --draws 60 --chains 2 --holdout 0.25 --quiet --out groups
in_out "held out, site y"
run 0 summary groups --sites z,share --json
json out '[len(s["elements"]) for s in j["sites"]] == [1, j["n_training"]]'
json out 'all(e["mean"] in (0, 1) or 0 < e["mean"] < 1 for e in j["sites"][1]["elements"])'
command -v ncdump >/dev/null && check grep -q "int64 z(chain, draw, rows)" <(ncdump -h groups/draws.nc)
run 0 predict groups --test groups.csv
run 0 diagnose groups
run 0 fit ./groups.c --data groups.csv --engine gibbs --warmup 2 --draws 3 --quiet --init-from groups
echo "y" >>groups.csv
run 3 summary groups
in_err "the data it was fitted on is gone or has changed"

# ---- refusals ----
run 2 fit hpmf --data small/data.csv --engine svi --warmup 10 --steps 10
in_err 'engine "svi" optimises: it has no warm-up, draws or thinning'
in_err "say how many steps with --steps"
run 4 fit "$URN_SRCDIR/examples/posteriordb/kidscore_momiq.c" --data "$URN_SRCDIR/examples/posteriordb/data/kidscore_momiq.json" --prior 5
in_err "improper"
run 2 fit hpmf --data small/data.csv --engine nuts --draws 0
in_err "option --draws is 0; it takes 1 to 1e+09"

# ---- Ctrl-C while sampling and in warm-up ----
start() { # start PATTERN ARGUMENTS...: a long fit in the background; waits until it says PATTERN
    pattern=$1
    shift
    "$urn" fit hpmf --data small/data.csv --set dim=2 --engine "${engine:-nuts}" --holdout 0.1 "$@" >out 2>err &
    job=$!
    for _ in $(seq 300); do
        grep -q "$pattern" err && return 0
        sleep 0.1
    done
    fail "the fit does not get to $pattern"
}
# chains and the BLAS have no threads beside those asked for
threads_at_most() {
    [ -d "/proc/$job/task" ] || return 0
    check test "$(find "/proc/$job/task" -mindepth 1 -maxdepth 1 | wc -l)" -le "$1"
}
start "sampling" --warmup 50 --draws 100000000 --chains 2 --out cut --threads 2 --save-budget 10
threads_at_most 2
kill -INT $job
wait $job
check test $? = 130
in_err "the run is written"
json cut/fit.json 'j["interrupted"] and j["chains"] >= 1 and j["draws_stored"] >= 1 and j["holdout"]["n"] > 0'
run 0 summary cut
start "warm-up" --warmup 100000000 --draws 10 --chains 2 --out early --threads 1
threads_at_most 1
kill -INT $job
wait $job
check test $? = 130
json early/fit.json 'j["interrupted"] and j["draws_stored"] == 1 and any("before the first draw" in w for w in j["warnings"])'
run 0 fit hpmf --data small/data.csv --set dim=2 --engine nuts --warmup 5 --draws 5 --quiet --init-from early
engine=gibbs start "sampling" --warmup 5 --draws 300000 --chains 2 --out cut --force --save-budget 10 --keep obs_scale
kill -INT $job
wait $job
check test $? = 130
json cut/fit.json 'j["engine"] == "gibbs" and j["interrupted"] and j["draws_stored"] >= 1 and j["holdout"]["n"] > 0'
run 0 summary cut

# ---- all draws of chosen sites ----
sampled --warmup 50 --draws 1200 --chains 1 --quiet --save-budget 1 --keep obs_scale,loc_u --out chosen
json chosen/fit.json 'j["draws"] == 1200 and j["draws_stored"] == 400'
command -v ncdump >/dev/null && have_python && {
    checks=$((checks + 1))
    python3 - <<'P' || fail "--keep has not all draws of its sites, or others"
import re, subprocess
def text(run, *more):
    return subprocess.run(["ncdump", "-p", "17,17", *more, run + "/draws.nc"], capture_output=True, text=True).stdout
def numbers(run, var):
    return [float(x) for x in re.split(r"[,\s]+", re.findall(r"\n *%s =([^;]*);" % var.split("/")[-1], text(run, "-v", var))[-1].strip())]
for var in ("obs_scale", "loc_u"):
    assert numbers("chosen", "posterior/" + var) == numbers("roomy", "posterior/" + var)
group = re.search(r"group: posterior \{(.*?)\} // group", text("chosen", "-h"), re.S).group(1)
assert " U(" not in group and "obs_scale(" in group
P
}
run 0 predict chosen --test small/data.csv
run 2 fit hpmf --data small/data.csv --engine gibbs --keep tau
in_err 'unknown site "tau"'
run 2 fit hpmf --data small/data.csv --engine gibbs --draws 100000 --save-budget 1 --keep U
in_err "allow more with --save-budget"
run 2 fit hpmf --data small/data.csv --keep U --steps 5
in_err 'engine "svi" makes no draws to keep'

# ---- a point that moves in sweeps: its errors after each ----
run 0 fit pmf --data small/data.csv --set dim=2 --set biases=yes --engine map --method blocks --steps 12 --tolerance 0 --holdout 0.1 --out als
in_err "on training rows, "
check test "$(grep -c '^sweep ' err)" = 12
check test "$(head -n 1 als/log.csv)" = step,loss,rmse_training,rmse_held_out
check test "$(wc -l <als/log.csv)" = 13
have_python && {
    checks=$((checks + 1))
    python3 - <<'P' || fail "the curves of log.csv are wrong"
import csv, json
rows = list(csv.DictReader(open("als/log.csv")))
j = json.load(open("als/fit.json"))
loss, train, held = ([float(r[k]) for r in rows] for k in ("loss", "rmse_training", "rmse_held_out"))
assert all(b <= a for a, b in zip(loss, loss[1:])) and train[-1] < train[0]
assert abs(held[-1] - j["holdout"]["rmse"]) < 1e-12 and "sweep_ms_median" in j
P
}

# ---- ArviZ reads it, and finds the same figures ----
python=${URN_PYTHON:-python3}
if "$python" -W ignore -c 'import arviz' 2>/dev/null; then
    checks=$((checks + 1))
    run 0 export run --out stan --force
    "$python" -W ignore - <<'P' || fail "ArviZ does not find the figures of urn summary"
import arviz, json, math, sys
d = arviz.from_netcdf("run/draws.nc")
assert d.sample_stats["diverging"].dtype == bool and d.sample_stats["tree_depth"].dtype.kind == "i"
assert d.sample_stats["lp"].dims == ("chain", "draw") and d.posterior["U"].shape == (3, 120, 40, 2)
s = arviz.from_cmdstan(["stan_%d.csv" % (c + 1) for c in range(3)])
for name in ("U", "loc_u", "tril_u", "obs_scale"):
    assert (s.posterior[name].values == d.posterior[name].values).all(), name
assert (s.sample_stats["diverging"].values == d.sample_stats["diverging"].values).all()
assert (s.sample_stats["lp"].values == d.sample_stats["lp"].values).all()
loo = arviz.loo(d)
assert loo.n_data_points == json.load(open("run/fit.json"))["n_training"] and loo.n_samples == 360
assert math.isfinite(loo.elpd_loo) and loo.p_loo > 0
assert d.observed_data["R"].shape == d.log_likelihood["R"].shape[2:] == d.posterior_predictive["R"].shape[2:]
# the likelihood and the replicates are those of the draws
import numpy
u, v = d.posterior["U"].values, d.posterior["V"].values
import csv
rows = list(csv.DictReader(open("small/data.csv")))
at = d.log_likelihood["R"]["ratings"].values
i, k = (numpy.searchsorted(d.posterior[n].values, [int(rows[a][n]) for a in at]) for n in ("user", "item"))
mean = (u[:, :, i] * v[:, :, k]).sum(-1)
scale = d.posterior["obs_scale"].values[:, :, None]
z = (d.observed_data["R"].values - mean) / scale
assert numpy.allclose(d.log_likelihood["R"].values, -0.5 * z**2 - numpy.log(scale) - 0.5 * math.log(2 * math.pi))
z = (d.posterior_predictive["R"].values - mean) / scale
assert abs(z.mean()) < 5 / math.sqrt(z.size) and abs(z.std() - 1) < 5 / math.sqrt(2 * z.size)
# ids of the data, as positions among the plates' own; draws from the prior
const = d.constant_data
assert (const["user_idx"].values == i).all() and (const["item_idx"].values == k).all()
assert (const["user"].values == d.posterior["user"].values).all() and const["user_idx"].dims == ("ratings",)
assert d.prior["U"].dims == d.posterior["U"].dims and d.prior["U"].shape == (1, 50, 40, 2)
assert (d.prior["user"].values == d.posterior["user"].values).all()
u, v = d.prior["U"].values, d.prior["V"].values
z = (d.prior_predictive["R"].values - (u[:, :, i] * v[:, :, k]).sum(-1)) / d.prior["obs_scale"].values[:, :, None]
assert abs(z.mean()) < 5 / math.sqrt(z.size) and abs(z.std() - 1) < 5 / math.sqrt(2 * z.size)
v = v.ravel() # standard normal
assert abs(v.mean()) < 5 / math.sqrt(v.size) and abs(v.std() - 1) < 5 / math.sqrt(2 * v.size)
assert len(set(d.prior["obs_scale"].values.ravel())) == 50
try:
    import matplotlib
    matplotlib.use("Agg")
except ImportError:
    matplotlib = None
    print("SKIP: no matplotlib here: nothing is plotted", file=sys.stderr)
if matplotlib:
    arviz.plot_trace(d, var_names=["obs_scale"])
    arviz.plot_ppc(d, num_pp_samples=20)
    arviz.plot_ppc(d, group="prior", num_pp_samples=20)
table = arviz.summary(d, var_names=["loc_u", "obs_scale"], round_to="none")
rows = {e["name"]: e for s in json.load(open("run/fit.json"))["sites"] for e in s.get("elements", [])}
for name, found in table.iterrows():
    for key in "mean sd mcse_mean mcse_sd ess_bulk ess_tail r_hat".split():
        assert math.isclose(rows[name.replace(", ", ",")][key], found[key], rel_tol=1e-9), (name, key)
P
else
    echo "SKIP: no ArviZ here: draws.nc is not read by it" >&2
fi

# ---- cmdstanpy's own reader of CmdStan's CSV ----
if "$python" -W ignore -c 'import cmdstanpy' 2>/dev/null; then
    checks=$((checks + 1))
    run 0 export run --out stan --force
    run 0 export tight --out kept
    run 0 export sweeps --out swept
    "$python" -W ignore - <<'P' >read 2>&1 || fail "cmdstanpy does not read the export: $(tail -n 3 read)"
import csv, json, cmdstanpy
fit = cmdstanpy.from_csv(["stan_%d.csv" % (c + 1) for c in range(3)])
learned = [json.load(open("run/metric_%d.json" % (c + 1))) for c in range(3)]
assert fit.chains == 3 and fit.num_draws_sampling == 120 and fit.num_draws_warmup == 150
assert list(fit.step_size) == [m["stepsize"] for m in learned] and fit.metric_type == "diag_e"
assert [list(row) for row in fit.inv_metric] == [m["inv_metric"] for m in learned]
assert fit.stan_variable("U").shape == (360, 40, 2)
lines = [line for line in open("stan_2.csv") if not line.startswith("#")]
rows = list(csv.DictReader(lines))
assert fit.stan_variable("U")[120 + 5, 7, 1] == float(rows[5]["U.8.2"])
assert cmdstanpy.from_csv(["kept_1.csv"]).num_draws_sampling == 400
assert cmdstanpy.from_csv(["swept_1.csv"]).num_draws_sampling == 20
P
else
    echo "SKIP: no cmdstanpy here: it does not read the export" >&2
fi
finish
