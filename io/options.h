/* SPDX-License-Identifier: Apache-2.0
 *
 * Option values: Flink's texts for durations, sizes and the like, one parser for WITH, SET, -D and the YAML file.
 *
 *     duration  "10 s", "500ms", "1 min", "2 h", "1 d"; a bare number is milliseconds
 *     memory    "128mb", "64 kb", "1g"; powers of 1024; a bare number is bytes
 *     boolean   "true", "false", in any case
 *
 * Units are case-insensitive and may be set off by spaces. Numbers are whole and not negative, as in Flink.
 */
#ifndef TR_IO_OPTIONS_H
#define TR_IO_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "io/connector.h"

/** True and `*value` when `text` is well-formed and fits; else false and `*value` is untouched. A duration finer than
 * a millisecond is cut ("1500 us" is 1). */
bool tr_option_parse_boolean(const char *text, bool *value);
bool tr_option_parse_integer(const char *text, int64_t *value);
bool tr_option_parse_double(const char *text, double *value);
bool tr_option_parse_duration_ms(const char *text, int64_t *value);
bool tr_option_parse_memory_bytes(const char *text, int64_t *value);

/** Whether `text` is one of "a|b|c", in any case; `index` (may be NULL) receives which. */
bool tr_option_parse_enum(const char *text, const char *choices, uint32_t *index);

/** The value of an ENUM option as its index in `choices`, or `fallback` when absent. Checked before, so never fails. */
uint32_t tr_options_enum(const struct tr_options *options, const char *key, const char *choices, uint32_t fallback);

/** Whether `key` matches a pattern such as "fields.#.min"; the text that '#' stands for is [*name, *name + *length). */
bool tr_option_matches(const char *pattern, const char *key, const char **name, size_t *length);

/** What a value of the kind looks like, for messages: "a duration such as '10 s'". Static. */
const char *tr_option_kind_text(enum tr_option_kind kind);

#endif
