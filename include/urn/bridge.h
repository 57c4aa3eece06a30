/* A model with its data as a plain function of numbers, for the samplers of others.
 * <urn/bridgestan.h> gives a model these functions under BridgeStan's names. */
#ifndef URN_BRIDGE_H
#define URN_BRIDGE_H

#include <urn/run.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A traced model and its compiled programs. Every function but _new and _free may be called from
 * any number of threads at a time; results do not depend on that. */
typedef struct urn_bridge urn_bridge;

/* `data` is JSON ("{...}"), the path of a data file of any kind Urn reads, or "" or NULL for models
 * without data; it is not needed afterwards. `settings` are the model's options. URN_ERR_DATA and
 * URN_ERR_MODEL in the words of `urn fit`; URN_ERR_MODEL for discrete latent sites and for
 * parameters without a distribution. On success *bridge is the caller's. */
URN_API urn_status urn_bridge_new(const urn_model_def *def, const char *data,
                                  const urn_setting *settings, size_t n_settings,
                                  urn_bridge **bridge, urn_error *error);
URN_API void urn_bridge_free(urn_bridge *bridge); /* takes NULL */

/* Texts live as long as the bridge. */
URN_API const char *urn_bridge_name(const urn_bridge *bridge);
/* Lines "name=value": urn_version, model, STAN_THREADS=true. */
URN_API const char *urn_bridge_info(const urn_bridge *bridge);

/* Coordinates of a position, and elements of the latent sites in their natural space, in the order
 * of declaration; with `recorded`, followed by those of the recorded sites. */
URN_API int64_t urn_bridge_position_size(const urn_bridge *bridge);
URN_API int64_t urn_bridge_value_size(const urn_bridge *bridge, bool recorded);
/* Their names, separated by commas: site.i.j, from 1. Elements of a site are in the order in which
 * its first index runs fastest; coordinates in that of a position: row by row. */
URN_API const char *urn_bridge_position_names(const urn_bridge *bridge);
URN_API const char *urn_bridge_value_names(const urn_bridge *bridge, bool recorded);

/* Log joint density at a position, constants included, and its gradient unless NULL. `jacobian`:
 * the log Jacobians of the supports count. A density that is not finite is no error. */
URN_API urn_status urn_bridge_density(const urn_bridge *bridge, bool jacobian,
                                      const double *position, double *value, double *gradient,
                                      urn_error *error);
/* Hessian times `vector`, by central differences of gradients (fourth order: about 11 digits where
 * the density varies on a scale of 1). */
URN_API urn_status urn_bridge_hessian_product(const urn_bridge *bridge, bool jacobian,
                                              const double *position, const double *vector,
                                              double *value, double *product, urn_error *error);
/* The Hessian by as many of these, symmetric; `gradient` may be NULL. */
URN_API urn_status urn_bridge_hessian(const urn_bridge *bridge, bool jacobian,
                                      const double *position, double *value, double *gradient,
                                      double *hessian, urn_error *error);

/* Position to values and back. Of `values`, _unconstrain reads those of the latent sites. */
URN_API urn_status urn_bridge_constrain(const urn_bridge *bridge, bool recorded,
                                        const double *position, double *values, urn_error *error);
URN_API urn_status urn_bridge_unconstrain(const urn_bridge *bridge, const double *values,
                                          double *position, urn_error *error);
/* The same from Stan's JSON, {"site": number or nested lists, ...}; other members are left alone.
 */
URN_API urn_status urn_bridge_unconstrain_json(const urn_bridge *bridge, const char *json,
                                               double *position, urn_error *error);

/* A position to start from: sites in `json` (may be NULL) are there, coordinates of others uniform
 * in -radius .. radius, drawn anew until the density is finite, `tries` times at most; then
 * URN_ERR_RUNTIME, which names the site. (seed, number) addresses the draws. */
URN_API urn_status urn_bridge_start(const urn_bridge *bridge, const char *json, uint64_t seed,
                                    uint64_t number, double radius, int tries, bool jacobian,
                                    double *position, urn_error *error);

#ifdef __cplusplus
}
#endif
#endif
