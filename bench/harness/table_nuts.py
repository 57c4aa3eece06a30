"""What nuts makes of a gradient, beside Stan's figures: bench/nuts.c."""

import json
import os

import report
from competitors import run as call

# Least bulk ESS of 4 x 1,000 draws, leapfrog steps a draw; one run each. That of the logistic
# regression is of other made-up data of the same size.
STAN = {
    "eight_schools_noncentered": (2232, 8.7),
    "kidscore_momiq": (1050, 25),
    "arK": (2542, 30),
    "logistic": (3907, 7),
}


def run(bench):
    root = bench.shared(os.path.join("..", "posteriordb"))
    found = json.loads(call([bench.program("bench/nuts"), root]))
    rows, results, checks = [], [], []
    for name, (ess, leapfrogs) in STAN.items():
        f = found[name]
        rows.append([name, f["ess_bulk_min"], f["lowest"], f["highest"], f["leapfrogs_per_draw"], ess, leapfrogs,
                     f"{f['ess_per_gradient_over_stan']:.2f} x", f["seconds"]])
        results.append({"name": name, **f})
        checks.append((f"{name}: ESS a gradient over Stan's", f["ess_per_gradient_over_stan"], ">=", 0.8))
    header = ["mean of 10 seeds", "least ESS", "min", "max", "leapfrogs", "Stan's ESS", "leapfrogs", "ESS a gradient",
              "seconds"]
    report.table(rows, header)
    return {"rows": results, "bars": report.bars(checks)}
