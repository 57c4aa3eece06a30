"""One SVI step of hpmf: draw, ELBO, gradient, Adam."""

import race
import report
from competitors import Data, Floor, Peer, Task, Urn


def own(bench, task, steps):
    return [
        kind(bench, task, precision, threads, steps)
        for precision in race.PRECISIONS
        for threads in (1, 2)
        for kind in (Urn, Floor)
    ]


def peers(bench, task, fast, slow):
    if not bench.peers:
        return []
    found = []
    for precision, threads in (("single", 1), ("single", 2), ("double", 1)):
        found.append(Peer(bench, "numpyro", "numpyro_svi", task, precision, threads, fast))
        found.append(Peer(bench, "torch.compile", "torch_svi", task, precision, threads, fast))
        for p in found[-2:]:
            p.wait()  # two at a time: compiling wants the machine
    found.append(Peer(bench, "pyro", "pyro_svi", task, "single", 1, slow))
    return found


URN_DOUBLE, URN_SINGLE = ("urn", "double", 1), ("urn", "single", 1)


def checks_of_threads(entries):
    found = []
    for precision in race.PRECISIONS:
        one, two = ("urn", precision, 1), ("urn", precision, 2)
        gain = race.ratio_of(entries, one, two)
        # short steps must not be slower; 5 % is noise
        bound = 1.6 if race.median_of(entries, one) >= 2.0 else 0.95
        found.append((f"two threads, {precision}: times as fast", gain, ">=", bound))
    return found


def checks_of_peers(entries, numpyro_double, numpyro_single, pyro):
    found = []
    for name, precision, bounds in (
        ("numpyro", "single", (numpyro_double, numpyro_single)),
        ("torch.compile", "single", (1.0, 1.0)),
        ("pyro", "single", (pyro, pyro)),
    ):
        for urn, bound in zip((URN_DOUBLE, URN_SINGLE), bounds):
            value = race.ratio_of(entries, (name, precision, 1), urn)
            if value is not None and bound is not None:
                found.append((f"{name} {precision} / Urn {urn[1]}", value, ">=", bound))
    return found


def avod(bench):
    data = Data(bench.shared("avod/watch_minutes.csv"), ("user_id", "video_id", "watched_minutes"))
    task = Task(data, 5)
    entries = own(bench, task, 1000) + peers(bench, task, 250, 40)
    race.run_race(bench, "AVOD minutes, d = 5, 26,379 training ratings", entries)
    rows = race.show(entries)
    checks = [
        ("Urn, double: ms", race.median_of(entries, URN_DOUBLE), "<=", 0.7),
        ("Urn, single: ms", race.median_of(entries, URN_SINGLE), "<=", 0.4),
    ]
    checks += checks_of_threads(entries) + checks_of_peers(entries, 4.5, 8.0, 12.0)
    losses = race.check_peers(bench, entries, 1000, 1.8)
    return {"rows": rows, "bars": report.bars(checks), "losses": losses}


def movielens_data(bench):
    return Data(bench.shared("ml-latest-small/ratings.csv"), ("userId", "movieId", "rating"))


def movielens(bench):
    task = Task(movielens_data(bench), 30, center=True)
    entries = own(bench, task, 200) + peers(bench, task, 25, 10)
    race.run_race(bench, "ml-latest-small, d = 30, 90,752 training ratings", entries)
    rows = race.show(entries)
    checks = [
        ("Urn, double: ms", race.median_of(entries, URN_DOUBLE), "<=", 4.0),
        ("Urn, single: ms", race.median_of(entries, URN_SINGLE), "<=", 1.8),
    ]
    checks += checks_of_threads(entries) + checks_of_peers(entries, 7.0, 16.0, None)
    losses = race.check_peers(bench, entries, 1000, 1.1)
    return {"rows": rows, "bars": report.bars(checks), "losses": losses}


def run(bench):
    found = {"avod": avod(bench)}
    bench.close_workers()
    found["movielens"] = movielens(bench)
    return found


LARGE = (138_493, 26_744, 20_000_000)


def run_large(bench):
    data = Data(bench.simulated(*LARGE), ("user", "item", "rating"), holdout=0)
    task = Task(data, 32, center=True)
    entries = own(bench, task, 20)
    rounds, bench.rounds = bench.rounds, min(bench.rounds, 3)
    race.run_race(bench, "simulated, 138,493 x 26,744, d = 32, 20,000,000 ratings", entries)
    bench.rounds = rounds
    rows = race.show(entries)
    checks = []
    for precision, bound in (("double", 2.0), ("single", 1.5)):
        urn, floor = ("urn", precision, 1), ("floor", precision, 1)
        checks.append((f"Urn / floor, {precision}", race.ratio_of(entries, urn, floor), "<=", bound))
        memory = [race.find(entries, *w).samples[-1]["peak_rss_mb"] for w in (urn, floor)]
        checks.append((f"memory of Urn / floor, {precision}", memory[0] / memory[1], "<=", 1.5))
    return {"rows": rows, "bars": report.bars(checks + checks_of_threads(entries))}
