/* "Did you mean": the nearest of a list of names. */
#include "base.h"

#include <string.h>

#define LONGEST 63

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c == '_' ? '-' : c);
}

static size_t least(size_t a, size_t b, size_t c)
{
    const size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours count 1.
 * Case and the two dashes do not count. */
static size_t distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
    size_t rows[3][LONGEST + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= n_b; j++)
        last[j] = j;
    for (size_t i = 1; i <= n_a; i++) {
        now[0] = i;
        for (size_t j = 1; j <= n_b; j++) {
            const bool same = lower(a[i - 1]) == lower(b[j - 1]);
            now[j] = least(last[j] + 1, now[j - 1] + 1, last[j - 1] + (same ? 0 : 1));
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]) && before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
        size_t *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return last[n_b];
}

const char *urn__nearest(const char *name, const char *const *names, size_t n)
{
    const size_t length = name ? strlen(name) : 0;
    if (length == 0 || length > LONGEST)
        return NULL;
    /* A third of the letters may be wrong, but always one: "sd" still finds "sds". */
    size_t best = length / 3 + 1;
    const char *found = NULL;
    for (size_t i = 0; i < n; i++) {
        const size_t other = names[i] ? strlen(names[i]) : 0;
        if (other == 0 || other > LONGEST)
            continue;
        const size_t d = distance(name, length, names[i], other);
        if (d < (length > other ? length : other) && (d < best || (d == best && !found))) {
            best = d;
            found = names[i];
        }
    }
    return found;
}
