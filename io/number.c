/* Numbers from text and to text: correctly rounded, whatever the locale. */
#include "parts.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The powers of ten that are exact in double precision. */
static const double power_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* The same as integers, as far as 64 bits go. */
static const uint64_t int_power_of_ten[URN__IO_MOST_DIGITS + 1] = {1u,
                                                                   10u,
                                                                   100u,
                                                                   1000u,
                                                                   10000u,
                                                                   100000u,
                                                                   1000000u,
                                                                   10000000u,
                                                                   100000000u,
                                                                   1000000000u,
                                                                   10000000000u,
                                                                   100000000000u,
                                                                   1000000000000u,
                                                                   10000000000000u,
                                                                   100000000000000u,
                                                                   1000000000000000u,
                                                                   10000000000000000u,
                                                                   100000000000000000u,
                                                                   1000000000000000000u,
                                                                   10000000000000000000u};

/* bits * 2^exponent, rounded to even where 53 bits do not hold it; `more`: a bit less than one unit
 * of bits belongs to it. The result is a normal number. */
static double rounded(uint64_t bits, bool more, int exponent)
{
    const int drop = 11 - __builtin_clzll(bits);
    if (drop > 0) {
        const uint64_t low = bits & ((UINT64_C(1) << drop) - 1), half = UINT64_C(1) << (drop - 1);
        bits >>= drop;
        bits += low > half || (low == half && (more || (bits & 1)));
        exponent += drop;
    }
    return ldexp((double)bits, exponent);
}

/* The quotient of the two integers has 63 bits at least, and what is left of the division tells on
 * which side of a tie it is. */
static double divided(uint64_t mantissa, uint64_t divisor)
{
    const int up = __builtin_clzll(mantissa), divisor_up = __builtin_clzll(divisor);
    const unsigned __int128 dividend = (unsigned __int128)(mantissa << up) << 63;
    divisor <<= divisor_up;
    const uint64_t quotient = (uint64_t)(dividend / divisor);
    const bool more = (unsigned __int128)quotient * divisor != dividend;
    return rounded(quotient, more, divisor_up - up - 63);
}

double urn__io_decimal(uint64_t mantissa, int fraction, bool negative)
{
    /* Exact mantissa, exact power: one rounding (W. D. Clinger, How to read floating point numbers
     * accurately, PLDI 1990). */
    const double magnitude = mantissa <= UINT64_C(1) << 53
                                 ? (double)mantissa / power_of_ten[fraction]
                                 : divided(mantissa, int_power_of_ten[fraction]);
    return negative ? -magnitude : magnitude;
}

bool urn__io_parse_int(const char *text, size_t n, int64_t *value)
{
    const bool negative = n > 0 && text[0] == '-';
    const size_t sign = n > 0 && (text[0] == '-' || text[0] == '+');
    const uint64_t limit = (uint64_t)INT64_MAX + negative;
    uint64_t sum = 0;
    if (n == sign)
        return false;
    for (size_t i = sign; i < n; i++) {
        const unsigned digit = (unsigned)(text[i] - '0');
        if (digit > 9 || sum > (limit - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *value = negative ? (int64_t)(0 - sum) : (int64_t)sum;
    return true;
}

static bool same_word(const char *text, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        if ((text[i] | 0x20) != word[i])
            return false;
    return word[n] == 0;
}

static bool parse_special(const char *text, size_t n, bool negative, double *value)
{
    if (n == 3 && same_word(text, n, "nan"))
        *value = (double)NAN;
    else if ((n == 3 && same_word(text, n, "inf")) || (n == 8 && same_word(text, n, "infinity")))
        *value = negative ? -(double)INFINITY : (double)INFINITY;
    else
        return false;
    return true;
}

/* digits [. digits], few enough for 64 bits. */
static bool parse_decimal(const char *text, size_t n, bool negative, double *value)
{
    uint64_t mantissa = 0;
    size_t digits = 0, point = n;
    for (size_t i = 0; i < n; i++) {
        const unsigned digit = (unsigned)(text[i] - '0');
        if (text[i] == '.' && point == n) {
            point = i;
        } else if (digit > 9 || ++digits > URN__IO_MOST_DIGITS) {
            return false;
        } else {
            mantissa = mantissa * 10 + digit;
        }
    }
    if (digits == 0)
        return false;
    *value = urn__io_decimal(mantissa, point == n ? 0 : (int)(n - point - 1), negative);
    return true;
}

/* digits [. digits] [e [sign] digits], with a digit before or after the point. */
static bool is_decimal(const char *text, size_t n)
{
    size_t i = 0, digits = 0;
    while (i < n && (unsigned)(text[i] - '0') <= 9)
        i++, digits++;
    if (i < n && text[i] == '.')
        for (i++; i < n && (unsigned)(text[i] - '0') <= 9; i++)
            digits++;
    if (digits == 0)
        return false;
    if (i < n && (text[i] | 0x20) == 'e') {
        i++;
        if (i < n && (text[i] == '-' || text[i] == '+'))
            i++;
        const size_t first = i;
        while (i < n && (unsigned)(text[i] - '0') <= 9)
            i++;
        if (i == first)
            return false;
    }
    return i == n;
}

bool urn__io_parse_real(const char *text, size_t n, double *value)
{
    enum { LONGEST = 1100 }; /* more digits than any double has */
    char copy[LONGEST + 1];
    const bool negative = n > 0 && text[0] == '-';
    const size_t sign = n > 0 && (text[0] == '-' || text[0] == '+');
    if (parse_decimal(text + sign, n - sign, negative, value))
        return true;
    if (n > LONGEST || !is_decimal(text + sign, n - sign))
        return n > sign && parse_special(text + sign, n - sign, negative, value);
    memcpy(copy, text, n);
    copy[n] = 0;
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c == (locale_t)0)
        return false;
    const double parsed = strtod_l(copy, NULL, c);
    freelocale(c);
    if (!isfinite(parsed))
        return false;
    *value = parsed;
    return true;
}

/* ---- to text ---- */

/* significand * 2^-down * 10^power, rounded to an integer, a tie to an even one. The significand
 * has 53 bits, and power is at most URN__IO_MOST_DIGITS, so 128 bits hold it all. */
static uint64_t scaled(uint64_t significand, int down, int power)
{
    const unsigned __int128 product = (unsigned __int128)significand * int_power_of_ten[power];
    const unsigned __int128 half = (unsigned __int128)1 << (down - 1);
    const unsigned __int128 low = product & (2 * half - 1);
    const uint64_t whole = (uint64_t)(product >> down);
    return whole + (low > half || (low == half && (whole & 1)));
}

/* The first `n` digits of a number, and its decimal exponent, which comes as a guess that is right
 * or one too low; false: not by these means. */
static bool digits_of(double size, int n, uint64_t *decimal, int *exponent)
{
    int binary = 0;
    const uint64_t significand = (uint64_t)ldexp(frexp(size, &binary), 53);
    for (int tries = 0; tries < 2; tries++) {
        const int power = n - 1 - *exponent;
        if (power < 0 || power > URN__IO_MOST_DIGITS || binary > 52 || binary < -20)
            return false;
        *decimal = scaled(significand, 53 - binary, power);
        if (*decimal < int_power_of_ten[n])
            return true;
        ++*exponent; /* so too where digits were rounded up to one more */
    }
    return false;
}

/* As %g prints it, without zeros at the end. */
static void put_digits(uint64_t decimal, int n, int exponent, char *to)
{
    char digit[24];
    for (; n > 1 && decimal % 10 == 0; n--)
        decimal /= 10;
    for (int i = n - 1; i >= 0; i--, decimal /= 10)
        digit[i] = (char)('0' + decimal % 10);
    if (exponent < 0)
        *to++ = '0';
    for (int i = 0; i <= exponent; i++)
        *to++ = i < n ? digit[i] : '0';
    if (exponent < 0 || n > exponent + 1)
        *to++ = '.';
    for (int i = exponent + 1; i < n; i++)
        *to++ = i < 0 ? '0' : digit[i];
    *to = 0;
}

/* Numbers from 1e-4 to 1e15, and not whole. */
static bool format_plain(double value, char text[32])
{
    const double size = fabs(value);
    uint64_t decimal = 0;
    int guess = -4;
    if (!(size >= 1e-4 && size < 1e15))
        return false;
    while (guess < 14 && (guess < 0 ? size * power_of_ten[-guess] > 10.00001
                                    : size > power_of_ten[guess + 1] * 1.000001))
        guess++; /* never too high: digits_of sees to the rest */
    for (int n = 15; n <= 17; n++) {
        int exponent = guess;
        if (!digits_of(size, n, &decimal, &exponent))
            return false;
        const int fraction = n - 1 - exponent;
        if (n < 17 && urn__io_decimal(decimal, fraction, false) != size)
            continue;
        text[0] = '-';
        put_digits(decimal, n, exponent, text + (value < 0));
        return true;
    }
    return false;
}

/* A point whatever the locale's decimal character, which may have several bytes. */
static void use_point(char text[32])
{
    const char *own = localeconv()->decimal_point;
    char *found = strcmp(own, ".") == 0 ? NULL : strstr(text, own);
    if (!found)
        return;
    const size_t size = strlen(own);
    *found = '.';
    memmove(found + 1, found + size, strlen(found + size) + 1);
}

void urn__io_format_real(double value, char text[32])
{
    if (isnan(value)) {
        snprintf(text, 32, "nan");
    } else if (isinf(value)) {
        snprintf(text, 32, value < 0 ? "-inf" : "inf");
    } else if (fabs(value) < 1e15 && value == floor(value)) {
        snprintf(text, 32, "%s%.0f", value == 0 && signbit(value) ? "-" : "",
                 fabs(value) == 0 ? 0.0 : value);
    } else if (!format_plain(value, text)) {
        for (int digits = 15; digits <= 17; digits++) {
            snprintf(text, 32, "%.*g", digits, value);
            if (strtod(text, NULL) == value) /* same locale as snprintf */
                break;
        }
        use_point(text);
    }
}
