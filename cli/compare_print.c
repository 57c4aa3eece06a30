/* The tables of urn compare. */
#include "compare.h"
#include <math.h>
#include <string.h>

enum {
    NAME_WIDTH = 38,
    MOST_OF_A_KIND = 6, /* singular values and the like; --json has all */
    MOST_SITES = 30
};

static const cli_compared *reference_of(const cli_comparison *c)
{
    return &c->runs[c->reference];
}

/* The i-th run in the order of printing: the reference first. */
static const cli_compared *run_at(const cli_comparison *c, int i)
{
    return &c->runs[i == 0 ? c->reference : i <= c->reference ? i - 1 : i];
}

static void heading(const char *format, ...) URN_PRINTF(1, 2);
static void heading(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("\n%s", cli_bold());
    vprintf(format, args);
    printf("%s\n", cli_plain());
    va_end(args);
}

/* A number in a column of ten. */
static void cell(double value)
{
    char text[32];
    printf(" %9s", cli_number(value, text));
}

static void short_cell(double value)
{
    char text[32];
    if (isnan(value))
        snprintf(text, sizeof text, "-");
    else
        snprintf(text, sizeof text, fabs(value) < 9.995 ? "%.2f" : "%.4g", value);
    printf(" %9s", text);
}

/* ---- health ---- */

static void print_health(const cli_comparison *c)
{
    bool any_k_hat = false;
    heading("%-16s %-6s %12s %9s %9s %9s %7s  converged", "run", "engine", "draws", "R-hat",
            "least ESS", "divergent", "k-hat");
    for (int i = 0; i < c->n; i++) {
        const cli_compared *run = run_at(c, i);
        const urn__digest *d = run->digest;
        char text[32];
        bool converged;
        const char *word = cli_compare_converged(run, c->arena, &converged);
        printf("%-16s %-6s %12s", run->name, run->judged.engine, cli_compare_state(run));
        printf(" %9s", isnan(d->worst_r_hat) ? "-" : cli_number(d->worst_r_hat, text));
        if (isnan(d->least_ess))
            printf(" %9s", "-");
        else
            printf(" %9.0f", d->least_ess);
        if (d->posterior == URN_POSTERIOR_DRAWS)
            printf(" %9.0f", run->judged.divergences);
        else
            printf(" %9s", "-");
        printf(" %7s  %s\n", cli_number(run->judged.k_hat, text), word);
        any_k_hat = any_k_hat || !isnan(run->judged.k_hat);
    }
    if (any_k_hat)
        printf("k-hat is that of the fit, from the draws it was evaluated by (--k-hat-draws)\n");
}

/* Wraps a line at 110 columns, what follows indented by two. */
static void print_wrapped(const char *line, size_t length)
{
    size_t column = 0;
    while (length > 0) {
        const size_t word = strcspn(line, " \n") < length ? strcspn(line, " \n") : length;
        if (column > 0 && column + 1 + word > 110) {
            printf("\n ");
            column = 1;
        }
        printf("%s%.*s", column > 0 ? " " : "", (int)word, line);
        column += word + (column > 0);
        line += word;
        length -= word;
        while (length > 0 && *line == ' ') {
            line++;
            length--;
        }
    }
    putchar('\n');
}

static void print_warning(const cli_compared *run, const char *text)
{
    urn__text line = {0};
    urn__text_add(&line, "%s: warning: %s", run->name, text != NULL ? text : "");
    print_wrapped(line.data != NULL ? line.data : "", line.length);
    urn__text_clear(&line);
}

static void print_warnings(const cli_comparison *c)
{
    for (int i = 0; i < c->n; i++) {
        const cli_compared *run = run_at(c, i);
        const json_t *list = json_object_get(run->json, "warnings");
        for (size_t k = 0; k < json_array_size(list); k++)
            print_warning(run, json_string_value(json_array_get(list, k)));
        if (!run->has_rows)
            printf("%s: the data of the fit is gone or has changed, so its rows are not compared\n",
                   run->name);
    }
}

/* ---- quantities ---- */

static const urn__series *find_series(const cli_compared *run, const char *name)
{
    for (int i = 0; i < run->digest->n_series; i++)
        if (strcmp(run->digest->series[i].name, name) == 0)
            return &run->digest->series[i];
    return NULL;
}

static void print_series_row(const cli_compared *run, const urn__series *s)
{
    printf("  %-*s", NAME_WIDTH - 2, run->name);
    cell(s->mean);
    cell(s->sd);
    for (int k = 0; k < 3; k++)
        cell(s->quantile[k]);
    if (isnan(s->r_hat))
        printf(" %7s", "-");
    else
        printf(" %7.3f", s->r_hat);
    for (int i = 0; run->judged.versus != NULL && i < run->versus.n_series; i++) {
        const urn__series_versus *v = &run->versus.series[i];
        if (v->own != s)
            continue;
        short_cell(v->over_sd);
        short_cell(v->over_error);
        short_cell(v->sd_ratio);
        cell(v->wasserstein);
    }
    putchar('\n');
}

/* A series of the reference and those of the other runs under its name. */
static void print_series(const cli_comparison *c, const urn__series *s)
{
    printf("%s%s\n", s->name, s->turns ? " (not identified)" : "");
    for (int i = 0; i < c->n; i++) {
        const urn__series *own = find_series(run_at(c, i), s->name);
        if (own != NULL)
            print_series_row(run_at(c, i), own);
    }
}

static void print_quantities(const cli_comparison *c)
{
    const urn__digest *d = reference_of(c)->digest;
    heading("%-*s %9s %9s %9s %9s %9s %7s %9s %9s %9s %9s", NAME_WIDTH, "quantity", "mean", "sd",
            "5 %", "50 %", "95 %", "R-hat", "diff/sd", "diff/mcse", "sd ratio", "W1");
    for (int kind = URN__QUANTITY_HELD_OUT; kind <= URN__QUANTITY_SITE; kind++) {
        const int most = kind == URN__QUANTITY_SITE ? MOST_SITES : MOST_OF_A_KIND;
        int n = 0;
        for (int i = 0; i < d->n_series; i++)
            if ((int)d->series[i].kind == kind && n++ < most)
                print_series(c, &d->series[i]);
        if (n > most)
            printf("... and %d more of this kind (--json has all)\n", n - most);
    }
}

static void print_field_row(const cli_compared *run, const urn__field *f)
{
    printf("  %-*s", NAME_WIDTH - 2, run->name);
    double mean = 0.0, sd = 0.0;
    for (int64_t i = 0; i < f->n; i++) {
        mean += f->mean[i] / (double)f->n;
        sd += f->sd[i] / (double)f->n;
    }
    cell(mean);
    cell(sd);
    if (isnan(f->r_hat))
        printf(" %9s", "-");
    else
        printf(" %9.3f", f->r_hat);
    for (int i = 0; run->judged.versus != NULL && i < run->versus.n_fields; i++) {
        const urn__field_versus *v = &run->versus.fields[i];
        if (v->own != f)
            continue;
        if (isnan(v->correlation))
            printf(" %11s", "-");
        else
            printf(" %11.4f", v->correlation);
        short_cell(v->over_sd);
        short_cell(v->sd_ratio);
        short_cell(v->sd_ratio_median);
    }
    putchar('\n');
}

static void print_fields(const cli_comparison *c)
{
    const urn__digest *d = reference_of(c)->digest;
    if (d->n_fields == 0)
        return;
    heading("%-*s %9s %9s %9s %11s %9s %9s %9s", NAME_WIDTH, "field", "mean", "mean sd",
            "worst Rhat", "correlation", "diff/sd", "sd ratio", "median");
    for (int i = d->n_fields - 1; i >= 0; i--) { /* predictions are the last */
        printf("%s (%lld)%s\n", d->fields[i].name, (long long)d->fields[i].n,
               d->fields[i].turns ? " (not identified)" : "");
        for (int r = 0; r < c->n; r++) {
            const urn__digest *own = run_at(c, r)->digest;
            for (int k = 0; k < own->n_fields; k++)
                if (strcmp(own->fields[k].name, d->fields[i].name) == 0)
                    print_field_row(run_at(c, r), &own->fields[k]);
        }
    }
}

/* ---- scores ---- */

static void print_percent(double share)
{
    if (isnan(share))
        printf(" %7s", "-");
    else
        printf(" %7.1f", 100.0 * share);
}

static void print_scores_row(const char *name, const urn__run_scores *s)
{
    printf("  %-*s %7lld", 20, name, (long long)s->n);
    cell(s->rmse);
    cell(s->mae);
    cell(s->density);
    cell(s->density_se);
    cell(s->crps);
    for (int k = 0; k < 3; k++)
        print_percent(s->coverage[k]);
    putchar('\n');
}

static void print_score_versus(const cli_comparison *c)
{
    for (int i = 1; i < c->n; i++) {
        const cli_compared *run = run_at(c, i);
        const urn__score_versus *v = &run->versus.scores;
        char a[32], b[32], d[32], e[32], f[32], g[32];
        if (!run->versus.has_scores)
            continue;
        printf("%s - %s, row by row: RMSE %s (se %s), log predictive density %s (%s), CRPS %s "
               "(%s)\n",
               run->name, reference_of(c)->name, cli_number(v->rmse, a), cli_number(v->rmse_se, b),
               cli_number(v->density, d), cli_number(v->density_se, e), cli_number(v->crps, f),
               cli_number(v->crps_se, g));
    }
}

static void print_scores(const cli_comparison *c)
{
    urn__run_scores s;
    if (!urn__score_cells(&reference_of(c)->digest->cells, 0, &s))
        return;
    heading("%-22s %7s %9s %9s %9s %9s %9s %7s %7s %7s", "held-out rows", "n", "RMSE", "MAE",
            "density", "se", "CRPS", "50 %", "80 %", "95 %");
    for (int g = 0; g < URN__GROUPS; g++) {
        if (!urn__score_cells(&reference_of(c)->digest->cells, g, &s))
            continue;
        if (g == 0)
            printf("all\n");
        else
            printf("%s with %s training rows\n", c->by, urn__group_names[g]);
        for (int i = 0; i < c->n; i++)
            if (urn__score_cells(&run_at(c, i)->digest->cells, g, &s))
                print_scores_row(run_at(c, i)->name, &s);
    }
    print_score_versus(c);
}

static void print_elpd(const cli_comparison *c)
{
    for (int i = 0; i < c->n; i++) {
        const cli_compared *run = run_at(c, i);
        const urn__digest *d = run->digest;
        char a[32], b[32];
        if (d->loo == NULL)
            continue;
        if (d->n_loo < d->n_training)
            printf("%s: elpd a training row left out (PSIS, %lld of %lld rows)", run->name,
                   (long long)d->n_loo, (long long)d->n_training);
        else
            printf("%s: elpd a training row left out (PSIS)", run->name);
        printf(" %s (se %s)", cli_number(d->loo_total.elpd / (double)d->n_loo, a),
               cli_number(d->loo_total.se / (double)d->n_loo, b));
        if (i > 0 && !isnan(run->versus.scores.elpd))
            printf(", a difference of %s (%s) from %s", cli_number(run->versus.scores.elpd, a),
                   cli_number(run->versus.scores.elpd_se, b), reference_of(c)->name);
        if (d->loo_total.n_bad > 0)
            printf("; %lld of them have k above %.2g, and are not to be trusted",
                   (long long)d->loo_total.n_bad, d->loo_total.good_k);
        putchar('\n');
    }
}

/* ---- all of it ---- */

void cli_compare_print(const cli_comparison *c)
{
    const json_t *json = reference_of(c)->json;
    printf("%s%s%s: %d runs, measured by %s; %lld training rows, %lld held out\n", cli_bold(),
           urn__io_json_get_text(json, "model", "?"), cli_plain(), c->n, reference_of(c)->name,
           (long long)urn__io_json_get_int(json, "n_training", 0),
           (long long)urn__io_json_get_int(json, "n_held_out", 0));
    if (c->mismatch.length > 0)
        printf("compared by force: %s\n", c->mismatch.data);
    print_health(c);
    print_warnings(c);
    print_quantities(c);
    print_fields(c);
    print_scores(c);
    print_elpd(c);
    heading("Verdict");
    for (const char *p = c->verdict.data; p != NULL && *p != '\0';) {
        const size_t length = strcspn(p, "\n");
        print_wrapped(p, length);
        p += length + (p[length] == '\n');
    }
}
