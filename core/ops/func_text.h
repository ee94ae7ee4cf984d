/* SPDX-License-Identifier: Apache-2.0
 *
 * What the kernels of text functions share: arguments as pieces of text, results into the run's heap.
 */
#ifndef TR_CORE_OPS_FUNC_TEXT_H
#define TR_CORE_OPS_FUNC_TEXT_H

#include "core/ops/func_table.h"
#include "core/ops/kernel_text.h"

#define TR_TEXT_RESULT_BYTES_MAX (64u << 20) /* of one value that REPEAT, LPAD, REPLACE .. make */

/** Borrowed bytes. */
struct tr_piece {
	const char *text;
	uint32_t length;
};

static inline struct tr_piece tr_call_piece(const struct tr_call *call, uint32_t arg, uint32_t row)
{
	const struct tr_view *view = tr_call_view(call, arg, row);

	return (struct tr_piece){tr_view_text(view), view->length};
}

static inline int64_t tr_call_i64(const struct tr_call *call, uint32_t arg, uint32_t row)
{
	return tr_column_i64(&call->args[arg], row);
}

/** The row's result; the bytes must live as long as the arguments or the heap. */
static inline void tr_call_put(struct tr_call *call, uint32_t row, const char *text, uint32_t length)
{
	((struct tr_view *)call->out)[row] = tr_text_view(text, length);
}

static inline char *tr_call_new_text(struct tr_call *call, uint64_t length)
{
	return tr_arena_alloc_aligned(call->heap, length + (length == 0), 1);
}

#define TR_CALL_CHECK_LENGTH(call, row, length)                                                              \
	do {                                                                                                 \
		if ((length) > TR_TEXT_RESULT_BYTES_MAX)                                                     \
			TR_CALL_FAIL(call, row, "the result would have %llu bytes; at most %u are possible", \
				     (unsigned long long)(length), TR_TEXT_RESULT_BYTES_MAX);                \
	} while (0)

#endif
