/* Copies and sums along a walk. Compiled once per precision. */
#include "graph.h"
#include <string.h>

/* A position in the large shape, and where that is in the small one. */
typedef struct cursor {
    int64_t at[URN__MAX_DIMS], offset;
} cursor;

static cursor cursor_at(const urn__walk *w, int64_t position)
{
    cursor c = {.offset = urn__walk_offset(w, position)};
    for (int i = w->rank - 1; i >= 0; i--) {
        c.at[i] = position % w->dim[i];
        position /= w->dim[i];
    }
    return c;
}

/* Moves `n` on, within the last dim or to the end of it. */
static void move(const urn__walk *w, cursor *c, int64_t n)
{
    int i = w->rank - 1;
    c->at[i] += n;
    c->offset += n * w->stride[i];
    for (; i > 0 && c->at[i] == w->dim[i]; i--) {
        c->offset += w->stride[i - 1] - c->at[i] * w->stride[i];
        c->at[i] = 0;
        c->at[i - 1]++;
    }
}

/* What is left of the last dim, at most n. */
static int64_t run_length(const urn__walk *w, const cursor *c, int64_t n)
{
    const int64_t left = w->dim[w->rank - 1] - c->at[w->rank - 1];
    return left < n ? left : n;
}

void URN__REAL(walk_expand)(const urn__walk *w, const urn__real *src, int64_t from, int64_t n,
                            urn__real *dst)
{
    if (w->kind == URN__WALK_FULL) {
        memcpy(dst, src + from, (size_t)n * sizeof *dst);
        return;
    }
    if (w->kind == URN__WALK_SCALAR) {
        for (int64_t i = 0; i < n; i++)
            dst[i] = src[0];
        return;
    }
    if (n == 0)
        return;
    const int64_t step = w->stride[w->rank - 1];
    cursor c = cursor_at(w, from);
    for (int64_t i = 0; i < n;) {
        const int64_t run = run_length(w, &c, n - i);
        const urn__real *s = src + c.offset;
        for (int64_t k = 0; k < run; k++)
            dst[i + k] = s[k * step];
        move(w, &c, run);
        i += run;
    }
}

void URN__REAL(walk_reduce)(const urn__walk *w, const urn__real *src, int64_t from, int64_t n,
                            double *dst)
{
    if (w->kind == URN__WALK_FULL) {
        for (int64_t i = 0; i < n; i++)
            dst[from + i] += src[i];
        return;
    }
    if (w->kind == URN__WALK_SCALAR) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++)
            sum += src[i];
        dst[0] += sum;
        return;
    }
    if (n == 0)
        return;
    const int64_t step = w->stride[w->rank - 1];
    cursor c = cursor_at(w, from);
    for (int64_t i = 0; i < n;) {
        const int64_t run = run_length(w, &c, n - i);
        double *d = dst + c.offset;
        for (int64_t k = 0; k < run; k++)
            d[k * step] += src[i + k];
        move(w, &c, run);
        i += run;
    }
}
