"""myFM: a factorisation machine on users and items, with their biases; noise inferred. One thread. A
block is a fit of its own, timed from its first sweep to its last. See worker.py."""

import worker

o = worker.options()
worker.limit_threads(o.threads)

import importlib.metadata
import time

import myfm
import numpy
import scipy.sparse

data = worker.Ratings(o)


def table(r):
    n = len(r.rating)
    rows = numpy.repeat(numpy.arange(n), 2)
    columns = numpy.stack([r.user, data.n_users + r.item], axis=1).ravel()
    shape = (n, data.n_users + data.n_items)
    return scipy.sparse.csr_matrix((numpy.ones(2 * n), (rows, columns)), shape=shape)


x = table(data)
held = data.held_out()
x_held = table(held) if len(held.rating) else None
group = [data.n_users, data.n_items]


def sweeps(n):
    stamps = []

    def callback(*_):
        stamps.append(time.perf_counter())
        return False, None

    model = myfm.MyFMGibbsRegressor(rank=o.dim, random_seed=1)
    kept = max(1, n - o.burnin)
    model.fit(
        x, data.rating, n_iter=n + 1, n_kept_samples=kept, group_shapes=group, callback=callback
    )
    rmse = float("nan")
    if x_held is not None:
        rmse = float(numpy.sqrt(numpy.mean((model.predict(x_held) - held.rating) ** 2)))
    return rmse, (stamps[-1] - stamps[0]) / (len(stamps) - 1) * n


worker.serve(o, sweeps, {"myfm": importlib.metadata.version("myfm")})
