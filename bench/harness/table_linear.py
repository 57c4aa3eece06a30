"""How a step's cost grows: nanoseconds by (rating x dim), so that a knee shows."""

import race
import report
from competitors import Data, Floor, Task, Urn

SIZES = (  # users, items, ratings, steps
    (12_628, 565, 29_311, 400),
    (610, 9_724, 100_836, 100),
    (6_040, 3_706, 1_000_209, 30),
    (71_567, 10_681, 10_000_054, 10),
    (138_493, 26_744, 20_000_000, 8),
)
DIMS = (5, 8, 16, 30, 32, 64, 128)


def measure(bench, sizes, dim, steps, row):
    users, items, ratings = sizes
    data = Data(bench.simulated(*sizes), ("user", "item", "rating"), holdout=0)
    task = Task(data, dim, center=True)
    entries = [Floor(bench, task, p, 1, steps) for p in race.PRECISIONS]
    entries += [Urn(bench, task, p, t, steps) for p in race.PRECISIONS for t in (1, 2)]
    for _ in range(2 if ratings < 5_000_000 else 1):
        for e in entries:
            e.turn()
    race.check_floors(entries)
    found = {"users": users, "items": items, "ratings": ratings, "dim": dim, "ns": {}}
    row += [(users + items) / ratings]
    for e in entries:
        ns = 1e6 * min(e.times()) / (ratings * dim)
        found["ns"][e.label()] = ns
        row.append(ns)
    return row, found


def run(bench):
    header = ["", "ids a rating", "floor double", "floor single"]
    header += [f"urn {p}, {t}" for p in race.PRECISIONS for t in (1, 2)]
    rows, results = [], []
    print("\nns by rating and dim, d = 32, over ratings", flush=True)
    for *sizes, steps in SIZES:
        row, found = measure(bench, sizes, 32, steps, [f"{sizes[2]:,}"])
        rows.append(row)
        results.append(found)
    report.table(rows, header)
    rows = []
    print("\nns by rating and dim, 100,836 ratings of 610 x 9,724, over dims", flush=True)
    for dim in DIMS:
        row, found = measure(bench, SIZES[1][:3], dim, max(20, 1500 // dim), [f"d = {dim}"])
        rows.append(row)
        results.append(found)
    report.table(rows, header)
    return {"rows": results}
