"""BridgeStan's Python client and nutpie on a model that urn build --bridgestan made:
check_bridge.py LIBRARY DATA [REFERENCE]. Eight schools, non-centred."""

import concurrent.futures
import json
import math
import os
import sys
import warnings

warnings.filterwarnings("ignore")
import bridgestan
import numpy as np

library, data = sys.argv[1:3]
SCHOOLS = 8

model = bridgestan.StanModel(library, data)
assert model.model_version() == (2, 9, 0)
assert model.name() == "eight_schools_noncentered"
assert model.param_unc_num() == SCHOOLS + 2
latent = ["mu", "tau"] + ["theta_trans.%d" % (k + 1) for k in range(SCHOOLS)]
assert model.param_names() == latent and model.param_unc_names() == latent
theta = ["theta.%d" % (k + 1) for k in range(SCHOOLS)]
assert model.param_names(include_tp=True, include_gq=True) == latent + theta

# the density by hand: half-Cauchy(5), normals, log tau for the Jacobian
given = json.load(open(data))
y, sigma = np.array(given["y"]), np.array(given["sigma"])
x = np.linspace(-0.7, 0.9, SCHOOLS + 2)


def normal(v, loc, scale):
    return np.sum(-0.5 * ((v - loc) / scale) ** 2 - np.log(scale) - 0.5 * math.log(2 * math.pi))


def by_hand(x, jacobian):
    mu, tau, z = x[0], math.exp(x[1]), x[2:]
    half_cauchy = math.log(2 / (math.pi * 5)) - math.log1p((tau / 5) ** 2)
    return (normal(mu, 0, 5) + half_cauchy + normal(z, 0, 1) + normal(y, mu + tau * z, sigma) + jacobian * x[1])


for jacobian in (False, True):
    value, gradient = model.log_density_gradient(x, jacobian=jacobian)
    assert math.isclose(value, by_hand(x, jacobian), rel_tol=1e-12)
    assert model.log_density(x, propto=False, jacobian=jacobian) == value
    for i in range(len(x)):
        h = np.zeros(len(x))
        h[i] = 1e-5
        slope = (by_hand(x + h, jacobian) - by_hand(x - h, jacobian)) / 2e-5
        assert abs(gradient[i] - slope) < 1e-7, (i, gradient[i], slope)
value, gradient, hessian = model.log_density_hessian(x)
v = np.arange(len(x)) - 3.0
assert np.allclose(model.log_density_hessian_vector_product(x, v)[1], hessian @ v, atol=1e-8)
values = model.param_constrain(x, include_tp=True, rng=model.new_rng(1))
assert np.allclose(values[len(x) :], x[0] + math.exp(x[1]) * x[2:], rtol=1e-14)
assert np.allclose(model.param_unconstrain(values[: len(x)]), x, rtol=1e-14, atol=1e-15)
named = {"mu": values[0], "tau": values[1], "theta_trans": list(values[2 : len(x)])}
assert np.allclose(model.param_unconstrain_json(json.dumps(named)), x, rtol=1e-14, atol=1e-15)
start = model.param_initialize(model.new_rng(2), {"tau": 2.0})
assert math.isclose(start[1], math.log(2.0)) and np.all(np.abs(np.delete(start, 1)) < 2)
try:
    bridgestan.StanModel(library, '{"J": 2, "y": [1, 2]}')
    raise SystemExit("a model without its data was made")
except RuntimeError as error:
    assert "sigma" in str(error), error

# threads of Python on one model
places = [x * math.cos(k) for k in range(400)]
alone = [model.log_density_gradient(p) for p in places]
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    together = list(pool.map(model.log_density_gradient, places))
assert all(a == b and (g == h).all() for (a, g), (b, h) in zip(alone, together))
print("bridgestan", bridgestan.__version__, "runs", library)

try:
    import arviz
    import nutpie
    from nutpie import _lib
    from nutpie.compile_stan import CompiledStanModel
except ImportError as why:
    print("SKIP:", why, "- nutpie does not sample")
    raise SystemExit(0)

if len(sys.argv) > 3: # the data behind the reference
    given = json.load(open(os.path.join(os.path.dirname(sys.argv[3]), "data.json")))
compiled = CompiledStanModel(code="", data=given, library=_lib.StanLibrary(library), dims={}, _coords={}, model=None)
trace = nutpie.sample(compiled.with_data(), draws=1500, tune=800, chains=4, cores=2, seed=3, progress_bar=False)
posterior = arviz.convert_to_inference_data(trace).posterior if not hasattr(trace, "posterior") else trace.posterior
assert posterior["theta"].shape == (4, 1500, SCHOOLS), posterior["theta"].shape
summary = arviz.summary(posterior, var_names=["mu", "tau", "theta"], round_to="none")
assert summary["r_hat"].max() < 1.02, summary
if len(sys.argv) > 3:
    reference = json.load(open(sys.argv[3]))["parameters"]
    for name, row in summary.iterrows():
        want = reference[name if "[" not in name else "theta[%d]" % (int(name[6:-1]) + 1)]
        z = (row["mean"] - want["mean"]) / math.hypot(row["mcse_mean"], want["mcse_mean"])
        assert abs(z) < 4, (name, row["mean"], want["mean"], z)
        z = (row["sd"] - want["sd"]) / math.hypot(row["mcse_sd"], want["mcse_sd"])
        assert abs(z) < 4, (name, row["sd"], want["sd"], z)
    print("nutpie", nutpie.__version__, "finds the reference")
else:
    print("SKIP: no reference: what nutpie finds is not compared")
