/* Gives a model file BridgeStan's C functions (https://roualdes.github.io/bridgestan), so that
 * samplers made for Stan's models run it. Not for inclusion in models; `urn build --bridgestan`
 * does
 *
 *     cc -std=c17 -O2 -fPIC -shared -DURN_MODEL_SHARED -include urn/bridgestan.h model.c -lurn
 *
 * Names, arguments, ownership and errors are those of BridgeStan 2.9. What Stan has and Urn has
 * not: propto        constants of the density are always kept, which is a constant difference
 *   include_tp    the recorded sites of the model
 *   include_gq    adds nothing
 *   print         Urn's models print nothing: a callback is accepted and never called
 * Calls on one model from several threads at a time are allowed, but for construct and destruct. A
 * bs_rng belongs to one thread at a time. */
#ifndef URN_BRIDGESTAN_H
#define URN_BRIDGESTAN_H

#include <stdlib.h>
#include <string.h>
#include <urn/bridge.h>
#include <urn/urn.h>

typedef struct urn_bridge bs_model;
typedef struct bs_rng {
    unsigned int seed;
    uint64_t used;
} bs_rng;
typedef void (*STREAM_CALLBACK)(const char *data, size_t size);

/* Settings of the model, as {"dim", "5"}, ...: `urn build --bridgestan --set dim=5`. */
#ifdef URN_BRIDGESTAN_SETTINGS
static const urn_setting bs_settings[] = {URN_BRIDGESTAN_SETTINGS};
enum { BS_SETTINGS = sizeof bs_settings / sizeof bs_settings[0] };
#else
static const urn_setting *const bs_settings = NULL;
enum { BS_SETTINGS = 0 };
#endif

URN_API extern const int bs_major_version, bs_minor_version, bs_patch_version;
const int bs_major_version = 2, bs_minor_version = 9, bs_patch_version = 0;

URN_API const urn_model_def *urn_model_entry(void);

/* 0, or -1 with the error as text for bs_free_error_msg. */
static int bs_status_(urn_status status, const urn_error *error, char **error_msg)
{
    char text[2048];
    if (status == URN_OK)
        return 0;
    urn_error_format(error, text, sizeof text);
    if (error_msg != NULL && (*error_msg = (char *)malloc(strlen(text) + 1)) != NULL)
        memcpy(*error_msg, text, strlen(text) + 1);
    return -1;
}

/* ---- life ---- */

/* `data`: JSON, the path of a data file (.json, or any other Urn reads), "" or NULL. The seed has
 * no effect: Urn's data are not random. */
URN_API bs_model *bs_model_construct(const char *data, unsigned int seed, char **error_msg)
{
    urn_error error;
    bs_model *model;
    (void)seed;
    bs_status_(urn_bridge_new(urn_model_entry(), data, bs_settings, BS_SETTINGS, &model, &error),
               &error, error_msg);
    return model;
}

URN_API void bs_model_destruct(bs_model *model)
{
    urn_bridge_free(model);
}

URN_API void bs_free_error_msg(char *error_msg)
{
    free(error_msg);
}

URN_API int bs_set_print_callback(STREAM_CALLBACK callback, char **error_msg)
{
    (void)callback;
    (void)error_msg;
    return 0;
}

URN_API bs_rng *bs_rng_construct(unsigned int seed, char **error_msg)
{
    const urn_error error = {URN_ERR_MEMORY, "", "", "out of memory", ""};
    bs_rng *rng = (bs_rng *)malloc(sizeof *rng);
    if (rng != NULL) {
        rng->seed = seed;
        rng->used = 0;
    }
    bs_status_(rng != NULL ? URN_OK : URN_ERR_MEMORY, &error, error_msg);
    return rng;
}

URN_API void bs_rng_destruct(bs_rng *rng)
{
    free(rng);
}

/* ---- names and sizes ---- */

URN_API const char *bs_name(const bs_model *model)
{
    return urn_bridge_name(model);
}

URN_API const char *bs_model_info(const bs_model *model)
{
    return urn_bridge_info(model);
}

URN_API const char *bs_param_names(const bs_model *model, bool include_tp, bool include_gq)
{
    (void)include_gq;
    return urn_bridge_value_names(model, include_tp);
}

URN_API const char *bs_param_unc_names(const bs_model *model)
{
    return urn_bridge_position_names(model);
}

URN_API int bs_param_num(const bs_model *model, bool include_tp, bool include_gq)
{
    (void)include_gq;
    return (int)urn_bridge_value_size(model, include_tp);
}

URN_API int bs_param_unc_num(const bs_model *model)
{
    return (int)urn_bridge_position_size(model);
}

/* ---- values ---- */

URN_API int bs_param_constrain(const bs_model *model, bool include_tp, bool include_gq,
                               const double *theta_unc, double *theta, bs_rng *rng,
                               char **error_msg)
{
    urn_error error;
    (void)include_gq;
    (void)rng;
    return bs_status_(urn_bridge_constrain(model, include_tp, theta_unc, theta, &error), &error,
                      error_msg);
}

URN_API int bs_param_unconstrain(const bs_model *model, const double *theta, double *theta_unc,
                                 char **error_msg)
{
    urn_error error;
    return bs_status_(urn_bridge_unconstrain(model, theta, theta_unc, &error), &error, error_msg);
}

URN_API int bs_param_unconstrain_json(const bs_model *model, const char *json, double *theta_unc,
                                      char **error_msg)
{
    urn_error error;
    return bs_status_(urn_bridge_unconstrain_json(model, json, theta_unc, &error), &error,
                      error_msg);
}

/* Each call moves the generator on, so that the next one starts elsewhere. */
URN_API int bs_param_initialize(const bs_model *model, const char *json, bs_rng *rng,
                                double init_radius, int max_tries, bool jacobian, double *theta_unc,
                                char **error_msg)
{
    urn_error error = {URN_ERR_USAGE, "", "", "a start needs a generator: bs_rng_construct", ""};
    if (rng == NULL)
        return bs_status_(URN_ERR_USAGE, &error, error_msg);
    return bs_status_(urn_bridge_start(model, json, rng->seed, rng->used++, init_radius, max_tries,
                                       jacobian, theta_unc, &error),
                      &error, error_msg);
}

/* ---- densities ---- */

URN_API int bs_log_density(const bs_model *model, bool propto, bool jacobian,
                           const double *theta_unc, double *lp, char **error_msg)
{
    urn_error error;
    (void)propto;
    return bs_status_(urn_bridge_density(model, jacobian, theta_unc, lp, NULL, &error), &error,
                      error_msg);
}

URN_API int bs_log_density_gradient(const bs_model *model, bool propto, bool jacobian,
                                    const double *theta_unc, double *val, double *grad,
                                    char **error_msg)
{
    urn_error error;
    (void)propto;
    return bs_status_(urn_bridge_density(model, jacobian, theta_unc, val, grad, &error), &error,
                      error_msg);
}

URN_API int bs_log_density_hessian(const bs_model *model, bool propto, bool jacobian,
                                   const double *theta_unc, double *val, double *grad,
                                   double *hessian, char **error_msg)
{
    urn_error error;
    (void)propto;
    return bs_status_(urn_bridge_hessian(model, jacobian, theta_unc, val, grad, hessian, &error),
                      &error, error_msg);
}

URN_API int bs_log_density_hessian_vector_product(const bs_model *model, bool propto, bool jacobian,
                                                  const double *theta_unc, const double *vector,
                                                  double *val, double *hvp, char **error_msg)
{
    urn_error error;
    (void)propto;
    return bs_status_(
        urn_bridge_hessian_product(model, jacobian, theta_unc, vector, val, hvp, &error), &error,
        error_msg);
}

/* ---- the same for R's .C(), which passes everything by pointer ---- */

URN_API void bs_version_R(int *major, int *minor, int *patch)
{
    *major = bs_major_version;
    *minor = bs_minor_version;
    *patch = bs_patch_version;
}

/* R copies texts: `err_ptr` keeps the address to free. */
static void bs_error_R_(char *text, char **err_msg, void **err_ptr)
{
    if (text != NULL)
        *err_msg = text;
    *err_ptr = text;
}

URN_API void bs_model_construct_R(char **data, int *rng, bs_model **ptr_out, char **err_msg,
                                  void **err_ptr)
{
    char *text = NULL;
    *ptr_out = bs_model_construct(*data, (unsigned int)*rng, &text);
    bs_error_R_(text, err_msg, err_ptr);
}

URN_API void bs_model_destruct_R(bs_model **model)
{
    bs_model_destruct(*model);
}

URN_API void bs_free_error_msg_R(void **err_msg)
{
    free(*err_msg);
}

URN_API void bs_name_R(bs_model **model, char const **name_out)
{
    *name_out = bs_name(*model);
}

URN_API void bs_model_info_R(bs_model **model, char const **info_out)
{
    *info_out = bs_model_info(*model);
}

URN_API void bs_param_names_R(bs_model **model, int *include_tp, int *include_gq,
                              char const **names_out)
{
    *names_out = bs_param_names(*model, *include_tp != 0, *include_gq != 0);
}

URN_API void bs_param_unc_names_R(bs_model **model, char const **names_out)
{
    *names_out = bs_param_unc_names(*model);
}

URN_API void bs_param_num_R(bs_model **model, int *include_tp, int *include_gq, int *num_out)
{
    *num_out = bs_param_num(*model, *include_tp != 0, *include_gq != 0);
}

URN_API void bs_param_unc_num_R(bs_model **model, int *num_out)
{
    *num_out = bs_param_unc_num(*model);
}

URN_API void bs_param_constrain_R(bs_model **model, int *include_tp, int *include_gq,
                                  const double *theta_unc, double *theta, bs_rng **rng,
                                  int *return_code, char **err_msg, void **err_ptr)
{
    char *text = NULL;
    *return_code = bs_param_constrain(*model, *include_tp != 0, *include_gq != 0, theta_unc, theta,
                                      *rng, &text);
    bs_error_R_(text, err_msg, err_ptr);
}

URN_API void bs_param_unconstrain_R(bs_model **model, const double *theta, double *theta_unc,
                                    int *return_code, char **err_msg, void **err_ptr)
{
    char *text = NULL;
    *return_code = bs_param_unconstrain(*model, theta, theta_unc, &text);
    bs_error_R_(text, err_msg, err_ptr);
}

URN_API void bs_param_unconstrain_json_R(bs_model **model, char const **json, double *theta_unc,
                                         int *return_code, char **err_msg, void **err_ptr)
{
    char *text = NULL;
    *return_code = bs_param_unconstrain_json(*model, *json, theta_unc, &text);
    bs_error_R_(text, err_msg, err_ptr);
}

URN_API void bs_log_density_R(bs_model **model, int *propto, int *jacobian, const double *theta_unc,
                              double *val, int *return_code, char **err_msg, void **err_ptr)
{
    char *text = NULL;
    *return_code = bs_log_density(*model, *propto != 0, *jacobian != 0, theta_unc, val, &text);
    bs_error_R_(text, err_msg, err_ptr);
}

URN_API void bs_log_density_gradient_R(bs_model **model, int *propto, int *jacobian,
                                       const double *theta_unc, double *val, double *grad,
                                       int *return_code, char **err_msg, void **err_ptr)
{
    char *text = NULL;
    *return_code =
        bs_log_density_gradient(*model, *propto != 0, *jacobian != 0, theta_unc, val, grad, &text);
    bs_error_R_(text, err_msg, err_ptr);
}

URN_API void bs_log_density_hessian_R(bs_model **model, int *propto, int *jacobian,
                                      const double *theta_unc, double *val, double *grad,
                                      double *hess, int *return_code, char **err_msg,
                                      void **err_ptr)
{
    char *text = NULL;
    *return_code = bs_log_density_hessian(*model, *propto != 0, *jacobian != 0, theta_unc, val,
                                          grad, hess, &text);
    bs_error_R_(text, err_msg, err_ptr);
}

URN_API void bs_log_density_hessian_vector_product_R(bs_model **model, int *propto, int *jacobian,
                                                     const double *theta_unc, const double *vector,
                                                     double *val, double *hvp, int *return_code,
                                                     char **err_msg, void **err_ptr)
{
    char *text = NULL;
    *return_code = bs_log_density_hessian_vector_product(*model, *propto != 0, *jacobian != 0,
                                                         theta_unc, vector, val, hvp, &text);
    bs_error_R_(text, err_msg, err_ptr);
}

URN_API void bs_rng_construct_R(int *seed, bs_rng **ptr_out, char **err_msg, void **err_ptr)
{
    char *text = NULL;
    *ptr_out = bs_rng_construct((unsigned int)*seed, &text);
    bs_error_R_(text, err_msg, err_ptr);
}

URN_API void bs_rng_destruct_R(bs_rng **rng)
{
    bs_rng_destruct(*rng);
}

#endif
