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

/* Exact mantissa, exact power: one rounding (W. D. Clinger, How to read floating point numbers
 * accurately, PLDI 1990). */
bool urn__io_fast_real(uint64_t mantissa, int fraction, bool negative, double *value)
{
    if (mantissa > (UINT64_C(1) << 53) || fraction < 0 || fraction > 22)
        return false;
    const double magnitude = (double)mantissa / power_of_ten[fraction];
    *value = negative ? -magnitude : magnitude;
    return true;
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
    } else {
        for (int digits = 15; digits <= 17; digits++) {
            snprintf(text, 32, "%.*g", digits, value);
            if (strtod(text, NULL) == value) /* same locale as snprintf */
                break;
        }
        use_point(text);
    }
}
