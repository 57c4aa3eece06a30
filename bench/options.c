/* See options.h. */
#include "bench/options.h"
#include "bench/guide.h"
#include "bench/hpmf.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

/* "a,b,c" */
static bool parse_three(const char *text, int64_t *values)
{
    for (int k = 0; k < 3; k++) {
        char *end;
        values[k] = strtoll(text, &end, 10);
        if (end == text || *end != (k < 2 ? ',' : '\0') || values[k] < 0)
            return false;
        text = end + 1;
    }
    return true;
}

static bool set_option(floor_options *o, int option)
{
    switch (option) {
    case 'f':
        o->path = optarg;
        return true;
    case 'r':
        o->random = optarg;
        return true;
    case 'c':
        return parse_three(optarg, o->column);
    case 'h':
        o->holdout = strtod(optarg, NULL);
        return true;
    case 'l':
        o->lr = strtod(optarg, NULL);
        return true;
    case 'd':
        o->dim = strtoll(optarg, NULL, 10);
        return true;
    case 'n':
        o->steps = strtoll(optarg, NULL, 10);
        return true;
    case 's':
        o->seed = strtoull(optarg, NULL, 10);
        return true;
    case 't':
        o->threads = (int)strtol(optarg, NULL, 10);
        return true;
    case 'm':
        o->center = true;
        return true;
    case 'k':
        o->check = true;
        return true;
    default:
        return false;
    }
}

floor_options floor_parse(int argc, char **argv, const char *usage)
{
    static const struct option known[] = {
        {"data", required_argument, NULL, 'f'},    {"random", required_argument, NULL, 'r'},
        {"columns", required_argument, NULL, 'c'}, {"holdout", required_argument, NULL, 'h'},
        {"dim", required_argument, NULL, 'd'},     {"steps", required_argument, NULL, 'n'},
        {"lr", required_argument, NULL, 'l'},      {"seed", required_argument, NULL, 's'},
        {"threads", required_argument, NULL, 't'}, {"center", no_argument, NULL, 'm'},
        {"check", no_argument, NULL, 'k'},         {NULL, 0, NULL, 0}};
    floor_options o = {
        .column = {0, 1, 2}, .lr = 1e-3, .dim = 5, .steps = 3000, .seed = 1, .threads = 1};
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
        if (!set_option(&o, option))
            bench_fail("usage: ", usage);
    if (o.dim < 1 || o.dim > MAX_DIM || o.steps < 1 || o.threads < 1 || o.threads > MAX_THREADS)
        bench_fail("--dim is 1 to 128, --threads 1 to 16, --steps at least 1", "");
    return o;
}

ratings floor_data(const floor_options *o, double *read_s)
{
    const double start = bench_seconds();
    ratings d;
    if (o->path) {
        d = ratings_read(o->path, o->column);
    } else {
        int64_t sizes[3] = {0};
        if (!o->random || !parse_three(o->random, sizes) || sizes[0] < 1 || sizes[1] < 1)
            bench_fail("give --data FILE, --random USERS,ITEMS,RATINGS or --check", "");
        d = ratings_random(sizes[0], sizes[1], sizes[2]);
    }
    ratings_hold_out(&d, o->holdout);
    if (d.n < 1)
        bench_fail("no ratings", "");
    if (o->center)
        ratings_center(&d);
    *read_s = bench_seconds() - start;
    return d;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void floor_report(const char *program, const floor_options *o, const ratings *d, double *seconds,
                  const double *loss, double read_s)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    const int64_t tail = o->steps < 100 ? o->steps : 100;
    double sum = 0.0;
    for (int64_t i = o->steps - tail; i < o->steps; i++)
        sum += loss[i];
    qsort(seconds, (size_t)o->steps, sizeof *seconds, by_value);
    printf("{\"program\": \"%s\", \"precision\": \"" FLOOR_PRECISION "\", \"dim\": %lld, "
           "\"users\": %lld, \"items\": %lld, \"ratings\": %lld, \"threads\": %d, \"steps\": %lld, "
           "\"read_s\": %.3f, \"peak_rss_mb\": %.1f, \"step_ms_median\": %.6f, \"step_ms_min\": "
           "%.6f, \"losses\": [",
           program, (long long)o->dim, (long long)d->n_users, (long long)d->n_items,
           (long long)d->n, o->threads, (long long)o->steps, read_s,
           (double)usage.ru_maxrss / 1024.0, seconds[o->steps / 2] * 1e3, seconds[0] * 1e3);
    for (int64_t i = 0; i < o->steps && i < 10; i++)
        printf("%s%.15g", i ? ", " : "", loss[i]);
    printf("], \"loss_last_100_mean\": %.12g}\n", sum / (double)tail);
}
