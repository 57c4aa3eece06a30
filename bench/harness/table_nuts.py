"""What nuts makes of a gradient and of a second, beside Stan and NumPyro on the same data and seeds."""

import statistics

import report
from samplers import POSTERIORDB, Size, samplers

# Stan's least bulk ESS of 4 x 1,000 draws, leapfrog steps a draw, as handed down: one run each, and the
# logistic regression's of other made-up data of the same size. For machines without Stan.
STAN = {
    "eight_schools": (2232, 8.7),
    "kidiq": (1050, 25),
    "ark": (2542, 30),
    "logistic": (3907, 7),
}
SEEDS = 10
PEER_SEEDS = {"ark": 5, "logistic": 2}  # a run of Stan takes 7 s and half a minute
LARGE = Size(chains=1, warmup=40, draws=40, depth=5)  # hpmf: time alone
LARGE_SEEDS = 2


def race(bench, model, size, seeds, peer_seeds, with_ess=True):
    """Runs by name; a seed is a turn."""
    entries = samplers(bench, model)
    runs = {s.name: [] for s in entries}
    for seed in range(1, seeds + 1):
        for s in entries:
            if s.name == "urn" or seed <= peer_seeds:
                runs[s.name].append(s.sample(seed, size, with_ess))
    bench.close_workers()
    return runs


def warm(name, runs):
    """Those whose time is that of sampling: NumPyro's first run compiles."""
    return runs[1:] if name == "numpyro" else runs


def mean(runs, what):
    return statistics.fmean(r[what] for r in runs)


def of_urn(name, runs, what):
    """Median over turns of Urn's by theirs."""
    first = 1 if name == "numpyro" else 0
    pairs = list(zip(runs["urn"], runs[name]))[first:]
    return statistics.median(a[what] / b[what] for a, b in pairs)


def figures(name, runs):
    mine = runs[name]
    f = {"seeds": len(mine), "divergences": sum(r["divergences"] for r in mine)}
    f["leapfrogs_per_draw"] = mean(mine, "leapfrogs_per_draw")
    f["us_leapfrog"] = report.spread([r["us_leapfrog"] for r in warm(name, mine)])
    f["seconds"] = report.spread([r["seconds"] for r in warm(name, mine)])
    f["first_seconds"] = mine[0]["seconds"]
    if "ess_bulk_min" in mine[0]:
        f["ess"] = report.spread([r["ess_bulk_min"] for r in mine])
        f["ess_mean"] = mean(mine, "ess_bulk_min")
        f["ess_per_gradient"] = f["ess_mean"] / sum(r["leapfrogs"] for r in mine) * len(mine)
        f["ess_per_s"] = report.spread([r["ess_per_s"] for r in warm(name, mine)])
    if name != "urn":
        f["urn_gradients_over"] = 1 / of_urn(name, runs, "us_leapfrog")
        if "ess" in f:
            f["urn_ess_per_s_over"] = of_urn(name, runs, "ess_per_s")
    return f


def row_of(name, f):
    ess = [f["ess_mean"], f["ess"]["min"], f["ess"]["max"]] if "ess" in f else [""] * 3
    per = [f"{f['ess_per_gradient']:.4f}", f["ess_per_s"]["median"]] if "ess" in f else [""] * 2
    times = [f"{report.number(f[k])} x" if k in f else "" for k in ("urn_ess_per_s_over", "urn_gradients_over")]
    us, s = f["us_leapfrog"], f["seconds"]
    cold = f["first_seconds"] if name == "numpyro" else ""
    row = [name, str(f["seeds"]), *ess, f["leapfrogs_per_draw"], str(f["divergences"])]
    return row + [per[0], us["median"], times[1], s["median"], s["min"], s["max"], cold, per[1], times[0]]


HEADER = ["", "seeds", "ESS", "min", "max", "leapfrogs", "diverging", "ESS a gradient", "us a leapfrog", "Urn's rate",
          "s", "min", "max", "first", "ESS a s", "Urn's"]


def show(title, runs):
    found = {name: figures(name, runs) for name in runs}
    print(f"\n{title}", flush=True)
    report.table([row_of(name, f) for name, f in found.items()], HEADER)
    return found


def run(bench):
    results, checks = {}, []
    for model in (*POSTERIORDB, "logistic"):
        runs = race(bench, model, Size(), SEEDS, PEER_SEEDS.get(model, SEEDS))
        found = results[model] = show(f"{model}, 4 x (1,000 + 1,000) draws", runs)
        ess, leapfrogs = STAN[model]
        stans = ess / leapfrogs / 4000
        if "stan" in found:
            stans = found["stan"]["ess_per_gradient"]
            checks.append((f"{model}: times Stan's ESS a second", found["stan"]["urn_ess_per_s_over"], ">=", 1.0))
        checks.append((f"{model}: ESS a gradient over Stan's", found["urn"]["ess_per_gradient"] / stans, ">=", 0.8))
    runs = race(bench, "hpmf", LARGE, LARGE_SEEDS, LARGE_SEEDS, with_ess=False)
    found = results["hpmf"] = show("hpmf on AVOD, 40 + 40 draws of 31 leapfrog steps at most", runs)
    if "stan" in found:
        checks.append(("hpmf: leapfrog steps a second over Stan's", found["stan"]["urn_gradients_over"], ">=", 5.0))
    print()
    return {"models": results, "bars": report.bars(checks)}
