/* SPDX-License-Identifier: Apache-2.0
 *
 * Flink's value syntax: durations, memory sizes, booleans, numbers. One parser for the command line, the configuration
 * file, SET and WITH. Text is trimmed; unit words are case-insensitive and may stand after a blank. A number without
 * a unit is milliseconds, or bytes.
 *
 *     duration   10s  500 ms  1 min  2h  1 d  100us (rounded down to ms)  7        d day days h hour hours min m minute
 *                minutes s sec second seconds ms milli millis us micro micros ns nano nanos
 *     memory     128mb  1 g  64 kb  512    b bytes k kb kibibytes m mb g gb t tb; powers of 1024
 */
#ifndef TR_BASE_UNITS_H
#define TR_BASE_UNITS_H

#include <stdbool.h>
#include <stdint.h>

/** Each returns false for a malformed, negative or too large value and leaves `out` untouched. */
bool tr_units_duration_ms(const char *text, int64_t *out);
bool tr_units_memory_bytes(const char *text, int64_t *out);
bool tr_units_boolean(const char *text, bool *out);
bool tr_units_integer(const char *text, int64_t *out);
bool tr_units_double(const char *text, double *out);

/** Whether `text` is one of "a|b|c", ignoring case; `index` (may be NULL) receives which. */
bool tr_units_choice(const char *text, const char *choices, uint32_t *index);

#endif
