"""Stan: makes a model's program of stan_MODEL.stan and stan_main.cpp, unless it is there, and becomes it.
Compiler (stanc) and headers are those that come with the package httpstan, which is not otherwise used.

  stan_nuts.py MODEL DATA.json DIRECTORY"""

import hashlib
import importlib.util
import os
import pathlib
import shlex
import subprocess
import sys

here = pathlib.Path(__file__).resolve().parent
name, data, directory = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]).resolve()
found = importlib.util.find_spec("httpstan")
if found is None:
    sys.exit("the package httpstan is not installed")
stan = pathlib.Path(found.submodule_search_locations[0])
source = here / f"stan_{name}.stan"
compiler = shlex.split(os.environ.get("CXX", "g++"))
flags = shlex.split(os.environ.get("BENCH_STAN_CXXFLAGS", "-O3"))
headers = [f"-isystem{stan / 'include'}", "-DBOOST_DISABLE_ASSERTS", "-D_REENTRANT", "-w", "-std=c++17"]
libraries = [f"-L{stan / 'lib'}", f"-Wl,-rpath,{stan / 'lib'}", "-l:libtbb.so.2"]


def fingerprint():
    parts = [source.read_bytes(), (here / "stan_main.cpp").read_bytes()]
    parts += [" ".join(compiler + flags + headers).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


program = directory / f"{name}-{fingerprint()}"
if not program.exists():
    directory.mkdir(parents=True, exist_ok=True)
    model = program.with_suffix(".hpp")
    part = program.with_suffix(".part")
    translate = [stan / "stanc", f"--name={name}_model", f"--o={model}", "--O1", source]
    subprocess.run(translate, check=True, stdout=sys.stderr)
    command = [*compiler, *flags, *headers, f'-DSTAN_MODEL="{model}"', here / "stan_main.cpp"]
    subprocess.run([*command, "-o", part, *libraries], check=True)
    part.rename(program)
sys.stdout.flush()
os.execv(program, [str(program), data])
