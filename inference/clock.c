/* Seconds, and the median time of a step in fixed memory. */
#include "clock.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

double urn__clock_now(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return 0.0;
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void urn__step_clock_start(urn__step_clock *clock)
{
    clock->count = 0;
    clock->stride = 1;
    clock->kept = 0;
    clock->start = clock->mark = urn__clock_now();
}

static void drop_every_other(urn__step_clock *clock)
{
    clock->kept /= 2;
    for (int i = 0; i < clock->kept; i++)
        clock->seconds[i] = clock->seconds[2 * i];
    clock->stride *= 2;
}

double urn__step_clock_stop(urn__step_clock *clock)
{
    const double now = urn__clock_now();
    if (clock->count % clock->stride == 0) {
        if (clock->kept == URN__CLOCK_KEPT)
            drop_every_other(clock);
        if (clock->count % clock->stride == 0)
            clock->seconds[clock->kept++] = (float)(now - clock->mark);
    }
    clock->count++;
    return now - clock->mark;
}

void urn__step_clock_resume(urn__step_clock *clock)
{
    clock->mark = urn__clock_now();
}

void urn__step_clock_leave_out(urn__step_clock *clock, double seconds)
{
    clock->mark += seconds;
}

double urn__step_clock_seconds(const urn__step_clock *clock)
{
    return urn__clock_now() - clock->start;
}

static int compare(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

double urn__step_clock_median(urn__step_clock *clock)
{
    const int n = clock->kept;
    if (n == 0)
        return NAN;
    qsort(clock->seconds, (size_t)n, sizeof clock->seconds[0], compare);
    const double upper = (double)clock->seconds[n / 2];
    return n % 2 ? upper : 0.5 * (upper + (double)clock->seconds[n / 2 - 1]);
}
