"""One log density with its gradient: Urn beside the floors (bench/gradient.c), and beside Stan and
NumPyro."""

import json
import statistics

import report
from competitors import run as call
from samplers import MODELS, VARIANTS, check_gradients, samplers

BARS = {"eight_schools": 0.45, "kidiq": 2.5, "ark": 4.0, "logistic": 250.0, "hpmf": 700.0}
TIMES_STAN = {"eight_schools": 1.0, "kidiq": 1.5, "ark": 1.5, "logistic": 1.5, "hpmf": 5.0}
TURN_US = 30_000  # of evaluations in a turn


def floors(bench):
    command = [bench.program("bench/gradient"), bench.shared("avod/watch_minutes.csv")]
    rounds = [json.loads(call(command)) for _ in range(min(bench.rounds, 3))]
    rows, results, checks = [], [], []
    for name, bar in BARS.items():
        samples = [r[name] for r in rounds]
        result = {"name": name, "size": samples[0]["size"], "bar_us": bar}
        row = [f"{name} ({result['size']})"]
        for side in ("urn", "floor"):
            if f"{side}_us" not in samples[0]:
                row += ["", "", ""]
                continue
            result[side] = {
                "median": statistics.median(s[f"{side}_us"] for s in samples),
                "min": min(s[f"{side}_us_min"] for s in samples),
                "max": max(s[f"{side}_us_max"] for s in samples),
            }
            row += [result[side][k] for k in ("median", "min", "max")]
        both = "floor" in result
        row.append(f"{report.number(result['urn']['median'] / result['floor']['median'])} x" if both else "")
        rows.append(row)
        results.append(result)
        checks.append((f"{name}: us", result["urn"]["median"], "<=", bar))
    header = ["us an evaluation", "Urn", "min", "max", "floor", "min", "max", "Urn / floor"]
    report.table(rows, header)
    return results, checks


def race(bench, model):
    """Samples of every sampler by name: microseconds of an evaluation, in turn."""
    entries = samplers(bench, model)
    first = [(s.name, s.gradient(3)) for s in entries]
    check_gradients(model, first)
    count = {name: max(3, int(TURN_US / answer["us"])) for name, answer in first}
    count = {name: max(3, int(TURN_US / s.gradient(count[name])["us"])) for name, s in zip(count, entries)}
    times = {s.name: [] for s in entries}
    for _ in range(max(bench.rounds, 3)):
        for s in entries:
            times[s.name].append(s.gradient(count[s.name])["us"])
    bench.close_workers()
    return first[0][1]["size"], times


def peers(bench):
    rows, results, checks = [], [], []
    for model in (*MODELS, *VARIANTS):
        size, times = race(bench, model)
        row, result = [f"{model} ({size})"], {"name": model, "size": size}
        for name in ("urn", "stan", "numpyro"):
            found = times.get(name)
            if not found:
                row += ["", "", "", ""]
                continue
            result[name] = s = report.spread(found)
            row += [s["median"], s["min"], s["max"]]
            if name != "urn":
                result[f"{name}_over_urn"] = times_ours = report.ratio(times["urn"], found)
                row.append(f"{report.number(times_ours)} x")
        if "stan" in times and model in TIMES_STAN:
            checks.append((f"{model}: times Stan's rate", result["stan_over_urn"], ">=", TIMES_STAN[model]))
        rows.append(row)
        results.append(result)
    print()
    header = ["us an evaluation", "Urn", "min", "max"]
    header += [h for name in ("Stan", "NumPyro") for h in (name, "min", "max", "of Urn")]
    report.table(rows, header)
    return results, checks


def run(bench):
    results, checks = floors(bench)
    found = {"rows": results}
    if bench.peers:
        found["peers"], more = peers(bench)
        checks += more
    found["bars"] = report.bars(checks)
    return found
