/* A plan as text: its size, then each instruction with where it reads and writes. */
#include "plan.h"

static void add_place(const struct urn__plan *p, int32_t number, urn__text *text)
{
    const urn__place *at = &p->place[number];
    switch (number == 0 ? URN__PLACE_NONE : at->kind) {
    case URN__PLACE_SLAB:
        urn__text_add(text, "slab+%lld", (long long)at->at);
        break;
    case URN__PLACE_FIXED:
        urn__text_add(text, "fixed");
        break;
    case URN__PLACE_POSITION:
        urn__text_add(text, "position+%lld", (long long)at->at);
        break;
    case URN__PLACE_INPUT:
        urn__text_add(text, "input %lld", (long long)at->at);
        break;
    case URN__PLACE_BATCH:
        urn__text_add(text, "batch %lld", (long long)at->at);
        break;
    case URN__PLACE_NONE:
        urn__text_add(text, "index");
        return;
    }
    urn__text_add(text, "[%lld]%s", (long long)at->size, at->wide ? " wide" : "");
}

void urn__plan_dump(const urn__plan *p, urn__text *text)
{
    urn__text_add(
        text, "%s precision, %s kernels: %d instructions, slab %lld bytes, constants %lld bytes\n",
        p->precision == URN_PRECISION_SINGLE ? "single" : "double", p->kernels->name, p->n_instr,
        (long long)p->slab, (long long)p->fixed);
    for (int i = 0; i < p->n_instr; i++) {
        const urn__node *n = urn__graph_node(p->g, p->instr[i]);
        urn__text_add(text, "%%%u %s:", p->instr[i], n->op->name);
        for (int k = 0; k < n->n_in; k++) {
            urn__text_add(text, k == 0 ? " " : ", ");
            add_place(p, urn__plan_place(p, n->in[k]), text);
        }
        for (int k = 0; k < n->n_out; k++) {
            urn__text_add(text, k == 0 ? " -> " : ", ");
            add_place(p, p->place_of[(size_t)p->instr[i] * URN__MAX_OUT + (size_t)k], text);
        }
        urn__text_add(text, "\n");
    }
}
