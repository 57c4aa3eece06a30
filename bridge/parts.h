/* The inside of a bridge: bridge.c (life, densities), values.c (names, natural values, starts). */
#ifndef URN_BRIDGE_PARTS_H
#define URN_BRIDGE_PARTS_H

#include "../runtime/base/base.h"
#include <urn/bridge.h>

typedef enum urn__bridge_program {
    URN__BRIDGE_DENSITY,
    URN__BRIDGE_BARE, /* without log Jacobians */
    URN__BRIDGE_VALUES,
    URN__BRIDGE_PROGRAMS
} urn__bridge_program;

/* The buffers of one call under way. Idle ones wait in a list. */
typedef struct urn__bridge_slot {
    struct urn__bridge_slot *next;
    urn_replay *replay;
} urn__bridge_slot;

/* Programs are compiled, and slots made, when they are first wanted. */
typedef struct urn__bridge_pool urn__bridge_pool;

struct urn_bridge {
    urn__arena *arena;
    urn_dataset *data;
    urn_model *model;
    urn__bridge_pool *pool;
    int *sites;            /* latent ones, then recorded ones */
    int n_latent, n_sites; /* of `sites` */
    int64_t size;          /* of a position */
    int64_t n_values[2];   /* of the latent sites; of all */
    const char *info;
    const char *names, *value_names[2];
};

/* Which sites there are, and what they are called. */
urn_status urn__bridge_describe(urn_bridge *bridge, urn_error *error);

/* A slot of a program, for one call; it goes back with _give. */
urn_status urn__bridge_take(const urn_bridge *b, urn__bridge_program k, urn__bridge_slot **slot,
                            urn_error *error);
void urn__bridge_give(const urn_bridge *b, urn__bridge_program k, urn__bridge_slot *slot);

#endif
