/* SPDX-License-Identifier: Apache-2.0
 *
 * Source task: decode ahead, confirm, stamp, push. core/source_task.h has the states and the rules,
 * core/source_task_state.c what is saved and restored.
 *
 * The queue holds the batches of one chunk only, because they may point into the reader's input buffer, which is reused
 * for its next chunk. Entries [0, stamped) are stamped, [pushed, count) are still to be pushed. While the chunk is
 * confirmed, a batch is stamped and pushed as soon as it is decoded and entry 0 is used again and again, so that the
 * rows are still in the cache.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/type.h"
#include "core/source_task_inner.h"

/* The position of a row: the number of its split, and that of the row in it. As many rows as nobody will read. */
#define POSITION_BITS 48
#define SPLIT_MAX (((uint64_t)1 << (63 - POSITION_BITS)) - 1)

static bool is_stuck(enum tr_flow flow) { return flow == TR_FLOW_BLOCKED || flow == TR_FLOW_FAILED; }

static enum tr_turn step_of(enum tr_flow flow) { return flow == TR_FLOW_FAILED ? TR_TURN_FAILED : TR_TURN_PROGRESS; }

/* Creating. */

/** Bytes that a row of this type takes in a batch buffer, text left out (it lies in the reader's buffer). */
static size_t row_bytes(const struct tr_type *type)
{
	size_t bytes = tr_phys_bytes(type->phys);

	for (uint32_t i = 0; i < type->child_count; i++) /* as deep as types: TR_TYPE_DEPTH_MAX */
		bytes += row_bytes(type->children[i]);
	return bytes;
}

/** How many batches take `bytes`. */
static size_t batches_in(size_t bytes, const struct tr_table_spec *table)
{
	size_t row = 1;

	for (uint32_t i = 0; i < table->schema->column_count; i++)
		row += row_bytes(table->schema->types[i]);
	return bytes / (row * table->batch_rows);
}

tr_code tr_source_task_create(const struct tr_source_plan *plan, struct tr_op_context *context, struct tr_io_queue *io,
			      struct tr_wake_set *wakes, struct tr_op *next, struct tr_source_task **task,
			      struct tr_status *st)
{
	struct tr_source_task *t = calloc(1, sizeof(*t));
	tr_code code;

	TR_ASSERT(t != NULL && plan->program != NULL);
	tr_source_task_state_init(t);
	t->head.context = context;
	t->head.next = next;
	t->head.timer_ms = INT64_MAX;
	t->head.output = plan->output;
	t->head.metrics.watermark_ms = TR_WATERMARK_MIN;
	t->plan = plan;
	t->wakes = wakes;
	t->emitted_ms = TR_WATERMARK_MIN;
	t->reached_ms = TR_WATERMARK_MIN;
	t->timer_ns = INT64_MAX;
	t->reader_context = (struct tr_source_context){
		.env = context->env,
		.io = io,
		.subtask = context->subtask,
		.subtask_count = context->subtask_count,
		.wake_at_ns = INT64_MAX,
		.is_ahead = plan->drift != NULL ? tr_source_task_is_ahead : NULL,
	};
	t->queue_max = (uint32_t)TR_MIN(TR_MAX(batches_in(TR_SOURCE_QUEUE_BYTES, plan->table), 2), TR_SOURCE_QUEUE_MAX);
	t->hurry_max = (uint32_t)TR_MIN(batches_in(TR_SOURCE_HURRY_BYTES, plan->table), t->queue_max);
	t->queue = calloc(TR_SOURCE_QUEUE_MAX, sizeof(*t->queue));
	t->outputs = calloc(plan->output->column_count + 1, sizeof(*t->outputs));
	TR_ASSERT(t->queue != NULL && t->outputs != NULL);
	t->program = tr_program_state_create(plan->program, &context->program, plan->table->batch_rows);
	if (plan->time_program != NULL)
		t->time_program =
			tr_program_state_create(plan->time_program, &context->program, plan->table->batch_rows);
	if (context->has_checkpoints && plan->ops->reader_barrier == NULL)
		code = tr_status_set(
			st, TR_ERR_CONFIG, 0, TR_WHERE,
			"table %s: its connector '%s' can't say where it stands, so a job that reads it can't "
			"have checkpoints",
			plan->table->name, plan->table->connector->name);
	else
		code = plan->ops->reader_open(plan->source, &t->reader_context, &t->reader, st);
	if (code != TR_OK)
		tr_source_task_destroy(&t);
	*task = t;
	return code;
}

void tr_source_task_destroy(struct tr_source_task **task)
{
	struct tr_source_task *t = *task;

	*task = NULL;
	if (t == NULL)
		return;
	if (t->reader != NULL)
		t->plan->ops->reader_close(&t->reader);
	for (uint32_t i = 0; i < TR_SOURCE_QUEUE_MAX; i++) {
		tr_batch_buffer_destroy(&t->queue[i].buffer);
		free(t->queue[i].watermarks);
	}
	tr_program_state_destroy(&t->program);
	if (t->time_program != NULL)
		tr_program_state_destroy(&t->time_program);
	tr_source_task_state_deinit(t);
	free(t->queue);
	free(t->outputs);
	free(t);
}

struct tr_op *tr_source_task_head(struct tr_source_task *task) { return &task->head; }

uint64_t tr_source_task_checkpoint(const struct tr_source_task *task) { return task->head.metrics.checkpoint; }

const struct tr_source_counters *tr_source_task_counters(const struct tr_source_task *task) { return &task->counters; }

/* Confirming. */

/** `rows` of the confirmed chunk come before the batch. */
static void set_origin(struct tr_source_task *t, struct tr_batch *batch, uint64_t rows)
{
	t->origin = (struct tr_row_origin){.table = t->plan->table->name,
					   .split = t->plan->ops->split_name(t->plan->source, t->split),
					   .row_number = t->rows_before + rows + 1};
	batch->origin = &t->origin;
}

static enum tr_turn fail_held(struct tr_source_task *t)
{
	struct tr_status *st = &t->head.context->status;

	if (t->held.is_null_time) {
		(void)tr_status_set(st, TR_ERR_DATA, 0, TR_WHERE,
				    "table %s: the event time column %s is NULL in row %" PRIu64 " of %s; rows without "
				    "a time can't be placed in event time: filter them out or give them a time with "
				    "COALESCE in a computed column",
				    t->plan->table->name, t->plan->time_name, t->rows_before + t->held.row + 1,
				    t->plan->ops->split_name(t->plan->source, t->split));
		return TR_TURN_FAILED;
	}
	*st = t->held.status;
	if (t->held.is_row) { /* once more, now that the row's number is known */
		struct tr_batch batch = t->queue[t->count].buffer->batch;
		struct tr_column columns[2];

		set_origin(t, &batch, t->chunk_rows);
		if (tr_program_run(t->time_program, &batch, columns, st) == TR_OK) /* can't be: it failed before */
			*st = t->held.status;
	}
	return TR_TURN_FAILED;
}

static void drop_chunk_batches(struct tr_source_task *t)
{
	t->count = 0;
	t->stamped = 0;
	t->pushed = 0;
	t->is_decoded = false;
	t->is_split_end = false;
	t->is_published = false;
	t->chunk_rows = 0;
	t->rows_done = 0;
	t->skip = t->hand != NULL ? t->hand->rows_pushed : 0;
	t->counted = t->uncounted = t->hand != NULL ? t->hand->counted : (struct tr_source_counters){0};
	t->held = (struct tr_held_failure){.is_set = false};
}

/** Takes where the chunk before ends from its carry, or from the restored chunk. False: it is not known yet. */
static bool find_start(struct tr_source_task *t, int64_t *start)
{
	const struct tr_carry_slot *slot = t->slot;

	if (t->hand != NULL && t->hand->position.is_confirmed) {
		*start = t->hand->position.start;
		t->stamp = t->hand->stamp;
		t->rows_before = t->hand->rows_before;
		return true;
	}
	if (t->chunk > 0) {
		/* Acquire pairs with the release in publish(): the other fields are those of the chunk before. */
		const uint64_t done = atomic_load_explicit(&slot->chunks_done, memory_order_acquire);

		TR_ASSERT(done <= t->chunk); /* chunks are dealt once */
		if (done < t->chunk)
			return false;
	}
	*start = atomic_load_explicit(&slot->end, memory_order_relaxed);
	t->stamp.current_ms = atomic_load_explicit(&slot->current_ms, memory_order_relaxed);
	t->stamp.last_ms = atomic_load_explicit(&slot->last_ms, memory_order_relaxed);
	t->rows_before = atomic_load_explicit(&slot->rows, memory_order_relaxed);
	return true;
}

bool tr_source_task_confirm(struct tr_source_task *t)
{
	int64_t start;

	if (!find_start(t, &start))
		return false;
	t->pushed_stamp = t->stamp;
	t->state = TR_CHUNK_CONFIRMED;
	if (t->chunk > 0 && start != t->start && t->plan->ops->rewind != NULL) {
		drop_chunk_batches(t);
		t->start = start;
		t->plan->ops->rewind(t->reader, start);
	}
	return true;
}

/** Whether all chunks before are published, so that the slot is this chunk's to write. */
static bool is_turn_to_publish(const struct tr_source_task *t)
{
	return atomic_load_explicit(&t->slot->chunks_done, memory_order_acquire) == t->chunk;
}

static void store_stamp(struct tr_carry_slot *slot, const struct tr_stamp *stamp)
{
	atomic_store_explicit(&slot->current_ms, stamp->current_ms, memory_order_relaxed);
	atomic_store_explicit(&slot->last_ms, stamp->last_ms, memory_order_relaxed);
}

/** The whole chunk is stamped: lets the reader of the next chunk go on. False: it is not this chunk's turn, or a barrier
 * comes first. */
static bool publish(struct tr_source_task *t)
{
	const bool is_finished = t->is_split_end || (t->hand != NULL && t->hand->is_split_end);
	struct tr_carry_slot *slot = t->slot;
	struct tr_source_carry carry = {
		.split = t->split,
		.chunks_done = t->chunk + 1,
		.end = t->end,
		.stamp = t->stamp,
		.rows = t->rows_before + t->chunk_rows,
	};

	if (!is_turn_to_publish(t))
		return false;
	/* Asked after the acquire of chunks_done: the chunk before may have been published behind a barrier that was not there yet
	 * when this step began. Then that chunk is saved as waiting for a carry that may be this task's last one, which
	 * must be saved before another takes its place. */
	if (tr_op_wanted_barrier(&t->head) != 0)
		return false;
	if (t->hand != NULL && t->hand->is_jump) {
		carry = t->hand->jump;
		carry.stamp.current_ms = TR_MAX(carry.stamp.current_ms, t->stamp.current_ms);
		carry.stamp.last_ms = TR_MAX(carry.stamp.last_ms, t->stamp.last_ms);
	}
	if (t->time_program != NULL)
		store_stamp(slot, &carry.stamp); /* it may not have been this chunk's turn when it was stamped */
	t->is_published = true;
	tr_source_task_note_carry(t, &carry, is_finished);
	atomic_store_explicit(&slot->end, carry.end, memory_order_relaxed);
	atomic_store_explicit(&slot->rows, carry.rows, memory_order_relaxed);
	if (is_finished)
		atomic_store_explicit(&slot->is_finished, true, memory_order_release);
	atomic_store_explicit(&slot->chunks_done, carry.chunks_done, memory_order_release);
	t->wakes->workers |= t->plan->workers;
	return true;
}

/* Stamping. */

static void stamp_entries(struct tr_source_task *t)
{
	for (; t->stamped < t->count; t->stamped++) {
		struct tr_source_entry *entry = &t->queue[t->stamped];

		if (t->time_program != NULL)
			tr_stamp_batch(&t->stamp, entry, t->plan->watermark_interval_ms);
		if (entry->buffer->batch.row_count > 0 || entry->info.is_activity)
			atomic_store_explicit(&t->slot->active_ns, t->now_ns, memory_order_relaxed);
		if (t->time_program != NULL && is_turn_to_publish(t))
			store_stamp(t->slot, &t->stamp);
		if (entry->info.is_last) {
			t->stamped++;
			(void)publish(t);
			return;
		}
	}
}

/* Decoding ahead. */

static struct tr_source_entry *entry_at(struct tr_source_task *t, uint32_t index)
{
	struct tr_source_entry *entry = &t->queue[index];

	if (entry->buffer == NULL) {
		entry->buffer = tr_batch_buffer_create(t->plan->table->schema, t->plan->table->batch_rows);
		if (t->time_program != NULL) {
			entry->watermarks = calloc(t->plan->table->batch_rows, sizeof(*entry->watermarks));
			TR_ASSERT(entry->watermarks != NULL);
		}
	}
	return entry;
}

static void begin_chunk(struct tr_source_task *t, const struct tr_chunk_info *info)
{
	TR_ASSERT(t->count == 0 && t->phase == TR_PUSH_NOTHING);
	t->split = info->split;
	t->chunk = info->chunk;
	t->start = info->start;
	t->limit = info->limit;
	t->hand = tr_source_hand_find(t->plan->carries, info->split, info->chunk);
	t->slot = tr_carries_slot(t->plan->carries, info->split);
	atomic_store_explicit(&t->slot->reader, t->reader_context.subtask + 1, memory_order_relaxed);
	if (atomic_load_explicit(&t->slot->active_ns, memory_order_relaxed) == 0)
		atomic_store_explicit(&t->slot->active_ns, t->now_ns, memory_order_relaxed);
	drop_chunk_batches(t);
	if (t->hand != NULL)
		(void)atomic_fetch_sub_explicit(&t->slot->restored_left, 1, memory_order_relaxed);
	t->state = TR_CHUNK_GUESSED;
}

/** Computes the times of a decoded batch. False: a failure is held. */
static bool compute_times(struct tr_source_task *t, struct tr_source_entry *entry)
{
	const struct tr_batch *batch = &entry->buffer->batch;
	struct tr_column columns[2];
	uint32_t row;

	if (tr_program_run(t->time_program, batch, columns, &t->held.status) != TR_OK) {
		t->held.is_set = true;
		t->held.is_row = true;
		return false;
	}
	if (tr_stamp_find_null(&columns[0], batch->row_count, &row)) {
		t->held.is_set = true;
		t->held.is_null_time = true;
		t->held.row = t->chunk_rows + row;
		return false;
	}
	tr_stamp_keep(entry, &columns[1]);
	return true;
}

static void accept(struct tr_source_task *t, struct tr_source_entry *entry, const struct tr_chunk_info *info)
{
	const uint32_t rows = entry->buffer->batch.row_count;

	TR_ASSERT(info->split == t->split && info->chunk == t->chunk);
	entry->info = *info;
	entry->skip = (uint32_t)TR_MIN(t->skip, rows);
	if (t->time_program != NULL && rows > 0 && !compute_times(t, entry))
		return;
	t->skip -= entry->skip;
	t->chunk_rows += rows;
	t->count++;
	if (info->is_last) {
		t->is_decoded = true;
		t->is_split_end = info->is_split_end;
		t->end = info->end;
	}
}

/** Asks the reader for a batch if there is room for one. */
static enum tr_turn poll_reader(struct tr_source_task *t)
{
	struct tr_chunk_info info;
	struct tr_source_entry *entry;
	struct tr_status st;
	enum tr_flow flow;

	if (t->is_reader_done || t->held.is_set || t->is_decoded || t->count == t->queue_max)
		return TR_TURN_IDLE;
	entry = entry_at(t, t->count);
	tr_batch_buffer_clear(entry->buffer);
	entry->skip = 0;
	memset(&info, 0, sizeof(info));
	tr_status_clear(&st);
	t->reader_context.wake_at_ns = INT64_MAX;
	flow = t->plan->ops->poll(t->reader, entry->buffer, &info, &st);
	switch (flow) {
	case TR_FLOW_BLOCKED: return TR_TURN_IDLE;
	case TR_FLOW_DONE:
		TR_ASSERT(t->state == TR_CHUNK_NONE);
		t->is_reader_done = true;
		return TR_TURN_PROGRESS;
	case TR_FLOW_MORE:
		if (t->state == TR_CHUNK_NONE)
			begin_chunk(t, &info);
		accept(t, entry, &info);
		return TR_TURN_PROGRESS;
	case TR_FLOW_FAILED:
		if (t->state == TR_CHUNK_NONE)
			begin_chunk(t, &info);
		t->held.is_set = true;
		t->held.status = st;
		return TR_TURN_PROGRESS;
	}
	TR_UNREACHABLE();
}

/** Whether to decode on before pushing what is stamped: other readers wait for the carry, and a few batches more will still
 * be in the cache when they are pushed. */
static bool is_hurried(const struct tr_source_task *t)
{
	return t->state == TR_CHUNK_CONFIRMED && !t->is_decoded && t->count < t->hurry_max &&
	       t->reader_context.subtask_count > 1;
}

/* Pushing. */

/** Fits the runs of an entry to the other splits, and computes the columns that the chain wants. */
static enum tr_flow prepare(struct tr_source_task *t, struct tr_source_entry *entry)
{
	struct tr_status *st = &t->head.context->status;

	if (t->time_program != NULL)
		tr_stamp_limit(entry, tr_source_task_least_of_others(t, t->split, false), t->emitted_ms);
	t->batch = entry->buffer->batch;
	if (entry->skip > 0) {
		t->batch.selection = entry->buffer->selection;
		t->batch.selected_count = t->batch.row_count - entry->skip;
		for (uint32_t i = 0; i < t->batch.selected_count; i++)
			entry->buffer->selection[i] = entry->skip + i;
	}
	if (t->batch.selected_count == 0)
		return TR_FLOW_MORE;
	t->head.context->program.first_position =
		((int64_t)TR_MIN(t->split, SPLIT_MAX) << POSITION_BITS) + (int64_t)(t->rows_before + t->rows_done);
	set_origin(t, &t->batch, t->rows_done);
	if (tr_program_run(t->program, &t->batch, t->outputs, st) != TR_OK)
		return TR_FLOW_FAILED;
	t->batch.schema = t->plan->output;
	t->batch.columns = t->outputs;
	return TR_FLOW_MORE;
}

static enum tr_flow emit_watermark(struct tr_source_task *t, int64_t watermark_ms)
{
	if (t->plan->time_program == NULL || watermark_ms <= t->emitted_ms)
		return TR_FLOW_MORE;
	t->emitted_ms = t->reached_ms = watermark_ms;
	return tr_op_emit_watermark(&t->head, watermark_ms);
}

static enum tr_flow emit_status(struct tr_source_task *t, bool is_idle)
{
	if (t->is_idle == is_idle)
		return TR_FLOW_MORE;
	t->is_idle = is_idle;
	return tr_op_emit_status(&t->head, is_idle);
}

/** Counts what had not been counted before a restore. */
static void count(uint64_t *counter, uint64_t *counted, uint64_t *uncounted, uint64_t value)
{
	const uint64_t before = TR_MIN(*uncounted, value);

	*uncounted -= before;
	*counter += value - before;
	*counted += value - before;
}

/** The chunk is done when all its rows are pushed and its carry is published. */
static void end_chunk(struct tr_source_task *t)
{
	t->hand = NULL;
	drop_chunk_batches(t);
	t->state = TR_CHUNK_NONE;
}

static void release(struct tr_source_task *t, struct tr_source_entry *entry)
{
	const struct tr_chunk_info *info = &entry->info;
	const uint32_t rows = entry->buffer->batch.row_count;

	t->counters.rows += rows - entry->skip;
	count(&t->counters.rows_bad, &t->counted.rows_bad, &t->uncounted.rows_bad, info->rows_bad);
	count(&t->counters.fields_bad, &t->counted.fields_bad, &t->uncounted.fields_bad, info->fields_bad);
	count(&t->counters.bytes, &t->counted.bytes, &t->uncounted.bytes, info->bytes);
	t->rows_done += rows;
	t->pushed_stamp = entry->after;
	t->pushed++;
	if (t->pushed == t->count) { /* the queue is empty: entry 0 is used again */
		t->count = t->stamped = t->pushed = 0;
		if (t->is_decoded && t->is_published)
			end_chunk(t);
	}
}

/** Takes the entry in hand on, phase by phase. The phase is raised before the emit: after BLOCKED the next one follows. */
static enum tr_flow push_entry(struct tr_source_task *t)
{
	struct tr_source_entry *entry = &t->queue[t->pushed];
	enum tr_flow flow = TR_FLOW_MORE;

	if (t->phase == TR_PUSH_NOTHING || t->phase == TR_PUSH_STATUS) {
		t->phase = TR_PUSH_ROWS;
		if (entry->buffer->batch.row_count > entry->skip || entry->info.is_activity) {
			t->last_rows_ns = t->now_ns;
			flow = emit_status(t, false);
			if (is_stuck(flow))
				return flow;
		}
	}
	if (t->phase == TR_PUSH_ROWS) {
		flow = prepare(t, entry);
		if (is_stuck(flow))
			return flow;
		t->phase = TR_PUSH_WATERMARK;
		flow = tr_op_emit(&t->head, &t->batch);
		if (is_stuck(flow))
			return flow;
	}
	if (t->phase == TR_PUSH_WATERMARK) {
		t->phase = TR_PUSH_RELEASE;
		flow = emit_watermark(t, entry->buffer->batch.watermark_ms);
		if (is_stuck(flow))
			return flow;
	}
	t->phase = TR_PUSH_NOTHING;
	release(t, entry);
	return TR_FLOW_MORE;
}

/* Time that passes without rows. */

/** What all that this subtask will still bring can't be below: the least over all splits. */
static int64_t subtask_watermark(struct tr_source_task *t, bool use_current)
{
	if (t->state != TR_CHUNK_CONFIRMED)
		return tr_source_task_least_of_others(t, UINT64_MAX, use_current);
	return TR_MIN(tr_carry_watermark(t->pushed_stamp.last_ms),
		      tr_source_task_least_of_others(t, t->split, use_current));
}

/** The time between two looks at what has become of the splits; 0: there are none. */
static int64_t turn_ms(const struct tr_source_task *t)
{
	return t->plan->watermark_interval_ms > 0 ? t->plan->watermark_interval_ms : t->plan->idle_timeout_ms;
}

static enum tr_turn quiet_step(struct tr_source_task *t)
{
	const bool is_turn = t->now_ns >= t->timer_ns;
	enum tr_flow flow = TR_FLOW_MORE;
	int64_t watermark_ms;

	if (t->is_reader_done || t->time_program == NULL)
		return TR_TURN_IDLE;
	if (is_turn) {
		t->timer_ns = t->now_ns + turn_ms(t) * 1000000;
		if (t->state == TR_CHUNK_CONFIRMED && t->count == 0) {
			t->stamp.last_ms = t->stamp.current_ms;
			t->pushed_stamp = t->stamp;
		}
	}
	watermark_ms = subtask_watermark(t, is_turn);
	if (watermark_ms ==
	    TR_WATERMARK_MAX) { /* no split is active: stay where the finished ones, and the idle ones, came to */
		watermark_ms = is_turn ? TR_MAX(t->others.finished_ms, t->others.idle_ms) : 0;
		watermark_ms = tr_carry_watermark(watermark_ms);
	}
	if (watermark_ms > t->emitted_ms) {
		flow = emit_watermark(t, watermark_ms);
		return step_of(flow);
	}
	if (t->plan->idle_timeout_ms > 0 && !t->is_idle &&
	    t->now_ns - t->last_rows_ns >= t->plan->idle_timeout_ms * 1000000) {
		flow = emit_status(t, true);
		return step_of(flow);
	}
	return TR_TURN_IDLE;
}

/** No more rows, ever: the maximum watermark, then the end. */
static enum tr_turn finish(struct tr_source_task *t)
{
	enum tr_flow flow = emit_status(t, false);

	if (t->plan->drift != NULL && !t->has_left) {
		t->has_left = true;
		tr_drift_leave(t->plan->drift);
	}
	if (is_stuck(flow))
		return step_of(flow);
	if (!t->is_max_emitted) {
		t->is_max_emitted = true;
		t->emitted_ms = TR_WATERMARK_MAX;
		flow = tr_op_emit_watermark(&t->head, TR_WATERMARK_MAX);
		if (is_stuck(flow))
			return step_of(flow);
	}
	t->is_end_emitted = true;
	return step_of(tr_op_emit_end(&t->head));
}

static void begin_time(struct tr_source_task *t, int64_t now_ns)
{
	t->is_begun = true;
	t->last_rows_ns = now_ns;
	if (!t->plan->is_bounded && t->time_program != NULL && turn_ms(t) > 0)
		t->timer_ns = now_ns + turn_ms(t) * 1000000;
}

/** What a restored task had told its chain comes first: others wait for the least watermark of all. */
static enum tr_flow emit_restored_watermark(struct tr_source_task *t)
{
	t->is_watermark_due = false;
	return tr_op_emit_watermark(&t->head, t->emitted_ms);
}

/** Between two batches: what was pushed belongs to the checkpoint. */
static enum tr_flow pass_barrier(struct tr_source_task *t, uint64_t checkpoint)
{
	enum tr_flow flow;

	TR_FAULT_POINT("barrier-before");
	tr_source_task_take_position(t, checkpoint);
	flow = tr_op_emit_barrier(&t->head, checkpoint);
	TR_FAULT_POINT("barrier-after");
	return flow;
}

/** Decodes, confirms, stamps and pushes. */
static enum tr_turn work(struct tr_source_task *t)
{
	const bool shall_poll = !t->is_held_back && (t->stamped == t->pushed || is_hurried(t));
	enum tr_turn polled = shall_poll ? poll_reader(t) : TR_TURN_IDLE;

	if (t->state == TR_CHUNK_GUESSED && tr_source_task_confirm(t))
		polled = TR_TURN_PROGRESS;
	if (t->state == TR_CHUNK_CONFIRMED) {
		if (t->held.is_set)
			return fail_held(t);
		stamp_entries(t);
		if (polled == TR_TURN_PROGRESS && is_hurried(t))
			return polled;
		if (t->stamped > t->pushed)
			return step_of(push_entry(t));
		if (t->is_decoded && !t->is_published && publish(t)) {
			end_chunk(t);
			return TR_TURN_PROGRESS;
		}
	}
	if (polled == TR_TURN_PROGRESS)
		return polled;
	if (t->is_reader_done && t->state == TR_CHUNK_NONE)
		return finish(t);
	return quiet_step(t);
}

enum tr_turn tr_source_task_step(struct tr_source_task *t, int64_t now_ns)
{
	const uint64_t wanted = tr_op_wanted_barrier(&t->head);

	if (!t->is_begun)
		begin_time(t, now_ns);
	t->now_ns = now_ns;
	if (t->is_end_emitted)
		return TR_TURN_DONE;
	if (t->phase != TR_PUSH_NOTHING) /* the chain has been resumed in the middle of an entry */
		return step_of(push_entry(t));
	if (wanted != 0)
		return step_of(pass_barrier(t, wanted));
	if (tr_op_is_stopped(&t->head))
		return TR_TURN_IDLE;
	if (t->is_watermark_due)
		return step_of(emit_restored_watermark(t));
	if (tr_op_is_draining(&t->head))
		return finish(t);
	if (tr_op_has_enough(&t->head)) {
		t->wakes->workers |= t->plan->workers; /* those that wait for a carry of ours */
		return finish(t);
	}
	if (t->plan->drift != NULL)
		tr_source_task_look_at_group(t);
	if (now_ns >= t->timer_ns && quiet_step(t) != TR_TURN_IDLE)
		return t->head.context->status.code == TR_OK ? TR_TURN_PROGRESS : TR_TURN_FAILED;
	return work(t);
}

void tr_source_task_pause(struct tr_source_task *t, int64_t now_ns)
{
	t->now_ns = now_ns;
	tr_source_task_stay_active(t, true);
}

int64_t tr_source_task_wake_at(const struct tr_source_task *t)
{
	int64_t wake_ns = t->reader_context.wake_at_ns;

	if (t->is_reader_done || t->is_end_emitted || tr_op_is_stopped(&t->head))
		return INT64_MAX;
	wake_ns = TR_MIN(wake_ns, t->timer_ns);
	if (t->plan->idle_timeout_ms > 0 && !t->is_idle && t->time_program != NULL)
		wake_ns = TR_MIN(wake_ns, t->last_rows_ns + t->plan->idle_timeout_ms * 1000000);
	if (t->plan->drift != NULL)
		wake_ns = TR_MIN(wake_ns, atomic_load_explicit(&t->plan->drift->next_ns, memory_order_relaxed));
	if (t->plan->drift != NULL && t->plan->idle_timeout_ms > 0)
		wake_ns = TR_MIN(wake_ns, t->awake_ns + tr_source_task_idle_share_ns(t));
	return wake_ns;
}
