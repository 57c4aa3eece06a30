"""SMURFF: Bayesian matrix factorisation with normal priors, noise of precision 2. See worker.py."""

import os

import worker

o = worker.options()
worker.limit_threads(o.threads)
# With several threads and its own threads in BLAS it would be slower.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import importlib.metadata

import scipy.sparse
import smurff

data = worker.Ratings(o)
shape = (data.n_users, data.n_items)
train = scipy.sparse.coo_matrix((data.rating, (data.user, data.item)), shape=shape)
held = data.held_out()
test = scipy.sparse.coo_matrix((held.rating, (held.user, held.item)), shape=shape) if len(held.rating) else None

session = smurff.TrainSession(
    priors=["normal", "normal"], num_latent=o.dim, num_threads=o.threads, burnin=o.burnin,
    nsamples=2_000, seed=1, verbose=0,
)
session.addTrainAndTest(train, test, smurff.FixedNoise(2.0))
session.init()


def sweeps(n):
    for _ in range(n):
        session.step()
    return session.getRmseAvg() if test is not None else float("nan")


worker.serve(o, sweeps, {"smurff": importlib.metadata.version("smurff")})
