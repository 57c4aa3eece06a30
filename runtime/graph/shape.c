/* Shapes: plate dims matched by plate, event dims broadcast from the right. */
#include "graph.h"
#include <string.h>

urn__shape urn__shape_scalar(void)
{
    return (urn__shape){0};
}

urn__shape urn__shape_vector(int64_t size)
{
    urn__shape s = {0};
    s.n_event = 1;
    s.dim[0] = size;
    return s;
}

urn__shape urn__shape_matrix(int64_t rows, int64_t columns)
{
    urn__shape s = {0};
    s.n_event = 2;
    s.dim[0] = rows;
    s.dim[1] = columns;
    return s;
}

static int64_t product(const int64_t *dim, int from, int to)
{
    int64_t size = 1;
    for (int i = from; i < to; i++)
        size *= dim[i];
    return size;
}

int64_t urn__shape_size(const urn__shape *s)
{
    return product(s->dim, 0, s->n_plates + s->n_event);
}

int64_t urn__shape_rows(const urn__shape *s)
{
    return product(s->dim, 0, s->n_plates);
}

int64_t urn__shape_event(const urn__shape *s)
{
    return product(s->dim, s->n_plates, s->n_plates + s->n_event);
}

int64_t urn__shape_last(const urn__shape *s)
{
    return s->n_event == 0 ? 1 : s->dim[s->n_plates + s->n_event - 1];
}

bool urn__shape_same_plates(const urn__shape *a, const urn__shape *b)
{
    if (a->n_plates != b->n_plates)
        return false;
    for (int i = 0; i < a->n_plates; i++)
        if (a->plate[i] != b->plate[i] || a->dim[i] != b->dim[i])
            return false;
    return true;
}

bool urn__shape_equal(const urn__shape *a, const urn__shape *b)
{
    if (!urn__shape_same_plates(a, b) || a->n_event != b->n_event)
        return false;
    for (int i = a->n_plates; i < a->n_plates + a->n_event; i++)
        if (a->dim[i] != b->dim[i])
            return false;
    return true;
}

urn__shape urn__shape_plates_of(const urn__shape *s)
{
    return urn__shape_with_event(s, 0, NULL);
}

urn__shape urn__shape_with_event(const urn__shape *s, int n_event, const int64_t *dims)
{
    urn__shape out = {0};
    out.n_plates = s->n_plates;
    out.n_event = n_event;
    for (int i = 0; i < s->n_plates; i++) {
        out.plate[i] = s->plate[i];
        out.dim[i] = s->dim[i];
    }
    for (int i = 0; i < n_event; i++)
        out.dim[s->n_plates + i] = dims[i];
    return out;
}

urn__shape urn__shape_drop_event(const urn__shape *s, int n)
{
    return urn__shape_with_event(s, s->n_event - n, s->dim + s->n_plates);
}

int64_t urn__event_elements(int64_t dim, int rank)
{
    return rank == 0 ? 1 : rank == 1 ? dim : dim * dim;
}

bool urn__shape_drop_plate(const urn__shape *s, int32_t plate, urn__shape *out)
{
    urn__shape result = {0};
    bool found = false;
    for (int i = 0; i < s->n_plates + s->n_event; i++) {
        if (i < s->n_plates && s->plate[i] == plate) {
            found = true;
            continue;
        }
        const int at = result.n_plates + result.n_event;
        result.dim[at] = s->dim[i];
        if (i < s->n_plates)
            result.plate[result.n_plates++] = s->plate[i];
        else
            result.n_event++;
    }
    *out = result;
    return found;
}

bool urn__shape_plates_within(const urn__shape *small, const urn__shape *large)
{
    int at = 0;
    for (int i = 0; i < large->n_plates && at < small->n_plates; i++)
        if (large->plate[i] == small->plate[at] && large->dim[i] == small->dim[at])
            at++;
    return at == small->n_plates;
}

bool urn__shape_broadcast(const urn__shape *a, const urn__shape *b, urn__shape *out)
{
    const urn__shape *plates = a->n_plates >= b->n_plates ? a : b;
    if (!urn__shape_plates_within(a, plates) || !urn__shape_plates_within(b, plates))
        return false;
    const int n_event = a->n_event > b->n_event ? a->n_event : b->n_event;
    if (plates->n_plates + n_event > URN__MAX_DIMS)
        return false;
    int64_t dims[URN__MAX_DIMS];
    for (int i = 0; i < n_event; i++) { /* i counts from the right */
        const int64_t da = i < a->n_event ? a->dim[a->n_plates + a->n_event - 1 - i] : 1;
        const int64_t db = i < b->n_event ? b->dim[b->n_plates + b->n_event - 1 - i] : 1;
        if (da != db && da != 1 && db != 1)
            return false;
        dims[n_event - 1 - i] = da == 1 ? db : da;
    }
    *out = urn__shape_with_event(plates, n_event, dims);
    return true;
}

/* Row-major strides of the small shape, looked up by the large shape's dims. */
static void walk_strides(const urn__shape *small, const urn__shape *large, int64_t *stride)
{
    int64_t own[URN__MAX_DIMS];
    int64_t run = 1;
    for (int i = small->n_plates + small->n_event - 1; i >= 0; i--) {
        own[i] = run;
        run *= small->dim[i];
    }
    for (int i = 0; i < large->n_plates; i++) {
        stride[i] = 0;
        for (int j = 0; j < small->n_plates; j++)
            if (small->plate[j] == large->plate[i])
                stride[i] = own[j];
    }
    for (int i = 0; i < large->n_event; i++) { /* from the right */
        const int at = large->n_plates + large->n_event - 1 - i;
        const int from = small->n_plates + small->n_event - 1 - i;
        stride[at] = 0;
        if (i < small->n_event && small->dim[from] != 1)
            stride[at] = own[from];
    }
}

/* Dims of 1 vanish, and neighbours that can be walked as one become one. */
static void merge_dims(urn__walk *w)
{
    int rank = 0;
    for (int i = 0; i < w->rank; i++) {
        if (w->dim[i] == 1)
            continue;
        if (rank > 0 && w->stride[rank - 1] == w->stride[i] * w->dim[i]) {
            w->dim[rank - 1] *= w->dim[i];
            w->stride[rank - 1] = w->stride[i];
        } else {
            w->dim[rank] = w->dim[i];
            w->stride[rank++] = w->stride[i];
        }
    }
    w->rank = rank;
}

urn__walk urn__walk_of(const urn__shape *small, const urn__shape *large)
{
    urn__walk w = {0};
    w.rank = large->n_plates + large->n_event;
    walk_strides(small, large, w.stride);
    for (int i = 0; i < w.rank; i++)
        w.dim[i] = large->dim[i];
    merge_dims(&w);
    const int64_t n_small = urn__shape_size(small), n_large = urn__shape_size(large);
    if (n_small == n_large)
        w.kind = URN__WALK_FULL;
    else if (n_small == 1)
        w.kind = URN__WALK_SCALAR;
    else
        w.kind = URN__WALK_GENERAL;
    return w;
}

int64_t urn__walk_offset(const urn__walk *w, int64_t position)
{
    int64_t offset = 0;
    for (int i = w->rank - 1; i >= 0; i--) {
        offset += (position % w->dim[i]) * w->stride[i];
        position /= w->dim[i];
    }
    return offset;
}
