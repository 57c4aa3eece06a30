/* For sources that are written once and compiled for both precisions: plain, and with URN_SINGLE
 * defined. They work on urn__real; what they define or use of their kind is named by URN__REAL:
 * URN__REAL(walk_expand) is urn__walk_expand, or urn__walk_expand_single. */
#ifndef URN_TENSOR_REAL_H
#define URN_TENSOR_REAL_H

#include "tensor.h"

#ifdef URN_SINGLE
typedef float urn__real;
typedef urn__kernels_single urn__kernels_real;
#define URN__REAL(name) urn__##name##_single
#else
typedef double urn__real;
typedef urn__kernels urn__kernels_real;
#define URN__REAL(name) urn__##name
#endif

#endif
