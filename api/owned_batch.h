/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches with memory of their own, as programs have them: a batch buffer, with the schema and types that it needs.
 */
#ifndef TR_API_OWNED_BATCH_H
#define TR_API_OWNED_BATCH_H

#include "base/batch.h"

struct tr_owned_batch {
	struct tr_arena arena;          /* schema and types */
	struct tr_batch_buffer *buffer; /* sealed */
};

/** Empty, with room for `rows` rows (at least 1) of `schema`, which is copied. */
struct tr_owned_batch *tr_owned_batch_create(const struct tr_schema *schema, uint32_t rows);

#endif
