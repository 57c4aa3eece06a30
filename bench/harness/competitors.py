"""Who takes part: Urn, the floors, the peers. Each does some steps when its turn comes, and answers with
milliseconds of a step and what else it knows."""

import json
import os
import statistics
import subprocess
import time

from environment import Failure

BLOCKS = 5  # of a peer's turn

def run(command, **more):
    done = subprocess.run(
        [str(c) for c in command], capture_output=True, text=True, check=False, **more
    )
    if done.returncode != 0:
        raise Failure(f"{' '.join(str(c) for c in command)}: {done.stderr.strip()[-2000:]}")
    return done.stdout


class Data:
    """A file of ratings, and how a fit reads it."""

    def __init__(self, path, columns, holdout=0.1):
        self.path, self.columns, self.holdout = path, columns, holdout

    def map(self):
        return ",".join(f"{a}={b}" for a, b in zip(("user", "item", "rating"), self.columns))


class Task:
    """What is fitted: a model on data, by Adam."""

    def __init__(self, data, dim, model="hpmf", center=False, lr=0.01):
        self.data, self.dim, self.model, self.center, self.lr = data, dim, model, center, lr


class Competitor:
    def __init__(self, bench, name, task, precision, threads, steps):
        self.bench, self.name, self.task = bench, name, task
        self.precision, self.threads, self.steps = precision, threads, steps
        self.samples = []

    def turn(self):
        sample = self.measure()
        self.samples.append(sample)
        return sample

    def times(self):
        return [s["step_ms"] for s in self.samples]

    def label(self):
        return f"{self.name}, {self.precision}, {self.threads} thread{'s' * (self.threads > 1)}"


class Urn(Competitor):
    """A new process each turn: reading, compiling and evaluating do not count, steps do."""

    def __init__(self, bench, task, precision, threads, steps):
        super().__init__(bench, "urn", task, precision, threads, steps)

    def command(self, out):
        t = self.task
        command = [self.bench.program("urn"), "fit", t.model, "--data", t.data.path]
        command += ["--map", t.data.map(), "--set", f"dim={t.dim}", "--lr", t.lr, "--seed", 1]
        command += ["--steps", self.steps, "--threads", self.threads, "--out", out, "--force"]
        command += ["--precision", self.precision, "--quiet"]
        if t.data.holdout:
            command += ["--holdout", t.data.holdout]
        if t.center:
            command += ["--set", "center=mean"]
        if t.model == "pmf_sigmoid":
            return command + ["--engine", "map", "--method", "adam", "--init-jitter", 0.01]
        return command + ["--engine", "svi", "--evaluations", 1, "--k-hat-draws", 0]

    def measure(self):
        out = self.bench.scratch / "run"
        run(self.command(out))
        fit = json.loads((out / "fit.json").read_text(encoding="utf-8"))
        rows = (out / "log.csv").read_text(encoding="utf-8").splitlines()[1:]
        losses = [float(r.split(",")[1]) for r in rows]
        return {
            "step_ms": fit["step_ms_median"],
            "losses": losses[:10],
            "loss": sum(losses[-100:]) / len(losses[-100:]),
            "peak_rss_mb": fit["peak_rss_mb"],
            "wall_s": fit["wall_s"],
            "steps_s": fit["steps_s"],
        }


class Floor(Competitor):
    """The hand-written loops of bench/floor_svi.c and bench/floor_map.c."""

    def __init__(self, bench, task, precision, threads, steps):
        super().__init__(bench, "floor", task, precision, threads, steps)

    def measure(self):
        t = self.task
        name = "bench/floor_map" if t.model == "pmf_sigmoid" else "bench/floor_svi"
        name += "_single" if self.precision == "single" else ""
        command = [self.bench.program(name), "--data", t.data.path, "--dim", t.dim, "--lr", t.lr]
        command += ["--holdout", t.data.holdout, "--steps", self.steps, "--threads", self.threads]
        found = json.loads(run(command + (["--center"] if t.center else [])))
        return {
            "step_ms": found["step_ms_median"],
            "losses": found["losses"],
            "ratings": found["ratings"],
            "loss": found["loss_last_100_mean"],
            "peak_rss_mb": found["peak_rss_mb"],
        }


class Worker:
    """A program that stays between its turns: a line asks, a line of JSON answers."""

    def __init__(self, bench, name, command):
        self.bench, self.name = bench, name
        self.log = open(bench.scratch / f"worker-{len(bench.workers)}.log", "w+", encoding="utf-8")
        environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", TF_CPP_MIN_LOG_LEVEL="3")
        self.process = subprocess.Popen(
            [str(c) for c in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.log, text=True, env=environment,
        )
        bench.workers.append(self)
        self.ready = None

    def label(self):
        return self.name

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.log.seek(0)
            raise Failure(f"{self.label()} ended: {self.log.read()[-2000:]}")
        return json.loads(line)

    def wait(self):
        """Until it is compiled."""
        if self.ready is None:
            self.ready = self.answer()
            self.bench.versions.update(self.ready["versions"])

    def ask(self, line):
        self.wait()
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()


class Peer(Competitor, Worker):
    """A program of bench/peers that does steps."""

    def __init__(self, bench, name, program, task, precision, threads, steps):
        Competitor.__init__(self, bench, name, task, precision, threads, steps)
        command = [bench.python, "-W", "ignore", bench.source / "peers" / f"{program}.py"]
        command += ["--data", task.data.path, "--dim", task.dim, "--lr", task.lr]
        command += ["--holdout", task.data.holdout, "--precision", precision]
        command += ["--threads", threads] + (["--center"] if task.center else [])
        Worker.__init__(self, bench, name, command)
        self.done = 0

    def label(self):
        return Competitor.label(self)

    def steps_now(self, n):
        self.done += n
        return self.ask(f"run {n}")

    def measure(self):
        """The median of some blocks: the others' times are medians of steps."""
        self.wait()
        blocks = [self.steps_now(max(1, self.steps // BLOCKS)) for _ in range(BLOCKS)]
        time.sleep(0.3)  # its threads may spin for a while
        found = blocks[-1]
        found["step_ms"] = statistics.median(b["step_ms"] for b in blocks)
        return found
