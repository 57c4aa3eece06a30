"""One SVI step of hpmf on a mini-batch: of the rows it touches, and of all rows."""

import race
import report
from competitors import Data, Task, Urn

BATCH = 10_000
SIZES = ((6_040, 3_706, 1_000_000), (138_493, 26_744, 20_000_000))


class Batch(Urn):
    def __init__(self, bench, task, precision, updates, steps):
        super().__init__(bench, task, precision, 1, steps)
        self.updates = updates

    def command(self, out):
        more = ["--batch", f"ratings={BATCH}", "--batch-updates", self.updates]
        return super().command(out) + more


def run(bench):
    entries, rows, results = [], [], []
    for users, items, n in SIZES:
        data = Data(bench.simulated(users, items, n), ("user", "item", "rating"), holdout=0)
        task = Task(data, 32, center=True)
        for precision in race.PRECISIONS:
            entries.append(Batch(bench, task, precision, "touched", 200))
            entries.append(Batch(bench, task, precision, "all", 20))
    for _ in range(min(bench.rounds, 3)):
        for entry in entries:
            entry.turn()
    for entry, (users, items, n) in zip(entries, [s for s in SIZES for _ in range(4)]):
        s = report.spread(entry.times())
        memory = entry.samples[-1]["peak_rss_mb"]
        results.append(dict(s, ratings=n, precision=entry.precision, updates=entry.updates))
        size = f"{n:,} of {users:,} x {items:,}"
        rows.append([size, entry.precision, entry.updates, s["median"], s["min"], s["max"], memory])
    print(f"\n{BATCH:,} ratings a step, d = 32, one thread", flush=True)
    header = ["ms a step", "precision", "rows updated", "median", "min", "max", "MB"]
    report.table(rows, header)
    checks = []
    for i, precision in enumerate(race.PRECISIONS):
        small, large, whole = entries[2 * i], entries[4 + 2 * i], entries[5 + 2 * i]
        growth = report.ratio(small.times(), large.times())
        checks.append((f"20 million / 1 million ratings, {precision}", growth, "<=", 3.0))
        gain = report.ratio(large.times(), whole.times())
        checks.append((f"all rows / touched rows, 20 million, {precision}", gain, ">=", 2.0))
    return {"rows": results, "bars": report.bars(checks)}
