/* Is the loss still falling? Smoothing, and a test on the last steps of a run.
 *
 * The loss of a step is noisy, with heavy tails early on, so the kept steps are cut into groups,
 * each group is replaced by its median, and a straight line is fitted through the medians: its
 * slope over its standard error tells a fall from noise. */
#include "trend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SMOOTHING (2.0 / 101.0)
#define GROUPS 20
#define LEAST_GROUPS 10
#define LONGEST_WINDOW 20000

double urn__smoother_add(urn__smoother *s, double value)
{
    if (isfinite(value)) {
        s->sum += SMOOTHING * (value - s->sum);
        s->weight += SMOOTHING * (1.0 - s->weight);
    }
    return s->weight > 0.0 ? s->sum / s->weight : value;
}

bool urn__trend_start(urn__trend *trend, urn__arena *arena, int64_t n_steps)
{
    int64_t window = n_steps / 10;
    if (window < 50)
        window = 50;
    if (window > LONGEST_WINDOW)
        window = LONGEST_WINDOW;
    /* twice: the second half is where groups are sorted, so that looking needs no memory */
    *trend = (urn__trend){.capacity = window};
    trend->kept = urn__arena_alloc(arena, (size_t)window * 2, sizeof *trend->kept);
    return trend->kept != NULL;
}

void urn__trend_add(urn__trend *trend, double loss)
{
    if (isfinite(loss))
        trend->kept[trend->count++ % trend->capacity] = loss;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of(double *x, int64_t n)
{
    qsort(x, (size_t)n, sizeof *x, compare);
    return n % 2 ? x[n / 2] : 0.5 * (x[n / 2] + x[n / 2 - 1]);
}

static void fit_line(const double *y, int n, double spacing, urn__slope *slope)
{
    double mean_y = 0.0, sxx = 0.0, sxy = 0.0, residual = 0.0;
    for (int i = 0; i < n; i++)
        mean_y += y[i] / n;
    for (int i = 0; i < n; i++) {
        const double x = (i - 0.5 * (n - 1)) * spacing;
        sxx += x * x;
        sxy += x * (y[i] - mean_y);
    }
    slope->per_step = sxy / sxx;
    for (int i = 0; i < n; i++) {
        const double x = (i - 0.5 * (n - 1)) * spacing;
        const double r = y[i] - mean_y - slope->per_step * x;
        residual += r * r;
    }
    slope->standard_error = sqrt(residual / (n - 2) / sxx);
}

urn__slope urn__trend_slope(const urn__trend *trend)
{
    urn__slope slope = {0};
    const int64_t n = trend->count < trend->capacity ? trend->count : trend->capacity;
    const int groups = n < GROUPS ? (int)n : GROUPS;
    if (groups < LEAST_GROUPS)
        return slope;
    const int64_t width = n / groups;
    double medians[GROUPS];
    double *sorted = trend->kept + trend->capacity;
    int64_t at = trend->count - width * groups; /* the oldest step looked at */
    for (int g = 0; g < groups; g++) {
        for (int64_t i = 0; i < width; i++, at++)
            sorted[i] = trend->kept[at % trend->capacity];
        medians[g] = median_of(sorted, width);
    }
    slope.groups = groups;
    slope.window = width * groups;
    fit_line(medians, groups, (double)width, &slope);
    return slope;
}

bool urn__slope_falls(const urn__slope *slope, double loss, double observations)
{
    if (slope->groups == 0 || !isfinite(loss))
        return false;
    const double fall = -slope->per_step * (double)slope->window;
    return slope->per_step < -3.0 * slope->standard_error && fall > 1e-4 * fmax(1.0, fabs(loss)) &&
           fall * observations > 0.1;
}
