/* What the machine can do on one SVI step of the model `hpmf` (models/hpmf.c): loops written for
 * this model only, diagonal normal guide, one particle, Adam. The normals, the start and the loss
 * are those of `urn fit hpmf --engine svi`, so the same seed gives the same losses up to rounding;
 * the rest shares no code with the library. Built twice: floor_svi in double, floor_svi_single in
 * single precision. On several threads sums depend on their number. */
#include "bench/floor_check.h"
#include "bench/hpmf.h"
#include "bench/options.h"

#include <stdlib.h>

static const char usage[] =
    "floor_svi --data FILE.csv | --random USERS,ITEMS,RATINGS [--columns 0,1,2] [--holdout 0.1]\n"
    "       [--center] [--dim 5] [--steps 3000] [--lr 0.001] [--seed 1] [--threads 1]\n"
    "   or: floor_svi --check [--dim 5] [--threads 1]\n"
    "The first prints one line of JSON: time of a step, losses per rating. The second compares\n"
    "density and gradient with the plain formulas and differences.";

static void run(hpmf *f, const floor_options *o, double read_s)
{
    double *seconds = bench_zeros(o->steps, sizeof *seconds);
    double *loss = bench_zeros(o->steps, sizeof *loss);
    const double factor = 1.0 / (double)hpmf_ratings(f)->n;
    for (int64_t step = 0; step < o->steps; step++) {
        const double start = bench_seconds();
        const sweep w = sweep_at(step, o->lr, o->seed, factor);
        loss[step] = hpmf_step(f, &w);
        seconds[step] = bench_seconds() - start;
    }
    floor_report("floor_svi", o, hpmf_ratings(f), seconds, loss, read_s);
    free(seconds);
    free(loss);
}

int main(int argc, char **argv)
{
    const floor_options o = floor_parse(argc, argv, usage);
    if (o.check)
        return hpmf_check(o.dim, o.threads) ? 0 : 1;
    double read_s;
    const ratings d = floor_data(&o, &read_s);
    hpmf *f = hpmf_new(d, o.dim, o.threads);
    run(f, &o, read_s);
    hpmf_free(f);
    return 0;
}
