"""One Gibbs sweep of bpmf: rows of both sides and hyperparameters, noise of precision 2."""

import json
import math
import subprocess

import report
from competitors import Competitor, Data, Peer, Task, run
from environment import Failure

WARMUP = 20
DIMS = (10, 32, 64)
THREADS = (1, 2)


class Urn(Competitor):
    """A new process each turn: what counts is the median sweep."""

    def __init__(self, bench, task, threads, sweeps):
        super().__init__(bench, "urn", task, "double", threads, sweeps)

    def measure(self):
        t, out = self.task, self.bench.scratch / "run"
        warmup = min(WARMUP, self.steps // 2)
        command = [self.bench.program("urn"), "fit", "bpmf", "--engine", "gibbs", "--quiet"]
        command += ["--data", t.data.path, "--map", t.data.map(), "--set", f"dim={t.dim}"]
        command += ["--warmup", warmup, "--draws", self.steps - warmup, "--seed", 1]
        command += ["--threads", self.threads, "--out", out, "--force"]
        if t.data.holdout:
            command += ["--holdout", t.data.holdout]
        run(command)
        fit = json.loads((out / "fit.json").read_text(encoding="utf-8"))
        return {
            "step_ms": fit["sweep_ms_median"],
            "rmse": fit["holdout"]["rmse"] if t.data.holdout else math.nan,
            "peak_rss_mb": fit["peak_rss_mb"],
        }


class Floor(Competitor):
    """The hand-written sweep of bench/bpmf.c."""

    def __init__(self, bench, task, threads, sweeps):
        super().__init__(bench, "floor", task, "double", threads, sweeps)

    def measure(self):
        t = self.task
        command = [self.bench.program("bench/floor_gibbs"), "--data", t.data.path, "--dim", t.dim]
        command += ["--holdout", t.data.holdout, "--steps", self.steps, "--threads", self.threads]
        found = json.loads(run(command))
        return {
            "step_ms": found["step_ms_median"],
            "rmse": found["rmse"] if t.data.holdout else math.nan,
            "peak_rss_mb": found["peak_rss_mb"],
        }


def installed(bench, module):
    """Peers that are not there are left out, aloud: their wheels do not exist for every machine."""
    command = [bench.python, "-W", "ignore", "-c", f"import {module}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        print(f"skipped: {bench.python} cannot import {module}: {why}")
    return done.returncode == 0


def peers(bench, task, sweeps):
    if not bench.peers:
        return []
    found = []
    if installed(bench, "smurff"):
        found += [Peer(bench, "smurff", "smurff_gibbs", task, "double", n, sweeps) for n in THREADS]
    if installed(bench, "myfm"):
        found.append(Peer(bench, "myfm", "myfm_gibbs", task, "double", 1, sweeps))
    return found


def find(entries, name, threads):
    return next((e for e in entries if (e.name, e.threads) == (name, threads)), None)


def error_of(entry):
    """Of averaged predictions of held-out rows."""
    last = entry.samples[-1]
    return last.get("rmse", last.get("loss", math.nan))


def show(entries):
    rows, results = [], []
    for e in entries:
        s = report.spread(e.times())
        urn = find(entries, "urn", e.threads)
        times_urn = report.ratio(urn.times(), e.times())
        rmse, memory = error_of(e), e.samples[-1]["peak_rss_mb"]
        results.append(
            dict(s, name=e.name, threads=e.threads, times_urn=times_urn, rmse=rmse, peak_rss_mb=memory)
        )
        shown = "" if math.isnan(rmse) else f"{rmse:.4f}"
        row = [e.name, str(e.threads), s["median"], s["min"], s["max"], f"{times_urn:.2f} x"]
        rows.append(row + [shown, memory])
    header = ["ms a sweep", "threads", "median", "min", "max", "of Urn", "RMSE", "MB"]
    report.table(rows, header)
    return results


def least(entries, name, threads):
    return min(find(entries, name, threads).times())


def checks_of(entries, dim):
    """Least times: other programs' work can only make a sweep longer."""
    found = []
    for n in THREADS:
        ratio = least(entries, "urn", n) / least(entries, "floor", n)
        found.append((f"Urn / floor, {n} thread{'s' * (n > 1)}", ratio, "<=", 1.5))
        smurff = find(entries, "smurff", n)
        if smurff is not None:
            ratio = min(smurff.times()) / least(entries, "urn", n)
            found.append((f"SMURFF / Urn, {n} thread{'s' * (n > 1)}", ratio, ">=", 4.0 if dim == 10 else 1.0))
    return found


def race(bench, title, data, dim, sweeps, rounds, with_peers):
    task = Task(data, dim, model="bpmf", center=True)
    entries = [kind(bench, task, n, sweeps) for n in THREADS for kind in (Urn, Floor)]
    entries += peers(bench, task, max(5, sweeps // 5)) if with_peers else []
    print(f"\n{title}, d = {dim}", flush=True)
    for entry in entries:
        getattr(entry, "wait", lambda: None)()
    for _ in range(rounds):
        for entry in entries:
            entry.turn()
    rows = show(entries)
    checks = checks_of(entries, dim)
    if data.holdout and sweeps >= 100:  # seeds differ by 0.003
        errors = [error_of(find(entries, name, 1)) for name in ("urn", "floor")]
        if abs(errors[0] - errors[1]) > 0.009:
            raise Failure(f"Urn and the floor sample something else: RMSE {errors}")
    bench.close_workers()
    return {"rows": rows, "bars": report.bars(checks)}


def run_small(bench):
    movielens = Data(
        bench.shared("ml-latest-small/ratings.csv"), ("userId", "movieId", "rating")
    )
    found = {}
    for dim in DIMS:
        title = "ml-latest-small, 90,752 training ratings"
        found[f"movielens {dim}"] = race(bench, title, movielens, dim, 120, min(bench.rounds, 5), True)
    for users, items, n, sweeps in ((943, 1682, 80_000, 60), (6040, 3706, 1_000_000, 20)):
        data = Data(bench.simulated(users, items, n), ("user", "item", "rating"), holdout=0)
        for dim in DIMS:
            title = f"simulated, {users:,} x {items:,}, {n:,} ratings"
            found[f"{n} {dim}"] = race(bench, title, data, dim, sweeps, min(bench.rounds, 3), True)
    return found


def run_large(bench):
    found = {}
    sizes = [(71_567, 10_681, 10_000_000, dim) for dim in DIMS] + [(138_493, 26_744, 20_000_000, 32)]
    for users, items, n, dim in sizes:
        data = Data(bench.simulated(users, items, n), ("user", "item", "rating"), holdout=0)
        title = f"simulated, {users:,} x {items:,}, {n:,} ratings"
        result = race(bench, title, data, dim, 6, min(bench.rounds, 2), False)
        one, two = (r["min"] for r in result["rows"] if r["name"] == "urn")
        memory = max(r["peak_rss_mb"] for r in result["rows"] if r["name"] == "urn")
        result["bars"] += report.bars(
            [
                ("two threads: times as fast", one / two, ">=", 1.7),
                ("Urn: peak memory, GiB", memory / 1024, "<=", 4.0),
            ]
        )
        found[f"{n} {dim}"] = result
    return found
