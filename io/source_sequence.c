/* SPDX-License-Identifier: Apache-2.0 */
#include "io/source_sequence.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "io/memory.h"

#define CHUNK_BATCHES 8
#define CHUNKS_PER_SECOND 20.0 /* with a rate: a chunk is small enough that all readers get some */
#define BURSTS_PER_SECOND 100.0
#define NS_PER_SECOND 1e9

void tr_sequence_init(struct tr_sequence *sequence, const struct tr_sequence_config *config, struct tr_environment *env)
{
	TR_ASSERT(config->rows >= 0 && config->batch_rows >= 1);
	memset(sequence, 0, sizeof(*sequence));
	sequence->config = *config;
	sequence->started_ns = tr_environment_monotonic_ns(env);
	sequence->started_wall_ms = tr_environment_wall_ms(env);
	sequence->chunk_rows = (int64_t)config->batch_rows * CHUNK_BATCHES;
	if (config->rows_per_second > 0) {
		const double rows = config->rows_per_second / CHUNKS_PER_SECOND;

		if (rows < (double)sequence->chunk_rows)
			sequence->chunk_rows = rows < 1 ? 1 : (int64_t)rows;
	}
	pthread_mutex_init(&sequence->lock, NULL);
}

void tr_sequence_deinit(struct tr_sequence *sequence)
{
	free(sequence->restored);
	pthread_mutex_destroy(&sequence->lock);
}

void tr_sequence_progress(struct tr_sequence *sequence, uint64_t *known, uint64_t *begun)
{
	*known = sequence->config.rows > 0 ? 1 : 0;
	pthread_mutex_lock(&sequence->lock);
	*begun = sequence->chunks > 0 ? 1 : 0;
	pthread_mutex_unlock(&sequence->lock);
}

static int64_t elapsed_ms(const struct tr_sequence *sequence, struct tr_environment *env)
{
	return sequence->elapsed_ms + (tr_environment_monotonic_ns(env) - sequence->started_ns) / 1000000;
}

static bool is_time_up(const struct tr_sequence *sequence, struct tr_environment *env)
{
	const int64_t limit_ms = sequence->config.stop_after_ms;

	return limit_ms > 0 && elapsed_ms(sequence, env) >= limit_ms;
}

static void fill_cursor(struct tr_sequence_cursor *cursor, uint64_t chunk, int64_t start, int64_t end, bool is_split_end)
{
	cursor->chunk = chunk;
	cursor->start = start;
	cursor->at = start;
	cursor->end = end;
	cursor->has_chunk = true;
	cursor->is_split_end = is_split_end;
}

/* Deals the next chunk to the cursor. MORE; BLOCKED: not before the reader's next barrier; DONE: there is none. */
static enum tr_flow deal(struct tr_sequence *sequence, struct tr_sequence_cursor *cursor, struct tr_environment *env)
{
	const int64_t rows = sequence->config.rows;
	const bool time_up = is_time_up(sequence, env);
	enum tr_flow flow = TR_FLOW_MORE;

	pthread_mutex_lock(&sequence->lock);
	cursor->dealt_ns = tr_environment_monotonic_ns(env);
	if (cursor->barrier < sequence->barrier) {
		flow = TR_FLOW_BLOCKED;
	} else if (sequence->restored_next < sequence->restored_count) {
		const struct tr_chunk_position *chunk = &sequence->restored[sequence->restored_next++];

		fill_cursor(cursor, chunk->chunk, chunk->start, chunk->limit,
			    sequence->is_ended && chunk->chunk + 1 == sequence->chunks);
	} else if (!sequence->is_ended && rows > 0) {
		const int64_t left = rows - sequence->next;
		const int64_t count = time_up ? 0 : TR_MIN(left, sequence->chunk_rows);

		sequence->is_ended = time_up || count == left;
		fill_cursor(cursor, sequence->chunks++, sequence->next, sequence->next + count, sequence->is_ended);
		sequence->next += count;
	} else {
		flow = TR_FLOW_DONE;
	}
	pthread_mutex_unlock(&sequence->lock);
	return flow;
}

/* When row `row` is due. */
static int64_t due_ns(const struct tr_sequence *sequence, int64_t row)
{
	return sequence->started_ns +
	       (int64_t)((double)(row - sequence->paced_row) / sequence->config.rows_per_second * NS_PER_SECOND);
}

int64_t tr_sequence_wall_ms(const struct tr_sequence *sequence, const struct tr_sequence_cursor *cursor, int64_t row)
{
	const int64_t due = sequence->config.rows_per_second > 0 ? due_ns(sequence, row) : sequence->started_ns;

	return sequence->started_wall_ms + (TR_MAX(due, cursor->dealt_ns) - sequence->started_ns) / 1000000;
}

/* How many rows from cursor->at on are due now, at most `most`; 0: wake_at_ns is set. */
static int64_t rows_due(const struct tr_sequence *sequence, const struct tr_sequence_cursor *cursor, int64_t most,
			struct tr_source_context *context)
{
	const double rate = sequence->config.rows_per_second;
	const int64_t now = tr_environment_monotonic_ns(context->env);
	const int64_t due =
		(int64_t)((double)(now - sequence->started_ns) / NS_PER_SECOND * rate) + 1 + sequence->paced_row;
	const int64_t burst = rate / BURSTS_PER_SECOND < 1 ? 1 : (int64_t)(rate / BURSTS_PER_SECOND);

	if (due > cursor->at)
		return TR_MIN(most, due - cursor->at);
	context->wake_at_ns = due_ns(sequence, cursor->at + TR_MIN(most, burst) - 1) + 1;
	return 0;
}

enum tr_flow tr_sequence_next(struct tr_sequence *sequence, struct tr_sequence_cursor *cursor,
			      struct tr_source_context *context, int64_t *first, uint32_t *count,
			      struct tr_chunk_info *info)
{
	int64_t rows;

	context->wake_at_ns = INT64_MAX;
	if (!cursor->has_chunk) {
		const enum tr_flow flow = deal(sequence, cursor, context->env);

		if (flow != TR_FLOW_MORE)
			return sequence->config.keep_alive ? TR_FLOW_BLOCKED : flow;
	}
	TR_ASSERT(cursor->at <= cursor->end);
	rows = TR_MIN(cursor->end - cursor->at, (int64_t)sequence->config.batch_rows);
	if (sequence->config.rows_per_second > 0 && rows > 0) {
		rows = rows_due(sequence, cursor, rows, context);
		if (rows == 0)
			return TR_FLOW_BLOCKED;
	}
	*first = cursor->at;
	*count = (uint32_t)rows;
	cursor->at += rows;
	memset(info, 0, sizeof(*info));
	info->chunk = cursor->chunk;
	info->is_first = *first == cursor->start;
	info->is_last = cursor->at == cursor->end;
	info->is_split_end = info->is_last && cursor->is_split_end;
	info->start = cursor->start;
	info->limit = cursor->end;
	info->end = cursor->at;
	cursor->has_chunk = !info->is_last;
	return TR_FLOW_MORE;
}

/* Positions. */

static void put_split(const struct tr_sequence *sequence, struct tr_environment *env, struct tr_position_writer *writer)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "elapsed-ms=%" PRId64, elapsed_ms(sequence, env));
	writer->put_split(writer, &(struct tr_split_position){.next_chunk = sequence->chunks,
							      .next_start = sequence->next,
							      .is_dealt = sequence->is_ended,
							      .text = text});
}

bool tr_sequence_barrier(struct tr_sequence *sequence, struct tr_sequence_cursor *cursor,
			 struct tr_source_context *context, uint64_t checkpoint, struct tr_position_writer *writer)
{
	bool is_first;

	TR_ASSERT(checkpoint > cursor->barrier);
	cursor->barrier = checkpoint;
	pthread_mutex_lock(&sequence->lock);
	is_first = checkpoint > sequence->barrier;
	if (is_first) {
		sequence->barrier = checkpoint;
		if (sequence->chunks > 0)
			put_split(sequence, context->env, writer);
		for (uint64_t i = sequence->restored_next; i < sequence->restored_count; i++)
			writer->put_chunk(writer, &sequence->restored[i]);
	}
	pthread_mutex_unlock(&sequence->lock);
	if (cursor->has_chunk && cursor->at == cursor->start) /* dealt, but not a row of it is due */
		writer->put_chunk(writer, &(struct tr_chunk_position){.chunk = cursor->chunk,
								      .start = cursor->start,
								      .limit = cursor->end});
	return is_first;
}

tr_code tr_sequence_restore(struct tr_sequence *sequence, const char *table,
			    const struct tr_source_positions *positions, struct tr_environment *env,
			    struct tr_status *st)
{
	const struct tr_split_position *split = positions->splits;
	int64_t least;

	TR_ASSERT(sequence->chunks == 0 && sequence->restored == NULL);
	if (positions->split_count == 0 && positions->chunk_count == 0)
		return TR_OK;
	if (positions->split_count != 1 || split->next_start < 0 || split->next_chunk == 0 ||
	    sscanf(split->text, "elapsed-ms=%" SCNd64, &sequence->elapsed_ms) != 1 || sequence->elapsed_ms < 0)
		TR_FAIL(st, TR_ERR_DATA, "table '%s': the saved position is not one of a generator", table);
	if (split->next_start > sequence->config.rows)
		TR_FAIL(st, TR_ERR_DATA,
			"table '%s': %" PRId64 " rows had been made, but now the table ends after %" PRId64, table,
			split->next_start, sequence->config.rows);
	least = split->next_start;
	for (uint64_t i = 0; i < positions->chunk_count; i++) {
		const struct tr_chunk_position *chunk = &positions->chunks[i];

		if (chunk->split != 0 || chunk->chunk >= split->next_chunk || chunk->start < 0 ||
		    chunk->limit < chunk->start || chunk->limit > split->next_start)
			TR_FAIL(st, TR_ERR_DATA, "table '%s': the saved rows in hand are not behind those to come",
				table);
		least = TR_MIN(least, chunk->start);
	}
	sequence->restored = tr_io_calloc(positions->chunk_count, sizeof(*sequence->restored));
	for (uint64_t i = 0; i < positions->chunk_count; i++)
		sequence->restored[i] = positions->chunks[i];
	sequence->restored_count = positions->chunk_count;
	sequence->chunks = split->next_chunk;
	sequence->next = split->next_start;
	sequence->is_ended = split->is_dealt;
	sequence->paced_row = least;
	sequence->started_ns = tr_environment_monotonic_ns(env);
	sequence->started_wall_ms = tr_environment_wall_ms(env);
	return TR_OK;
}
