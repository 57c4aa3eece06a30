"""One step of Adam towards the mode of pmf_sigmoid."""

import race
import report
from competitors import Peer, Task
from table_svi import URN_DOUBLE, URN_SINGLE, checks_of_threads, movielens_data, own


def run(bench):
    task = Task(movielens_data(bench), 30, model="pmf_sigmoid", lr=0.03)
    entries = own(bench, task, 300)
    if bench.peers:
        for precision, threads in (("single", 1), ("single", 2), ("double", 1), ("double", 2)):
            entries.append(Peer(bench, "torch.compile", "torch_map", task, precision, threads, 50))
            entries[-1].wait()
    race.run_race(bench, "ml-latest-small, d = 30, 90,752 training ratings", entries)
    rows = race.show(entries)
    checks = [
        ("Urn, double: ms", race.median_of(entries, URN_DOUBLE), "<=", 2.2),
        ("Urn, single: ms", race.median_of(entries, URN_SINGLE), "<=", 1.1),
    ]
    for precision, urn in (("double", URN_DOUBLE), ("single", URN_SINGLE)):
        value = race.ratio_of(entries, ("torch.compile", precision, 1), urn)
        if value is not None:
            checks.append((f"torch.compile / Urn, {precision}", value, ">=", 1.0))
    losses = race.check_peers(bench, entries, 300, 1.005)
    return {"rows": rows, "bars": report.bars(checks + checks_of_threads(entries)), "losses": losses}
