/* Weighted sums of rows of at least LANES numbers, by vectors of LANES: kernels_scatter.c includes
 * this once for each width it uses. A row's sum stays in registers; its last vector ends where the
 * row ends, and what that has in common with the one before it is computed twice, the same. */

#define NAMED_(name, lanes) name##_##lanes
#define NAMED(name, lanes) NAMED_(name, lanes)
#define OWN(name) NAMED(name, LANES)
#define VECTOR OWN(urn__vector)

URN__INLINE void OWN(add_row)(int n, int64_t width, urn__real weight, const urn__real *row,
                              VECTOR *s)
{
    URN__UNROLL
    for (int v = 0; v < n; v++) {
        VECTOR x;
        memcpy(&x, row + (v < n - 1 ? v * LANES : width - LANES), sizeof x);
        s[v] += weight * x;
    }
}

URN__INLINE void OWN(ask_row)(int n, int64_t width, const urn__real *row)
{
    URN__UNROLL
    for (int v = 0; v < n; v++)
        __builtin_prefetch(row + v * LANES);
    __builtin_prefetch(row + width - 1);
}

/* The sum of a list, plus base; base may be out. Rows go to `sets` sums in turn, so that an
 * addition need not wait for the one before it. */
URN__INLINE void OWN(sum_list)(int n, int sets, bool far, int64_t d, int64_t width, const list *l,
                               const urn__real *base, urn__real *out)
{
    VECTOR s[MOST];
    URN__UNROLL
    for (int v = 0; v < n * sets; v++)
        s[v] = (VECTOR){0};
    int64_t j = 0;
    for (; j + sets <= l->n; j += sets) {
        URN__UNROLL
        for (int k = 0; k < sets; k++) {
            if (far && j + k + AHEAD < l->known)
                OWN(ask_row)(n, width, l->x + l->row[j + k + AHEAD] * d);
            OWN(add_row)
            (n, width, l->weight[(j + k) * l->step], l->x + l->row[j + k] * d, s + k * n);
        }
    }
    for (; j < l->n; j++)
        OWN(add_row)(n, width, l->weight[j * l->step], l->x + l->row[j] * d, s);
    URN__UNROLL
    for (int v = 0; v < n; v++) {
        URN__UNROLL
        for (int k = 1; k < sets; k++)
            s[v] += s[k * n + v];
        if (base) {
            VECTOR x;
            memcpy(&x, base + (v < n - 1 ? v * LANES : width - LANES), sizeof x);
            s[v] += x;
        }
    }
    URN__UNROLL
    for (int v = 0; v < n; v++)
        memcpy(out + (v < n - 1 ? v * LANES : width - LANES), &s[v], sizeof s[v]);
}

#define SUM_LIST(n, sets)                                                                          \
    static void NAMED(OWN(sum_list), n)(int64_t d, int64_t width, const list *l,                   \
                                        const urn__real *base, urn__real *out)                     \
    {                                                                                              \
        if (l->far)                                                                                \
            OWN(sum_list)(n, sets, true, d, width, l, base, out);                                  \
        else                                                                                       \
            OWN(sum_list)(n, sets, false, d, width, l, base, out);                                 \
    }
SUM_LIST(1, 4)
SUM_LIST(2, 2)
#if LANES == URN__REGISTER_LANES
SUM_LIST(3, 2)
SUM_LIST(4, 1)
SUM_LIST(5, 1)
SUM_LIST(6, 1)
SUM_LIST(7, 1)
SUM_LIST(8, 1)
#endif
#undef SUM_LIST

static sum_function *OWN(sum_of)(int64_t n)
{
    static sum_function *const of[] = {
        NAMED(OWN(sum_list), 1),
        NAMED(OWN(sum_list), 2),
#if LANES == URN__REGISTER_LANES
        NAMED(OWN(sum_list), 3),
        NAMED(OWN(sum_list), 4),
        NAMED(OWN(sum_list), 5),
        NAMED(OWN(sum_list), 6),
        NAMED(OWN(sum_list), 7),
        NAMED(OWN(sum_list), 8),
#endif
    };
    return of[n - 1];
}

#undef VECTOR
#undef OWN
#undef NAMED
#undef NAMED_
#undef LANES
