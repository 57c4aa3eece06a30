"""A race: competitors on one task take turns for some rounds; their times, spread and ratios, and whether
they computed the same thing."""

import statistics

import report
from competitors import Floor
from environment import Failure

PRECISIONS = ("double", "single")


def run_race(bench, title, entries):
    """Takes turns. Prints nothing but progress lines of failure."""
    print(f"\n{title}", flush=True)
    for entry in entries:
        wait = getattr(entry, "wait", None)
        if wait:
            wait()
    for _ in range(bench.rounds):
        for entry in entries:
            entry.turn()
    check_floors(entries)


def find(entries, name, precision, threads=1):
    for e in entries:
        if (e.name, e.precision, e.threads) == (name, precision, threads):
            return e
    return None


def tolerance(entry, n_ratings):
    """Of a loss: every residual has d + 2 roundings, which the square doubles, and an update is off by
    as much again; in double what counts is the order in which n squares are added."""
    if entry.precision == "single":
        return 4 * (entry.task.dim + 2) * 2.0**-24
    return 4 * n_ratings * 2.0**-53


def check_floors(entries):
    """The floor's first losses are Urn's."""
    for floor in (e for e in entries if e.name == "floor"):
        for urn in (e for e in entries if e.name == "urn" and e.precision == floor.precision):
            pairs = list(zip(urn.samples[0]["losses"], floor.samples[0]["losses"]))
            worst = max(abs(a - b) / abs(b) for a, b in pairs)
            allowed = tolerance(urn, floor.samples[0]["ratings"])
            if not worst <= allowed:
                raise Failure(
                    f"{urn.label()} and {floor.label()} differ: losses {pairs[0]}, "
                    f"relative difference {worst:.2g}, tolerance {allowed:.2g}"
                )


def check_peers(bench, entries, steps, factor):
    """After as many steps as all can do, a peer's loss is the floor's within a factor, which allows
    for the other random numbers."""
    peers = [e for e in entries if e.name not in ("urn", "floor")]
    if not peers:
        return []
    floor = Floor(bench, peers[0].task, "double", 1, steps)
    expected = floor.turn()["loss"]
    found = []
    for peer in peers:
        if peer.done < steps:
            peer.steps_now(steps - peer.done)
        at = floor if peer.done < 1.2 * steps else Floor(bench, peer.task, "double", 1, peer.done)
        reference = expected if at is floor else at.turn()["loss"]
        loss = peer.steps_now(20)["loss"]
        found.append({"peer": peer.label(), "steps": peer.done, "loss": loss, "floor": reference})
        if not reference / factor <= loss <= reference * factor:
            raise Failure(
                f"{peer.label()} fits something else: loss {loss} after {peer.done} steps, "
                f"the floor has {reference}"
            )
    return found


def show(entries):
    """Prints the table; returns it for the results."""
    rows, results = [], []
    for e in entries:
        s = report.spread(e.times())
        row = [f"{e.name}, {e.precision}", str(e.threads), s["median"], s["min"], s["max"]]
        result = dict(s, name=e.name, precision=e.precision, threads=e.threads)
        for precision in PRECISIONS:
            urn = find(entries, "urn", precision)
            result[f"times_urn_{precision}"] = report.ratio(urn.times(), e.times()) if urn else None
            row.append(f"{report.number(result[f'times_urn_{precision}'])} x" if urn else "")
        result["peak_rss_mb"] = e.samples[-1]["peak_rss_mb"]
        rows.append(row + [result["peak_rss_mb"]])
        results.append(result)
    header = ["ms a step", "threads", "median", "min", "max", "of Urn double", "of Urn single", "MB"]
    report.table(rows, header)
    return results


def ratio_of(entries, over, under):
    """Median over rounds of the first's time by the second's; both (name, precision, threads)."""
    a, b = find(entries, *over), find(entries, *under)
    return report.ratio(b.times(), a.times()) if a and b else None


def median_of(entries, who):
    e = find(entries, *who)
    return statistics.median(e.times()) if e else None
