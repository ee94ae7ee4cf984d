/* SPDX-License-Identifier: Apache-2.0 */
#include "io/source_sequence.h"

#include <string.h>

#include "base/check.h"

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
	sequence->chunk_rows = (int64_t)config->batch_rows * CHUNK_BATCHES;
	if (config->rows_per_second > 0) {
		const double rows = config->rows_per_second / CHUNKS_PER_SECOND;

		if (rows < (double)sequence->chunk_rows)
			sequence->chunk_rows = rows < 1 ? 1 : (int64_t)rows;
	}
	pthread_mutex_init(&sequence->lock, NULL);
}

void tr_sequence_deinit(struct tr_sequence *sequence) { pthread_mutex_destroy(&sequence->lock); }

void tr_sequence_progress(struct tr_sequence *sequence, uint64_t *known, uint64_t *begun)
{
	*known = sequence->config.rows > 0 ? 1 : 0;
	pthread_mutex_lock(&sequence->lock);
	*begun = sequence->chunks > 0 ? 1 : 0;
	pthread_mutex_unlock(&sequence->lock);
}

static bool is_time_up(const struct tr_sequence *sequence, struct tr_environment *env)
{
	const int64_t limit_ms = sequence->config.stop_after_ms;

	return limit_ms > 0 && tr_environment_monotonic_ns(env) - sequence->started_ns >= limit_ms * INT64_C(1000000);
}

/* Deals the next chunk to the cursor. False: there is none. */
static bool deal(struct tr_sequence *sequence, struct tr_sequence_cursor *cursor, struct tr_environment *env)
{
	const int64_t rows = sequence->config.rows;
	const bool time_up = is_time_up(sequence, env);
	bool is_dealt = false;

	pthread_mutex_lock(&sequence->lock);
	if (!sequence->is_ended && rows > 0) {
		const int64_t left = rows - sequence->next;
		const int64_t count = time_up ? 0 : TR_MIN(left, sequence->chunk_rows);

		*cursor = (struct tr_sequence_cursor){
			.chunk = sequence->chunks++,
			.start = sequence->next,
			.at = sequence->next,
			.end = sequence->next + count,
			.has_chunk = true,
			.is_split_end = time_up || count == left,
		};
		sequence->next += count;
		sequence->is_ended = cursor->is_split_end;
		is_dealt = true;
	}
	pthread_mutex_unlock(&sequence->lock);
	return is_dealt;
}

/* When row `row` is due. */
static int64_t due_ns(const struct tr_sequence *sequence, int64_t row)
{
	return sequence->started_ns + (int64_t)((double)row / sequence->config.rows_per_second * NS_PER_SECOND);
}

/* How many rows from cursor->at on are due now, at most `most`; 0: wake_at_ns is set. */
static int64_t rows_due(const struct tr_sequence *sequence, const struct tr_sequence_cursor *cursor, int64_t most,
			struct tr_source_context *context)
{
	const double rate = sequence->config.rows_per_second;
	const int64_t now = tr_environment_monotonic_ns(context->env);
	const int64_t due = (int64_t)((double)(now - sequence->started_ns) / NS_PER_SECOND * rate) + 1;
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
	if (!cursor->has_chunk && !deal(sequence, cursor, context->env))
		return sequence->config.keep_alive ? TR_FLOW_BLOCKED : TR_FLOW_DONE;
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
	info->end = cursor->at;
	cursor->has_chunk = !info->is_last;
	return TR_FLOW_MORE;
}
