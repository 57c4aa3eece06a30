/* The loops over users of bench/hpmf.c, included after rows.h for each length of vector. */
#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define VEC PASTE(vec, LANES)

/* Adds the gradients -P delta of n users, four at a time: their products stay in registers. delta
 * has zeros for the users missing from the last four. */
ALWAYS_INLINE void PASTE(products, LANES)(int64_t n, int64_t d, int nv, const real *precision,
                                          const VEC *delta, VEC *u)
{
    const int64_t stride = nv * LANES;
    for (int64_t i = 0; i < n; i += 4)
        for (int v = 0; v < nv; v += 4) {
            const int m = nv - v < 4 ? nv - v : 4;
            VEC sum[4][4] = {0};
            for (int64_t k = 0; k < d; k++) {
                const VEC *row = (const VEC *)(precision + k * stride) + v;
                for (int j = 0; j < 4; j++) {
                    const real x = ((const real *)(delta + (i + j) * nv))[k];
                    for (int l = 0; l < m; l++)
                        sum[j][l] -= x * row[l];
                }
            }
            for (int j = 0; j < 4 && i + j < n; j++)
                for (int l = 0; l < m; l++)
                    u[(i + j) * 2 * nv + nv + v + l] += sum[j][l];
        }
}

/* scatter += sum over n users of delta delta^T, some rows of it at a time, in registers. */
ALWAYS_INLINE void PASTE(scatter, LANES)(int64_t n, int64_t d, int nv, const VEC *delta,
                                         double *scatter)
{
    const int64_t stride = nv * LANES;
    const int rows = nv == 1 ? 8 : 4;
    for (int64_t k = 0; k < d; k += rows)
        for (int v = 0; v < nv; v += 4) {
            const int m = nv - v < 4 ? nv - v : 4;
            VEC sum[8][4] = {0};
            for (int64_t i = 0; i < n; i++) {
                const VEC *row = delta + i * nv + v;
                for (int j = 0; j < rows; j++) {
                    const real x = ((const real *)(delta + i * nv))[k + j];
                    for (int l = 0; l < m; l++)
                        sum[j][l] += x * row[l];
                }
            }
            for (int j = 0; j < rows; j++)
                for (int l = 0; l < m * LANES; l++)
                    scatter[(k + j) * stride + v * LANES + l] +=
                        (double)sum[j][l / LANES][l % LANES];
        }
}

/* Users [from, from + n): adds to their gradients and to the sums over users. */
ALWAYS_INLINE void PASTE(users, LANES)(const user_prior *p, int64_t from, int64_t n, int64_t d,
                                       int nv, VEC *u, user_sums *sums)
{
    VEC delta[USERS * MAX_DIM / LANES], sum[MAX_DIM / LANES] = {0};
    for (int64_t i = 0; i < n; i++)
        for (int v = 0; v < nv; v++) {
            delta[i * nv + v] = u[(from + i) * 2 * nv + v] - ((const VEC *)p->loc)[v];
            sum[v] += delta[i * nv + v];
        }
    for (int v = 0; v < nv; v++)
        for (int l = 0; l < LANES; l++)
            sums->sum[v * LANES + l] += (double)sum[v][l];
    memset(delta + n * nv, 0, (size_t)((USERS - n) * nv) * sizeof *delta);
    PASTE(products, LANES)(n, d, nv, p->precision, delta, u + from * 2 * nv);
    PASTE(scatter, LANES)(n, d, nv, delta, sums->scatter);
}

#undef PASTE_
#undef PASTE
#undef VEC
