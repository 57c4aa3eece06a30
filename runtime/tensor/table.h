/* One table of kernels for numbers of type URN__T, called URN__TABLE: tensor.h includes this once
 * for double and once for float. Sums are accumulated in double in both (within a block of at most
 * URN__CHUNK elements a float kernel may keep float lanes), so no guard against double inclusion.
 */
typedef struct URN__TABLE {
    const char *name;                                                     /* "base", "v3", "v4" */
    void (*map1[URN__MAP1_COUNT])(int64_t n, const URN__T *x, URN__T *y); /* y may be x */
    void (*map2[URN__MAP2_COUNT])(int64_t n, const URN__T *a, int64_t stride_a,  /* 0 or 1 */
                                  const URN__T *b, int64_t stride_b, URN__T *y); /* y may be a, b */
    double (*sum)(int64_t n, const URN__T *x);
    double (*dot)(int64_t n, const URN__T *a, const URN__T *b);
    void (*axpy)(int64_t n, URN__T a, const URN__T *x, URN__T *y); /* y += a x */
    /* rows [from, to): y[i] = sum_k a[i_a k] b[i_b k], with row i of a at a + ia(i) * d, where ia
     * is an index array, or NULL for i itself, or the stride is 0 (same row for all) */
    void (*row_dot)(int64_t from, int64_t to, int64_t d, const URN__T *a, const int32_t *ia,
                    int64_t stride_a, const URN__T *b, const int32_t *ib, int64_t stride_b,
                    URN__T *y);
    /* Targets [from, to) in CSR order: out[t] = base[t] + sum over r in rows order[start[t] ..
     * start[t+1]) of weight[r] * x[ix ? ix[r] : r]; weight NULL means 1, x NULL means 1 (then d =
     * 1), order NULL means r = j itself, base NULL means 0; base may be out. */
    void (*scatter_rows)(int64_t from, int64_t to, int64_t d, const int64_t *start,
                         const int32_t *order, const URN__T *weight, const URN__T *x,
                         const int32_t *ix, const URN__T *base, URN__T *out);
    /* The same, and each of those rows also adds weight[r] * own[t] to row ix[r] of `other`, whose
     * rows are 64-byte aligned and padded to whole cache lines. What does not fill a line is at the
     * end of the last one, after numbers that mean nothing. Nothing but `order` and `base` may be
     * NULL. */
    void (*scatter_both)(int64_t from, int64_t to, int64_t d, const int64_t *start,
                         const int32_t *order, const URN__T *weight, const URN__T *x,
                         const int32_t *ix, const URN__T *own, const URN__T *base, URN__T *out,
                         URN__T *other);
    /* The two of them with the ratings themselves: rating j of x, start[t] <= j < start[t + 1], has
     * the mean that `mean` says of u = own[t] and v = row ix[j]; with w its weight times its
     * residual times the mean's slope, out[t] = base[t] + the sum of w v, and the sums of row ix[j]
     * have w u added. Row i of the other factor is in `pairs`, in 64-byte lines: as many as hold d
     * numbers, of which the last line has as many as there are left at its end and zeros before
     * them, then as many of sums, in which what is before these numbers means nothing. Returns the
     * sum of the squared residuals. ix has n numbers, of which those past the last are asked for
     * ahead of time; d fills a line, and URN__SQUARES_MOST_LINES at most. */
    double (*squares_both)(int64_t from, int64_t to, int64_t d, const int64_t *start,
                           const urn__squares *mean, int64_t n, const int32_t *ix, const URN__T *x,
                           const URN__T *own, const URN__T *base, URN__T *out, URN__T *pairs);
    /* out[k] += sum over rows i of [from, to), in order, of weight[i] * x[i d + k] */
    void (*weigh_rows)(int64_t from, int64_t to, int64_t d, const URN__T *weight, const URN__T *x,
                       double *out);
    void (*gather_rows)(int64_t from, int64_t to, int64_t d, const URN__T *x, const int32_t *index,
                        URN__T *y);
    /* Sorts each of the `width` columns of n rows, in ascending order; there is no NaN in them. */
    void (*sort_columns)(int64_t n, int64_t width, URN__T *x);
    /* Standard normals number first .. first + n - 1 of the stream; first is a multiple of
     * URN__NORMAL_BLOCK. Those of the float table are the double ones up to float rounding. */
    void (*normals)(const urn__stream *stream, int64_t first, int64_t n, URN__T *z);
    /* One sweep of drawing from a diagonal normal guide: z = loc + exp(log_scale) * eps, eps being
     * the stream's normals as above, never stored. sums[0] = sum of log_scale, sums[1] = sum of
     * eps^2 (both overwritten). */
    void (*guide_sample)(const urn__stream *stream, int64_t first, int64_t n, const URN__T *loc,
                         const URN__T *log_scale, URN__T *z, double sums[2]);
    /* p += step of Adam on gradient g (of the loss), moments m, v */
    void (*adam)(int64_t n, const urn__adam *adam, const URN__T *g, URN__T *m, URN__T *v,
                 URN__T *p);
    void (*momentum)(int64_t n, double lr, double momentum, const URN__T *g, URN__T *velocity,
                     URN__T *p);
    /* One sweep over a diagonal guide: gradient of loss = -(log p + weight * entropy) * factor from
     * the density's gradient g at the draw z (d log_scale = d loc * (z - loc) - factor * weight),
     * then Adam on loc and log_scale. */
    void (*guide_adam)(int64_t n, const urn__adam *adam, double factor, double weight,
                       const URN__T *g, const URN__T *z, URN__T *loc, URN__T *m_loc, URN__T *v_loc,
                       URN__T *log_scale, URN__T *m_scale, URN__T *v_scale);
} URN__TABLE;
