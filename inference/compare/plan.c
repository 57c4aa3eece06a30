/* Which numbers of a fitted model a digest holds (see plan.h). */
#include "plan.h"

#include "../../runtime/model/roles.h"
#include "../../runtime/tensor/tensor.h"
#include "../names.h"
#include "distances.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SMALL = 16, SMALL_ASKED = 64 }; /* elements that are series of their own */

typedef struct planning {
    const urn_model *model;
    const char *sites;
    const unsigned *roles;
    urn__arena *arena;
    urn__plan_of *plan;
} planning;

/* ---- which sites ---- */

static bool listed(const char *names, const char *name)
{
    const size_t length = strlen(name);
    for (const char *p = names; p; p = strchr(p, ',')) {
        p += *p == ',';
        if (strncmp(p, name, length) == 0 && (p[length] == ',' || p[length] == '\0'))
            return true;
    }
    return false;
}

/* Plates of data rows are not those of the fit when its data is gone. */
static bool over_rows(const urn_model *model, const urn_site_info *info)
{
    urn_plate_info plate;
    for (int d = 0; d < info->n_plates; d++)
        for (int i = 0; i < urn_model_plate_count(model); i++) {
            urn_model_plate(model, i, &plate);
            if (strcmp(plate.name, info->plates[d]) == 0 && strcmp(plate.kind, "rows") == 0)
                return true;
        }
    return false;
}

static bool has_values(const planning *p, int i, urn_site_info *info)
{
    urn_model_site(p->model, i, info);
    return (info->role == URN_SITE_LATENT || info->role == URN_SITE_RECORDED ||
            info->role == URN_SITE_PARAM) &&
           info->size > 0 && !over_rows(p->model, info);
}

static urn_status check_names(const planning *p, urn_error *error)
{
    const char *known[128];
    char word[128];
    size_t n = 0;
    urn_site_info info;
    urn__text list = {0};
    for (int i = 0; i < urn_model_site_count(p->model) && n < 128; i++)
        if (has_values(p, i, &info)) {
            urn__text_add(&list, "%s%s", n > 0 ? ", " : "", info.name);
            known[n++] = info.name;
        }
    urn_status status = URN_OK;
    for (const char *at = p->sites; at && status == URN_OK; at = strchr(at, ',')) {
        at += *at == ',';
        snprintf(word, sizeof word, "%.*s", (int)strcspn(at, ","), at);
        bool found = false;
        for (size_t i = 0; i < n; i++)
            found = found || strcmp(known[i], word) == 0;
        const char *near = urn__nearest(word, known, n);
        if (!found)
            status = urn__fail(error, URN_ERR_USAGE, NULL, word, near,
                               "there is no site of this name to compare; there are: %s",
                               list.data ? list.data : "none");
    }
    urn__text_clear(&list);
    return status;
}

/* ---- readers ---- */

static urn__quantity_kind kind_of(const planning *p, int site)
{
    return p->roles[site] & URN__ROLE_NOISE ? URN__QUANTITY_NOISE : URN__QUANTITY_SITE;
}

static bool turns(const planning *p, int site)
{
    return (p->roles[site] & (URN__ROLE_FACTOR | URN__ROLE_AXES)) != 0;
}

/* Adds a reader of n series; their names are still to be set. */
static urn__series *add_reader(planning *p, urn__reader reader, urn__quantity_kind kind)
{
    urn__plan_of *plan = p->plan;
    reader.first = plan->n_series;
    plan->readers[plan->n_readers++] = reader;
    plan->n_series += reader.n;
    for (int i = 0; i < reader.n; i++)
        plan->series[reader.first + i].kind = kind;
    return plan->series + reader.first;
}

static void plan_elements(planning *p, int site, const urn_site_info *info)
{
    urn__series *series =
        add_reader(p, (urn__reader){.kind = URN__READ_ELEMENTS, .site = site, .n = (int)info->size},
                   kind_of(p, site));
    for (int i = 0; i < (int)info->size; i++) {
        urn__element_name(p->model, info, i, series[i].name, sizeof series[i].name);
        series[i].turns = turns(p, site);
    }
}

static void plan_field(planning *p, int site, const urn_site_info *info)
{
    urn__plan_of *plan = p->plan;
    urn__field *field = &plan->fields[plan->n_fields];
    *field = (urn__field){.kind = kind_of(p, site), .turns = turns(p, site), .n = info->size};
    snprintf(field->name, sizeof field->name, "%s", info->name);
    plan->field_site[plan->n_fields++] = site;
}

/* What turns with the factors: the length of a vector, the singular values of a matrix. */
static void plan_axes(planning *p, int site, const urn_site_info *info)
{
    const int event = info->n_dims - info->n_plates;
    const bool square = event == 2 && info->dims[info->n_dims - 1] == info->dims[info->n_dims - 2];
    if (info->n_plates > 0)
        return;
    const int d = square ? (int)info->dims[0] : 1;
    urn__series *series =
        add_reader(p,
                   (urn__reader){.kind = square ? URN__READ_SINGULAR : URN__READ_LENGTH,
                                 .site = site,
                                 .rows = square ? d : info->size,
                                 .d = square ? d : 1,
                                 .n = d},
                   URN__QUANTITY_AXES);
    for (int i = 0; i < d; i++)
        if (square)
            snprintf(series[i].name, sizeof series[i].name, "singular value %d of %s", i + 1,
                     info->name);
        else
            snprintf(series[i].name, sizeof series[i].name, "length of %s", info->name);
}

static void plan_product(planning *p, int a, int b)
{
    urn_site_info info, other;
    if (!has_values(p, a, &info) || !has_values(p, b, &other))
        return;
    const int64_t d = info.size / info.rows;
    if (info.rows < 1 || d < 1 || other.size != other.rows * d)
        return;
    urn__series *series = add_reader(p,
                                     (urn__reader){.kind = URN__READ_PRODUCT,
                                                   .site = a,
                                                   .other = b,
                                                   .rows = info.rows,
                                                   .other_rows = other.rows,
                                                   .d = d,
                                                   .n = (int)d},
                                     URN__QUANTITY_GRAM);
    for (int i = 0; i < (int)d; i++)
        snprintf(series[i].name, sizeof series[i].name, "singular value %d of %s %s'", i + 1,
                 info.name, other.name);
}

static void plan_site(planning *p, int site)
{
    urn_site_info info;
    if (!has_values(p, site, &info))
        return;
    const bool asked = listed(p->sites, info.name);
    if (!asked && p->roles[site] & URN__ROLE_AXES) {
        plan_axes(p, site, &info);
        return;
    }
    if (!asked && p->roles[site] & URN__ROLE_FACTOR)
        return;
    if (info.size <= (asked ? SMALL_ASKED : SMALL))
        plan_elements(p, site, &info);
    else
        plan_field(p, site, &info);
}

/* At most as many series as this. */
static int64_t most_series(const planning *p)
{
    int64_t n = 1;
    int a, b;
    urn_site_info info;
    for (int i = 0; i < urn_model_site_count(p->model); i++) {
        urn_model_site(p->model, i, &info);
        n += info.size < SMALL_ASKED ? info.size : SMALL_ASKED;
        n += info.n_dims > 0 ? info.dims[info.n_dims - 1] : 1;
    }
    for (int k = 0; urn__model_factors(p->model, k, &a, &b); k++) {
        urn_model_site(p->model, a, &info);
        n += info.n_dims > 0 ? info.dims[info.n_dims - 1] : 1;
    }
    return n;
}

static bool make_work(urn__plan_of *plan, urn__arena *arena)
{
    int64_t d = 0;
    for (int i = 0; i < plan->n_readers; i++)
        d = plan->readers[i].d > d ? plan->readers[i].d : d;
    plan->work = urn__arena_alloc(arena, (size_t)(5 * d * d + d) + 1, sizeof *plan->work);
    return !urn__arena_failed(arena);
}

urn_status urn__plan_digest(const urn_model *model, const char *sites, urn__arena *arena,
                            urn__plan_of *plan, urn_error *error)
{
    const int n = urn_model_site_count(model);
    unsigned *roles = urn__arena_alloc(arena, (size_t)n + 1, sizeof *roles);
    planning p = {.model = model, .sites = sites, .roles = roles, .arena = arena, .plan = plan};
    const int64_t most = most_series(&p);
    *plan = (urn__plan_of){
        .readers = urn__arena_alloc(arena, (size_t)(n + most), sizeof *plan->readers),
        .series = urn__arena_alloc(arena, (size_t)most, sizeof *plan->series),
        .fields = urn__arena_alloc(arena, (size_t)n + 1, sizeof *plan->fields),
        .field_site = urn__arena_alloc(arena, (size_t)n + 1, sizeof *plan->field_site)};
    if (urn__arena_failed(arena))
        return urn__fail_memory(error, "a comparison", (size_t)most * sizeof *plan->series);
    URN_TRY(check_names(&p, error));
    URN_TRY(urn__model_roles(model, roles, error));
    int a, b;
    for (int k = 0; urn__model_factors(model, k, &a, &b); k++)
        plan_product(&p, a, b);
    for (int i = 0; i < n; i++)
        plan_site(&p, i);
    return make_work(plan, arena) ? URN_OK : urn__fail_memory(error, "a comparison", 0);
}

/* ---- reading ---- */

static void read_product(const urn__reader *r, const double *a, const double *b, double *work,
                         double *values)
{
    double *gram_a = work, *gram_b = work + r->d * r->d;
    urn__matmul(r->d, r->rows, r->d, a, true, a, false, gram_a, false);
    urn__matmul(r->d, r->other_rows, r->d, b, true, b, false, gram_b, false);
    urn__product_singular_values(r->d, gram_a, gram_b, work + 2 * r->d * r->d, values);
}

/* Of a square matrix: the square roots of the eigenvalues of A^T A. */
static void read_singular(const urn__reader *r, const double *a, double *work, double *values)
{
    const int64_t d = r->d;
    double *l = work + d * d;
    urn__matmul(d, d, d, a, true, a, false, work, false);
    urn__eigen_symmetric(d, work, NULL, l);
    for (int64_t i = 0; i < d; i++)
        values[i] = sqrt(fmax(l[d - 1 - i], 0.0));
}

void urn__plan_read(const urn__plan_of *plan, const urn__forward *forward, double *values)
{
    for (int i = 0; i < plan->n_readers; i++) {
        const urn__reader *r = &plan->readers[i];
        const double *a = urn__forward_value(forward, r->site);
        double *out = values + r->first, sum = 0.0;
        switch (r->kind) {
        case URN__READ_ELEMENTS:
            memcpy(out, a, (size_t)r->n * sizeof *out);
            break;
        case URN__READ_LENGTH:
            for (int64_t k = 0; k < r->rows; k++)
                sum += a[k] * a[k];
            out[0] = sqrt(sum);
            break;
        case URN__READ_SINGULAR:
            read_singular(r, a, plan->work, out);
            break;
        case URN__READ_PRODUCT:
            read_product(r, a, urn__forward_value(forward, r->other), plan->work, out);
            break;
        }
    }
}
