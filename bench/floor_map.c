/* What the machine can do on one step of Adam towards the mode of `pmf_sigmoid`
 * (models/pmf_sigmoid.c): loops written for this model only. Start and loss are those of `urn fit
 * pmf_sigmoid --engine map --method adam --init-jitter 0.01`, up to rounding. Built twice:
 * floor_map in double, floor_map_single in single precision. */
#include "bench/floor_check.h"
#include "bench/options.h"
#include "bench/sigmoid.h"

#include <stdlib.h>

static const char usage[] =
    "floor_map --data FILE.csv | --random USERS,ITEMS,RATINGS [--columns 0,1,2] [--holdout 0.1]\n"
    "       [--dim 30] [--steps 1000] [--lr 0.03] [--seed 1] [--threads 1]\n"
    "   or: floor_map --check [--dim 30] [--threads 1]";

static void run(sigmoid *f, const floor_options *o, double read_s)
{
    double *seconds = bench_zeros(o->steps, sizeof *seconds);
    double *loss = bench_zeros(o->steps, sizeof *loss);
    const double factor = 1.0 / (double)sigmoid_ratings(f)->n;
    for (int64_t step = 0; step < o->steps; step++) {
        const double start = bench_seconds();
        const sweep w = sweep_at(step, o->lr, o->seed, factor);
        loss[step] = sigmoid_step(f, &w);
        seconds[step] = bench_seconds() - start;
    }
    floor_report("floor_map", o, sigmoid_ratings(f), seconds, loss, read_s);
    free(seconds);
    free(loss);
}

int main(int argc, char **argv)
{
    const floor_options o = floor_parse(argc, argv, usage);
    if (o.check)
        return sigmoid_check(o.dim, o.threads) ? 0 : 1;
    double read_s;
    const ratings d = floor_data(&o, &read_s);
    sigmoid *f = sigmoid_new(d, o.dim, o.threads, 0.01, o.seed);
    run(f, &o, read_s);
    sigmoid_free(f);
    return 0;
}
