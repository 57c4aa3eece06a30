"""hpmf (models/hpmf.c) in Pyro, over the rated pairs only (no dense matrix): AutoDiagonalNormal, Adam."""

import worker

o = worker.options()
worker.limit_threads(o.threads)

import torch
import pyro
import pyro.distributions as dist
from pyro.infer import SVI, Trace_ELBO
from pyro.infer.autoguide import AutoDiagonalNormal, init_to_median

torch.set_num_threads(o.threads)
if o.precision == "double":
    torch.set_default_dtype(torch.float64)
pyro.enable_validation(False)
pyro.set_rng_seed(1)
data = worker.Ratings(o)
user, item, rating = (torch.as_tensor(x) for x in (data.user, data.item, data.rating))


def hpmf():
    loc_u = pyro.sample(
        "loc_u",
        dist.MultivariateNormal(torch.zeros(o.dim), precision_matrix=torch.eye(o.dim) / 25),
    )
    tril = pyro.sample("tril_u", dist.LKJCholesky(o.dim, 2.0))
    noise = pyro.sample("obs_scale", dist.InverseGamma(torch.tensor(1.0), torch.tensor(1.0)))
    with pyro.plate("users", data.n_users):
        u = pyro.sample("U", dist.MultivariateNormal(loc_u, precision_matrix=tril @ tril.T))
    with pyro.plate("items", data.n_items):
        v = pyro.sample("V", dist.Normal(0.0, 1.0).expand([o.dim]).to_event(1))
    mean = (u.index_select(-2, user) * v.index_select(-2, item)).sum(-1)
    with pyro.plate("ratings", data.n):
        pyro.sample("R", dist.Normal(mean, noise), obs=rating)


guide = AutoDiagonalNormal(hpmf, init_loc_fn=init_to_median, init_scale=0.1)
svi = SVI(hpmf, guide, pyro.optim.Adam({"lr": o.lr}), Trace_ELBO())


def step_block(n):
    return sum(svi.step() for _ in range(n)) / n / data.n


worker.serve(o, step_block, {"pyro": pyro.__version__, "torch": torch.__version__})
