"""One log density with its gradient: bench/gradient.c."""

import json
import statistics

import report
from competitors import run as call

BARS = {"eight_schools": 0.45, "kidiq": 2.5, "ark": 4.0, "logistic": 250.0, "hpmf": 700.0}


def run(bench):
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
    return {"rows": results, "bars": report.bars(checks)}
