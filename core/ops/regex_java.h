/* SPDX-License-Identifier: Apache-2.0
 *
 * Patterns of java.util.regex as PCRE2 reads them, where the two differ: the names of classes, and classes in classes.
 *
 *     \p{IsAlphabetic}       \p{Alphabetic}
 *     [a-z&&[^bc]]           (?:(?=[a-z])(?=[^bc])(?s:.))      in both
 *     [a-c[x-z]]             (?:(?=[a-c]|[x-z])(?s:.))         in one of them
 *     [^a-c[x-z]]            (?:(?!(?=[a-c]|[x-z]))(?s:.))     in none: ^ is of the whole class
 *
 * PCRE2 knows no sets of sets, but can look ahead: so many conditions on the next character, which is then taken, whatever it is.
 */
#ifndef TR_CORE_OPS_REGEX_JAVA_H
#define TR_CORE_OPS_REGEX_JAVA_H

#include <stddef.h>

#include "base/bytes.h"

/** Appends what a pattern is for PCRE2. NULL, or why it can't be: a text that lives as long as the program. What is wrong in it
 * otherwise is left to PCRE2. */
const char *tr_regex_java(struct tr_bytes *out, const char *pattern, size_t length);

#endif
