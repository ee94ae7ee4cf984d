/* SPDX-License-Identifier: Apache-2.0
 *
 * Upper and lower case of Unicode characters, independent of any locale.
 */
#ifndef TR_CORE_OPS_KERNEL_CASE_H
#define TR_CORE_OPS_KERNEL_CASE_H

#include <stddef.h>
#include <stdint.h>

#define TR_CASE_GROWTH 3 /* a text grows at most by this factor */

/** Writes the mapped text to `out` (room for length * TR_CASE_GROWTH bytes) and returns its length. Ill-formed bytes are
 * copied as they are. */
uint32_t tr_case_upper(char *out, const char *text, uint32_t length);
uint32_t tr_case_lower(char *out, const char *text, uint32_t length);

#endif
