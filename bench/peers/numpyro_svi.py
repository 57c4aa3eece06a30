"""hpmf (models/hpmf.c) in NumPyro: AutoDiagonalNormal and Adam, all steps of a block inside one compiled
loop."""

import worker

o = worker.options()
worker.limit_threads(o.threads)

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from numpyro.infer import SVI, Trace_ELBO
from numpyro.infer.autoguide import AutoDiagonalNormal
from numpyro.infer.initialization import init_to_median

if o.precision == "double":
    numpyro.enable_x64()
data = worker.Ratings(o)


def hpmf(user, item, rating):
    loc_u = numpyro.sample(
        "loc_u", dist.MultivariateNormal(jnp.zeros(o.dim), precision_matrix=jnp.eye(o.dim) / 25)
    )
    tril = numpyro.sample("tril_u", dist.LKJCholesky(o.dim, 2.0))
    noise = numpyro.sample("obs_scale", dist.InverseGamma(1.0, 1.0))
    with numpyro.plate("users", data.n_users):
        u = numpyro.sample("U", dist.MultivariateNormal(loc_u, precision_matrix=tril @ tril.T))
    with numpyro.plate("items", data.n_items):
        v = numpyro.sample("V", dist.Normal(0, 1).expand([o.dim]).to_event(1))
    mean = (u[user] * v[item]).sum(-1)
    with numpyro.plate("ratings", data.n):
        numpyro.sample("R", dist.Normal(mean, noise), obs=rating)


guide = AutoDiagonalNormal(hpmf, init_loc_fn=init_to_median, init_scale=0.1)
svi = SVI(hpmf, guide, numpyro.optim.Adam(o.lr), Trace_ELBO())
arrays = tuple(jnp.asarray(x) for x in (data.user, data.item, data.rating))
state = svi.init(jax.random.PRNGKey(1), *arrays)


@jax.jit
def block(state, n, *arrays):
    def one(_, carry):
        state, total = carry
        state, loss = svi.update(state, *arrays)
        return state, total + loss / data.n

    return jax.lax.fori_loop(0, n, one, (state, jnp.zeros(())))


def step_block(n):
    global state
    state, total = block(state, n, *arrays)
    return float(total) / n


worker.serve(o, step_block, {"numpyro": numpyro.__version__, "jax": jax.__version__})
