/* SPDX-License-Identifier: Apache-2.0
 *
 * Column buffer: the writable memory of one column. The struct and what its readers need are in base/batch.h; here is
 * what an owner calls who keeps column buffers outside of a batch (an operator's state, an expression's registers).
 */
#ifndef TR_BASE_COLUMN_BUFFER_H
#define TR_BASE_COLUMN_BUFFER_H

#include <stdint.h>

#include "base/batch.h"

/** Allocates memory for `capacity` rows of `type` in the caller's struct, cleared. `type` must outlive it. */
void tr_column_buffer_init(struct tr_column_buffer *column, const struct tr_type *type, uint32_t capacity);
void tr_column_buffer_deinit(struct tr_column_buffer *column);

/** No rows, no NULLs; children too. Memory is kept. Bits of `validity` may have been cleared only with has_nulls set. */
void tr_column_buffer_clear(struct tr_column_buffer *column);

/** Marks row `row` as NULL and makes its value harmless (zero, an empty view). */
void tr_column_buffer_set_null(struct tr_column_buffer *column, uint32_t row);

#endif
