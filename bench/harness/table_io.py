"""Reading CSV, and compiling a model file."""

import json
import os
import shutil
import statistics
import time

import report
from competitors import run as call


def reading(bench):
    files = [
        ("AVOD", bench.shared("avod/watch_minutes.csv")),
        ("ml-latest-small", bench.shared("ml-latest-small/ratings.csv")),
        ("1 million", bench.simulated(6_040, 3_706, 1_000_209)),
        ("20 million", bench.simulated(138_493, 26_744, 20_000_000)),
    ]
    rows, results = [], []
    for name, path in files:
        found = json.loads(call([bench.program("bench/reading"), path]))
        rows.append([name, found["mb"], 1e3 * found["seconds"], found["mb"] / found["seconds"]])
        results.append(dict(found, name=name))
    report.table(rows, ["reading CSV", "MB", "ms", "MB/s"])
    return results


def compiling(bench):
    """`urn describe` of a model file, with an empty cache and with a full one; of a built-in one for
    what is not compilation."""
    cache = bench.scratch / "cache"
    environment = dict(os.environ, XDG_CACHE_HOME=str(cache))
    source = bench.source.parent / "models" / "hpmf.c"
    data = bench.shared("avod/watch_minutes.csv")
    maps = "user=user_id,item=video_id,rating=watched_minutes"
    times = {"first": [], "cached": [], "built in": []}
    for _ in range(max(3, bench.rounds)):
        shutil.rmtree(cache, ignore_errors=True)
        for kind, model in (("first", source), ("cached", source), ("built in", "hpmf")):
            command = [bench.program("urn"), "describe", model, "--data", data, "--map", maps]
            start = time.perf_counter()
            call(command, env=environment)
            times[kind].append(time.perf_counter() - start)
    print()
    rows = [[k, *(1e3 * f(v) for f in (statistics.median, min, max))] for k, v in times.items()]
    report.table(rows, ["urn describe hpmf, ms", "median", "min", "max"])
    return {k: report.spread(v) for k, v in times.items()}


def run(bench):
    files, compiled = reading(bench), compiling(bench)
    slowest = min(f["mb"] / f["seconds"] for f in files if f["mb"] > 1)
    checks = [
        ("reading CSV: MB/s", slowest, ">=", 100.0),
        ("compiling a model file: s", compiled["first"]["median"], "<=", 1.0),
    ]
    return {"reading": files, "compiling_s": compiled, "bars": report.bars(checks)}
