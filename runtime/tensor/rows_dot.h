/* Dot products of rows of at least LANES numbers, by vectors of LANES: kernels_dot.c includes this
 * once for each width it uses. A row is read as vectors one after another, the last of which ends
 * where the row ends and so may begin before the one before it has ended; what it has in common
 * with that one is cleared in one of the factors. */

#define NAMED_(name, lanes) name##_##lanes
#define NAMED(name, lanes) NAMED_(name, lanes)
#define OWN(name) NAMED(name, LANES)
#define VECTOR OWN(urn__vector)
#define MASK OWN(urn__mask)
#define GROUP URN__ROWS_OF(LANES)

/* Ones where a row's last vector has numbers that no vector before it has. */
URN__INLINE void OWN(fresh_lanes)(int64_t d, MASK *fresh)
{
    urn__bits bits[LANES];
    for (int l = 0; l < LANES; l++)
        bits[l] = d % LANES == 0 || l >= LANES - d % LANES ? -1 : 0;
    memcpy(fresh, bits, sizeof bits);
}

/* Vector v of the n of a row. */
URN__INLINE VECTOR OWN(part)(const urn__real *row, int64_t d, int v, int n)
{
    VECTOR x;
    memcpy(&x, row + (v < n - 1 ? v * LANES : d - LANES), sizeof x);
    return x;
}

/* The same, cleared where another vector has the numbers. */
URN__INLINE VECTOR OWN(fresh_part)(const urn__real *row, int64_t d, int v, int n, const MASK *fresh)
{
    VECTOR x = OWN(part)(row, d, v, n);
    if (v == n - 1) {
        MASK bits;
        memcpy(&bits, &x, sizeof bits);
        bits &= *fresh;
        memcpy(&x, &bits, sizeof bits);
    }
    return x;
}

/* The lines of the cache with a row. */
URN__INLINE void OWN(prefetch_row)(int n, int64_t d, const urn__real *row)
{
    URN__UNROLL
    for (int v = 0; v < n; v++)
        __builtin_prefetch(row + v * LANES);
    __builtin_prefetch(row + d - 1);
}

/* One row of a with a group of b's. */
URN__INLINE void OWN(dot_one)(int n, bool far, int64_t d, const MASK *fresh, const urn__real *a,
                              const urn__real *b, const int64_t *at_b, urn__real *y)
{
    VECTOR u[MOST], s[GROUP];
    URN__UNROLL
    for (int v = 0; v < n; v++)
        u[v] = OWN(fresh_part)(a, d, v, n, fresh);
    URN__UNROLL
    for (int r = 0; r < GROUP; r++) {
        if (far)
            OWN(prefetch_row)(n, d, b + at_b[AHEAD + r]);
        s[r] = u[0] * OWN(part)(b + at_b[r], d, 0, n);
        URN__UNROLL
        for (int v = 1; v < n; v++)
            s[r] += u[v] * OWN(part)(b + at_b[r], d, v, n);
    }
    OWN(urn__sum_lanes)(s, y);
}

/* A group of rows of each. */
URN__INLINE void OWN(dot_each)(int n, bool far, int64_t d, const MASK *fresh, const urn__real *a,
                               const int64_t *at_a, const urn__real *b, const int64_t *at_b,
                               urn__real *y)
{
    VECTOR s[GROUP];
    URN__UNROLL
    for (int r = 0; r < GROUP; r++) {
        if (far) {
            OWN(prefetch_row)(n, d, a + at_a[AHEAD + r]);
            OWN(prefetch_row)(n, d, b + at_b[AHEAD + r]);
        }
        s[r] = OWN(fresh_part)(a + at_a[r], d, 0, n, fresh) * OWN(part)(b + at_b[r], d, 0, n);
        URN__UNROLL
        for (int v = 1; v < n; v++)
            s[r] += OWN(fresh_part)(a + at_a[r], d, v, n, fresh) * OWN(part)(b + at_b[r], d, v, n);
    }
    OWN(urn__sum_lanes)(s, y);
}

URN__INLINE bool OWN(all_one)(const int64_t *at)
{
    int64_t different = 0;
    for (int r = 1; r < GROUP; r++)
        different |= at[r] ^ at[0];
    return different == 0;
}

/* Whole groups of pairs; sums of rows past the last are made and forgotten. */
URN__INLINE void OWN(dot_pairs)(int n, bool far, int64_t d, const pairs *p, urn__real *y)
{
    MASK fresh;
    OWN(fresh_lanes)(d, &fresh);
    for (int64_t i = 0; i < p->n; i += GROUP) {
        urn__real last[GROUP], *out = i + GROUP <= p->n ? y + i : last;
        const int64_t *at_a = p->at_a + i, *at_b = p->at_b + i;
        if (at_a[AHEAD + GROUP] != at_a[AHEAD]) /* where pairs are sorted by a, its next row */
            OWN(prefetch_row)(n, d, p->a + at_a[AHEAD + GROUP]);
        if (OWN(all_one)(at_a))
            OWN(dot_one)(n, far, d, &fresh, p->a + at_a[0], p->b, at_b, out);
        else
            OWN(dot_each)(n, far, d, &fresh, p->a, at_a, p->b, at_b, out);
        if (out == last)
            memcpy(y + i, last, (size_t)(p->n - i) * sizeof *y);
    }
}

#define DOT_PAIRS(n)                                                                               \
    static void NAMED(OWN(dot_pairs), n)(int64_t d, const pairs *p, urn__real *y)                  \
    {                                                                                              \
        if (p->far)                                                                                \
            OWN(dot_pairs)(n, true, d, p, y);                                                      \
        else                                                                                       \
            OWN(dot_pairs)(n, false, d, p, y);                                                     \
    }
DOT_PAIRS(1)
DOT_PAIRS(2)
#if LANES == URN__REGISTER_LANES
DOT_PAIRS(3)
DOT_PAIRS(4)
DOT_PAIRS(5)
DOT_PAIRS(6)
DOT_PAIRS(7)
DOT_PAIRS(8)
#endif
#undef DOT_PAIRS

#if LANES == URN__REGISTER_LANES
#define SOME (GROUP < 4 ? GROUP : 4)

/* Rows of more vectors: some rows side by side. */
URN__INLINE void OWN(dot_some)(bool one, int64_t d, const MASK *fresh, const urn__real *a,
                               const int64_t *at_a, const urn__real *b, const int64_t *at_b,
                               VECTOR *sums)
{
    VECTOR s[SOME], u = {0}, x;
    const urn__real *pa[SOME], *pb[SOME];
    URN__UNROLL
    for (int r = 0; r < SOME; r++) {
        pa[r] = a + at_a[r];
        pb[r] = b + at_b[r];
        s[r] = (VECTOR){0};
    }
    for (int64_t k = 0; k + LANES < d; k += LANES) {
        URN__UNROLL
        for (int r = 0; r < SOME; r++) {
            if (!one || r == 0)
                memcpy(&u, pa[r] + k, sizeof u);
            memcpy(&x, pb[r] + k, sizeof x);
            s[r] += u * x;
        }
    }
    URN__UNROLL
    for (int r = 0; r < SOME; r++) {
        u = OWN(fresh_part)(pa[r], d, 0, 1, fresh);
        sums[r] = s[r] + u * OWN(part)(pb[r], d, 0, 1);
    }
}

static void OWN(dot_long)(int64_t d, const pairs *p, urn__real *y)
{
    MASK fresh;
    OWN(fresh_lanes)(d, &fresh);
    for (int64_t i = 0; i < p->n; i += GROUP) {
        VECTOR s[GROUP];
        urn__real sums[GROUP];
        const int64_t *at_a = p->at_a + i, *at_b = p->at_b + i;
        const bool one = OWN(all_one)(at_a);
        for (int r = 0; r < GROUP; r += SOME) {
            if (one)
                OWN(dot_some)(true, d, &fresh, p->a, at_a + r, p->b, at_b + r, s + r);
            else
                OWN(dot_some)(false, d, &fresh, p->a, at_a + r, p->b, at_b + r, s + r);
        }
        OWN(urn__sum_lanes)(s, sums);
        memcpy(y + i, sums, (size_t)(p->n - i < GROUP ? p->n - i : GROUP) * sizeof *y);
    }
}
#undef SOME
#endif

static dot_function *OWN(dot_of)(int64_t n)
{
    static dot_function *const of[] = {
        NAMED(OWN(dot_pairs), 1),
        NAMED(OWN(dot_pairs), 2),
#if LANES == URN__REGISTER_LANES
        NAMED(OWN(dot_pairs), 3),
        NAMED(OWN(dot_pairs), 4),
        NAMED(OWN(dot_pairs), 5),
        NAMED(OWN(dot_pairs), 6),
        NAMED(OWN(dot_pairs), 7),
        NAMED(OWN(dot_pairs), 8),
#endif
    };
#if LANES == URN__REGISTER_LANES
    if (n > MOST)
        return OWN(dot_long);
#endif
    return of[n - 1];
}

#undef GROUP
#undef MASK
#undef VECTOR
#undef OWN
#undef NAMED
#undef NAMED_
#undef LANES
