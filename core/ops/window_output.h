/* SPDX-License-Identifier: Apache-2.0
 *
 * What the window operators have in common: their parts in one struct, late rows, and results put into batches.
 *
 *     result   keys.. | aggregates.. | window_start | window_end | window_time        (the last ones if the schema has them)
 *
 * window_start and window_end are local times, window_time is the last ms of the window: local for TIMESTAMP, the
 * instant for TIMESTAMP_LTZ.
 */
#ifndef TR_CORE_OPS_WINDOW_OUTPUT_H
#define TR_CORE_OPS_WINDOW_OUTPUT_H

#include "core/ops/agg_layout.h"
#include "core/ops/op_window.h"
#include "core/ops/window_save.h"
#include "core/ops/window_state.h"
#include "core/ops/window_time.h"
#include "state/key_table.h"
#include "state/slice.h"

/** Embedded first in each window operator's state. */
struct tr_window_op {
	struct tr_op op;
	const struct tr_window_plan *plan;
	struct tr_window_clock clock;
	struct tr_agg_layout layout;
	struct tr_key_table *keys;
	struct tr_slice_pool pool;
	struct tr_batch_buffer *out;
	struct tr_window_state state;
	struct tr_window_save save;
	bool has_slices;                      /* entries are saved by slices that have ids */
	bool are_slices_windows;              /* each of these is a window */
	int64_t watermark_ms;                 /* the last one that came in */
	int64_t forwarded_ms;                 /* the last one passed on */
	const struct tr_column **key_columns; /* scratch: key_count */
	uint32_t capacity;                    /* of the following, in rows */
	uint32_t *slots;
	uint32_t *touched;
	uint32_t *touched_slots;
	char **entries;
	char **sources;
};

/** The column of the input that is key k: partials begin with the keys. */
static inline uint32_t tr_window_key_column(const struct tr_window_plan *plan, uint32_t k)
{
	return plan->phase == TR_PHASE_GLOBAL ? k : plan->keys[k];
}

/** Sets up the common parts. On failure the caller calls tr_window_op_deinit. */
tr_code tr_window_op_init(struct tr_window_op *w, const struct tr_op_ops *ops, const struct tr_window_plan *plan,
			  struct tr_op_context *context, struct tr_status *st) TR_MUST_USE;
void tr_window_op_deinit(struct tr_window_op *w);

/** Room in the scratch arrays for at least `count` rows. */
void tr_window_op_reserve(struct tr_window_op *w, uint32_t count);

/** Slots of the keys in `rows` of the batch, into w->slots. */
void tr_window_op_map_keys(struct tr_window_op *w, const struct tr_batch *batch, const uint32_t *rows, uint32_t count);

/** Puts `count` results of one window into w->out. `slots` and `entries` are the groups; count <= op's batch_rows. */
void tr_window_op_write(struct tr_window_op *w, const uint32_t *slots, char *const *entries, uint32_t count,
			int64_t start, int64_t end);

void tr_window_op_seal(struct tr_window_op *w, uint32_t count);

/** The failure of an aggregate, if one could not take a row or give a result: then nothing of the state is to be kept. */
tr_code tr_window_op_check(const struct tr_window_op *w, struct tr_status *st) TR_MUST_USE;

/** Emits w->out, unless an aggregate has failed over what is in it. */
enum tr_flow tr_window_op_emit(struct tr_window_op *w);

/** All but the keys of results at rows at .. of w->out, which the caller has cleared and will seal. */
void tr_window_op_write_results(struct tr_window_op *w, uint32_t at, char *const *entries, uint32_t count,
				int64_t start, int64_t end);

/** Whether the operator owes the one row of an aggregation of nothing: it is over the whole input, without keys. */
static inline bool tr_window_op_owes_row(const struct tr_window_op *w)
{
	return w->plan->window.is_whole && w->plan->key_count == 0 && w->watermark_ms == TR_WATERMARK_MAX;
}

/** Puts that row into w->out. */
void tr_window_op_write_nothing(struct tr_window_op *w);

/** Only their times. */
void tr_window_op_write_times(struct tr_window_op *w, uint32_t at, uint32_t count, int64_t start, int64_t end);

/** Whether rows are grouped by one column of at most 8 bytes, which fits state/group_table.h. */
bool tr_window_has_small_key(const struct tr_window_plan *plan);

/** The makers; each fails like tr_op_window_create. */
tr_code tr_op_window_slice_create(const struct tr_window_plan *plan, struct tr_op_context *context, struct tr_op **op,
				  struct tr_status *st) TR_MUST_USE;
tr_code tr_op_window_tumble_create(const struct tr_window_plan *plan, struct tr_op_context *context, struct tr_op **op,
				   struct tr_status *st) TR_MUST_USE;
tr_code tr_op_window_local_create(const struct tr_window_plan *plan, struct tr_op_context *context, struct tr_op **op,
				  struct tr_status *st) TR_MUST_USE;
tr_code tr_op_window_general_create(const struct tr_window_plan *plan, struct tr_op_context *context, struct tr_op **op,
				    struct tr_status *st) TR_MUST_USE;
tr_code tr_op_window_session_create(const struct tr_window_plan *plan, struct tr_op_context *context, struct tr_op **op,
				    struct tr_status *st) TR_MUST_USE;

#endif
