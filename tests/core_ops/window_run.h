/* SPDX-License-Identifier: Apache-2.0
 *
 * Window operators that save and load: a run that is interrupted must emit what the model of an undisturbed run has
 * (window_model.h).
 *
 * A run deals rows by key to up to eight subtasks, as an exchange would. At random moments a checkpoint begins: each
 * operator's snapshot goes to blocks, and its further steps come between batches, also while the sink blocks. Some
 * checkpoints are given up. At other moments everything is thrown away, output since the last complete checkpoint too, and
 * loaded from it into another number of subtasks, and, where the general operator and another one can do the query and load
 * each other's state, perhaps into the other one. For LOCAL and GLOBAL, one or two LOCAL operators feed the subtasks.
 * Records that are damaged or cut are refused or loaded, but never break anything.
 */
#ifndef TR_TESTS_WINDOW_RUN_H
#define TR_TESTS_WINDOW_RUN_H

#include <unistd.h>

#include "core/ops/window_output.h"
#include "base/hash.h"
#include "io/disk.h"
#include "state/block.h"
#include "state/key_group.h"
#include "window_sink.h"

#define TASKS_MAX 8

static struct tr_environment *window_run_env; /* set: runs have limited memory, as a rule */
static uint32_t window_runs_spilled;

struct task {
	struct tr_op_context context;
	struct tr_chain chain;
	struct tr_op *op;
	struct sink *sink;
	struct tr_block_writer writer;
	bool is_stepping; /* the snapshot has more to write */
	uint64_t base;
};

/** What is on disk of one subtask's stream. */
struct part {
	struct tr_state_block *first;
};

struct mark {
	uint32_t at;
	size_t lines;
	uint64_t late;
};

struct run;

/** The tail of a LOCAL's chain: deals partials. */
struct dealer {
	struct tr_op op;
	struct run *run;
	uint32_t number;
};

struct run {
	struct world *w;
	const struct query *q;
	struct tr_window_plan plan;  /* of the operators with state */
	struct tr_window_plan local; /* two phases */
	uint32_t local_count;        /* 0: one phase */
	struct tr_op_context local_context;
	struct tr_chain locals[2];
	int64_t local_watermarks[2];
	uint32_t key_groups;
	bool has_twins; /* the general operator and another one load each other's state */
	struct task tasks[TASKS_MAX];
	uint32_t task_count;
	struct text_list lines;
	uint64_t late_before; /* of operators that are gone */
	int64_t sent;
	/* Checkpoints: */
	bool has_steps; /* checkpoints take their time; else all is written at once */
	uint64_t number;
	bool is_writing;
	struct mark begun;
	uint64_t completed; /* 0: none */
	struct mark complete;
	struct part parts[TASKS_MAX];
	uint32_t part_count;
	bool is_restored; /* since the last complete checkpoint */
	/* Memory limits: */
	struct tr_environment *env; /* NULL: memory is not limited */
	struct tr_io_queue *io;
	char folder[32];
	bool has_spilled;
};

/* -- subtasks -- */

static inline void step_task(struct run *r, struct task *t)
{
	struct tr_status st = {0};
	enum tr_flow flow;

	if (!t->is_stepping)
		return;
	flow = t->op->ops->snapshot_step(t->op, &t->writer.writer, 1 + tr_test_below(&r->w->seed, 20000), &st);
	if (flow == TR_FLOW_BLOCKED)
		(void)tr_io_poll(r->io);
	assert_int_not_equal(flow, TR_FLOW_FAILED);
	t->is_stepping = flow != TR_FLOW_DONE;
}

static inline tr_code ignore_record(struct tr_state_writer *writer, const struct tr_state_record *record,
				    struct tr_status *st)
{
	return TR_OK;
}

/** A checkpoint that was given up is written on, until the next barrier. */
static inline void step_given_up(struct run *r, struct task *t)
{
	struct tr_state_writer nowhere = {.put = ignore_record};
	struct tr_status st = {0};

	if (r->has_steps && !t->is_stepping && t->op->ops->snapshot_step != NULL)
		assert_int_not_equal(t->op->ops->snapshot_step(t->op, &nowhere, 20000, &st), TR_FLOW_FAILED);
}

static inline void settle_task(struct run *r, struct task *t, enum tr_flow flow)
{
	while (flow == TR_FLOW_BLOCKED) {
		t->op->is_blocked = true;
		if (tr_test_below(&r->w->seed, 4) == 0)
			step_task(r, t);
		if (r->io != NULL) {
			step_given_up(r, t);
			(void)tr_io_poll(r->io);
		}
		flow = tr_chain_resume(&t->chain);
	}
	r->has_spilled |= t->op->metrics.spilled_bytes > 0;
	if (flow == TR_FLOW_FAILED)
		print_message("%s\n", t->context.status.message);
	assert_int_equal(flow, TR_FLOW_MORE);
}

static inline void deal(struct run *r, struct tr_batch *batch, const uint32_t *keys)
{
	uint64_t *hashes = calloc(batch->row_count + 1, sizeof(*hashes));
	uint32_t *selection = calloc(batch->row_count + 1, sizeof(*selection));

	for (uint32_t k = 0; k < r->plan.key_count; k++) {
		const struct tr_column *column = &batch->columns[keys != NULL ? keys[k] : k];

		if (k == 0)
			tr_hash_column(column, NULL, batch->row_count, hashes);
		else
			tr_hash_column_combine(column, NULL, batch->row_count, hashes);
	}
	for (uint32_t t = 0; t < r->task_count; t++) {
		struct tr_batch part = *batch;
		uint32_t n = 0;

		for (uint32_t i = 0; i < batch->row_count; i++)
			if (tr_key_group_subtask(tr_key_group(hashes[i], r->key_groups), r->key_groups,
						 r->task_count) == t)
				selection[n++] = i;
		if (n == 0)
			continue;
		part.selection = n < batch->row_count ? selection : NULL;
		part.selected_count = n;
		r->tasks[t].op->metrics.rows_in += n;
		settle_task(r, &r->tasks[t], r->tasks[t].op->ops->on_batch(r->tasks[t].op, 0, &part));
	}
	free(hashes);
	free(selection);
}

static inline void send_watermark(struct run *r, int64_t watermark)
{
	for (uint32_t t = 0; t < r->task_count; t++)
		settle_task(r, &r->tasks[t], r->tasks[t].op->ops->on_watermark(r->tasks[t].op, 0, watermark));
}

static inline enum tr_flow dealer_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct tr_batch copy = *batch;

	deal(((struct dealer *)op)->run, &copy, NULL);
	return TR_FLOW_MORE;
}

static inline enum tr_flow dealer_watermark(struct tr_op *op, uint32_t input, int64_t watermark)
{
	struct dealer *d = (struct dealer *)op;
	struct run *r = d->run;
	int64_t least = INT64_MAX;

	r->local_watermarks[d->number] = watermark;
	for (uint32_t i = 0; i < r->local_count; i++)
		least = TR_MIN(least, r->local_watermarks[i]);
	if (least > r->sent) {
		r->sent = least;
		send_watermark(r, least);
	}
	return TR_FLOW_MORE;
}

static inline enum tr_flow dealer_barrier(struct tr_op *op, uint32_t input, uint64_t checkpoint)
{
	return TR_FLOW_MORE;
}
static inline enum tr_flow dealer_end(struct tr_op *op, uint32_t input) { return TR_FLOW_MORE; }
static inline void dealer_destroy(struct tr_op *op) { free(op); }

static const struct tr_op_ops dealer_ops = {
	.name = "dealer",
	.on_batch = dealer_batch,
	.on_watermark = dealer_watermark,
	.on_barrier = dealer_barrier,
	.on_end = dealer_end,
	.destroy = dealer_destroy,
};

/** Memory for the state of an operator: none to speak of, or some. */
static inline void limit_memory(struct run *r, struct tr_op_context *context)
{
	static const size_t limits[] = {1, 300 << 10, 1 << 20, 4 << 20};

	if (r->io == NULL || tr_test_below(&r->w->seed, 4) == 0)
		return;
	context->memory_limit = limits[tr_test_below(&r->w->seed, 4)];
	context->disk = r->env->disk;
	context->io = r->io;
	context->scratch_path = tr_arena_printf(&r->w->arena, "%s/%u", r->folder, context->subtask);
}

/** The operator that does the query; where there are two with slices, one or the other: they load each other's state. */
static inline tr_code task_op_create(struct run *r, struct task *t)
{
	const struct tr_window_plan *plan = &r->plan;

	if (!plan->use_general && plan->window.kind == TR_WINDOW_TUMBLE &&
	    tr_window_is_two_phase(&plan->window, plan->aggs, plan->agg_count) && tr_test_below(&r->w->seed, 2))
		return tr_op_window_slice_create(plan, &t->context, &t->op, &t->context.status);
	return tr_op_window_create(plan, &t->context, &t->op, &t->context.status);
}

static inline void tasks_create(struct run *r, uint32_t count)
{
	r->task_count = count;
	for (uint32_t i = 0; i < count; i++) {
		struct task *t = &r->tasks[i];

		memset(t, 0, sizeof(*t));
		t->context = (struct tr_op_context){
			.arena = &r->w->arena,
			.batch_rows = 1 + tr_test_below(&r->w->seed, 60),
			.subtask = i,
			.subtask_count = count,
			.key_groups = r->key_groups,
			.has_checkpoints = r->has_steps,
		};
		limit_memory(r, &t->context);
		assert_int_equal(task_op_create(r, t), TR_OK);
		t->sink = sink_create(r->w, &t->context, tr_test_below(&r->w->seed, 2));
		tr_chain_append(&t->chain, t->op);
		tr_chain_append(&t->chain, &t->sink->op);
	}
	r->local_context = (struct tr_op_context){.arena = &r->w->arena, .batch_rows = 64};
	for (uint32_t i = 0; i < r->local_count; i++) {
		struct dealer *d = calloc(1, sizeof(*d));
		struct tr_op *op;

		assert_int_equal(tr_op_window_create(&r->local, &r->local_context, &op, &r->local_context.status),
				 TR_OK);
		assert_null(op->ops->snapshot);
		d->op = (struct tr_op){.ops = &dealer_ops, .context = &r->local_context, .timer_ms = INT64_MAX};
		d->run = r;
		d->number = i;
		r->locals[i].count = 0;
		tr_chain_append(&r->locals[i], op);
		tr_chain_append(&r->locals[i], &d->op);
		r->local_watermarks[i] = TR_WATERMARK_MIN;
	}
	r->sent = TR_WATERMARK_MIN;
}

static inline uint64_t late_now(const struct run *r)
{
	uint64_t late = r->late_before;

	for (uint32_t i = 0; i < r->task_count; i++)
		late += r->tasks[i].op->metrics.rows_late;
	for (uint32_t i = 0; i < r->local_count; i++)
		late += r->locals[i].ops[0]->metrics.rows_late;
	return late;
}

static inline void take_lines(struct run *r)
{
	for (uint32_t i = 0; i < r->task_count; i++) {
		struct text_list *from = &r->tasks[i].sink->lines;

		for (size_t n = 0; n < from->count; n++) {
			list_add(&r->lines, from->lines[n]);
			free(from->lines[n]);
		}
		from->count = 0;
	}
}

static inline void tasks_destroy(struct run *r)
{
	for (uint32_t i = 0; i < r->task_count; i++) {
		tr_chain_deinit(&r->tasks[i].chain);
		tr_block_writer_deinit(&r->tasks[i].writer);
	}
	for (uint32_t i = 0; i < r->local_count; i++)
		tr_chain_deinit(&r->locals[i]);
	r->task_count = 0;
	r->is_writing = false;
}

/* -- checkpoints -- */

static inline void blocks_destroy(struct tr_state_block *block)
{
	while (block != NULL) {
		struct tr_state_block *next = block->next;

		tr_state_block_destroy(&block);
		block = next;
	}
}

static inline void checkpoint_begin(struct run *r, uint32_t at)
{
	struct tr_snapshot_order order = {.checkpoint = ++r->number, .completed = r->is_restored ? 0 : r->completed};

	if (r->has_steps && r->number > 4 && tr_test_below(&r->w->seed, 3) == 0)
		order.rewrite_before = tr_state_age(r->number - 2) + tr_test_below(&r->w->seed, 3);
	for (uint32_t i = 0; i < r->local_count; i++)
		settle(&r->locals[i], r->locals[i].ops[0]->ops->on_barrier(r->locals[i].ops[0], 0, r->number));
	take_lines(r);
	r->begun = (struct mark){.at = at, .lines = r->lines.count, .late = late_now(r)};
	r->is_writing = true;
	for (uint32_t i = 0; i < r->task_count; i++) {
		struct task *t = &r->tasks[i];
		const struct tr_state_stream stream = {.subtask = i, .subtask_count = r->task_count};
		struct tr_status st = {0};

		tr_block_writer_begin(&t->writer, &stream, r->number);
		t->base = 0;
		assert_int_equal(t->op->ops->snapshot(t->op, &order, &t->writer.writer, &t->base, &st), TR_OK);
		assert_true(t->base > 0 && t->base <= tr_state_age(r->number));
		if (order.rewrite_before > 0)
			assert_true(t->base >= order.rewrite_before);
		t->is_stepping = t->op->ops->snapshot_step != NULL;
		assert_true(t->op->ops->state_bytes == NULL || t->op->ops->state_bytes(t->op) < UINT32_MAX);
	}
}

/** What each stream keeps: blocks of complete checkpoints from its base on. */
static inline void part_keep(struct part *part, uint64_t base, struct tr_state_block *more)
{
	struct tr_state_block **link = &part->first;

	while (*link != NULL) {
		struct tr_state_block *block = *link;

		if (block->checkpoint >= tr_state_age_checkpoint(base)) {
			link = &block->next;
			continue;
		}
		*link = block->next;
		tr_state_block_destroy(&block);
	}
	*link = more;
}

static inline void checkpoint_complete(struct run *r)
{
	if (r->is_restored || r->completed == 0) { /* the streams of before are not needed any more */
		for (uint32_t i = 0; i < r->part_count; i++) {
			blocks_destroy(r->parts[i].first);
			r->parts[i].first = NULL;
		}
	}
	r->part_count = r->task_count;
	for (uint32_t i = 0; i < r->task_count; i++) {
		struct task *t = &r->tasks[i];

		part_keep(&r->parts[i], t->base, tr_block_writer_take(&t->writer, false));
	}
	r->is_restored = false;
	r->is_writing = false;
	r->completed = r->number;
	r->complete = r->begun;
}

static inline void checkpoint_abort(struct run *r)
{
	for (uint32_t i = 0; i < r->task_count; i++) {
		tr_block_writer_deinit(&r->tasks[i].writer);
		r->tasks[i].is_stepping = false;
	}
	r->is_writing = false;
}

static inline void checkpoint_step(struct run *r)
{
	bool is_stepping = false;

	for (uint32_t i = 0; i < r->task_count; i++) {
		if (tr_test_below(&r->w->seed, 2))
			step_task(r, &r->tasks[i]);
		is_stepping |= r->tasks[i].is_stepping;
	}
	if (tr_test_below(&r->w->seed, 8) == 0)
		checkpoint_abort(r);
	else if (!is_stepping)
		checkpoint_complete(r);
}

static inline uint64_t part_bytes(const struct run *r)
{
	uint64_t bytes = 0;

	for (uint32_t p = 0; p < r->part_count; p++)
		for (const struct tr_state_block *b = r->parts[p].first; b != NULL; b = b->next)
			bytes += b->length;
	return bytes;
}

/** The list of slices with other numbers of entries, which are a hint and may be anything. */
static inline void lie(struct run *r, struct tr_op *op, struct tr_state_record *record, struct tr_bytes *bytes)
{
	static const int64_t lies[] = {0, -1, INT64_MIN, INT64_MAX, 1, 100000};
	struct tr_rows rows = {NULL};
	const struct tr_state_kind *kinds;
	const struct tr_batch *batch;
	struct tr_column columns[8];
	int64_t *entries;
	uint32_t count, at = 0;

	if (record->kind != TR_WINDOW_STATE_SLICES || tr_test_below(&r->w->seed, 2))
		return;
	kinds = op->ops->kinds(op, &count);
	while (kinds[at].kind != TR_WINDOW_STATE_SLICES)
		at++;
	if (tr_rows_read(&rows, kinds[at].schema, record->bytes, record->length, &batch, NULL) == TR_OK) {
		memcpy(columns, batch->columns, kinds[at].schema->column_count * sizeof(columns[0]));
		entries = calloc(batch->row_count + 1, sizeof(*entries));
		for (uint32_t i = 0; i < batch->row_count; i++)
			entries[i] = lies[tr_test_below(&r->w->seed, sizeof(lies) / sizeof(lies[0]))];
		assert_string_equal(kinds[at].schema->names[4], "entries");
		columns[4].data = entries;
		tr_bytes_clear(bytes);
		tr_rows_write(columns, kinds[at].schema->column_count, batch->row_count, bytes);
		record->bytes = bytes->data;
		record->length = bytes->length;
		free(entries);
	}
	tr_rows_deinit(&rows);
}

/** Entries of slices say what time they are of, for people: a slice ends behind its start. */
static inline void check_times(struct tr_op *op, const struct tr_state_record *record)
{
	uint32_t count;
	const struct tr_state_kind *kinds = op->ops->kinds(op, &count);
	const struct tr_batch *batch;
	struct tr_rows rows = {0};

	if (record->kind != TR_WINDOW_STATE_ENTRIES)
		return;
	while (kinds->kind != TR_WINDOW_STATE_ENTRIES)
		kinds++;
	assert_int_equal(tr_rows_read(&rows, kinds->schema, record->bytes, record->length, &batch, NULL), TR_OK);
	for (uint32_t row = 0; row < batch->row_count; row++) {
		const struct tr_column *times = &batch->columns[batch->schema->column_count - 4];

		assert_true(tr_column_i64(&times[0], row) < tr_column_i64(&times[1], row));
	}
	tr_rows_deinit(&rows);
}

/** Offers a stream to an operator; each record may be changed by `damage` first. */
static inline tr_code load_part(struct run *r, struct tr_op *op, uint32_t part, bool is_keyed, uint64_t damage_seed,
				struct tr_status *st)
{
	const struct tr_state_origin origin = {
		.subtask = part,
		.subtask_count = r->part_count,
		.checkpoint = r->completed,
		.bytes_max = part_bytes(r),
	};
	struct tr_bytes lied = {NULL};

	for (struct tr_state_block *b = r->parts[part].first; b != NULL; b = b->next) {
		struct tr_state_record record;
		size_t offset = 0;
		tr_code code;

		while (tr_block_next(b->bytes, b->length, &offset, &record, &code, st)) {
			char *copy;

			if (record.is_keyed != is_keyed || (!is_keyed && b->checkpoint != r->completed))
				continue;
			check_times(op, &record);
			lie(r, op, &record, &lied);
			copy = malloc(record.length + 1); /* its own memory, so that a sanitizer sees each step beyond */
			memcpy(copy, record.bytes, record.length);
			record.bytes = copy;
			if (damage_seed != 0 && record.length > 0 && tr_test_below(&damage_seed, 3) == 0) {
				if (tr_test_below(&damage_seed, 3) == 0)
					record.length = tr_test_below(&damage_seed, (uint32_t)record.length);
				else
					copy[tr_test_below(&damage_seed, (uint32_t)record.length)] ^=
						(char)(1 << tr_test_below(&damage_seed, 8));
				if (tr_test_below(&damage_seed, 20) == 0)
					record.kind = (uint16_t)tr_test_below(&damage_seed, 24);
			}
			copy = realloc(copy, record.length + 1);
			record.bytes = copy;
			code = op->ops->load(op, &origin, &record, st);
			free(copy);
			if (code != TR_OK) {
				tr_bytes_deinit(&lied);
				return code;
			}
		}
		assert_int_equal(code, TR_OK);
	}
	tr_bytes_deinit(&lied);
	return TR_OK;
}

static inline tr_code load_op(struct run *r, struct tr_op *op, uint64_t damage_seed, struct tr_status *st)
{
	tr_code code = TR_OK;

	for (uint32_t p = 0; p < r->part_count && code == TR_OK; p++) {
		code = load_part(r, op, p, false, damage_seed == 0 ? 0 : damage_seed + p, st);
		if (code == TR_OK)
			code = load_part(r, op, p, true, damage_seed == 0 ? 0 : damage_seed + 77 + p, st);
	}
	return code == TR_OK ? op->ops->load_end(op, st) : code;
}

static inline uint32_t new_count(struct run *r)
{
	static const uint32_t counts[] = {1, 2, 3, 8};

	return r->plan.key_count == 0 ? 1 : counts[tr_test_below(&r->w->seed, 4)];
}

/** Throws everything away that no complete checkpoint has. Returns where to go on. */
static inline uint32_t crash(struct run *r)
{
	const struct mark mark = r->completed != 0 ? r->complete : (struct mark){0};
	struct tr_status st = {0};

	tasks_destroy(r);
	if (r->has_twins)
		r->plan.use_general = tr_test_below(&r->w->seed, 2);
	while (r->lines.count > mark.lines)
		free(r->lines.lines[--r->lines.count]);
	r->late_before = mark.late;
	tasks_create(r, new_count(r));
	for (uint32_t i = 0; r->completed != 0 && i < r->task_count; i++) {
		if (load_op(r, r->tasks[i].op, 0, &st) != TR_OK)
			fail_msg("%s", st.message);
	}
	r->is_restored = true;
	return mark.at;
}

/** Damaged records: an error or not, but nothing bad. */
static inline void load_damaged(struct run *r, uint64_t seed)
{
	struct tr_op_context context = {
		.arena = &r->w->arena, .batch_rows = 32, .subtask_count = 1, .key_groups = r->key_groups};
	struct tr_chain chain = {0};
	struct sink *sink = sink_create(r->w, &context, false);
	struct tr_status st = {0};
	struct tr_op *op;

	sink->is_silent = true;
	assert_int_equal(tr_op_window_create(&r->plan, &context, &op, &context.status), TR_OK);
	tr_chain_append(&chain, op);
	tr_chain_append(&chain, &sink->op);
	if (load_op(r, op, seed, &st) == TR_OK) {
		if (op->ops->on_timer != NULL)
			settle(&chain, op->ops->on_timer(op, INT64_MAX));
		sink->watermark = TR_WATERMARK_MIN;
		settle(&chain, op->ops->on_watermark(op, 0, TR_WATERMARK_MAX));
	} else {
		assert_true(st.message[0] != '\0');
	}
	tr_chain_deinit(&chain);
}

/* -- runs -- */

static inline void feed_rows(struct run *r, uint32_t from, uint32_t to)
{
	struct world *w = r->w;
	struct tr_batch_buffer *b = tr_batch_buffer_create(&r->q->input, to - from);
	const int64_t after = to < w->row_count ? w->rows[to].watermark : w->last_watermark;
	const bool is_event_time = !r->plan.window.is_processing_time;

	for (uint32_t i = from; i < to; i++) {
		if (is_event_time)
			tr_batch_buffer_add_run(b, i - from, w->rows[i].watermark);
		put_row(b, i - from, &w->rows[i]);
	}
	tr_batch_buffer_seal(b, to - from);
	if (r->local_count > 0) {
		const uint32_t l = r->local_count == 1 ? 0 : (from / 7) % 2;
		struct tr_op *op = r->locals[l].ops[0];

		settle(&r->locals[l], op->ops->on_batch(op, 0, &b->batch));
		if (tr_test_below(&w->seed, 3) != 0 || tr_test_below(&w->seed, 2))
			for (uint32_t i = 0; i < r->local_count; i++)
				settle(&r->locals[i],
				       r->locals[i].ops[0]->ops->on_watermark(r->locals[i].ops[0], 0, after));
	} else {
		deal(r, &b->batch, r->q->keys);
		if (is_event_time && after > r->sent && tr_test_below(&w->seed, 3) != 0) {
			r->sent = after;
			send_watermark(r, after);
		}
	}
	tr_batch_buffer_destroy(&b);
}

/** Processing time: the clock is the row's time. */
static inline void set_clock(struct run *r, int64_t now)
{
	for (uint32_t i = 0; i < r->task_count; i++) {
		struct task *t = &r->tasks[i];

		t->context.program.processing_time_ms = now;
		if (t->op->timer_ms <= now)
			settle_task(r, t, t->op->ops->on_timer(t->op, now));
		assert_true(t->op->timer_ms > now);
	}
}

static inline void finish_run(struct run *r)
{
	for (uint32_t i = 0; i < r->local_count; i++)
		settle(&r->locals[i], r->locals[i].ops[0]->ops->on_watermark(r->locals[i].ops[0], 0, TR_WATERMARK_MAX));
	if (r->local_count == 0)
		send_watermark(r, TR_WATERMARK_MAX);
	for (uint32_t i = 0; i < r->task_count; i++) {
		struct tr_op *op = r->tasks[i].op;

		settle_task(r, &r->tasks[i], op->ops->on_end != NULL ? op->ops->on_end(op, 0) : tr_op_emit_end(op));
	}
	take_lines(r);
}

/** One run with `crashes` interruptions; the result is in lines. */
static inline void run_through(struct run *r, uint32_t crashes, uint32_t batch_rows)
{
	const bool is_processing = r->plan.window.is_processing_time;
	uint32_t at = 0, damaged = 0;

	tasks_create(r, crashes == 0 ? 1 : new_count(r));
	while (at < r->w->row_count) {
		const uint32_t rows = is_processing ? 1 : 1 + tr_test_below(&r->w->seed, batch_rows);
		const uint32_t to = TR_MIN(at + rows, r->w->row_count);

		if (is_processing)
			set_clock(r, r->w->rows[at].ts);
		feed_rows(r, at, to);
		at = to;
		if (crashes == 0)
			continue;
		if (r->is_writing)
			checkpoint_step(r);
		else if (tr_test_below(&r->w->seed, r->has_steps ? 3 : 6) == 0)
			checkpoint_begin(r, at);
		if (r->is_writing && !r->has_steps)
			checkpoint_step(r);
		if (tr_test_below(&r->w->seed, 8) == 0 && r->completed != 0 && damaged < 6)
			load_damaged(r, 1 + tr_test_below(&r->w->seed, 1000000) + damaged++);
		if (crashes > 1 && tr_test_below(&r->w->seed, 12) == 0) {
			crashes--;
			at = crash(r);
		}
	}
	if (crashes > 0 && r->completed != 0) {
		at = crash(r);
		for (; at < r->w->row_count; at++) {
			if (is_processing)
				set_clock(r, r->w->rows[at].ts);
			feed_rows(r, at, at + 1);
		}
	}
	finish_run(r);
}

static inline struct run *run_create(struct world *w, const struct query *q, bool use_general, uint32_t local_count,
				     bool has_steps)
{
	struct run *r = calloc(1, sizeof(*r));

	r->w = w;
	r->q = q;
	r->has_steps = has_steps;
	r->key_groups = tr_test_below(&w->seed, 2) ? 128 : 8 + tr_test_below(&w->seed, 1000);
	r->plan = (struct tr_window_plan){.window = q->window,
					  .keys = q->keys,
					  .key_count = q->key_count,
					  .aggs = q->aggs,
					  .agg_count = q->agg_count,
					  .phase = TR_PHASE_SINGLE,
					  .use_general = use_general,
					  .input = &q->input,
					  .output = &q->output};
	if (local_count > 0) {
		r->local_count = local_count;
		r->local = r->plan;
		r->local.phase = TR_PHASE_LOCAL;
		assert_int_equal(tr_window_local_schema(&w->arena, &r->local, &r->local.output, NULL), TR_OK);
		r->plan.phase = TR_PHASE_GLOBAL;
		r->plan.input = r->local.output;
	}
	r->env = window_run_env;
	if (r->env != NULL) {
		struct tr_status st = {0};

		strcpy(r->folder, "/tmp/window_run.XXXXXX");
		assert_non_null(mkdtemp(r->folder));
		assert_int_equal(r->env->disk->ops->queue_create(r->env->disk, 64, &r->io, &st), TR_OK);
	}
	r->has_twins = local_count == 0 && q->window.kind == TR_WINDOW_TUMBLE && !q->has_distinct &&
		       !q->window.is_processing_time;
	return r;
}

static inline void run_destroy(struct run *r)
{
	tasks_destroy(r);
	if (r->io != NULL) {
		r->env->disk->ops->queue_destroy(r->env->disk, &r->io);
		assert_int_equal(rmdir(r->folder), 0);
	}
	for (uint32_t i = 0; i < r->part_count; i++)
		blocks_destroy(r->parts[i].first);
	list_free(&r->lines);
	free(r);
}

static inline void check_run(struct world *w, const struct query *q, bool use_general, uint32_t local_count,
			     const struct text_list *want, uint64_t want_late, const char *what)
{
	struct run *r = run_create(w, q, use_general, local_count, tr_test_below(&w->seed, 2));

	run_through(r, 1 + tr_test_below(&w->seed, 4), 40);
	compare(want, &r->lines, want_late, late_now(r), what);
	window_runs_spilled += r->has_spilled;
	run_destroy(r);
}

static inline void check_all(struct world *w, const struct query *q)
{
	struct text_list want = {0};
	uint64_t late;

	model_run(w, q, &want, &late);
	check_run(w, q, true, 0, &want, late, "general");
	if (!q->has_distinct && q->window.kind != TR_WINDOW_SESSION) {
		check_run(w, q, false, 0, &want, late, "slices");
		check_run(w, q, false, 1 + tr_test_below(&w->seed, 2), &want, late, "two phases");
	}
	list_free(&want);
}

#endif
