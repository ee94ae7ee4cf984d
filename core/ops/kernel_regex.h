/* SPDX-License-Identifier: Apache-2.0
 *
 * Regular expressions on PCRE2 with JIT, as java.util.regex would answer them.
 *
 * A matcher belongs to one state. It compiles a pattern when the pattern's text changes: a constant one once. ASCII
 * subjects run against a byte-wise compilation, which spares PCRE2 its check of the subject's UTF-8.
 */
#ifndef TR_CORE_OPS_KERNEL_REGEX_H
#define TR_CORE_OPS_KERNEL_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TR_REGEX_ERROR_BYTES 160

struct tr_regex;

struct tr_regex *tr_regex_create(void);
void tr_regex_destroy(struct tr_regex *regex);

/** Compiles unless it is the present pattern. False: it is no pattern; `error` (TR_REGEX_ERROR_BYTES, or NULL) says why. */
bool tr_regex_compile(struct tr_regex *regex, const char *pattern, size_t length, char *error);

/** Whether a part of the text from byte `from` on matches: 1, 0, or -1 when PCRE2's limits were reached. */
int tr_regex_find(struct tr_regex *regex, const char *text, size_t length, size_t from);

/** After a find: bytes [begin, end) of a group. False: there is no such group, or it took no part. */
bool tr_regex_group(const struct tr_regex *regex, int64_t group, size_t *begin, size_t *end);

/** The number of groups of the present pattern. */
uint32_t tr_regex_group_count(const struct tr_regex *regex);

#endif
