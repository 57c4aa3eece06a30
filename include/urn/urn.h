/* Urn: write a Bayesian model once, as a C function; fit it with any engine.
 *
 *     #include <urn/urn.h>
 *
 *     static void line(urn_model *m)
 *     {
 *         urn_plate rows = urn_plate_rows(m, "rows");
 *         urn_var x = urn_data(rows, "x");
 *         urn_var a = urn_sample(m, "a", normal, .loc = urn_real(m, 0), .scale = urn_real(m, 10));
 *         urn_var b = urn_sample(m, "b", normal, .loc = urn_real(m, 0), .scale = urn_real(m, 10));
 *         urn_var sigma = urn_sample(m, "sigma", half_normal, .scale = urn_real(m, 5));
 *         urn_observe(m, "y", normal, .value = urn_data(rows, "y"),
 *                     .loc = urn_add(a, urn_mul(b, x)), .scale = sigma, .plate = rows);
 *     }
 *     URN_MODEL(line, "straight line");
 *
 * and then:  urn fit ./line.c --data points.csv --engine svi
 *
 * model.h   the model language      ops.h  operations on values
 * families.h  distributions         run.h  data, programs and engines for a host program
 * bridge.h  a model as a plain function, for the samplers of others (not part of this header)
 * status.h  status codes and errors
 */
#ifndef URN_URN_H
#define URN_URN_H

#include <urn/families.h>
#include <urn/fit.h>
#include <urn/model.h>
#include <urn/ops.h>
#include <urn/run.h>
#include <urn/status.h>

#define URN_VERSION "0.1.0"

#endif
