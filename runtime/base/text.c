/* Hashing, growing text, numbers from text. */
#include "base.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A bijection of 64 bits with full avalanche (the "moremur" constants of P. Evensen's mixer
 * survey). */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 27;
    x *= UINT64_C(0x3C79AC492BA7B653);
    x ^= x >> 33;
    x *= UINT64_C(0x1C69B3F74AC4AE35);
    return x ^ (x >> 27);
}

/* For a fixed h a bijection of value, and for a fixed value a bijection of h; not symmetric in the
 * two, so the order of what is hashed counts. */
uint64_t urn__hash_u64(uint64_t h, uint64_t value)
{
    h = mix(h + UINT64_C(0x9E3779B97F4A7C15));
    return mix(h ^ mix(value ^ UINT64_C(0xD1B54A32D192ED03)));
}

uint64_t urn__hash_bytes(uint64_t h, const void *bytes, size_t n)
{
    const unsigned char *from = bytes;
    h = urn__hash_u64(h, n); /* the length first: "ab", "c" is not "a", "bc" */
    for (size_t at = 0; at < n; at += 8) {
        uint64_t word = 0;
        const size_t left = n - at < 8 ? n - at : 8;
        for (size_t i = 0; i < left; i++)
            word |= (uint64_t)from[at + i] << (8 * i);
        h = urn__hash_u64(h, word);
    }
    return h;
}

uint64_t urn__hash_text(uint64_t h, const char *text)
{
    return urn__hash_bytes(h, text, strlen(text));
}

void urn__text_add(urn__text *text, const char *format, ...)
{
    if (text->failed)
        return;
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    void *data = text->data;
    if (length < 0 ||
        !urn__grow(text->allocator, &data, 1, &text->capacity, text->length + (size_t)length + 1)) {
        text->failed = true;
    } else {
        text->data = data;
        vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
}

void urn__text_clear(urn__text *text)
{
    urn__free(text->allocator, text->data);
    *text = (urn__text){.allocator = text->allocator};
}

/* strtoll and strtod skip white space; a whole field must not start with any. */
static bool starts_number(const char *text)
{
    return text && (*text == '-' || *text == '+' || *text == '.' || (*text >= '0' && *text <= '9'));
}

bool urn__parse_int(const char *text, int64_t *value)
{
    if (!starts_number(text))
        return false;
    char *end;
    errno = 0;
    const intmax_t parsed = strtoimax(text, &end, 10);
    if (errno || end == text || *end || parsed < INT64_MIN || parsed > INT64_MAX)
        return false;
    *value = (int64_t)parsed;
    return true;
}

bool urn__parse_real(const char *text, double *value)
{
    if (!starts_number(text))
        return false;
    /* No hexadecimal, no "inf" or "nan" behind a sign: only decimal numbers. */
    if (text[strspn(text, "+-.0123456789eE")])
        return false;
    char *end;
    const double parsed = strtod(text, &end);
    if (end == text || *end || !isfinite(parsed))
        return false;
    *value = parsed;
    return true;
}

double urn__shown(double v)
{
    return isnan(v) ? (double)NAN : v;
}
