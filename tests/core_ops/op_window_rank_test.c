/* SPDX-License-Identifier: Apache-2.0
 *
 * The window rank operator against a model that keeps all rows and sorts them at the end: random orders, ranks, rows with NULLs and
 * equal values, late rows, batches with selections, into a sink that answers BLOCKED now and then; with and without a limit of memory,
 * beyond which rows go to a file. Snapshots are taken in pieces between batches, some are given up, some rows are asked for again because
 * of their age, and operators are restored on another number of subtasks from all records that the last complete snapshot says it
 * needs, and from older ones.
 */
#include <inttypes.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/column_buffer.h"
#include "base/hash.h"
#include "base/type.h"
#include "core/chain.h"
#include "core/ops/op_window_rank.h"
#include "core/ops/rank_rows.h"
#include "io/disk.h"
#include "state/key_group.h"
#include "tr_test.h"

#define SUBTASKS_MAX 3
#define ROWS 60
#define ACCEPTED_MAX 20000
#define COLUMNS 6 /* k, start, v, name, end, time */

static const char *const names[] = {"k", "start", "v", "name", "end", "time", "rank"};
static const uint32_t keys[] = {1, 4, 0};
static const char *const texts[] = {"", "b", "a name of more than twelve", "a name of more than eleven", "Ž"};

struct row {
	int32_t k; /* number of a text; -1: NULL */
	int64_t start, end;
	int64_t v; /* INT64_MIN: NULL */
	int32_t name;
};

struct record {
	uint16_t kind;
	bool is_keyed;
	uint64_t age;
	size_t length;
	char *bytes;
};

/* What a subtask writes: the first `before` records have been there before this snapshot. */
struct stream {
	struct tr_state_writer writer;
	struct record *records;
	uint32_t count, capacity, before;
	uint64_t base;
};

struct sink {
	struct tr_op op;
	uint64_t seed;
};

struct job {
	struct tr_arena arena;
	struct tr_schema input, output;
	const struct tr_type *types[COLUMNS + 1];
	struct tr_window_rank_plan plan;
	struct tr_order_key order[2];
	uint32_t subtasks;
	struct tr_op *ops[SUBTASKS_MAX];
	struct tr_chain chains[SUBTASKS_MAX];
	struct tr_op_context contexts[SUBTASKS_MAX];
	int64_t watermark;
	/* What was accepted, and the same at the barrier of a snapshot: */
	size_t accepted;
	struct stream streams[SUBTASKS_MAX];  /* of the snapshot under way */
	struct stream complete[SUBTASKS_MAX]; /* of complete ones, one after the other */
	bool is_done[SUBTASKS_MAX];
	bool is_saving, has_complete;
	uint64_t checkpoint, completed;
	size_t memory_limit;
	size_t accepted_saving, accepted_complete, lines_saving, lines_complete;
	int64_t watermark_saving, watermark_complete;
	uint32_t subtasks_saving, subtasks_complete;
};

static struct sink sinks[SUBTASKS_MAX];
static char *lines[ACCEPTED_MAX];
static size_t line_count;
static struct row accepted[ACCEPTED_MAX];
static struct job job;
static struct tr_environment *env;
static struct tr_io_queue *io;
static char folder[64];
static uint64_t spilled; /* batches after which something was in a file */

/* ---- rows as lines ---- */

static char *line_of(const struct row *row, int64_t rank)
{
	char line[256], v[32] = "NULL";

	if (row->v != INT64_MIN)
		snprintf(v, sizeof(v), "%" PRId64, row->v);
	snprintf(line, sizeof(line), "%s|%" PRId64 "|%s|%s|%" PRId64 "|%" PRId64, row->k < 0 ? "NULL" : texts[row->k],
		 row->start, v, row->name < 0 ? "NULL" : texts[row->name], row->end, rank);
	return strdup(line);
}

static int32_t text_number(const struct tr_column *column, uint32_t row)
{
	const struct tr_view *view;

	if (tr_column_is_null(column, row))
		return -1;
	view = tr_column_view(column, row);
	for (int32_t i = 0; i < (int32_t)TR_COUNT_OF(texts); i++)
		if (strlen(texts[i]) == view->length && memcmp(texts[i], tr_view_text(view), view->length) == 0)
			return i;
	fail();
	return -1;
}

static enum tr_flow sink_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct sink *sink = (struct sink *)op;

	assert_int_equal(batch->run_count, 1);
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const uint32_t r = tr_batch_row(batch, i);
		const struct row row = {.k = text_number(&batch->columns[0], r),
					.start = tr_column_i64(&batch->columns[1], r),
					.v = tr_column_is_null(&batch->columns[2], r)
						     ? INT64_MIN
						     : tr_column_i32(&batch->columns[2], r),
					.name = text_number(&batch->columns[3], r),
					.end = tr_column_i64(&batch->columns[4], r)};

		assert_true(row.end - 1 > batch->runs[0].watermark_ms); /* it is not late for whoever is behind */
		lines[line_count++] = line_of(&row, job.plan.has_number ? tr_column_i64(&batch->columns[6], r) : 0);
	}
	return tr_test_below(&sink->seed, 3) == 0 ? TR_FLOW_BLOCKED : TR_FLOW_MORE;
}

static enum tr_flow sink_watermark(struct tr_op *op, uint32_t input, int64_t watermark_ms)
{
	assert_true(watermark_ms >= op->metrics.watermark_ms);
	op->metrics.watermark_ms = watermark_ms;
	return TR_FLOW_MORE;
}

static const struct tr_op_ops sink_ops = {.name = "sink", .on_batch = sink_batch, .on_watermark = sink_watermark};

/* ---- the model ---- */

static int by_number(int64_t a, int64_t b) { return (a > b) - (a < b); }

static int by_text(int32_t a, int32_t b)
{
	return a < 0 || b < 0 ? by_number(a >= 0, b >= 0) : strcmp(texts[a], texts[b]);
}

static int by_order(const struct row *a, const struct row *b, const struct tr_order_key *key)
{
	const bool a_null = key->column == 2 ? a->v == INT64_MIN : a->name < 0;
	const bool b_null = key->column == 2 ? b->v == INT64_MIN : b->name < 0;
	int order;

	if (a_null || b_null)
		return a_null == b_null ? 0 : a_null == key->nulls_first ? -1 : 1;
	order = key->column == 2 ? by_number(a->v, b->v) : by_text(a->name, b->name);
	return key->is_descending ? -order : order;
}

static int by_key(const struct row *a, const struct row *b)
{
	int order = by_number(a->start, b->start);

	order = order != 0 ? order : by_number(a->end, b->end);
	return order != 0 ? order : by_number(a->k, b->k);
}

static int compare_rows(const void *left, const void *right)
{
	const struct row *a = left, *b = right;
	int order = by_key(a, b);

	for (uint32_t i = 0; order == 0 && i < job.plan.order_count; i++)
		order = by_order(a, b, &job.order[i]);
	order = order != 0 ? order : by_number(a->v, b->v);
	return order != 0 ? order : by_text(a->name, b->name);
}

static int compare_lines(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void check_result(void)
{
	char **wanted = calloc(job.accepted + 1, sizeof(*wanted));
	size_t count = 0;
	uint64_t rank = 0;

	qsort(accepted, job.accepted, sizeof(*accepted), compare_rows);
	for (size_t i = 0; i < job.accepted; i++) {
		rank = i > 0 && by_key(&accepted[i - 1], &accepted[i]) == 0 ? rank + 1 : 1;
		if (rank >= job.plan.from && rank <= job.plan.to)
			wanted[count++] = line_of(&accepted[i], job.plan.has_number ? (int64_t)rank : 0);
	}
	qsort(wanted, count, sizeof(*wanted), compare_lines);
	qsort(lines, line_count, sizeof(*lines), compare_lines);
	for (size_t i = 0; i < TR_MIN(count, line_count); i++)
		assert_string_equal(lines[i], wanted[i]);
	assert_int_equal(line_count, count);
	for (size_t i = 0; i < count; i++)
		free(wanted[i]);
	free(wanted);
}

/* ---- the operators ---- */

static void create_ops(uint64_t *seed, uint32_t subtasks)
{
	struct tr_status st;

	job.subtasks = subtasks;
	for (uint32_t i = 0; i < subtasks; i++) {
		job.contexts[i] =
			(struct tr_op_context){.batch_rows = 1 + tr_test_below(seed, 30),
					       .subtask = i,
					       .subtask_count = subtasks,
					       .memory_limit = job.memory_limit,
					       .disk = env->disk,
					       .io = io,
					       .scratch_path = tr_arena_printf(&job.arena, "%s/%u", folder, i)};
		job.chains[i] = (struct tr_chain){.count = 0};
		assert_int_equal(tr_op_window_rank_create(&job.plan, &job.contexts[i], &job.ops[i], &st), TR_OK);
		sinks[i].op = (struct tr_op){.ops = &sink_ops, .context = &job.contexts[i], .timer_ms = INT64_MAX};
		sinks[i].op.metrics.watermark_ms = TR_WATERMARK_MIN;
		sinks[i].seed = *seed + i;
		tr_chain_append(&job.chains[i], job.ops[i]);
		tr_chain_append(&job.chains[i], &sinks[i].op);
	}
}

static void destroy_ops(void)
{
	for (uint32_t i = 0; i < job.subtasks; i++)
		job.ops[i]->ops->destroy(job.ops[i]);
}

static void step_snapshot(uint64_t *seed);

/* What is blocked may wait for the disk, or for the snapshot. */
static void settle(uint32_t subtask, enum tr_flow flow)
{
	uint64_t seed = job.accepted;

	job.ops[subtask]->is_blocked = flow == TR_FLOW_BLOCKED;
	while (flow == TR_FLOW_BLOCKED) {
		(void)tr_io_poll(io);
		if (job.is_saving)
			step_snapshot(&seed);
		flow = tr_chain_resume(&job.chains[subtask]);
	}
	if (flow != TR_FLOW_MORE)
		fail_msg("%s", job.contexts[subtask].status.message);
	spilled += job.ops[subtask]->metrics.spilled_bytes > 0;
}

static void give_watermark(int64_t watermark)
{
	job.watermark = TR_MAX(job.watermark, watermark);
	for (uint32_t i = 0; i < job.subtasks; i++)
		settle(i, job.ops[i]->ops->on_watermark(job.ops[i], 0, watermark));
}

static void fill_row(struct tr_batch_buffer *buffer, uint32_t at, const struct row *row)
{
	const int32_t numbers[2] = {row->k, row->name};

	((int64_t *)buffer->columns[1].data)[at] = row->start;
	((int32_t *)buffer->columns[2].data)[at] = (int32_t)row->v;
	((int64_t *)buffer->columns[4].data)[at] = row->end;
	((int64_t *)buffer->columns[5].data)[at] = row->end - 1;
	if (row->v == INT64_MIN)
		tr_column_buffer_set_null(&buffer->columns[2], at);
	for (uint32_t i = 0; i < 2; i++) {
		struct tr_column_buffer *column = &buffer->columns[i * 3];
		const char *text = numbers[i] < 0 ? "" : texts[numbers[i]];

		((struct tr_view *)column->data)[at] = tr_batch_buffer_view(buffer, text, (uint32_t)strlen(text));
		if (numbers[i] < 0)
			tr_column_buffer_set_null(column, at);
	}
}

/* Deals the rows as the exchange does. */
static void give_batch(struct tr_batch_buffer *buffer)
{
	uint64_t hashes[ROWS];
	const struct tr_column *columns = buffer->batch.columns;

	tr_hash_column(&columns[keys[0]], NULL, ROWS, hashes);
	for (uint32_t k = 1; k < TR_COUNT_OF(keys); k++)
		tr_hash_column_combine(&columns[keys[k]], NULL, ROWS, hashes);
	for (uint32_t s = 0; s < job.subtasks; s++) {
		uint32_t selected = 0;

		for (uint32_t row = 0; row < ROWS; row++)
			if (tr_key_group_subtask(tr_key_group(hashes[row], TR_KEY_GROUPS_DEFAULT),
						 TR_KEY_GROUPS_DEFAULT, job.subtasks) == s)
				buffer->selection[selected++] = row;
		buffer->batch.selection = buffer->selection;
		buffer->batch.selected_count = selected;
		if (selected > 0)
			settle(s, job.ops[s]->ops->on_batch(job.ops[s], 0, &buffer->batch));
	}
}

static void random_batch(uint64_t *seed, int64_t now)
{
	struct tr_batch_buffer *buffer = tr_batch_buffer_create(&job.input, ROWS);
	int64_t watermark = now - 2000;

	for (uint32_t i = 0; i < ROWS; i++) {
		struct row row = {.k = (int32_t)tr_test_below(seed, 4) - 1,
				  .end = (now / 1000 + tr_test_below(seed, 6) - 2) * 1000,
				  .v = tr_test_below(seed, 5) == 0 ? INT64_MIN : tr_test_below(seed, 30),
				  .name = (int32_t)tr_test_below(seed, TR_COUNT_OF(texts) + 1) - 1};

		row.start = row.end - 1000 * (1 + tr_test_below(seed, 2));
		watermark += tr_test_below(seed, 20);
		fill_row(buffer, i, &row);
		tr_batch_buffer_add_run(buffer, i, watermark);
		if (row.end - 1 > TR_MAX(watermark, job.watermark))
			accepted[job.accepted++] = row;
	}
	tr_batch_buffer_seal(buffer, ROWS);
	give_batch(buffer);
	tr_batch_buffer_destroy(&buffer);
}

/* ---- snapshots ---- */

static void clear_stream(struct stream *stream)
{
	for (uint32_t i = 0; i < stream->count; i++)
		free(stream->records[i].bytes);
	free(stream->records);
	memset(stream, 0, sizeof(*stream));
}

static void add_record(struct stream *stream, const struct record *record)
{
	if (stream->count == stream->capacity) {
		stream->capacity = stream->capacity * 2 + 64;
		stream->records = realloc(stream->records, stream->capacity * sizeof(*stream->records));
	}
	stream->records[stream->count++] = *record;
}

static tr_code put(struct tr_state_writer *writer, const struct tr_state_record *record, struct tr_status *st)
{
	struct record copy = {record->kind, record->is_keyed, writer->age, record->length, malloc(record->length)};

	memcpy(copy.bytes, record->bytes, record->length);
	add_record((struct stream *)writer, &copy);
	return TR_OK;
}

static void begin_snapshot(uint64_t *seed)
{
	struct tr_snapshot_order order = {.checkpoint = ++job.checkpoint, .completed = job.completed};
	struct tr_status st;

	if (job.has_complete && tr_test_below(seed, 3) == 0)
		order.rewrite_before =
			tr_state_age(1 + tr_test_below(seed, (uint32_t)job.completed)) + tr_test_below(seed, 3);
	job.is_saving = true;
	job.accepted_saving = job.accepted;
	job.lines_saving = line_count;
	job.watermark_saving = job.watermark;
	job.subtasks_saving = job.subtasks;
	for (uint32_t i = 0; i < job.subtasks; i++) {
		struct stream *stream = &job.streams[i];

		clear_stream(stream);
		stream->writer.put = put;
		stream->writer.age = tr_state_age(job.checkpoint);
		job.is_done[i] = false;
		assert_int_equal(job.ops[i]->ops->snapshot(job.ops[i], &order, &stream->writer, &stream->base, &st),
				 TR_OK);
		assert_true(stream->base <= tr_state_age(job.checkpoint) && stream->base >= order.rewrite_before);
	}
}

/* The newest snapshot counts: of the older ones only keyed records, and of those more than needed. */
static void complete_snapshot(void)
{
	for (uint32_t i = 0; i < SUBTASKS_MAX; i++) {
		struct stream *old = &job.complete[i], *new = &job.streams[i], kept = {.base = new->base};

		for (uint32_t r = 0; i < job.subtasks && r < old->count; r++) {
			struct record *record = &old->records[r];

			if (record->is_keyed && tr_state_age_checkpoint(record->age) + job.checkpoint % 3 >=
							tr_state_age_checkpoint(new->base)) {
				add_record(&kept, record);
				record->bytes = NULL;
			}
		}
		for (uint32_t r = 0; i < job.subtasks && r < new->count; r++) {
			add_record(&kept, &new->records[r]);
			new->records[r].bytes = NULL;
		}
		clear_stream(old);
		clear_stream(new);
		*old = kept;
	}
	job.is_saving = false;
	job.has_complete = true;
	job.completed = job.checkpoint;
	job.accepted_complete = job.accepted_saving;
	job.lines_complete = job.lines_saving;
	job.watermark_complete = job.watermark_saving;
	job.subtasks_complete = job.subtasks_saving;
}

static void step_snapshot(uint64_t *seed)
{
	bool is_all = true;
	struct tr_status st;

	for (uint32_t i = 0; i < job.subtasks; i++) {
		if (!job.is_done[i] && tr_test_below(seed, 2) == 0) {
			const enum tr_flow flow = job.ops[i]->ops->snapshot_step(job.ops[i], &job.streams[i].writer,
										 1 + tr_test_below(seed, 2000), &st);

			(void)tr_io_poll(io);
			job.streams[i].writer.age += tr_test_below(seed, 2);
			assert_true(flow != TR_FLOW_FAILED);
			job.is_done[i] = flow == TR_FLOW_DONE;
		}
		is_all = is_all && job.is_done[i];
	}
	if (is_all)
		complete_snapshot();
}

static void load_stream(uint32_t subtask, const struct stream *stream, const struct tr_state_origin *origin)
{
	for (uint32_t pass = 0; pass < 2; pass++) {
		for (uint32_t r = 0; r < stream->count; r++) {
			const struct record *copy = &stream->records[r];
			const struct tr_state_record record = {copy->kind, copy->is_keyed, copy->bytes, copy->length};
			struct tr_status st;

			if (copy->is_keyed == (pass == 1))
				assert_int_equal(job.ops[subtask]->ops->load(job.ops[subtask], origin, &record, &st),
						 TR_OK);
		}
	}
}

static void restore(uint64_t *seed)
{
	struct tr_status st;

	destroy_ops();
	create_ops(seed, 1 + tr_test_below(seed, SUBTASKS_MAX));
	for (; line_count > job.lines_complete; line_count--)
		free(lines[line_count - 1]);
	job.accepted = job.accepted_complete;
	job.watermark = job.watermark_complete;
	job.is_saving = false;
	for (uint32_t s = 0; s < job.subtasks; s++) {
		for (uint32_t i = 0; i < job.subtasks_complete; i++) {
			const struct tr_state_origin origin = {.subtask = i, .subtask_count = job.subtasks_complete};

			load_stream(s, &job.complete[i], &origin);
		}
		assert_int_equal(job.ops[s]->ops->load_end(job.ops[s], &st), TR_OK);
	}
}

/* ---- the test ---- */

static void set_up(uint64_t *seed)
{
	const uint32_t top = tr_test_below(seed, 3) == 0 ? 1 : 1 + tr_test_below(seed, 20);

	memset(&job, 0, sizeof(job));
	tr_arena_init(&job.arena, 0);
	job.types[0] = job.types[3] = tr_type_of(TR_TYPE_VARCHAR);
	job.types[1] = job.types[4] = job.types[5] = tr_type_with_precision(&job.arena, TR_TYPE_TIMESTAMP, 3);
	job.types[2] = tr_type_of(TR_TYPE_INT);
	job.types[6] = tr_type_of(TR_TYPE_BIGINT);
	job.plan = (struct tr_window_rank_plan){
		.window = {.kind = TR_WINDOW_TUMBLE, .size_ms = 1, .is_attached = true, .time_column = 5},
		.keys = keys,
		.key_count = TR_COUNT_OF(keys),
		.order = job.order,
		.order_count = 1 + tr_test_below(seed, 2),
		.from = 1 + (tr_test_below(seed, 3) == 0 ? tr_test_below(seed, top) : 0),
		.to = top,
		.has_number = tr_test_below(seed, 2) == 0,
		.input = &job.input,
		.output = &job.output};
	for (uint32_t i = 0; i < 2; i++)
		job.order[i] = (struct tr_order_key){.column = 2 + i,
						     .is_descending = tr_test_below(seed, 2) == 0,
						     .nulls_first = tr_test_below(seed, 2) == 0};
	job.input = (struct tr_schema){COLUMNS, names, job.types};
	job.output = (struct tr_schema){COLUMNS + job.plan.has_number, names, job.types};
	job.watermark = TR_WATERMARK_MIN;
	line_count = 0;
	job.memory_limit = tr_test_below(seed, 2) == 0 ? 0 : (size_t)150000 + tr_test_below(seed, 400000);
	create_ops(seed, 1 + tr_test_below(seed, SUBTASKS_MAX));
}

static void run_case(uint64_t *seed)
{
	int64_t now = 100000;

	set_up(seed);
	for (int step = 0; step < 100; step++) {
		now += tr_test_below(seed, 400);
		switch (tr_test_below(seed, 16)) {
		case 0: give_watermark(now - 900); break;
		case 1:
			if (!job.is_saving || tr_test_below(seed, 4) == 0)
				begin_snapshot(seed);
			break;
		case 2:
			if (job.has_complete && tr_test_below(seed, 4) == 0) {
				restore(seed);
				now = TR_MAX(job.watermark + 900, 100000); /* the sources begin again there */
			}
			break;
		case 3:
		case 4:
		case 5:
		case 6:
			if (job.is_saving)
				step_snapshot(seed);
			break;
		default: random_batch(seed, now); break;
		}
	}
	give_watermark(TR_WATERMARK_MAX);
	check_result();
	destroy_ops();
	for (size_t i = 0; i < line_count; i++)
		free(lines[i]);
	for (uint32_t i = 0; i < SUBTASKS_MAX; i++) {
		clear_stream(&job.streams[i]);
		clear_stream(&job.complete[i]);
	}
	tr_arena_deinit(&job.arena);
}

static void ranks_are_those_of_sorted_rows(void **state)
{
	uint64_t seed = tr_test_number("TAILRACE_TEST_SEED", 11), cases = tr_test_cases(400);

	for (uint64_t i = 0; i < cases; i++)
		run_case(&seed);
	assert_true(spilled > cases);
}

/* Records that are none are refused with a reason. */
static void bad_records_are_refused(void **state)
{
	const char bytes[] = {1, 0, 0, 0, 2, 0, 0};
	struct tr_state_record record = {.kind = 7, .bytes = bytes, .length = sizeof(bytes)};
	const struct tr_state_origin origin = {.subtask_count = 1};
	uint64_t seed = 3;
	struct tr_status st;

	set_up(&seed);
	assert_int_equal(job.ops[0]->ops->load(job.ops[0], &origin, &record, &st), TR_ERR_DATA);
	record.kind = 1;
	assert_int_equal(job.ops[0]->ops->load(job.ops[0], &origin, &record, &st), TR_ERR_DATA);
	for (record.kind = 2; record.kind <= 4; record.kind++)
		assert_int_equal(job.ops[0]->ops->load(job.ops[0], &origin, &record, &st), TR_ERR_DATA);
	record.kind = 4;
	record.is_keyed = true;
	assert_int_equal(job.ops[0]->ops->load(job.ops[0], &origin, &record, &st), TR_ERR_DATA);
	destroy_ops();
	tr_arena_deinit(&job.arena);
}

/* A row that is gone is not in any snapshot begun after that, however many there are: their stamps repeat. */
static void gone_rows_stay_gone(void **state)
{
	static const char *const column_names[] = {"a"};
	const struct tr_type *types[] = {tr_type_of(TR_TYPE_BIGINT)};
	const struct tr_schema schema = {.column_count = 1, .names = column_names, .types = types};
	const int64_t values[] = {1, 2};
	const struct tr_column column = {.type = types[0], .data = values};
	const struct tr_batch batch = {.schema = &schema, .row_count = 2, .selected_count = 2, .columns = &column};
	const struct tr_rank_chunk *chunk;
	static struct tr_rank_rows rows;
	uint32_t out[TR_RANK_CHUNK_ROWS], gone;

	tr_rank_rows_init(&rows, &schema);
	tr_rank_rows_begin(&rows, &batch);
	gone = tr_rank_rows_add(&rows, 0, 0);
	(void)tr_rank_rows_add(&rows, 1, 1);
	tr_rank_rows_end(&rows);
	for (uint64_t snapshot = 0; snapshot < 1000; snapshot++) {
		/* None of them is ever complete, so all is written each time. */
		const struct tr_snapshot_order order = {.checkpoint = snapshot + 1};
		uint32_t written = 0, count;

		assert_int_equal(tr_rank_rows_save(&rows, &order), tr_state_age(snapshot + 1));
		while ((count = tr_rank_rows_next(&rows, tr_state_age(snapshot + 1), 1 << 20, TR_RANK_CHUNK_ROWS,
						  &chunk, out)) != 0)
			written += count;
		assert_int_equal(written, snapshot <= 3 ? 2 : 1);
		if (snapshot == 3)
			tr_rank_rows_remove(&rows, gone);
	}
	tr_rank_rows_deinit(&rows);
}

/* A row is written once, as long as what it was written to completes and is not asked for again. */
static void only_what_is_new_is_written(void **state)
{
	static const char *const column_names[] = {"a"};
	const struct tr_type *types[] = {tr_type_of(TR_TYPE_BIGINT)};
	const struct tr_schema schema = {.column_count = 1, .names = column_names, .types = types};
	const int64_t values[] = {1, 2, 3};
	const struct tr_column column = {.type = types[0], .data = values};
	const struct tr_batch batch = {.schema = &schema, .row_count = 3, .selected_count = 3, .columns = &column};
	/* Rows added before, the order, and what is written then. */
	static const struct {
		uint32_t added;
		uint64_t completed, rewrite_before;
		uint32_t written;
		uint64_t base;
	} steps[] = {{2, 0, 0, 2, 1}, {0, 1, 0, 0, 1}, {3, 1, 0, 3, 1}, {1, 1, 0, 4, 1}, /* 3 was given up */
		     {0, 4, 0, 0, 1}, {0, 5, 1, 0, 1}, {0, 5, 2, 6, 7}, {1, 5, 0, 7, 8}, /* 7 was given up */
		     {0, 8, 8, 0, 8}, {0, 8, 9, 7, 10}};
	static struct tr_rank_rows rows;
	uint32_t out[TR_RANK_CHUNK_ROWS];

	tr_rank_rows_init(&rows, &schema);
	for (uint64_t i = 0; i < TR_COUNT_OF(steps); i++) {
		const struct tr_snapshot_order order = {.checkpoint = i + 1,
							.completed = steps[i].completed,
							.rewrite_before = tr_state_age(steps[i].rewrite_before)};
		const struct tr_rank_chunk *chunk;
		uint32_t written = 0, count;

		tr_rank_rows_begin(&rows, &batch);
		for (uint32_t row = 0; row < steps[i].added; row++)
			(void)tr_rank_rows_add(&rows, row, 0);
		tr_rank_rows_end(&rows);
		assert_int_equal(tr_rank_rows_save(&rows, &order), tr_state_age(steps[i].base));
		while ((count = tr_rank_rows_next(&rows, tr_state_age(i + 1), 1 << 20, TR_RANK_CHUNK_ROWS, &chunk,
						  out)) != 0)
			written += count;
		assert_int_equal(written, steps[i].written);
	}
	tr_rank_rows_deinit(&rows);
}

static int set_up_disk(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/tailrace_rank_op_XXXXXX");
	if (tr_environment_real_create(&env, NULL) != TR_OK || mkdtemp(folder) == NULL)
		return -1;
	return env->disk->ops->queue_create(env->disk, 64, &io, NULL) == TR_OK ? 0 : -1;
}

static int tear_down_disk(void **state)
{
	env->disk->ops->queue_destroy(env->disk, &io);
	tr_environment_real_destroy(&env);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gone_rows_stay_gone), cmocka_unit_test(only_what_is_new_is_written),
		cmocka_unit_test(ranks_are_those_of_sorted_rows), cmocka_unit_test(bad_records_are_refused)};

	return cmocka_run_group_tests(tests, set_up_disk, tear_down_disk);
}
