/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel of scalar functions (user_plan.h).
 *
 *     all rows         columns as they are ──▶ on_batch ──▶ the result's own memory
 *     some rows        gathered            ──▶ on_batch ──▶ scattered
 *     row by row       columns as they are ──▶ on_row   ──▶ buffer ──▶ scattered
 *
 * In a debug build on_batch always writes to memory of its own, with a guard behind its last value, so that one that writes past it is
 * caught.
 */
#include "api/run_guard.h"
#include "api/user_plan.h"
#include "base/check.h"
#include "base/type.h"
#include "core/ops/kernel_pick.h"

#ifdef TR_DEBUG
#define IS_GUARDED true
#else
#define IS_GUARDED false
#endif

/* The rows to compute; NULL: all, from 0. */
static const uint32_t *listed(const struct tr_call *call) { return call->count == call->row_count ? NULL : call->rows; }

struct pair { /* 16 bytes of any kind */
	uint64_t words[2];
};

#define COPY_ROWS(type, to, to_row, from, from_row)    \
	do {                                           \
		type *restrict to_ = (to);             \
		const type *restrict from_ = (from);   \
                                                       \
		for (uint32_t i = 0; i < count; i++)   \
			to_[to_row] = from_[from_row]; \
	} while (0)

static void gather_values(void *to, const void *from, size_t width, const uint32_t *rows, uint32_t count)
{
	switch (width) {
	case 1: COPY_ROWS(uint8_t, to, i, from, rows[i]); return;
	case 2: COPY_ROWS(uint16_t, to, i, from, rows[i]); return;
	case 4: COPY_ROWS(uint32_t, to, i, from, rows[i]); return;
	case 8: COPY_ROWS(uint64_t, to, i, from, rows[i]); return;
	default: COPY_ROWS(struct pair, to, i, from, rows[i]); return;
	}
}

static void scatter_values(void *to, const void *from, size_t width, const uint32_t *rows, uint32_t count)
{
	if (rows == NULL) {
		memcpy(to, from, count * width);
		return;
	}
	switch (width) {
	case 1: COPY_ROWS(uint8_t, to, rows[i], from, i); return;
	case 2: COPY_ROWS(uint16_t, to, rows[i], from, i); return;
	case 4: COPY_ROWS(uint32_t, to, rows[i], from, i); return;
	case 8: COPY_ROWS(uint64_t, to, rows[i], from, i); return;
	default: COPY_ROWS(struct pair, to, rows[i], from, i); return;
	}
}

static tr_code gather_nested(struct tr_call *call, const struct tr_column *source, const uint32_t *rows,
			     struct tr_column *out)
{
	struct tr_picks picks;

	tr_picks_init(&picks, call->heap, call->count);
	for (uint32_t i = 0; i < call->count; i++)
		tr_pick(&picks, 0, rows[i]);
	return tr_picks_gather(&picks, source->type, &source, 1, out, call->status);
}

/* The rows of an argument, one behind the other. */
static tr_code gather(struct tr_call *call, const struct tr_column *source, const uint32_t *rows, struct tr_column *out)
{
	const size_t width = tr_phys_bytes((enum tr_phys)source->type->phys);

	*out = *source;
	if (source->is_constant || source->type->phys == TR_PHYS_NONE)
		return TR_OK;
	if (source->type->phys == TR_PHYS_LIST || source->type->phys == TR_PHYS_ROW)
		return gather_nested(call, source, rows, out);
	out->data = tr_arena_alloc_aligned(call->heap, TR_MAX(call->count * width, 1u), 64);
	gather_values((void *)(uintptr_t)out->data, source->data, width, rows, call->count);
	if (source->validity != NULL) {
		uint64_t *bits = tr_arena_zalloc(call->heap, TR_BITMAP_WORDS(call->count) * sizeof(*bits));

		for (uint32_t i = 0; i < call->count; i++)
			tr_bit_assign(bits, i, tr_bit_get(source->validity, rows[i]));
		out->validity = bits;
	}
	return TR_OK;
}

static tr_code failed(struct tr_call *call, struct tr_user_local *local, uint32_t number, const uint32_t *rows)
{
	call->failed_row = number >= call->count ? UINT32_MAX : rows != NULL ? rows[number] : number;
	if (call->status != NULL)
		*call->status = local->status;
	return local->status.code;
}

static bool are_all_set(const uint64_t *bits, uint32_t count)
{
	uint64_t all = ~UINT64_C(0);

	for (uint32_t w = 0; w < count / 64; w++)
		all &= bits[w];
	return (all & (count % 64 != 0 ? bits[count / 64] | ~UINT64_C(0) << count % 64 : all)) == ~UINT64_C(0);
}

/* What was made for row number i goes to the i-th row of the call. */
static void give(struct tr_call *call, const uint32_t *rows, const void *data, const uint64_t *validity)
{
	const size_t width = tr_phys_bytes((enum tr_phys)call->type->phys);

	if (data != call->out)
		scatter_values(call->out, data, width, rows, call->count);
	if (validity == NULL || are_all_set(validity, call->count))
		return;
	for (uint32_t i = 0; i < call->count; i += 64) {
		const uint32_t n = TR_MIN(call->count - i, 64u);
		uint64_t nulls = ~validity[i / 64] & (n == 64 ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1);

		for (; nulls != 0; nulls &= nulls - 1) {
			const uint32_t number = i + (uint32_t)__builtin_ctzll(nulls);

			tr_call_set_null(call, rows != NULL ? rows[number] : number);
		}
	}
}

/* ---- row by row ---- */

static tr_code run_rows(struct tr_call *call, struct tr_user_local *local)
{
	const struct tr_user_function *f = &local->plan->function;
	const struct tr_batch arguments = {.schema = &local->plan->arguments,
					   .row_count = call->row_count,
					   .selected_count = call->count,
					   .selection = call->rows,
					   .columns = call->args,
					   .watermark_ms = TR_WATERMARK_MIN};
	const void *before = tr_run_enter(local);
	tr_code code = TR_OK;
	uint32_t done = 0;

	tr_user_begin_rows(local, call->count);
	for (; done < call->count && code == TR_OK; done++) {
		const struct tr_row row = {&arguments, call->rows != NULL ? call->rows[done] : done};

		code = f->on_row(&local->context, &row, &local->out, &local->status);
		code = tr_user_end_row(local, done, code);
	}
	tr_run_leave(before);
	if (code != TR_OK)
		return failed(call, local, done - 1, call->rows);
	tr_batch_buffer_seal(local->buffer, call->count);
	give(call, call->rows, local->buffer->columns[0].data, local->buffer->batch.columns[0].validity);
	return TR_OK;
}

/* ---- by batches ---- */

/* Memory for a result beside the call's. */
static struct tr_vector make_vector(struct tr_call *call)
{
	const size_t data_bytes = call->count * tr_phys_bytes((enum tr_phys)call->type->phys);
	const size_t bit_bytes = TR_BITMAP_WORDS(call->count) * sizeof(uint64_t);
	struct tr_vector vector = {.data = tr_arena_alloc_aligned(call->heap, data_bytes + TR_RUN_GUARD_BYTES, 64),
				   .validity = tr_arena_alloc_aligned(call->heap, bit_bytes + TR_RUN_GUARD_BYTES, 64)};

	if (IS_GUARDED) {
		tr_run_guard_put((char *)vector.data + data_bytes);
		tr_run_guard_put((char *)vector.validity + bit_bytes);
	}
	memset(vector.validity, 0xFF, bit_bytes);
	return vector;
}

/* Takes the guards away. */
static bool is_whole(struct tr_call *call, const struct tr_vector *vector)
{
	const size_t data_bytes = call->count * tr_phys_bytes((enum tr_phys)call->type->phys);
	const bool has_data = tr_run_guard_take((char *)vector->data + data_bytes);

	return tr_run_guard_take((char *)vector->validity + TR_BITMAP_WORDS(call->count) * sizeof(uint64_t)) &&
	       has_data;
}

static tr_code check_result(struct tr_call *call, struct tr_user_local *local, const uint64_t *validity)
{
	if (local->plan->overload->type->is_nullable || local->plan->function.is_harmless)
		return TR_OK;
	if (!are_all_set(validity, call->count))
		return tr_user_fail(local, "the result is NULL, and was declared NOT NULL");
	return TR_OK;
}

static tr_code run_batch(struct tr_call *call, struct tr_user_local *local)
{
	const uint32_t *rows = listed(call);
	const bool is_own = rows != NULL || IS_GUARDED;
	struct tr_vector vector = {.data = call->out, .validity = call->validity};
	struct tr_batch arguments = {.schema = &local->plan->arguments,
				     .row_count = call->count,
				     .selected_count = call->count,
				     .columns = call->args,
				     .watermark_ms = TR_WATERMARK_MIN};
	struct tr_vector own = {0};
	const void *before;
	tr_code code;

	if (rows != NULL) {
		struct tr_column *columns = TR_NEW_ARRAY(call->heap, call->arg_count + 1, struct tr_column);

		for (uint32_t i = 0; i < call->arg_count; i++)
			TR_TRY(gather(call, &call->args[i], rows, &columns[i]));
		arguments.columns = columns;
	}
	if (is_own)
		vector = own = make_vector(call);
	vector.type = local->plan->overload->type;
	vector.row_count = call->count;
	vector.failed_row = UINT32_MAX;
	vector.memory = local;
	before = tr_run_enter(local);
	code = local->plan->function.on_batch(&local->context, &arguments, &vector, &local->status);
	tr_run_leave(before);
	if (IS_GUARDED && !is_whole(call, &own))
		code = tr_user_fail(local, "it has written past the end of its result, which has room for %u values",
				    call->count);
	else if (code != TR_OK || local->mistake.code != TR_OK)
		code = tr_user_returned(local, code);
	if (code == TR_OK)
		code = check_result(call, local, is_own ? own.validity : call->validity);
	if (code != TR_OK)
		return failed(call, local, vector.failed_row, rows);
	give(call, rows, is_own ? own.data : call->out, is_own ? own.validity : call->validity);
	return TR_OK;
}

tr_code tr_user_run_scalar(struct tr_call *call)
{
	struct tr_user_local *local = call->local;

	local->heap = call->heap;
	if (!local->is_open && tr_user_ready(local) != TR_OK)
		return failed(call, local, UINT32_MAX, NULL);
	return local->plan->function.on_batch != NULL ? run_batch(call, local) : run_rows(call, local);
}
