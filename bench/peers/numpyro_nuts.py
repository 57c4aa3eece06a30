"""NumPyro, in double, on one thread: all steps of warm-up in one compiled loop, all later ones in another.
The first run compiles both. See sampler.py.

  numpyro_nuts.py MODEL DATA.json"""

import worker

worker.limit_threads(1)

import json
import sys
import time

import jax
import jax.numpy as jnp
import numpy
import numpyro
import numpyro.distributions as dist
import sampler
from jax.flatten_util import ravel_pytree
from numpyro.infer.hmc import hmc
from numpyro.infer.util import initialize_model

numpyro.enable_x64()


def eight_schools(d):
    mu = numpyro.sample("mu", dist.Normal(0, 5))
    tau = numpyro.sample("tau", dist.HalfCauchy(5))
    theta_trans = numpyro.sample("theta_trans", dist.Normal(0, 1).expand([d["J"]]))
    numpyro.sample("y", dist.Normal(mu + tau * theta_trans, d["sigma"]), obs=d["y"])


def kidiq(d):
    flat = dist.ImproperUniform(dist.constraints.real, (2,), ())
    beta = numpyro.sample("beta", flat)
    sigma = numpyro.sample("sigma", dist.HalfCauchy(2.5))
    line = beta[0] + beta[1] * d["mom_iq"]
    numpyro.sample("kid_score", dist.Normal(line, sigma), obs=d["kid_score"])


def ark(d):
    lags, times = d["K"], d["T"]
    before = jnp.stack([d["y"][lags - k : times - k] for k in range(1, lags + 1)], axis=1)
    alpha = numpyro.sample("alpha", dist.Normal(0, 10))
    beta = numpyro.sample("beta", dist.Normal(0, 10).expand([lags]))
    sigma = numpyro.sample("sigma", dist.HalfCauchy(2.5))
    numpyro.sample("y", dist.Normal(alpha + before @ beta, sigma), obs=d["y"][lags:])


def logistic(d):
    alpha = numpyro.sample("alpha", dist.Normal(0, 1))
    beta = numpyro.sample("beta", dist.Normal(0, 1).expand([d["K"]]))
    numpyro.sample("y", dist.BernoulliLogits(alpha + d["x"] @ beta), obs=d["y"])


def hpmf(d):
    dim, wide = d["dim"], jnp.eye(d["dim"]) / 25
    loc_u = numpyro.sample("loc_u", dist.MultivariateNormal(jnp.zeros(dim), precision_matrix=wide))
    tril = numpyro.sample("tril_u", dist.LKJCholesky(dim, 2.0))
    noise = numpyro.sample("obs_scale", dist.InverseGamma(1.0, 1.0))
    with numpyro.plate("users", d["n_users"]):
        u = numpyro.sample("U", dist.MultivariateNormal(loc_u, precision_matrix=tril @ tril.T))
    with numpyro.plate("items", d["n_items"]):
        v = numpyro.sample("V", dist.Normal(0, 1).expand([dim]).to_event(1))
    mean = (u[d["user"] - 1] * v[d["item"] - 1]).sum(-1)
    with numpyro.plate("ratings", d["N"]):
        numpyro.sample("R", dist.Normal(mean, noise), obs=d["rating"])


# Sites in the order of a position.
MODELS = {
    "eight_schools": (eight_schools, ("mu", "tau", "theta_trans")),
    "kidiq": (kidiq, ("beta", "sigma")),
    "ark": (ark, ("alpha", "beta", "sigma")),
    "logistic": (logistic, ("alpha", "beta")),
    "hpmf": (hpmf, ("loc_u", "tril_u", "obs_scale", "U", "V")),
}
INDICES = ("user", "item")

with open(sys.argv[2], encoding="utf-8") as file:
    data = {
        name: value
        if not isinstance(value, list)
        else jnp.asarray(value, dtype=jnp.int32 if name in INDICES else jnp.float64)
        for name, value in json.load(file).items()
    }
of_data, sites = MODELS[sys.argv[1]]


def model():
    of_data(data)


# ---- gradients ----

start = initialize_model(jax.random.PRNGKey(1), model)
parts = [start.param_info.z[s] for s in sites]
potential = start.potential_fn
flat, unravel = ravel_pytree(parts)
position = jnp.asarray(0.1 + 0.01 * (numpy.arange(flat.size) % 7))


def energy(x):
    return potential(dict(zip(sites, unravel(x))))


@jax.jit
def evaluate(x, n):
    """An evaluation depends on the one before, or it would be taken out of the loop."""

    def one(i, carry):
        _, g = carry
        value, g = jax.value_and_grad(energy)(x + (1e-30 * (n - 1 - i)) * g)
        return value, g

    return jax.lax.fori_loop(0, n, one, (0.0, jnp.zeros_like(x)))


def gradient(n):
    evaluate(position, 1)[1].block_until_ready()
    begin = time.perf_counter()
    g = evaluate(position, n)[1].block_until_ready()
    us = 1e6 * (time.perf_counter() - begin) / n
    g = -numpy.asarray(g)
    weights = 1 + numpy.arange(g.size) % 11
    return {"us": us, "size": g.size, "sums": [float(g.sum()), float((g * weights).sum())]}


# ---- runs ----

init, sample = hmc(potential, algo="NUTS")


class Phases:
    """Warm-up and draws of one chain, for one size of run. (MCMC.run compiles anew every time.)"""

    def __init__(self, warmup, draws, depth):
        def first(z, key):
            state = init(z, warmup, max_tree_depth=depth, rng_key=key)
            return jax.lax.fori_loop(0, warmup, lambda i, s: sample(s), state)

        def rest(state):
            def one(s, _):
                s = sample(s)
                return s, (s.z, s.num_steps, s.diverging)

            return jax.lax.scan(one, state, None, length=draws)[1]

        self.first, self.rest = jax.jit(first), jax.jit(rest)


phases = {}


def run(seed, chains, warmup, draws, depth):
    sizes = warmup, draws, depth
    p = phases.setdefault(sizes, Phases(*sizes))
    seconds, sampling, leapfrogs, divergences, found = 0.0, 0.0, 0, 0, []
    for key in jax.random.split(jax.random.PRNGKey(seed), chains):
        begin = time.perf_counter()
        place, rest = jax.random.split(key)
        at = unravel(jax.random.uniform(place, flat.shape, minval=-2.0, maxval=2.0))
        state = jax.block_until_ready(p.first(dict(zip(sites, at)), rest))
        middle = time.perf_counter()
        z, steps, diverging = jax.block_until_ready(p.rest(state))
        end = time.perf_counter()
        seconds += end - begin
        sampling += end - middle
        leapfrogs += int(steps.sum())
        divergences += int(diverging.sum())
        found.append(numpy.concatenate([numpy.asarray(z[s]).reshape(draws, -1) for s in sites], 1))
    answer = {
        "seconds": seconds,
        "sampling_s": sampling,
        "leapfrogs": leapfrogs,
        "divergences": divergences,
        "size": found[0].shape[1],
    }
    return answer, numpy.stack(found).astype(numpy.float64)


sampler.serve({"numpyro": numpyro.__version__, "jax": jax.__version__}, gradient, run)
