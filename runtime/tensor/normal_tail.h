/* The standard normal distribution function and its logarithm, with full relative accuracy in both
 * tails: off by at most 8 units in the last place of Phi, and by 8 of log Phi. Plain C without
 * branches, which compilers turn into vector code wherever it stands in a loop. For kernels and
 * families. */
#ifndef URN_TENSOR_NORMAL_TAIL_H
#define URN_TENSOR_NORMAL_TAIL_H

#include "vexp.h"

#define URN__LOG_SQRT_2PI 0.91893853320467274178

/* Phi(-a) exp(a^2 / 2) for a >= 0: bounded once it is multiplied by a + 5, and smooth in
 * t = (a - 5) / (a + 5), which lies in [-1, 1]. The polynomial in t is at Chebyshev nodes, off by
 * 2^-55 of it. The way of Shepherd and Laframboise, Chebyshev approximation of (1 + 2x) exp(x^2)
 * erfc(x) in [0, infinity), 1981. */
URN__MATH double urn__mills_ratio_of(double a)
{
    const double far = a > 1e30 ? 1e30 : a, r = 1.0 / (far + 5.0), t = (far - 5.0) * r;
    double p = -1.4191921893580604e-10;
    p = p * t - 7.842796363635921e-10;
    p = p * t + 1.322102962781694e-09;
    p = p * t + 9.268659037027118e-09;
    p = p * t - 7.068045653980906e-09;
    p = p * t - 6.740161179772032e-08;
    p = p * t + 3.87533092243584e-08;
    p = p * t + 4.334561019475754e-07;
    p = p * t - 3.337060350835977e-07;
    p = p * t - 2.768861633372941e-06;
    p = p * t + 3.979457180792049e-06;
    p = p * t + 1.6680843519640492e-05;
    p = p * t - 4.976236467507681e-05;
    p = p * t - 5.9375585163440916e-05;
    p = p * t + 5.448989774454366e-04;
    p = p * t - 7.978694284287862e-04;
    p = p * t - 2.993376760347635e-03;
    p = p * t + 2.079506680331947e-02;
    p = p * t - 6.911863870695671e-02;
    p = p * t + 1.6502036617018967e-01;
    p = p * t - 3.1353315667128584e-01;
    p = p * t + 4.9530561596998063e-01;
    p = p * t - 6.653825028900568e-01;
    p = p * t + 7.69193049750063e-01;
    return p * r;
}

/* Phi(-a). In exp(-a^2 / 2), a is cut in two: the square of its upper half is exact, and what is
 * left is so small that a few terms of the series do. */
URN__MATH double urn__lower_tail_of(double a)
{
    const double most = a > 40.0 ? 40.0 : a; /* 0 from 38.6 on */
    const double high = urn__double_of(urn__bits_of(most) & ~UINT64_C(0x7ffffff));
    const double y = -0.5 * (most - high) * (most + high);
    const double series = y * (1.0 + y * (0.5 + y * (1.0 / 6.0)));
    const double ratio = urn__mills_ratio_of(most);
    return urn__exp_double(-0.5 * high * high) * (ratio + ratio * series);
}

URN__MATH double urn__normal_cdf_of(double z)
{
    const double tail = urn__lower_tail_of(fabs(z));
    return z > 0.0 ? 1.0 - tail : tail;
}

/* log Phi(z): below 0, -z^2 / 2 and the logarithm of the rest; above, log(1 - q), of which log1p
 * would make as much: the rounding of 1 - q is undone. */
URN__MATH double urn__log_normal_cdf_of(double z)
{
    const double a = fabs(z), q = z > 0.0 ? urn__lower_tail_of(a) : 0.0;
    const double rest = 1.0 - q;
    const double logarithm = urn__log_double(z > 0.0 ? rest : urn__mills_ratio_of(a));
    return z > 0.0 ? logarithm + ((1.0 - rest) - q) / rest : logarithm - 0.5 * z * z;
}

#endif
