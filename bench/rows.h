/* The loops over users and ratings of the floors for vectors of LANES numbers: included once for
 * each length of vector that occurs. A row has nv vectors of values, then nv of gradients (see
 * guide.h). */
#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define VEC PASTE(vec, LANES)
#define FOUR PASTE(four, LANES)

typedef real VEC __attribute__((vector_size(LANES * sizeof(real)), may_alias));

/* [sum p0, sum p1, sum p2, sum p3], by adding pairs within each 128 bits, then halves. */
ALWAYS_INLINE vec4 FOUR(VEC p0, VEC p1, VEC p2, VEC p3)
{
#ifdef FLOOR_SINGLE
#if LANES == 16
#define LOW(a, b)                                                                                  \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define HIGH(a, b)                                                                                 \
    __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
    const VEC a = LOW(p0, p1) + HIGH(p0, p1), b = LOW(p2, p3) + HIGH(p2, p3);
    const VEC c =
        __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
        __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    const vec_8 half = __builtin_shufflevector(c, c, 0, 1, 2, 3, 4, 5, 6, 7) +
                       __builtin_shufflevector(c, c, 8, 9, 10, 11, 12, 13, 14, 15);
#else
#define LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define HIGH(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
    const VEC a = LOW(p0, p1) + HIGH(p0, p1), b = LOW(p2, p3) + HIGH(p2, p3);
    const VEC half = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13) +
                     __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
#endif
    return __builtin_shufflevector(half, half, 0, 1, 2, 3) +
           __builtin_shufflevector(half, half, 4, 5, 6, 7);
#else
#define LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14)
#define HIGH(a, b) __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15)
    const VEC a = LOW(p0, p1) + HIGH(p0, p1), b = LOW(p2, p3) + HIGH(p2, p3);
    const vec4 low =
        __builtin_shufflevector(a, a, 0, 1, 2, 3) + __builtin_shufflevector(a, a, 4, 5, 6, 7);
    const vec4 high =
        __builtin_shufflevector(b, b, 0, 1, 2, 3) + __builtin_shufflevector(b, b, 4, 5, 6, 7);
    return __builtin_shufflevector(low, high, 0, 1, 4, 5) +
           __builtin_shufflevector(low, high, 2, 3, 6, 7);
#endif
#undef LOW
#undef HIGH
}

/* Asks the cache for a row and its gradients. */
ALWAYS_INLINE void PASTE(ahead, LANES)(const VEC *row, int nv)
{
    const char *from = (const char *)row;
    for (size_t line = 0; line < 2 * (size_t)nv * sizeof(VEC); line += 64)
        __builtin_prefetch(from + line, 1);
}

/* m (4 or 1) ratings of a user. Returns their squared residuals. */
ALWAYS_INLINE vec4 PASTE(group, LANES)(const ratings *t, int64_t i, int m, int nv,
                                       const link *to_mean, const VEC *row, VEC *g_row, VEC *v)
{
    const size_t pitch = 2 * (size_t)nv;
    VEC product[4] = {0}, *at[4];
    vec4 y = {0}, square, weight;
    for (int j = 0; j < m; j++) {
        at[j] = v + (uint32_t)t->item[i + j] * pitch;
        y[j] = t->rating[i + j];
        PASTE(ahead, LANES)(v + (uint32_t)t->item[i + j + AHEAD] * pitch, nv);
        for (int k = 0; k < nv; k++)
            product[j] += row[k] * at[j][k];
    }
    residuals_of(to_mean, y, FOUR(product[0], product[1], product[2], product[3]), &square,
                 &weight);
    for (int j = 0; j < m; j++)
        for (int k = 0; k < nv; k++) {
            g_row[k] += weight[j] * at[j][k];
            at[j][nv + k] += weight[j] * row[k];
        }
    return m == 4 ? square : (vec4){square[0]};
}

/* One user after another, whose row and gradient stay in registers or the first cache; writes the
 * users' gradients. Returns the sum of squared residuals. */
ALWAYS_INLINE double PASTE(by_user, LANES)(const ratings *t, int64_t from, int64_t to, int nv,
                                           const link *to_mean, VEC *restrict u, VEC *restrict v)
{
    double squares = 0.0;
    for (int64_t user = from; user < to; user++) {
        VEC row[MAX_DIM / LANES], g_row[MAX_DIM / LANES], *all = u + user * 2 * nv;
        vec4 sum = {0};
        for (int k = 0; k < nv; k++) {
            row[k] = all[k];
            g_row[k] = (VEC){0};
        }
        int64_t i = t->start[user];
        const int64_t end = t->start[user + 1];
        for (; i + 4 <= end; i += 4)
            sum += PASTE(group, LANES)(t, i, 4, nv, to_mean, row, g_row, v);
        for (; i < end; i++)
            sum += PASTE(group, LANES)(t, i, 1, nv, to_mean, row, g_row, v);
        for (int k = 0; k < nv; k++)
            all[nv + k] = g_row[k];
        squares += (double)((sum[0] + sum[1]) + (sum[2] + sum[3]));
    }
    return squares;
}

/* m (4 or 1) ratings of any users, whose rows are one vector each. g has the gradient of `last`,
 * the last rating's user, so far: it goes on from there, or from nothing where another user begins.
 */
ALWAYS_INLINE vec4 PASTE(short_group, LANES)(const ratings *t, int64_t i, int m,
                                             const link *to_mean, VEC *restrict u, VEC *restrict v,
                                             VEC **last, VEC *g)
{
    typedef real_bits BITS __attribute__((vector_size(sizeof(VEC))));
    VEC product[4] = {0}, *user[4], *item[4];
    vec4 y = {0}, square, weight;
    for (int j = 0; j < m; j++) {
        user[j] = u + 2 * (size_t)(uint32_t)t->user[i + j];
        item[j] = v + 2 * (size_t)(uint32_t)t->item[i + j];
        product[j] = *user[j] * *item[j];
        y[j] = t->rating[i + j];
    }
    residuals_of(to_mean, y, FOUR(product[0], product[1], product[2], product[3]), &square,
                 &weight);
    for (int j = 0; j < m; j++) {
        const real_bits same = (real_bits)0 - (user[j] == *last);
        *last = user[j];
        *g = (VEC)((BITS)*g & same) + weight[j] * item[j][0];
        user[j][1] = *g;
        item[j][1] += weight[j] * user[j][0];
    }
    return m == 4 ? square : (vec4){square[0]};
}

/* Rating after rating, for short rows and users with few ratings, where the branch at each user's
 * end costs more than fetching its row again. Writes the gradients of users who have ratings. */
ALWAYS_INLINE double PASTE(by_rating, LANES)(const ratings *t, int64_t from, int64_t to,
                                             const link *to_mean, VEC *restrict u, VEC *restrict v)
{
    vec4 sum = {0};
    VEC g = {0}, *last = NULL;
    int64_t i = from;
    for (; i + 4 <= to; i += 4)
        sum += PASTE(short_group, LANES)(t, i, 4, to_mean, u, v, &last, &g);
    for (; i < to; i++)
        sum += PASTE(short_group, LANES)(t, i, 1, to_mean, u, v, &last, &g);
    return (double)((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

#undef PASTE_
#undef PASTE
#undef VEC
#undef FOUR
