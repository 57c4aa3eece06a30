"""Process start to the end of the first step, peak memory, and the published job as a whole."""

import json
import statistics
import subprocess
import time

import report
from competitors import Data, Peer, Task, Urn, run as call
from environment import Failure


def first_step(urn):
    """Seconds until the line about step 1 comes."""
    command = [str(c) for c in urn.command(urn.bench.scratch / "run") if c != "--quiet"]
    start = time.perf_counter()
    process = subprocess.Popen(
        command + ["--log-every", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    line = process.stderr.readline()
    took = time.perf_counter() - start
    rest = process.stderr.read()
    if process.wait() != 0 or not line.split()[:1] == ["step"]:
        raise Failure(f"{' '.join(command)}: {line}{rest}"[-2000:])
    return took


def published_job(bench, task, precision):
    """Reads, fits 3,000 steps, scores the held-out rows, writes the run, predicts every row."""
    urn = Urn(bench, task, precision, 1, 3000)
    run = bench.scratch / "run"
    command = urn.command(run)
    at = command.index("--evaluations")
    start = time.perf_counter()
    call(command[:at])  # with all that a fit does at its end
    predict = [bench.program("urn"), "predict", run, "--test", task.data.path, "--threads", 1]
    call(predict + ["--out", bench.scratch / "predictions.csv"])
    took = time.perf_counter() - start
    fit = json.loads((run / "fit.json").read_text(encoding="utf-8"))
    return took, fit["peak_rss_mb"]


def peer_starts(bench, task):
    found = []
    programs = (("numpyro", "numpyro_svi"), ("torch.compile", "torch_svi"), ("pyro", "pyro_svi"))
    for name, program in programs if bench.peers else ():
        peer = Peer(bench, name, program, task, "single", 1, 10)
        peer.wait()
        found.append((peer, peer.ready["start_to_first_step_s"]))
        peer.close()
        bench.workers.remove(peer)
    return found


def run(bench):
    path = bench.shared("avod/watch_minutes.csv")
    task = Task(Data(path, ("user_id", "video_id", "watched_minutes")), 5, lr=0.001)
    rows, results, checks = [], [], []
    for precision in ("double", "single"):
        urn = Urn(bench, task, precision, 1, 5)
        seconds = [first_step(urn) for _ in range(3 * bench.rounds)]
        jobs = [published_job(bench, task, precision) for _ in range(min(bench.rounds, 3))]
        s = report.spread(seconds)
        job = report.spread([j[0] for j in jobs])
        memory = max(j[1] for j in jobs)
        rows.append([f"urn, {precision}", 1e3 * s["median"], 1e3 * s["min"], 1e3 * s["max"]])
        rows[-1] += [memory, job["median"]]
        results.append({"name": "urn", "precision": precision, "first_step_s": s, "job_s": job})
        results[-1]["peak_rss_mb"] = memory
        checks.append((f"start to first step, {precision}: ms", 1e3 * s["median"], "<=", 50.0))
        checks.append((f"peak memory, {precision}: MB", memory, "<=", 60.0))
        checks.append((f"the published job, {precision}: s", job["median"], "<=", 3.0))
    for peer, seconds in peer_starts(bench, task):
        memory = peer.ready["peak_rss_mb"]
        rows.append([f"{peer.name}, single", 1e3 * seconds, "", "", memory, ""])
        results.append({"name": peer.name, "first_step_s": seconds, "peak_rss_mb": memory})
    print("\nAVOD minutes, d = 5: process start to the end of step 1 (ms), peak memory, and the job:")
    print("read, 3,000 steps, scores and the run written, every row predicted (s)")
    report.table(rows, ["", "first step", "min", "max", "MB", "job"])
    return {"rows": results, "bars": report.bars(checks)}
