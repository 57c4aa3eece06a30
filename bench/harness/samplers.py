"""Who takes part in the tables `nuts` and `gradient`: Urn, Stan and NumPyro, each a program in the dialogue
of bench/peers/sampler.py, on the same data."""

import json
import os
import subprocess

from competitors import Worker, run as call
from environment import Failure

POSTERIORDB = {
    "eight_schools": "eight_schools-eight_schools_noncentered",
    "kidiq": "kidiq-kidscore_momiq",
    "ark": "arK-arK",
}
MODELS = (*POSTERIORDB, "logistic", "hpmf")
# Another Stan program for the same model.
VARIANTS = {"ark, vectorised": ("ark", "ark_vectorised")}
TOLERANCE = 1e-8  # of sums of gradients, relative: they are added in other orders


class Size:
    """Of a run."""

    def __init__(self, chains=4, warmup=1000, draws=1000, depth=10):
        self.chains, self.warmup, self.draws, self.depth = chains, warmup, draws, depth


class Sampler(Worker):
    def gradient(self, n):
        return self.ask(f"gradient {n}")

    def sample(self, seed, size, with_ess=True):
        path = self.bench.scratch / "draws"
        found = self.ask(f"run {seed} {size.chains} {size.warmup} {size.draws} {size.depth} {path}")
        found["us_leapfrog"] = 1e6 * found["sampling_s"] / found["leapfrogs"]
        found["leapfrogs_per_draw"] = found["leapfrogs"] / (size.chains * size.draws)
        if with_ess:
            command = [self.bench.program("bench/nuts"), "--ess", path, size.chains, size.draws, found["size"]]
            found.update(json.loads(call(command)))
            found["ess_per_s"] = found["ess_bulk_min"] / found["seconds"]
            found["ess_per_gradient"] = found["ess_bulk_min"] / found["leapfrogs"]
        return found


def data_of(bench, model):
    """What Urn reads, and what the others do: the same file where it is JSON."""
    if model in POSTERIORDB:
        path = bench.shared(os.path.join("..", "posteriordb", POSTERIORDB[model], "data.json"))
        return path, path
    source = [bench.shared("avod/watch_minutes.csv")] if model == "hpmf" else []
    path = bench.scratch / f"{model}.json"
    if bench.peers and not path.exists():
        made = call([bench.program("bench/nuts"), "--write", model, *source])
        path.write_text(made, encoding="utf-8")
    return (source[0] if source else "-"), path


def has_stan(bench):
    """Stan's headers and a compiler for them."""
    code = "import importlib.util, sys; sys.exit(importlib.util.find_spec('httpstan') is None)"
    compiler = os.environ.get("CXX", "g++").split() + ["--version"]
    try:
        for command in ([bench.python, "-c", code], compiler):
            subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        print("Stan is not here: it takes the package httpstan and a C++ compiler")
        return False
    return True


def samplers(bench, model):
    """Ready, Urn first."""
    model, program = VARIANTS.get(model, (model, model))
    ours, data = data_of(bench, model)
    found = [Sampler(bench, "urn", [bench.program("bench/nuts"), model, ours])]
    if bench.peers:
        peers = bench.source / "peers"
        python = [bench.python, "-W", "ignore"]
        if has_stan(bench):
            command = [*python, peers / "stan_nuts.py", program, data, bench.build / "bench-stan"]
            found.append(Sampler(bench, "stan", command))
        found.append(Sampler(bench, "numpyro", [*python, peers / "numpyro_nuts.py", model, data]))
    for s in found:
        s.wait()
    return found


def check_gradients(model, found):
    """All have the same gradient. `found` is [(name, answer)], Urn's first."""
    ours = found[0][1]
    for name, answer in found[1:]:
        pairs = list(zip(answer["sums"], ours["sums"]))
        off = max(abs(a - b) / abs(b) for a, b in pairs)
        if answer["size"] != ours["size"] or not off <= TOLERANCE:
            raise Failure(f"{model}: the gradient of {name} is another one: {answer}, not {ours}")
