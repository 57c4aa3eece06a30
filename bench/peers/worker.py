"""What the peers' programs share: their command line, the training rows, and a dialogue on standard
input and output, so that several of them can take turns.

A program is started with the data, becomes ready (compiled, some steps done) and says so in one
line of JSON. Then every line "run N" is answered by one line: milliseconds of a step over N
steps, and the mean loss per rating over the last of them (of samplers, the error of predictions of the
held-out rows, averaged over steps)."""

import argparse
import json
import os
import resource
import sys
import time
import types

STARTED = time.perf_counter()


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--holdout", type=float, default=0.1)
    parser.add_argument("--dim", type=int, default=5)
    parser.add_argument("--center", action="store_true")
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--precision", choices=("single", "double"), default="single")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--warm", type=int, default=50, help="steps before it is ready")
    parser.add_argument("--burnin", type=int, default=20, help="sweeps not averaged by samplers")
    return parser.parse_args()


def limit_threads(n):
    """Before numpy, jax or torch are loaded: the process may use n processors, and knows it."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:n])
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC"):
        os.environ[name] = str(n)
    os.environ["JAX_PLATFORMS"] = "cpu"


class Ratings:
    """Training rows, sorted as in the file: user and item numbers (ranks of the ids of all rows) and
    ratings, without those held out (row i if ((i * 2654435761) mod 2^32) / 2^32 < share)."""

    def __init__(self, o):
        import numpy

        table = numpy.loadtxt(o.data, delimiter=",", skiprows=1, usecols=(0, 1, 2))
        users, user = numpy.unique(table[:, 0].astype(numpy.int64), return_inverse=True)
        items, item = numpy.unique(table[:, 1].astype(numpy.int64), return_inverse=True)
        row = numpy.arange(len(table), dtype=numpy.uint64)
        training = ((row * numpy.uint64(2654435761)) % 2**32) / 2.0**32 >= o.holdout
        rating = table[training, 2]
        mean = rating.mean() if o.center else 0.0
        rating = rating - mean
        self.n, self.n_users, self.n_items = len(rating), len(users), len(items)
        self.user = user[training].astype(numpy.int32)
        self.item = item[training].astype(numpy.int32)
        self.rating = rating.astype(numpy.float32 if o.precision == "single" else numpy.float64)
        self.rest = user[~training], item[~training], table[~training, 2] - mean

    def held_out(self):
        """The other rows, less the same mean."""
        user, item, rating = self.rest
        return types.SimpleNamespace(user=user, item=item, rating=rating)


def say(**what):
    print(json.dumps(what), flush=True)


def serve(o, step_block, versions):
    """`step_block(n)` does n steps and returns the mean loss per rating of them; with the seconds
    they took, where that is not all of its time."""
    start = time.perf_counter()
    step_block(1)
    first = time.perf_counter()
    step_block(o.warm)
    say(
        ready=True,
        versions=versions,
        start_to_first_step_s=first - STARTED,
        first_step_s=first - start,
        peak_rss_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )
    for line in sys.stdin:
        words = line.split()
        if len(words) != 2 or words[0] != "run":
            break
        n = int(words[1])
        start = time.perf_counter()
        loss = step_block(n)
        seconds = time.perf_counter() - start
        if isinstance(loss, tuple):
            loss, seconds = loss
        say(
            step_ms=1e3 * seconds / n,
            loss=float(loss),
            peak_rss_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        )
