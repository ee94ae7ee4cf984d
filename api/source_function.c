/* SPDX-License-Identifier: Apache-2.0
 *
 * Sources in C as a connector (io/source.h). A split belongs to the reader of its number modulo their count; each read is a
 * chunk of its own, with exact borders: the positions before and after it.
 *
 *     split  |-- chunk 0 --|- chunk 1 -|---- chunk 2 ----|          positions are the user's
 *
 * Watermarks that the source says itself, or its strategy's generator does, stand in a hidden column behind the rows that raise them. One that
 * moves without rows, while a split waits or by the clock, is dealt as a chunk of no rows.
 *
 * All splits count as begun from the start. What was read while another reader has passed a barrier is given up and read
 * again later: it may not be dealt any more, and positions can be gone back to. A restored chunk is read with its end as limit, in as
 * many pieces as the user likes.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/env.h"
#include "api/run_times.h"
#include "base/check.h"
#include "io/source.h"

#define NS_PER_MS 1000000

struct split {
	uint64_t next_chunk;
	int64_t next;    /* position */
	bool is_ended;   /* nothing more is dealt */
	bool is_waiting; /* its reader's: until wake_ns */
	int64_t wake_ns;
	/* Its reader's, too: */
	int64_t watermark_ms;
	int64_t told_ms;      /* watermark of the last chunk */
	int64_t last_rows_ns; /* 0: none yet */
	struct tr_run_generator generator;
};

struct tr_source {
	const struct tr_source_plan_c *plan;
	const struct tr_table_spec *spec;
	pthread_mutex_t lock;
	struct split *splits;               /* under lock */
	uint64_t barrier;                   /* newest one; under lock */
	struct tr_chunk_position *restored; /* under lock; split UINT64_MAX: was taken */
	uint64_t restored_count;
	char name[64];
};

struct tr_source_reader {
	struct tr_run_hand hand;
	struct tr_status failure; /* a mistake in `read` */
	struct tr_source *source;
	struct tr_source_context *context;
	struct tr_environment *env;
	void *own;
	uint64_t barrier;
	uint32_t turn;  /* split to ask first */
	bool has_chunk; /* a restored one is being read */
	bool is_told;   /* some of it */
	struct tr_chunk_position chunk;
	int64_t position;
	int64_t periodic_ns; /* next turn of the generators; 0: not begun */
	int64_t *times_ms;   /* of a batch's rows, with callbacks for times or watermarks */
	int64_t *watermarks_ms;
};

static bool is_bounded(const struct tr_table_spec *spec)
{
	return !((const struct tr_source_plan_c *)spec->context)->function.is_unbounded;
}

static tr_code source_open(const struct tr_table_spec *spec, struct tr_environment *env, uint32_t reader_count,
			   struct tr_source **source, struct tr_status *st)
{
	struct tr_source *s = tr_checked(calloc(1, sizeof(*s)));

	s->plan = spec->context;
	s->spec = spec;
	s->splits = tr_checked(calloc(s->plan->function.split_count, sizeof(*s->splits)));
	for (uint32_t i = 0; i < s->plan->function.split_count; i++)
		s->splits[i].watermark_ms = s->splits[i].told_ms = TR_WATERMARK_MIN;
	pthread_mutex_init(&s->lock, NULL);
	*source = s;
	return TR_OK;
}

static void source_close(struct tr_source **source)
{
	pthread_mutex_destroy(&(*source)->lock);
	free((*source)->splits);
	free((*source)->restored);
	free(*source);
	*source = NULL;
}

static void progress(struct tr_source *source, uint64_t *known, uint64_t *begun)
{
	*known = *begun = source->plan->function.split_count;
}

static const char *split_name(struct tr_source *source, uint64_t split)
{
	const struct tr_source_function *f = &source->plan->function;
	const char *name = f->split_name != NULL ? f->split_name(f->user, (uint32_t)split) : NULL;

	return name != NULL ? name : source->spec->name;
}

static tr_code reader_open(struct tr_source *source, struct tr_source_context *context,
			   struct tr_source_reader **reader, struct tr_status *st)
{
	const struct tr_source_function *f = &source->plan->function;
	struct tr_source_reader *r = tr_checked(calloc(1, sizeof(*r)));
	tr_code code = TR_OK;

	r->hand = (struct tr_run_hand){.name = source->spec->name, .failure = &r->failure};
	r->source = source;
	r->context = context;
	r->env = context->env;
	r->turn = context->subtask;
	if (f->open_reader != NULL)
		code = f->open_reader(f->user, context->subtask, &r->own, st);
	if (code != TR_OK) {
		free(r);
		code = tr_run_answer(code, st);
		return tr_status_prefix(st, code, "source '%s'", source->spec->name);
	}
	if (source->plan->time >= 0 || source->plan->generator.struct_size != 0) {
		r->times_ms = tr_checked(calloc(source->spec->batch_rows, sizeof(*r->times_ms)));
		r->watermarks_ms = tr_checked(calloc(source->spec->batch_rows, sizeof(*r->watermarks_ms)));
	}
	*reader = r;
	return TR_OK;
}

static void reader_close(struct tr_source_reader **reader)
{
	struct tr_source_reader *r = *reader;
	const struct tr_source_function *f = &r->source->plan->function;

	for (uint32_t i = r->context->subtask; i < f->split_count; i += r->context->subtask_count)
		tr_run_generator_close(&r->hand, &r->source->splits[i].generator, &r->source->plan->generator);
	if (f->close_reader != NULL)
		f->close_reader(f->user, r->own);
	tr_run_hand_deinit(&r->hand);
	free(r->times_ms);
	free(r->watermarks_ms);
	free(r);
	*reader = NULL;
}

/* Choosing. */

/** A restored chunk of one of the reader's splits. */
static bool take_restored(struct tr_source_reader *r)
{
	struct tr_source *s = r->source;

	for (uint64_t i = 0; i < s->restored_count; i++) {
		struct tr_chunk_position *chunk = &s->restored[i];

		if (chunk->split == UINT64_MAX || chunk->split % r->context->subtask_count != r->context->subtask)
			continue;
		r->chunk = *chunk;
		r->position = chunk->start;
		r->has_chunk = true;
		r->is_told = false;
		chunk->split = UINT64_MAX;
		return true;
	}
	return false;
}

/** The next split of the reader that may have something: MORE with *split. BLOCKED: later; DONE: never. */
static enum tr_flow choose_split(struct tr_source_reader *r, int64_t now_ns, uint32_t *split)
{
	struct tr_source *s = r->source;
	const uint32_t count = s->plan->function.split_count, step = r->context->subtask_count;
	enum tr_flow flow = TR_FLOW_DONE;
	uint32_t i = r->turn;

	r->context->wake_at_ns = INT64_MAX;
	for (uint32_t n = 0; n * step < count + step; n++, i += step) {
		struct split *candidate;

		if (i >= count)
			i = r->context->subtask;
		if (i >= count)
			return TR_FLOW_DONE; /* more readers than splits */
		candidate = &s->splits[i];
		if (candidate->is_ended)
			continue;
		if (candidate->is_waiting && candidate->wake_ns > now_ns) {
			r->context->wake_at_ns = TR_MIN(r->context->wake_at_ns, candidate->wake_ns);
			flow = TR_FLOW_BLOCKED;
			continue;
		}
		if (r->context->is_ahead != NULL && r->context->is_ahead(r->context, i)) {
			flow = TR_FLOW_BLOCKED; /* the subtask is woken when the group has moved */
			continue;
		}
		candidate->is_waiting = false;
		*split = i;
		r->turn = i + step;
		return TR_FLOW_MORE;
	}
	return flow;
}

/* Reading. */

/** What `read` has answered makes sense. */
static tr_code check_read(const struct tr_source_reader *r, const struct tr_source_reading *before,
			  const struct tr_source_reading *after, const struct tr_collector *out, enum tr_read result,
			  struct tr_status *st)
{
	if (r->failure.code != TR_OK) {
		*st = r->failure;
		return st->code;
	}
	if (out->has_overflown)
		TR_FAIL(st, TR_ERR_USAGE, "`read` has collected more than the %u rows it was asked for", out->rows_max);
	if (after->position < before->position || after->position > before->limit)
		TR_FAIL(st, TR_ERR_USAGE,
			"`read` has moved the position from %" PRId64 " to %" PRId64 "; the limit is %" PRId64,
			before->position, after->position, before->limit);
	if (out->rows > 0 && after->position == before->position)
		TR_FAIL(st, TR_ERR_USAGE, "`read` has collected %u rows and left the position at %" PRId64, out->rows,
			before->position);
	if (r->source->plan->function.has_watermarks && after->watermark_ms < before->watermark_ms)
		TR_FAIL(st, TR_ERR_USAGE, "`read` has lowered the watermark from %" PRId64 " to %" PRId64,
			before->watermark_ms, after->watermark_ms);
	if (result != TR_READ_MORE && result != TR_READ_WAIT && result != TR_READ_END)
		TR_FAIL(st, TR_ERR_USAGE, "`read` has answered with result %d, which is none of enum tr_read",
			(int)result);
	return TR_OK;
}

/** The user's read into `into`; *rows: how many. */
static tr_code read_split(struct tr_source_reader *r, struct tr_source_reading *reading, struct tr_batch_buffer *into,
			  uint32_t *rows, enum tr_read *result, struct tr_status *st)
{
	const struct tr_source_plan_c *plan = r->source->plan;
	const struct tr_source_reading before = *reading;
	struct tr_collector out;
	const void *at_hand;
	tr_code code;

	reading->rows_max = TR_MIN(into->capacity, r->source->spec->batch_rows);
	tr_run_collector_init_source(&out, r, r->source->spec->name, into, plan->column_count, reading->rows_max);
	at_hand = tr_run_enter(r);
	code = plan->function.read(plan->function.user, r->own, reading, &out, result, st);
	tr_run_collector_end_source(&out);
	tr_run_leave(at_hand);
	*rows = out.rows;
	if (code == TR_OK)
		code = check_read(r, &before, reading, &out, *result, st);
	else
		code = tr_run_answer(code, st);
	return code == TR_OK ? TR_OK
			     : tr_status_prefix(st, code, "source '%s', %s", r->source->spec->name,
						split_name(r->source, reading->split));
}

/* Times and watermarks. */

static bool has_generator(const struct tr_source *s) { return s->plan->generator.struct_size != 0; }

static tr_code generate(struct tr_source_reader *r, struct split *split, const struct tr_batch *batch,
			struct tr_status *st)
{
	const struct tr_source_plan_c *plan = r->source->plan;

	for (uint32_t i = 0; plan->time < 0 && i < batch->row_count; i++)
		r->times_ms[i] = tr_column_is_null(&batch->columns[plan->time_column], i)
					 ? TR_WATERMARK_MIN
					 : tr_column_i64(&batch->columns[plan->time_column], i);
	TR_TRY(tr_run_generator_take(&r->hand, &split->generator, &plan->generator, batch, r->times_ms,
				     r->watermarks_ms, st));
	split->watermark_ms = split->generator.watermark_ms;
	return TR_OK;
}

/** Seals the rows that were read of a split, which are dealt: the hidden columns are filled, and the split's watermark moves to
 * `after_ms` if the source says it itself. */
static tr_code seal(struct tr_source_reader *r, uint64_t split_number, struct tr_batch_buffer *into, uint32_t rows,
		    int64_t after_ms, struct tr_chunk_info *info, struct tr_status *st)
{
	const struct tr_source_plan_c *plan = r->source->plan;
	struct split *split = &r->source->splits[split_number];
	const int64_t before_ms = split->watermark_ms;
	int64_t *column = plan->watermark >= 0 ? into->columns[plan->watermark].data : NULL;
	tr_code code = TR_OK;

	if (plan->function.has_watermarks)
		split->watermark_ms = TR_MAX(before_ms, after_ms);
	tr_batch_buffer_seal(into, rows);
	if (rows > 0) {
		split->last_rows_ns = tr_environment_monotonic_ns(r->env);
		if (plan->time >= 0)
			code = tr_run_times_assign(&r->hand, plan->assign_time, plan->assign_user, &into->batch,
						   r->times_ms, into->columns[plan->time].data, st);
		if (code == TR_OK && has_generator(r->source))
			code = generate(r, split, &into->batch, st);
		for (uint32_t i = 0; column != NULL && i < rows; i++)
			column[i] = has_generator(r->source) ? r->watermarks_ms[i]
				    : i + 1 < rows           ? before_ms
							     : split->watermark_ms;
	}
	info->watermark_ms = TR_MAX(split->watermark_ms, 0);
	info->is_activity = plan->function.has_watermarks && split->watermark_ms > split->told_ms;
	split->told_ms = split->watermark_ms;
	return code == TR_OK ? TR_OK
			     : tr_status_prefix(st, code, "source '%s', %s, watermarks", r->source->spec->name,
						split_name(r->source, split_number));
}

/** Whether a split has been without rows for the timeout. */
static bool is_idle(const struct tr_source *s, struct split *split, int64_t now_ns)
{
	if (split->last_rows_ns == 0)
		split->last_rows_ns = now_ns;
	return s->plan->idle_timeout_ms > 0 && now_ns - split->last_rows_ns >= s->plan->idle_timeout_ms * NS_PER_MS;
}

/** The generators' turn by the clock, if it is due. */
static tr_code turn_generators(struct tr_source_reader *r, int64_t now_ns, struct tr_status *st)
{
	struct tr_source *s = r->source;

	if (s->plan->periodic_ms == 0 || now_ns < r->periodic_ns)
		return TR_OK;
	for (uint32_t i = r->context->subtask; r->periodic_ns != 0 && i < s->plan->function.split_count;
	     i += r->context->subtask_count) {
		struct split *split = &s->splits[i];
		tr_code code;

		if (split->is_ended || is_idle(s, split, now_ns))
			continue;
		code = tr_run_generator_turn(&r->hand, &split->generator, &s->plan->generator, st);
		if (code != TR_OK)
			return tr_status_prefix(st, code, "source '%s', %s, watermarks", s->spec->name,
						split_name(s, i));
		split->watermark_ms = split->generator.watermark_ms;
	}
	r->periodic_ns = now_ns + s->plan->periodic_ms * NS_PER_MS;
	return TR_OK;
}

/** A split of the reader whose watermark has moved without rows. */
static bool find_untold(const struct tr_source_reader *r, uint32_t *split)
{
	const struct tr_source *s = r->source;

	if (s->plan->watermark < 0)
		return false;
	for (uint32_t i = r->context->subtask; i < s->plan->function.split_count; i += r->context->subtask_count) {
		if (s->splits[i].is_ended || s->splits[i].watermark_ms <= s->splits[i].told_ms)
			continue;
		*split = i;
		return true;
	}
	return false;
}

static enum tr_flow poll_restored(struct tr_source_reader *r, struct tr_batch_buffer *into, struct tr_chunk_info *info,
				  struct tr_status *st)
{
	struct tr_source *s = r->source;
	struct split *split = &s->splits[r->chunk.split];
	struct tr_source_reading reading = {.split = (uint32_t)r->chunk.split,
					    .position = r->position,
					    .limit = r->chunk.limit,
					    .watermark_ms = split->watermark_ms};
	enum tr_read result = TR_READ_MORE;
	uint32_t rows = 0;

	*info = (struct tr_chunk_info){.split = r->chunk.split,
				       .chunk = r->chunk.chunk,
				       .is_first = !r->is_told,
				       .start = r->chunk.start,
				       .limit = r->chunk.limit};
	if (r->position < r->chunk.limit && read_split(r, &reading, into, &rows, &result, st) != TR_OK)
		return TR_FLOW_FAILED;
	if (rows == 0 && reading.position < r->chunk.limit) {
		if (result == TR_READ_END) {
			(void)tr_status_set(st, TR_ERR_DATA, 0, TR_WHERE,
					    "source '%s', %s: it ends at %" PRId64 " now; before, rows up to %" PRId64
					    " had been read",
					    s->spec->name, split_name(s, reading.split), reading.position,
					    r->chunk.limit);
			return TR_FLOW_FAILED;
		}
		r->context->wake_at_ns = tr_environment_monotonic_ns(r->env) + TR_MAX(reading.wake_ms, 1) * NS_PER_MS;
		return TR_FLOW_BLOCKED;
	}
	if (seal(r, r->chunk.split, into, rows, reading.watermark_ms, info, st) != TR_OK)
		return TR_FLOW_FAILED;
	r->position = reading.position;
	r->is_told = true;
	info->is_last = r->position == r->chunk.limit;
	info->end = r->position;
	if (info->is_last) {
		pthread_mutex_lock(&s->lock);
		info->is_split_end = split->is_ended && r->chunk.chunk + 1 == split->next_chunk;
		pthread_mutex_unlock(&s->lock);
		r->has_chunk = false;
	}
	return TR_FLOW_MORE;
}

/** Deals what was read as the split's next chunk. False: a barrier came between, and it is given up. */
static bool deal(struct tr_source_reader *r, const struct tr_source_reading *reading, int64_t start, bool is_end,
		 struct tr_chunk_info *info)
{
	struct tr_source *s = r->source;
	struct split *split = &s->splits[reading->split];
	bool is_dealt;

	pthread_mutex_lock(&s->lock);
	is_dealt = r->barrier >= s->barrier;
	if (is_dealt) {
		*info = (struct tr_chunk_info){.split = reading->split,
					       .chunk = split->next_chunk++,
					       .is_first = true,
					       .is_last = true,
					       .is_split_end = is_end,
					       .start = start,
					       .limit = reading->position,
					       .end = reading->position};
		split->next = reading->position;
		split->is_ended = is_end;
	}
	pthread_mutex_unlock(&s->lock);
	return is_dealt;
}

/** What a read without rows leaves behind. */
static enum tr_flow wait(struct tr_source_reader *r, const struct tr_source_reading *reading, enum tr_read result,
			 int64_t now_ns)
{
	struct tr_source *s = r->source;
	struct split *split = &s->splits[reading->split];

	pthread_mutex_lock(&s->lock);
	split->next = r->barrier >= s->barrier ? reading->position : split->next;
	split->is_waiting = result == TR_READ_WAIT;
	split->wake_ns = now_ns + TR_MAX(reading->wake_ms, 1) * NS_PER_MS;
	pthread_mutex_unlock(&s->lock);
	if (s->plan->function.has_watermarks)
		split->watermark_ms = TR_MAX(split->watermark_ms, reading->watermark_ms);
	r->context->wake_at_ns = now_ns; /* another split may have something, or this one's watermark has moved */
	return TR_FLOW_BLOCKED;
}

/** What is to be done: MORE with a restored chunk in hand, or a split to read, or (`is_untold`) one whose watermark is to be told. */
static enum tr_flow choose(struct tr_source_reader *r, int64_t now_ns, struct tr_source_reading *reading,
			   bool *is_untold)
{
	struct tr_source *s = r->source;
	enum tr_flow flow = TR_FLOW_MORE;

	pthread_mutex_lock(&s->lock);
	if (r->barrier < s->barrier) {
		flow = TR_FLOW_BLOCKED;
	} else if (!take_restored(r)) {
		*is_untold = find_untold(r, &reading->split);
		if (!*is_untold)
			flow = choose_split(r, now_ns, &reading->split);
		if (flow == TR_FLOW_MORE) {
			reading->position = s->splits[reading->split].next;
			reading->watermark_ms = s->splits[reading->split].watermark_ms;
		}
	}
	pthread_mutex_unlock(&s->lock);
	if (flow == TR_FLOW_BLOCKED && s->plan->periodic_ms > 0)
		r->context->wake_at_ns = TR_MIN(r->context->wake_at_ns, r->periodic_ns);
	return flow;
}

static enum tr_flow poll(struct tr_source_reader *r, struct tr_batch_buffer *into, struct tr_chunk_info *info,
			 struct tr_status *st)
{
	const int64_t now_ns = tr_environment_monotonic_ns(r->env);
	struct tr_source_reading reading = {.limit = INT64_MAX};
	enum tr_read result = TR_READ_MORE;
	bool is_untold = false;
	enum tr_flow flow;
	uint32_t rows = 0;
	int64_t start;

	r->context->wake_at_ns = INT64_MAX;
	if (r->has_chunk)
		return poll_restored(r, into, info, st);
	if (turn_generators(r, now_ns, st) != TR_OK)
		return TR_FLOW_FAILED;
	flow = choose(r, now_ns, &reading, &is_untold);
	if (flow != TR_FLOW_MORE)
		return flow;
	if (r->has_chunk)
		return poll_restored(r, into, info, st);
	start = reading.position;
	*info = (struct tr_chunk_info){.split = reading.split, .is_first = true, .start = start};
	if (!is_untold && read_split(r, &reading, into, &rows, &result, st) != TR_OK)
		return TR_FLOW_FAILED;
	if (!is_untold && rows == 0 && result != TR_READ_END)
		return wait(r, &reading, result, now_ns);
	if (!deal(r, &reading, start, result == TR_READ_END, info)) {
		tr_batch_buffer_clear(into);
		return TR_FLOW_BLOCKED;
	}
	return seal(r, reading.split, into, rows, reading.watermark_ms, info, st) == TR_OK ? TR_FLOW_MORE
											   : TR_FLOW_FAILED;
}

/* Positions. */

static bool reader_barrier(struct tr_source_reader *r, uint64_t checkpoint, struct tr_position_writer *writer)
{
	struct tr_source *s = r->source;
	bool is_first;

	TR_ASSERT(checkpoint > r->barrier);
	r->barrier = checkpoint;
	pthread_mutex_lock(&s->lock);
	is_first = checkpoint > s->barrier;
	if (is_first) {
		s->barrier = checkpoint;
		for (uint32_t i = 0; i < s->plan->function.split_count; i++)
			writer->put_split(writer, &(struct tr_split_position){.split = i,
									      .next_chunk = s->splits[i].next_chunk,
									      .next_start = s->splits[i].next,
									      .is_dealt = s->splits[i].is_ended,
									      .text = ""});
		for (uint64_t i = 0; i < s->restored_count; i++)
			if (s->restored[i].split != UINT64_MAX)
				writer->put_chunk(writer, &s->restored[i]);
	}
	pthread_mutex_unlock(&s->lock);
	if (r->has_chunk && !r->is_told)
		writer->put_chunk(writer, &r->chunk);
	return is_first;
}

static tr_code restore(struct tr_source *s, const struct tr_source_positions *positions, struct tr_status *st)
{
	const uint32_t count = s->plan->function.split_count;

	if (positions->split_count > count)
		TR_FAIL(st, TR_ERR_NO_INPUT, "source '%s' had %" PRIu64 " splits, and has %u now", s->spec->name,
			positions->split_count, count);
	for (uint64_t i = 0; i < positions->split_count; i++) {
		const struct tr_split_position *saved = &positions->splits[i];

		s->splits[i] = (struct split){.next_chunk = saved->next_chunk,
					      .next = saved->next_start,
					      .is_ended = saved->is_dealt,
					      .watermark_ms = TR_WATERMARK_MIN,
					      .told_ms = TR_WATERMARK_MIN};
	}
	s->restored = tr_checked(calloc(positions->chunk_count + 1, sizeof(*s->restored)));
	for (uint64_t i = 0; i < positions->chunk_count; i++) {
		const struct tr_chunk_position *chunk = &positions->chunks[i];

		if (chunk->split >= count || chunk->limit < chunk->start)
			TR_FAIL(st, TR_ERR_DATA, "source '%s': the saved positions make no sense", s->spec->name);
		s->restored[i] = *chunk;
	}
	s->restored_count = positions->chunk_count;
	return TR_OK;
}

static const struct tr_source_ops ops = {
	.is_bounded = is_bounded,
	.open = source_open,
	.close = source_close,
	.progress = progress,
	.split_name = split_name,
	.reader_open = reader_open,
	.reader_close = reader_close,
	.poll = poll,
	.reader_barrier = reader_barrier,
	.restore = restore,
};

const struct tr_connector tr_connector_source_function = {.name = "source function", .source = &ops};
