/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text to numbers and sizes, and back.
 *
 * Entered by every thread; holds no state.  Returns -errno and leaves the
 * sentence about it to the caller, who knows what the number was for.
 */
#include "qemu/osdep.h"

#include <math.h>

#include "qemu/cutils.h"
#include "qemu/units.h"

/* What all readers do at the end of the number. */
static int finish_number(const char *nptr, const char *end,
                         const char **endptr, int err)
{
    if (end == nptr) {
        err = -EINVAL;
    }
    if (endptr) {
        *endptr = end;
    } else if (*end) {
        err = -EINVAL;
    }
    return err;
}

/* -EINVAL for no text at all, with @endptr set as the contract says. */
static int no_text(const char *nptr, const char **endptr)
{
    if (endptr) {
        *endptr = nptr;
    }
    return -EINVAL;
}

static int read_signed(const char *nptr, const char **endptr, int base,
                       int64_t min, int64_t max, int64_t *result)
{
    char *end;
    long long value;
    int err;

    if (!nptr) {
        return no_text(nptr, endptr);
    }
    end = (char *)nptr;
    errno = 0;
    value = strtoll(nptr, &end, base);
    err = -errno;
    if (!err && (value < min || value > max)) {
        err = -ERANGE;
    }
    err = finish_number(nptr, end, endptr, err);
    if (!err) {
        *result = value;
    }
    return err;
}

static int read_unsigned(const char *nptr, const char **endptr, int base,
                         uint64_t max, uint64_t *result)
{
    const char *digits = nptr;
    char *end;
    unsigned long long value;
    int err;

    if (!nptr) {
        return no_text(nptr, endptr);
    }
    while (g_ascii_isspace(*digits)) {
        digits++;
    }
    end = (char *)nptr;
    errno = 0;
    value = strtoull(nptr, &end, base);
    err = -errno;
    /* C makes -1 the largest number; nobody who writes it means that. */
    if (!err && (value > max || (*digits == '-' && value != 0))) {
        err = -ERANGE;
    }
    err = finish_number(nptr, end, endptr, err);
    if (!err) {
        *result = value;
    }
    return err;
}

#define STRTO_SIGNED(name, type, min, max) \
int name(const char *nptr, const char **endptr, int base, type *result) \
{ \
    int64_t value; \
    int err = read_signed(nptr, endptr, base, (min), (max), &value); \
    \
    if (!err) { \
        *result = value; \
    } \
    return err; \
}

#define STRTO_UNSIGNED(name, type, max) \
int name(const char *nptr, const char **endptr, int base, type *result) \
{ \
    uint64_t value; \
    int err = read_unsigned(nptr, endptr, base, (max), &value); \
    \
    if (!err) { \
        *result = value; \
    } \
    return err; \
}

STRTO_SIGNED(qemu_strtoi, int, INT_MIN, INT_MAX)
STRTO_SIGNED(qemu_strtol, long, LONG_MIN, LONG_MAX)
STRTO_SIGNED(qemu_strtoi64, int64_t, INT64_MIN, INT64_MAX)
STRTO_UNSIGNED(qemu_strtoui, unsigned int, UINT_MAX)
STRTO_UNSIGNED(qemu_strtoul, unsigned long, ULONG_MAX)
STRTO_UNSIGNED(qemu_strtou64, uint64_t, UINT64_MAX)

int qemu_strtod_finite(const char *nptr, const char **endptr, double *result)
{
    char *end;
    double value;
    int err;

    if (!nptr) {
        return no_text(nptr, endptr);
    }
    end = (char *)nptr;
    errno = 0;
    value = g_ascii_strtod(nptr, &end);
    err = -errno;
    if (!isfinite(value)) {
        /* Too large is a number out of range; "inf" is no number at all. */
        err = err == -ERANGE ? err : -EINVAL;
        end = err == -ERANGE ? end : (char *)nptr;
    }
    err = finish_number(nptr, end, endptr, err);
    if (!err) {
        *result = value;
    }
    return err;
}

int parse_uint(const char *s, const char **endptr, int base, uint64_t *value)
{
    const char *digits = s;

    while (digits && g_ascii_isspace(*digits)) {
        digits++;
    }
    if (!digits || *digits == '-') {
        return no_text(s, endptr);
    }
    return qemu_strtou64(s, endptr, base, value);
}

int parse_uint_full(const char *s, int base, uint64_t *value)
{
    return parse_uint(s, NULL, base, value);
}

/* Power of @unit that a suffix stands for, or -1 when it is none. */
static int suffix_power(char c)
{
    static const char suffixes[] = "BKMGTPE";
    const char *found = c ? strchr(suffixes, g_ascii_toupper(c)) : NULL;

    return found ? found - suffixes : -1;
}

/*
 * The digits behind the decimal point as a fraction of 10^18, which is more
 * precise than any unit is large; further digits are skipped.
 */
static uint64_t read_fraction(const char **pos, bool *any_digit)
{
    uint64_t fraction = 0;
    uint64_t place = UINT64_C(100000000000000000);

    for (; g_ascii_isdigit(**pos); (*pos)++) {
        fraction += place * (**pos - '0');
        place /= 10;
        *any_digit = true;
    }
    return fraction;
}

static int scale(uint64_t whole, uint64_t fraction, uint64_t unit, int power,
                 uint64_t *result)
{
    const uint64_t fraction_base = UINT64_C(1000000000000000000);
    uint64_t factor = 1;
    unsigned __int128 value;

    while (power-- > 0) {
        factor *= unit;
    }
    value = (unsigned __int128)whole * factor +
            (unsigned __int128)fraction * factor / fraction_base;
    if (value > UINT64_MAX) {
        return -ERANGE;
    }
    *result = value;
    return 0;
}

static int read_hex_size(const char *nptr, const char *pos, const char **end,
                         uint64_t *result)
{
    const char *stop;
    uint64_t value = 0;
    int err = qemu_strtou64(pos, &stop, 16, &value);

    /* "0x" alone reads as the number 0 with "x" left over. */
    if (err == -EINVAL || stop == pos + 1 || *stop == '.') {
        return no_text(nptr, end);
    }
    err = finish_number(nptr, stop, end, err);
    if (!err) {
        *result = value;
    }
    return err;
}

static int read_size(const char *nptr, const char **end, int default_power,
                     uint64_t unit, uint64_t *result)
{
    const char *pos = nptr;
    uint64_t whole = 0, fraction = 0, value = 0;
    bool any_digit, has_point;
    int power, err = 0;

    while (pos && g_ascii_isspace(*pos)) {
        pos++;
    }
    if (!pos) {
        return no_text(nptr, end);
    }
    if (pos[0] == '0' && (pos[1] == 'x' || pos[1] == 'X')) {
        return read_hex_size(nptr, pos, end, result);
    }
    any_digit = g_ascii_isdigit(*pos);
    if (any_digit) {
        err = qemu_strtou64(pos, &pos, 10, &whole);
    }
    has_point = *pos == '.';
    if (has_point) {
        pos++;
        fraction = read_fraction(&pos, &any_digit);
    }
    if (!any_digit) {
        return no_text(nptr, end);
    }
    power = suffix_power(*pos);
    if (power >= 0) {
        pos++;
    } else {
        power = default_power;
    }
    if (has_point && power == 0) {
        return no_text(nptr, end);
    }
    if (!err) {
        err = scale(whole, fraction, unit, power, &value);
    }
    err = finish_number(nptr, pos, end, err);
    if (!err) {
        *result = value;
    }
    return err;
}

int qemu_strtosz(const char *nptr, const char **end, uint64_t *result)
{
    return read_size(nptr, end, 0, KiB, result);
}

int qemu_strtosz_MiB(const char *nptr, const char **end, uint64_t *result)
{
    return read_size(nptr, end, suffix_power('M'), KiB, result);
}

int qemu_strtosz_metric(const char *nptr, const char **end, uint64_t *result)
{
    return read_size(nptr, end, 0, 1000, result);
}

/* Three significant digits in the unit that keeps them below 1000. */
static char *scaled_to_str(double value, double unit, const char *infix,
                           const char *suffix)
{
    static const char *const prefixes[] = { "", "K", "M", "G", "T", "P", "E" };
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    size_t i = 0;

    /* From 999.5 on, three digits would round to four. */
    while (value >= 999.5 && i < ARRAY_SIZE(prefixes) - 1) {
        value /= unit;
        i++;
    }
    g_ascii_formatd(number, sizeof(number), "%.3g", value);
    return g_strdup_printf("%s %s%s%s", number, prefixes[i],
                           i > 0 ? infix : "", suffix);
}

char *size_to_str(uint64_t val)
{
    return scaled_to_str(val, 1024, "i", "B");
}

char *freq_to_str(uint64_t freq_hz)
{
    return scaled_to_str(freq_hz, 1000, "", "Hz");
}
