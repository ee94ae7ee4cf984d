/* SPDX-License-Identifier: Apache-2.0
 *
 * See op_window_rank.h and rank_inner.h: rows in, results out.
 */
#include "core/ops/op_window_rank.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/column_buffer.h"
#include "base/type.h"
#include "core/ops/rank_inner.h"

/* ---- groups ---- */

static int compare(const struct tr_rank_op *r, uint32_t a, uint32_t b)
{
	const struct tr_column *left, *right;
	const uint32_t left_row = tr_rank_rows_at(&r->rows, a, &left);
	const uint32_t right_row = tr_rank_rows_at(&r->rows, b, &right);

	return tr_row_order_compare(r->order, r->order_count, left, left_row, right, right_row);
}

/* The last in order is to be on top: refs[at] sinks. */
static void sift_down(const struct tr_rank_op *r, uint32_t *refs, uint32_t count, uint32_t at)
{
	const uint32_t moving = refs[at];

	for (;;) {
		uint32_t child = at * 2 + 1;

		if (child >= count)
			break;
		if (child + 1 < count && compare(r, refs[child + 1], refs[child]) > 0)
			child++;
		if (compare(r, refs[child], moving) <= 0)
			break;
		refs[at] = refs[child];
		at = child;
	}
	refs[at] = moving;
}

static void push(struct tr_rank_op *r, struct tr_rank_group *group, uint32_t ref)
{
	uint32_t at = group->count++;
	uint32_t *refs;

	if (at == 0) {
		*tr_rank_refs(group) = ref;
		return;
	}
	if (at >= TR_MAX(group->capacity, 1)) {
		const uint32_t capacity = TR_MAX(4, group->capacity * 2);
		uint32_t *grown = realloc(group->capacity > 0 ? group->many : NULL, capacity * sizeof(*grown));

		TR_ASSERT(grown != NULL);
		r->list_bytes += (capacity - group->capacity) * sizeof(*grown);
		if (group->capacity == 0)
			grown[0] = group->one;
		group->many = grown;
		group->capacity = capacity;
	}
	refs = group->many;
	while (at > 0 && compare(r, ref, refs[(at - 1) / 2]) > 0) {
		refs[at] = refs[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	refs[at] = ref;
}

/* Turns the heap into the order. */
static void sort(const struct tr_rank_op *r, struct tr_rank_group *group)
{
	uint32_t *refs = tr_rank_refs(group);

	for (uint32_t count = group->count; count > 1;) {
		const uint32_t last = refs[--count];

		refs[count] = refs[0];
		refs[0] = last;
		sift_down(r, refs, count, 0);
	}
}

/* Whether row `row` of the batch comes before `ref`. */
static bool is_before(const struct tr_rank_op *r, const struct tr_batch *batch, uint32_t row, uint32_t ref)
{
	const struct tr_column *columns;
	const uint32_t other = tr_rank_rows_at(&r->rows, ref, &columns);

	return tr_row_order_compare(r->order, r->order_count, batch->columns, row, columns, other) < 0;
}

/* ---- buckets ---- */

/* The bucket of this end; made if need be. */
static struct tr_rank_bucket *bucket_of(struct tr_rank_op *r, int64_t end)
{
	uint32_t low = 0, high = r->bucket_count;
	struct tr_rank_bucket *made;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (r->buckets[middle]->end == end)
			return r->buckets[middle];
		if (r->buckets[middle]->end < end)
			low = middle + 1;
		else
			high = middle;
	}
	if (r->bucket_count == r->bucket_capacity) {
		r->bucket_capacity = TR_MAX(16, r->bucket_capacity * 2);
		r->buckets = realloc(r->buckets, r->bucket_capacity * sizeof(struct tr_rank_bucket *));
		TR_ASSERT(r->buckets != NULL);
	}
	made = calloc(1, sizeof(*made));
	TR_ASSERT(made != NULL);
	made->end = end;
	memmove(r->buckets + low + 1, r->buckets + low, (r->bucket_count - low) * sizeof(struct tr_rank_bucket *));
	r->buckets[low] = made;
	r->bucket_count++;
	return made;
}

void tr_rank_bucket_add(struct tr_rank_op *r, struct tr_rank_bucket *bucket, uint32_t slot)
{
	if (bucket->count == bucket->capacity) {
		const uint32_t capacity = TR_MAX(16, bucket->capacity * 2);

		bucket->slots = tr_checked(realloc(bucket->slots, capacity * sizeof(*bucket->slots)));
		r->list_bytes += (capacity - bucket->capacity) * sizeof(*bucket->slots);
		bucket->capacity = capacity;
	}
	bucket->slots[bucket->count++] = slot;
}

static void bucket_empty(struct tr_rank_op *r, struct tr_rank_bucket *bucket)
{
	r->list_bytes -= bucket->capacity * sizeof(*bucket->slots);
	free(bucket->slots);
	bucket->slots = NULL;
	bucket->count = bucket->capacity = 0;
}

static void bucket_destroy(struct tr_rank_op *r, struct tr_rank_bucket *bucket)
{
	bucket_empty(r, bucket);
	free(bucket);
}

/* ---- rows in ---- */

static void reserve(struct tr_rank_op *r, uint32_t rows)
{
	const uint32_t limit = tr_key_table_slot_limit(r->keys) + rows;

	if (rows > r->slot_capacity) {
		r->slot_capacity = rows;
		r->slots = realloc(r->slots, rows * sizeof(*r->slots));
		TR_ASSERT(r->slots != NULL);
	}
	if (limit > r->group_capacity) {
		const uint32_t capacity = TR_MAX(limit, r->group_capacity + r->group_capacity / 2);

		r->groups = realloc(r->groups, capacity * sizeof(*r->groups));
		TR_ASSERT(r->groups != NULL);
		memset(r->groups + r->group_capacity, 0, (capacity - r->group_capacity) * sizeof(*r->groups));
		r->group_capacity = capacity;
	}
}

static void take_row(struct tr_rank_op *r, const struct tr_batch *batch, uint32_t row, uint32_t slot,
		     struct tr_rank_bucket *bucket)
{
	struct tr_rank_group *group = &r->groups[slot];
	uint32_t *refs;

	if (group->count < r->plan->to) {
		if (group->count == 0)
			tr_rank_bucket_add(r, bucket, slot);
		push(r, group, tr_rank_rows_add(&r->rows, row, slot));
		return;
	}
	refs = tr_rank_refs(group);
	if (!is_before(r, batch, row, refs[0]))
		return;
	tr_rank_rows_remove(&r->rows, refs[0]);
	refs[0] = tr_rank_rows_add(&r->rows, row, slot);
	sift_down(r, refs, group->count, 0);
}

/* The group's rows in a chunk go to another. */
static void move_rows(struct tr_rank_op *r, struct tr_rank_group *group, uint32_t number)
{
	uint32_t *refs = tr_rank_refs(group);

	for (uint32_t i = 0; i < group->count; i++)
		if (refs[i] / TR_RANK_CHUNK_ROWS == number)
			refs[i] = tr_rank_rows_move(&r->rows, refs[i]);
}

/* Chunks of which little is left are given up, their rows copied to others: a group is looked through once for each. */
static void tidy(struct tr_rank_op *r)
{
	uint32_t number;

	while ((number = tr_rank_rows_sparse(&r->rows)) != UINT32_MAX) {
		struct tr_rank_chunk *chunk = r->rows.chunks[number];
		const uint32_t count = chunk->count;

		for (uint32_t row = 0, left = chunk->live; left > 0 && row < count; row++) {
			if (chunk->gone[row] != 0)
				continue;
			move_rows(r, &r->groups[chunk->slots[row]], number);
			left = r->rows.chunks[number] == chunk ? chunk->live : 0;
		}
	}
}

void tr_rank_take_rows(struct tr_rank_op *r, const struct tr_batch *batch, const uint32_t *rows, uint32_t count,
		       struct tr_rank_bucket *bucket)
{
	reserve(r, count);
	for (uint32_t k = 0; k < r->plan->key_count; k++)
		r->key_columns[k] = &batch->columns[r->plan->keys[k]];
	tr_key_table_map(r->keys, r->key_columns, rows, count, r->slots);
	tr_rank_rows_begin(&r->rows, batch);
	for (uint32_t i = 0; i < count; i++)
		take_row(r, batch, rows[i], r->slots[i], bucket);
	tr_rank_rows_end(&r->rows);
	tidy(r);
}

tr_code tr_rank_take(struct tr_rank_op *r, const struct tr_batch *batch, int64_t watermark_ms, struct tr_status *st)
{
	const struct tr_window_assign *assign = &r->assign;

	TR_TRY(tr_window_assign_rows(&r->assign, batch, watermark_ms, st));
	if (assign->has_exceptions)
		tr_window_assign_group(&r->assign, batch);
	r->op.metrics.rows_late += assign->late_count;
	if (assign->count == 0 || r->plan->to == 0)
		return TR_OK;
	reserve(r, assign->count);
	for (uint32_t k = 0; k < r->plan->key_count; k++)
		r->key_columns[k] = &batch->columns[r->plan->keys[k]];
	tr_key_table_map(r->keys, r->key_columns, assign->rows, assign->count, r->slots);
	tr_rank_rows_begin(&r->rows, batch);
	for (uint32_t t = 0; t < assign->target_count; t++) {
		const struct tr_window_target *target = &assign->targets[t];
		struct tr_rank_bucket *bucket = bucket_of(r, target->first_end);

		for (uint32_t i = target->first; i < target->first + target->count; i++)
			take_row(r, batch, assign->rows != NULL ? assign->rows[i] : i, r->slots[i], bucket);
	}
	tr_rank_rows_end(&r->rows);
	tidy(r);
	return TR_OK;
}

void tr_rank_forget(struct tr_rank_op *r)
{
	for (uint32_t slot = 0; slot < r->group_capacity; slot++)
		if (r->groups[slot].capacity > 0)
			free(r->groups[slot].many);
	free(r->groups);
	r->groups = NULL;
	r->group_capacity = 0;
	for (uint32_t i = 0; i < r->bucket_count; i++)
		bucket_empty(r, r->buckets[i]);
	r->list_bytes = 0;
	tr_rank_rows_clear(&r->rows);
	tr_key_table_clear(r->keys);
}

static void tell_size(struct tr_rank_op *r) { r->op.metrics.state_bytes = r->rows.bytes + tr_key_table_bytes(r->keys); }

static enum tr_flow advance(struct tr_rank_op *r);

static enum tr_flow on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct tr_rank_op *r = (struct tr_rank_op *)op;

	TR_ASSERT(input == 0);
	if (tr_rank_take(r, batch, r->watermark_ms, &op->context->status) != TR_OK)
		return TR_FLOW_FAILED;
	tell_size(r);
	if (!tr_rank_spill_is_over(r))
		return TR_FLOW_MORE;
	r->must_freeze = true;
	return advance(r);
}

/* ---- results out ---- */

/* Rows [r->fire_rank, ..) of the sorted group go to the output from row `at` on, those of one chunk at once. Returns how many. */
static uint32_t write_rows(struct tr_rank_op *r, const struct tr_rank_group *group, const uint32_t *refs, uint32_t at)
{
	struct tr_batch_buffer *out = r->out;
	const uint32_t first = r->fire_rank, number = refs[first] / TR_RANK_CHUNK_ROWS;
	const struct tr_rank_chunk *chunk = r->rows.chunks[number];
	uint32_t rows[TR_RANK_CHUNK_ROWS];
	uint32_t count = 0;

	while (first + count < group->count && at + count < out->capacity && count < TR_RANK_CHUNK_ROWS &&
	       refs[first + count] / TR_RANK_CHUNK_ROWS == number) {
		rows[count] = refs[first + count] % TR_RANK_CHUNK_ROWS;
		count++;
	}
	for (uint32_t c = 0; c < r->plan->input->column_count; c++)
		tr_column_buffer_gather(&out->columns[c], at, &chunk->columns[c], rows, count, &out->heap);
	if (r->plan->has_number) {
		int64_t *numbers = (int64_t *)out->columns[r->plan->input->column_count].data + at;

		for (uint32_t i = 0; i < count; i++)
			numbers[i] = (int64_t)first + i + 1;
	}
	r->fire_rank += count;
	return count;
}

static void end_group(struct tr_rank_op *r, uint32_t slot)
{
	struct tr_rank_group *group = &r->groups[slot];
	const uint32_t *refs = tr_rank_refs(group);

	for (uint32_t i = 0; i < group->count; i++)
		tr_rank_rows_remove(&r->rows, refs[i]);
	if (group->capacity > 0)
		free(group->many);
	r->list_bytes -= group->capacity * sizeof(*group->many);
	*group = (struct tr_rank_group){.count = 0};
	tr_key_table_remove(r->keys, slot);
	r->fire_slot++;
	r->fire_rank = 0;
	r->is_sorted = false;
}

/* Fills the output from the first bucket. Returns the rows; less than there is room for: the bucket is done. */
static uint32_t fill(struct tr_rank_op *r, const struct tr_rank_bucket *bucket)
{
	uint32_t count = 0;

	tr_batch_buffer_clear(r->out);
	while (r->fire_slot < bucket->count && count < r->out->capacity) {
		struct tr_rank_group *group = &r->groups[bucket->slots[r->fire_slot]];

		if (!r->is_sorted) {
			sort(r, group);
			r->is_sorted = true;
			r->fire_rank = (uint32_t)TR_MIN(r->plan->from - 1, (uint64_t)group->count);
		}
		while (r->fire_rank < group->count && count < r->out->capacity)
			count += write_rows(r, group, tr_rank_refs(group), count);
		if (r->fire_rank == group->count)
			end_group(r, bucket->slots[r->fire_slot]);
	}
	tr_batch_buffer_add_run(r->out, 0, r->forwarded_ms);
	tr_batch_buffer_seal(r->out, count);
	r->out->batch.watermark_ms = r->forwarded_ms;
	return count;
}

static enum tr_flow advance(struct tr_rank_op *r)
{
	const enum tr_rank_after after = r->after;

	if (r->must_freeze) {
		const enum tr_flow flow = tr_rank_spill_freeze(r);

		if (flow != TR_FLOW_MORE)
			return flow;
		r->must_freeze = false;
		tell_size(r);
	}
	while (r->bucket_count > 0 && tr_window_timer(&r->clock, r->buckets[0]->end) <= r->watermark_ms) {
		enum tr_flow flow;

		if (tr_rank_spill_is_due(r, r->buckets[0])) {
			tidy(r);
			flow = tr_rank_spill_next(r, r->buckets[0]);
			if (flow == TR_FLOW_BLOCKED || flow == TR_FLOW_FAILED)
				return flow;
			continue;
		}
		if (r->fire_slot == r->buckets[0]->count) {
			bucket_destroy(r, r->buckets[0]);
			memmove(r->buckets, r->buckets + 1, --r->bucket_count * sizeof(struct tr_rank_bucket *));
			r->fire_slot = 0;
			continue;
		}
		if (fill(r, r->buckets[0]) == 0)
			continue;
		flow = tr_op_emit(&r->op, &r->out->batch);
		if (flow != TR_FLOW_MORE)
			return flow;
	}
	tidy(r);
	tell_size(r);
	r->after = TR_RANK_AFTER_NOTHING;
	if (after == TR_RANK_AFTER_END)
		return tr_op_emit_end(&r->op);
	if (after == TR_RANK_AFTER_NOTHING)
		return TR_FLOW_MORE;
	r->forwarded_ms = r->op.metrics.watermark_ms = r->watermark_ms;
	return tr_op_emit_watermark(&r->op, r->watermark_ms);
}

static enum tr_flow on_watermark(struct tr_op *op, uint32_t input, int64_t watermark_ms)
{
	struct tr_rank_op *r = (struct tr_rank_op *)op;

	if (watermark_ms <= r->watermark_ms)
		return TR_FLOW_MORE;
	r->watermark_ms = watermark_ms;
	r->after = TR_RANK_AFTER_WATERMARK;
	return advance(r);
}

static enum tr_flow on_end(struct tr_op *op, uint32_t input)
{
	struct tr_rank_op *r = (struct tr_rank_op *)op;

	r->after = TR_RANK_AFTER_END;
	return advance(r);
}

static enum tr_flow resume(struct tr_op *op) { return advance((struct tr_rank_op *)op); }

/* ---- operator ---- */

static void destroy(struct tr_op *op)
{
	struct tr_rank_op *r = (struct tr_rank_op *)op;

	tr_rank_spill_destroy(r);
	for (uint32_t i = 0; i < r->group_capacity; i++)
		if (r->groups[i].capacity > 0)
			free(r->groups[i].many);
	for (uint32_t i = 0; i < r->bucket_count; i++)
		bucket_destroy(r, r->buckets[i]);
	tr_window_assign_deinit(&r->assign);
	tr_window_clock_deinit(&r->clock);
	tr_rank_rows_deinit(&r->rows);
	tr_key_table_destroy(&r->keys);
	tr_batch_buffer_destroy(&r->out);
	tr_rank_state_deinit(r);
	tr_arena_deinit(&r->arena);
	free(r->groups);
	free(r->buckets);
	free(r->slots);
	free(r);
}

static const struct tr_op_ops rank_ops = {
	.name = "window rank",
	.on_batch = on_batch,
	.on_watermark = on_watermark,
	.on_end = on_end,
	.resume = resume,
	.snapshot = tr_rank_snapshot,
	.snapshot_step = tr_rank_snapshot_step,
	.load = tr_rank_load,
	.load_end = tr_rank_load_end,
	.state_bytes = tr_rank_state_bytes,
	.kinds = tr_rank_state_kinds,
	.destroy = destroy,
};

/* The plan's order, and then all other columns that have one. */
static void make_order(struct tr_rank_op *r)
{
	const struct tr_window_rank_plan *plan = r->plan;
	const uint32_t columns = plan->input->column_count;

	r->order = TR_NEW_ARRAY(&r->arena, plan->order_count + columns + 1, struct tr_order_key);
	for (uint32_t i = 0; i < plan->order_count; i++)
		r->order[r->order_count++] = plan->order[i];
	for (uint32_t c = 0; c < columns; c++) {
		bool is_known = !tr_type_is_ordered(plan->input->types[c]);

		for (uint32_t i = 0; i < plan->order_count; i++)
			is_known = is_known || plan->order[i].column == c;
		for (uint32_t i = 0; i < plan->key_count; i++)
			is_known = is_known || plan->keys[i] == c;
		if (!is_known)
			r->order[r->order_count++] = (struct tr_order_key){.column = c, .nulls_first = true};
	}
}

static tr_code set_up(struct tr_rank_op *r, struct tr_status *st)
{
	const struct tr_window_rank_plan *plan = r->plan;
	const struct tr_type **types = TR_NEW_ARRAY(&r->arena, plan->key_count + 1, const struct tr_type *);

	for (uint32_t i = 0; i < plan->order_count; i++)
		if (!tr_type_is_ordered(plan->input->types[plan->order[i].column]))
			TR_FAIL(st, TR_ERR_DATA, "window rank: %s has no order",
				plan->input->names[plan->order[i].column]);
	for (uint32_t k = 0; k < plan->key_count; k++)
		types[k] = plan->input->types[plan->keys[k]];
	TR_TRY(tr_window_clock_init(&r->clock, &plan->window, st));
	return tr_key_table_create(types, plan->key_count, &r->keys, st);
}

tr_code tr_op_window_rank_create(const struct tr_window_rank_plan *plan, struct tr_op_context *context,
				 struct tr_op **op, struct tr_status *st)
{
	struct tr_rank_op *r = calloc(1, sizeof(*r));
	tr_code code;

	TR_ASSERT(r != NULL && plan->from >= 1 && plan->key_count > 0);
	*op = NULL;
	r->op.ops = &rank_ops;
	r->op.context = context;
	r->op.timer_ms = INT64_MAX;
	r->op.output = plan->output;
	r->op.metrics.watermark_ms = TR_WATERMARK_MIN;
	r->plan = plan;
	r->watermark_ms = r->forwarded_ms = TR_WATERMARK_MIN;
	tr_arena_init(&r->arena, 1024);
	tr_rank_rows_init(&r->rows, plan->input);
	tr_window_assign_init(&r->assign, &r->clock);
	r->out = tr_batch_buffer_create(plan->output, TR_MAX(context->batch_rows, 1));
	r->key_columns = TR_NEW_ARRAY(&r->arena, plan->key_count, const struct tr_column *);
	make_order(r);
	tr_rank_state_init(r);
	code = set_up(r, st);
	if (code != TR_OK) {
		destroy(&r->op);
		return code;
	}
	tr_rank_spill_create(r);
	*op = &r->op;
	return TR_OK;
}
