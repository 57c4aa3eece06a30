/* Scores of predictions against the values observed. */
#include <math.h>
#include <urn/fit.h>

/* Share of rows whose predictive probability of at most y lies inside the equal-tailed interval. */
static double coverage(const urn_prediction *prediction, double level)
{
    const double low = 0.5 * (1.0 - level), high = 0.5 * (1.0 + level);
    int64_t inside = 0;
    for (int64_t i = 0; i < prediction->n_rows; i++)
        inside += prediction->cdf[i] >= low && prediction->cdf[i] <= high;
    return (double)inside / (double)prediction->n_rows;
}

void urn_score(const urn_prediction *prediction, const double *observed, urn_scores *scores)
{
    const int64_t n = prediction->n_rows;
    double squares = 0.0, absolute = 0.0, density = 0.0;
    for (int64_t i = 0; i < n; i++) {
        const double error = prediction->mean[i] - observed[i];
        squares += error * error;
        absolute += fabs(error);
        density += prediction->log_density ? prediction->log_density[i] : (double)NAN;
    }
    const bool has_cdf = prediction->cdf && n > 0;
    *scores = (urn_scores){.n = n,
                           .rmse = sqrt(squares / (double)n),
                           .mae = absolute / (double)n,
                           .mean_log_predictive_density = density / (double)n,
                           .coverage_50 = has_cdf ? coverage(prediction, 0.50) : (double)NAN,
                           .coverage_80 = has_cdf ? coverage(prediction, 0.80) : (double)NAN,
                           .coverage_95 = has_cdf ? coverage(prediction, 0.95) : (double)NAN};
}
