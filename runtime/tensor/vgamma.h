/* The gamma functions of positive numbers as plain C that compilers turn into full-width vector
 * code wherever it stands in a loop; in double in both precisions. 0 gives the limit, NaN gives
 * NaN; negative numbers give nothing of use. Polynomials interpolate at Chebyshev nodes and are off
 * by less than 2^-55 of the result. */
#ifndef URN_TENSOR_VGAMMA_H
#define URN_TENSOR_VGAMMA_H

#include "vmath.h"

/* From here on the asymptotic series (Abramowitz and Stegun 6.1.41, 6.3.18, 6.4.12) take over;
 * below, recurrences lead there or to [1.5, 2.5]. */
#define URN__GAMMA_LARGE 6.0

URN__MATH double urn__gamma_log(double x)
{
#if !defined(URN__HAVE_LIBMVEC) || URN_CPU == 2
    return urn__log_double(x);
#else
    return log(x);
#endif
}

/* log Gamma(z) / ((z - 1) (z - 2)) at z = 1.75 + y, |y| <= 3/4: even and odd powers apart, which
 * wait for each other less. */
URN__MATH double urn__lgamma_quotient(double y)
{
    const double t = y * y;
    double even = 8.7028541494622739e-08;
    even = even * t - 1.9561462574604242e-08;
    even = even * t + 4.1427611092487882e-07;
    even = even * t + 9.5971096164981419e-07;
    even = even * t + 3.5071990932812468e-06;
    even = even * t + 1.194925036645649e-05;
    even = even * t + 4.1705474569413289e-05;
    even = even * t + 0.0001485167612603942;
    even = even * t + 0.00054489699072127434;
    even = even * t + 0.0020955338799232407;
    even = even * t + 0.0087763704252573019;
    even = even * t + 0.044520447198509644;
    even = even * t + 0.45013931210925628;
    double odd = -1.5777234102106789e-07;
    odd = odd * t + 3.4043248948969229e-08;
    odd = odd * t - 7.5626124634594159e-07;
    odd = odd * t - 1.76764375827818e-06;
    odd = odd * t - 6.4878597970946736e-06;
    odd = odd * t - 2.2268214498975369e-05;
    odd = odd * t - 7.8464050392944998e-05;
    odd = odd * t - 0.00028319036037842405;
    odd = odd * t - 0.0010605660937984334;
    odd = odd * t - 0.0042261941251894178;
    odd = odd * t - 0.019053957830260832;
    odd = odd * t - 0.11948158662524268;
    return odd * y + even;
}

/* Gamma(x) / Gamma(x - steps), 0 <= steps <= 4. */
URN__MATH double urn__gamma_steps(double x, double steps)
{
    double product = steps > 0.5 ? x - 1.0 : 1.0;
    product *= steps > 1.5 ? x - 2.0 : 1.0;
    product *= steps > 2.5 ? x - 3.0 : 1.0;
    product *= steps > 3.5 ? x - 4.0 : 1.0;
    return product;
}

/* log Gamma(x), off by 4 units in the last place at most, near its roots at 1 and 2 as well, whose
 * distances are exact. Below 1, x + 1 stands for x; above 2.5, x less an integer. */
URN__MATH double urn__lgamma_positive(double x)
{
    const bool large = x >= URN__GAMMA_LARGE, small = x < 1.0;
    const double rounder = 6755399441055744.0; /* 1.5 * 2^52 */
    const double nearest = (x - 2.0 + rounder) - rounder, steps = nearest > 0.0 ? nearest : 0.0;
    const double from_1 = small ? x : x - (steps + 1.0), from_2 = from_1 - 1.0;
    const double l = urn__gamma_log(large || small ? x : urn__gamma_steps(x, steps));
    const double below = from_1 * from_2 * urn__lgamma_quotient(from_1 - 0.75) + (small ? -l : l);
    const double r = 1.0 / x, t = r * r;
    double p = 0.0042983942813254643;
    p = p * t - 0.0018449995052567591;
    p = p * t + 0.00084044478516021688;
    p = p * t - 0.00059522574180226426;
    p = p * t + 0.00079365073733698478;
    p = p * t - 0.0027777777776807643;
    p = p * t + 0.083333333333333301;
    const double above = (x - 0.5) * (l - 1.0) + (0.41893853320467274 + r * p);
    return large ? above : below;
}

/* The derivative of that. Off by 1e-15 absolutely near its root at 1.46, by 8 units in the last
 * place elsewhere. Six steps of the recurrence, 1 / (x + k) paired with 1 / (x + 5 - k), are one
 * fraction in w = x (x + 5), whose numerator and denominator are sums of positive terms. */
URN__MATH double urn__digamma_positive(double x)
{
    const bool large = x >= URN__GAMMA_LARGE;
    const double s = large ? 1.0 : x, v = s + 3.0, w = v * v;
    const double above = (5.0 * w - 15.0) * w + 4.0, below = v * ((w - 1.0) * (w - 4.0));
    const double z = large ? x : x + 6.0, r = 1.0 / z, t = r * r;
    double p = 0.052783578802027699;
    p = p * t - 0.02005781319935496;
    p = p * t + 0.007557240349829397;
    p = p * t - 0.0041664921338011897;
    p = p * t + 0.0039682531741967782;
    p = p * t - 0.0083333333319667302;
    p = p * t + 0.08333333333333294;
    const double far = urn__gamma_log(z) - (0.5 * r + p * t);
    return large ? far : (far - above / below) - 1.0 / s;
}

/* And the derivative of that, off by 5 units in the last place at most; as above. */
URN__MATH double urn__trigamma_positive(double x)
{
    const bool large = x >= URN__GAMMA_LARGE;
    const double s = large ? 1.0 : x, v = s + 3.0, w = v * v;
    const double above = ((5.0 * w - 20.0) * w + 35.0) * (w * w) + 16.0;
    const double root = (w - 1.0) * (w - 4.0), below = w * (root * root);
    const double z = large ? x : x + 6.0, r = 1.0 / z, t = r * r;
    double p = -3.4129612152328659;
    p = p * t + 1.0286907996359482;
    p = p * t - 0.25014772944518482;
    p = p * t + 0.075720832037114841;
    p = p * t - 0.033333081101474551;
    p = p * t + 0.023809522948893713;
    p = p * t - 0.03333333333220509;
    p = p * t + 0.16666666666666644;
    const double far = r + (0.5 * t + p * t * r);
    return large ? far : (far + above / below) + 1.0 / (s * s);
}

#endif
