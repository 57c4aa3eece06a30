"""The dialogue of samplers (nuts and gradient): a program is started with a model's name and its data,
and says in one line of JSON when it is ready. From then on a line asks and a line of JSON answers:

  gradient N
      evaluates log density and gradient N times, last at x_i = 0.1 + 0.01 (i mod 7) in unconstrained
      space: {"us": of one, "size": coordinates, "sums": [sum of the gradient, the same weighted by
      1 + i mod 11]}, by which it is seen that all have the same density
  run SEED CHAINS WARMUP DRAWS DEPTH FILE
      chains one after another: {"seconds": in all, "sampling_s": after warm-up, "leapfrogs" and
      "divergences" after warm-up, "size": numbers a draw}; FILE gets the draws, chains x draws x size
      doubles

bench/nuts and stan_main.cpp speak it, too; here is what Python programs need."""

import json
import sys


def say(**what):
    print(json.dumps(what), flush=True)


def serve(versions, gradient, run):
    """`gradient(n)` and `run(seed, chains, warmup, draws, depth)` return what is answered; the latter
    besides it an array of draws."""
    say(ready=True, versions=versions)
    for line in sys.stdin:
        words = line.split()
        if len(words) == 2 and words[0] == "gradient":
            say(**gradient(int(words[1])))
        elif len(words) == 7 and words[0] == "run":
            answer, draws = run(*(int(w) for w in words[1:6]))
            with open(words[6], "wb") as file:
                file.write(draws.tobytes())
            say(**answer)
        else:
            break
