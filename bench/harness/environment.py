"""Where a benchmark runs: the machine, the programs, the data, the results."""

import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time


class Failure(Exception):
    """A benchmark that cannot go on, in words for the user."""


class Skip(Exception):
    """A table that cannot be made here."""


def first_line(*command):
    try:
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return out.splitlines()[0] if out else "unknown"


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        text = f.read()
    model = re.search(r"model name\s*: (.*)", text)
    flags = re.search(r"flags\s*: (.*)", text)
    flags = flags[1].split() if flags else []
    return {
        "cpu": model[1] if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "vectors": "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "older",
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": platform.release(),
    }


class Bench:
    def __init__(self, source, build, rounds, peers):
        self.source, self.build, self.rounds, self.peers = source, build, rounds, peers
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="urn-bench-"))
        self.workers = []
        self.results_path = build / "bench-results.json"
        self.python = self.find_python() if peers else None
        self.versions = {
            "urn": first_line(str(self.program("urn")), "--version").split()[-1],
            "compiler": first_line(os.environ.get("CC", "cc").split()[-1], "--version"),
        }

    def program(self, name):
        path = self.build / name
        if not path.exists():
            raise Failure(f"{path} is not there: `make bench` builds it (or give --build DIR)")
        return path

    def find_python(self):
        given = os.environ.get("BENCH_PYTHON")
        if given:
            return given
        venv = self.build / "bench-venv"
        python = venv / "bin" / "python"
        needed = os.environ.get("BENCH_REQUIREMENTS", str(self.source / "requirements.txt"))
        needed = pathlib.Path(needed).read_text("utf-8")
        if not self.is_done(venv / "complete", needed):
            print(f"bench: installing the peers into {venv}", file=sys.stderr)
            try:
                subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
                self.install(python, *self.lines(needed))
            except (OSError, subprocess.CalledProcessError) as error:
                raise Failure(f"the peers could not be installed: {error}") from error
            (venv / "complete").write_text(needed, encoding="utf-8")
            for mark in venv.glob("complete-*"):
                mark.unlink()
        for name in ("gibbs", "stan"):
            wanted = (self.source / f"requirements-{name}.txt").read_text("utf-8")
            if not self.is_done(venv / f"complete-{name}", wanted):
                for line in self.lines(wanted):
                    self.try_install(python, line)
                (venv / f"complete-{name}").write_text(wanted, encoding="utf-8")
        return str(python)

    @staticmethod
    def is_done(mark, requirements):
        """Was this very list installed?"""
        return mark.exists() and mark.read_text(encoding="utf-8") == requirements

    @staticmethod
    def lines(requirements):
        lines = [line.strip() for line in requirements.splitlines()]
        return [line for line in lines if line and not line.startswith("#")]

    @staticmethod
    def install(python, *requirements):
        arguments = os.environ.get("BENCH_PIP_ARGUMENTS", "").split()
        command = [str(python), "-m", "pip", "install", "--quiet", *arguments, *requirements]
        subprocess.run(command, check=True)

    def try_install(self, python, line):
        """A line of several requirements is installed at once, or not at all."""
        try:
            self.install(python, *line.split())
        except subprocess.CalledProcessError:
            print(f"bench: {line} cannot be installed here", file=sys.stderr)

    # ---- data ----

    def shared(self, path):
        full = pathlib.Path(os.environ["URN_SHARED"]) / "data" / path
        if not full.exists():
            raise Skip(f"{full} is not there (set URN_SHARED)")
        return full

    def simulated(self, users, items, ratings):
        """Made-up ratings of the shape of MovieLens; kept in the build directory."""
        path = self.build / "bench-data" / f"{users}x{items}-{ratings}.csv"
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            part = path.with_suffix(".part")
            with open(part, "wb") as f:
                sizes = [str(n) for n in (users, items, ratings)]
                subprocess.run([str(self.program("bench/simulate")), *sizes], stdout=f, check=True)
            part.rename(path)
        return path

    # ---- results ----

    def run_table(self, name, table):
        print(f"\n== {name}: {table.summary}", flush=True)
        before, start = os.getloadavg(), time.time()
        try:
            result = table.run(self)
        except Skip as skip:
            print(f"skipped: {skip}")
            return
        finally:
            self.close_workers()
        result["machine"] = machine()
        result["versions"] = dict(self.versions)
        result["load_average"] = [before[0], os.getloadavg()[0]]
        result["seconds"] = time.time() - start
        m = result["machine"]
        print(
            f"{m['cpu']}, {m['cores']} cores, {m['vectors']}; load {before[0]:.1f} before, "
            f"{result['load_average'][1]:.1f} after; "
            + "; ".join(f"{k} {v}" for k, v in self.versions.items()),
            flush=True,
        )
        self.store(name, result)

    def store(self, name, result):
        results = {"schema_version": 1, "tables": {}}
        if self.results_path.exists():
            results = json.loads(self.results_path.read_text(encoding="utf-8"))
        results["tables"][name] = result
        part = self.results_path.with_suffix(".part")
        part.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        part.rename(self.results_path)

    def close_workers(self):
        for worker in self.workers:
            worker.close()
        self.workers = []

    def close(self):
        self.close_workers()
        shutil.rmtree(self.scratch, ignore_errors=True)
