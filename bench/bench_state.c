/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables (state/table.h): updates and reads against an open-addressing table that is never written down; updates with a
 * checkpoint every second against none; what a checkpoint appends; how long a barrier takes; a table of four times its memory
 * limit against one that has all it wants.
 *
 * Keys are int64, values a count and a sum: entries of 24 bytes that are slots of 32. Batches of 2,048. A checkpoint's records
 * are copied to blocks that a second thread writes to a file (bench/checkpoint_file.h); between two batches 128 KiB at most.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "bench/bench.h"
#include "bench/checkpoint_file.h"
#include "bench/data.h"
#include "bench/limits/limits.h"
#include "io/disk.h"
#include "state/table.h"

#define BATCH 2048
#define STREAM ((size_t)1 << 23) /* keys drawn in advance */
#define STREAM_LONG ((size_t)1 << 25)
#define STEP_BYTES ((size_t)128 << 10)
#define ENTRY_BYTES 24
#define COLD_WARM ((size_t)1 << 20) /* updates before a table beyond its memory is measured */

struct value {
	int64_t count, sum;
};

struct side {
	struct tr_table *table;
	struct tr_checkpoint_file *file; /* NULL: no checkpoints */
	struct tr_snapshot_order order;
	size_t at; /* in the stream */
	struct tr_io_queue *queue;
};

struct data {
	int64_t *keys, *values;
	struct tr_limit_group *group;
	struct side sides[2];
	size_t key_count, stream;
	int64_t sum;
	struct tr_environment *env;
	char path[64];
};

static struct tr_table *table_create(size_t keys, size_t limit, struct tr_io_queue *queue, const char *path)
{
	const struct tr_table_options options = {.value_bytes = sizeof(struct value),
						 .group_count = 128,
						 .group_end = 128,
						 .expected = limit > 0 ? 0 : (uint32_t)keys,
						 .memory_limit = limit,
						 .queue = queue,
						 .cold_path = path};
	struct tr_table *table;

	TR_ASSERT(tr_table_create(&options, &table, NULL) == TR_OK);
	return table;
}

static void update(struct side *side, const int64_t *keys, const int64_t *values)
{
	void *found[BATCH];
	enum tr_flow flow;

	while ((flow = tr_table_upsert_i64(side->table, keys, BATCH, found, NULL)) == TR_FLOW_BLOCKED)
		(void)tr_io_wait(side->queue, -1);
	TR_ASSERT(flow == TR_FLOW_MORE);
	for (uint32_t i = 0; i < BATCH; i++) {
		struct value *v = found[i];

		v->count++;
		v->sum += values[i];
	}
}

/** All keys once, in a batch of the stream's values. */
static void fill(struct side *side, size_t keys, const int64_t *values)
{
	int64_t batch[BATCH];

	for (size_t i = 0; i < keys; i += BATCH) {
		for (size_t k = 0; k < BATCH; k++)
			batch[k] = tr_data_key(TR_MIN(i + k, keys - 1));
		update(side, batch, values);
	}
}

static struct data *data_create(size_t keys, size_t stream, bool is_zipf)
{
	struct data *d = calloc(1, sizeof(*d));
	uint64_t random = 5;

	TR_ASSERT(d != NULL);
	d->key_count = keys;
	d->stream = stream;
	d->keys = tr_harness_alloc(stream * sizeof(int64_t));
	d->values = tr_data_numbers(stream, 1000, 6);
	for (size_t i = 0; i < stream; i++) {
		const uint64_t draw = tr_data_next(&random);
		const double unit = (double)(draw >> 11) / (double)(UINT64_C(1) << 53);

		d->keys[i] = tr_data_key(is_zipf ? (uint64_t)exp(unit * log((double)keys)) - 1 : draw % keys);
	}
	return d;
}

static void data_close(struct tr_bench_pair *pair)
{
	struct data *d = pair->data;

	for (uint32_t s = 0; s < 2; s++) {
		tr_table_destroy(&d->sides[s].table);
		tr_checkpoint_file_destroy(&d->sides[s].file);
	}
	if (d->env != NULL) {
		d->env->disk->ops->queue_destroy(d->env->disk, &d->sides[0].queue);
		tr_environment_real_destroy(&d->env);
	}
	if (d->group != NULL)
		tr_limit_group_destroy(&d->group);
	tr_harness_free(d->keys, d->stream * sizeof(int64_t));
	tr_harness_free(d->values, d->stream * sizeof(int64_t));
	free(d);
}

/* Updates and reads. */

static uint64_t ours_update(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	for (uint32_t r = 0; r < repeat; r++)
		for (size_t i = 0; i < STREAM; i += BATCH)
			update(&d->sides[0], d->keys + i, d->values + i);
	return (uint64_t)repeat * STREAM;
}

static uint64_t bar_update(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	for (uint32_t r = 0; r < repeat; r++)
		for (size_t i = 0; i < STREAM; i += BATCH)
			tr_limit_group_add(d->group, d->keys + i, d->values + i, BATCH);
	return (uint64_t)repeat * STREAM;
}

static uint64_t ours_read(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	for (uint32_t r = 0; r < repeat; r++) {
		for (size_t i = 0; i < STREAM; i += BATCH) {
			void *found[BATCH];

			(void)tr_table_find_i64(d->sides[0].table, d->keys + i, BATCH, found);
			for (uint32_t k = 0; k < BATCH; k++)
				d->sum += ((const struct value *)found[k])->sum;
		}
	}
	return (uint64_t)repeat * STREAM;
}

static uint64_t bar_read(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	for (uint32_t r = 0; r < repeat; r++)
		for (size_t i = 0; i < STREAM; i += BATCH)
			d->sum += tr_limit_group_read(d->group, d->keys + i, BATCH);
	return (uint64_t)repeat * STREAM;
}

static tr_code open_point(struct tr_bench_pair *pair, size_t keys, bool is_read)
{
	struct data *d = data_create(keys, STREAM, false);
	int64_t all[BATCH];
	double seconds;

	d->sides[0].table = table_create(keys, 0, NULL, NULL);
	d->group = tr_limit_group_create_with(keys, true);
	fill(&d->sides[0], keys, d->values);
	for (size_t i = 0; i < keys; i += BATCH) {
		for (size_t k = 0; k < BATCH; k++)
			all[k] = tr_data_key(TR_MIN(i + k, keys - 1));
		tr_limit_group_add(d->group, all, d->values, BATCH);
	}
	d->sum = 0;
	(void)ours_read(d, 1, &seconds);
	d->sum = -d->sum;
	(void)bar_read(d, 1, &seconds);
	TR_ASSERT(d->sum == 0); /* both have the same */
	pair->data = d;
	pair->ours = (struct tr_harness_side){is_read ? ours_read : ours_update, d};
	pair->bar = (struct tr_harness_side){is_read ? bar_read : bar_update, d};
	snprintf(pair->note, sizeof(pair->note), "%.0f MB, against %.0f MB",
		 (double)tr_table_bytes(d->sides[0].table) / 1e6, (double)keys * 1.5 * 32 / 1e6);
	return TR_OK;
}

static tr_code open_update_100k(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_point(pair, 100000, false);
}
static tr_code open_update_10m(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_point(pair, 10000000, false);
}
static tr_code open_read_100k(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_point(pair, 100000, true);
}
static tr_code open_read_10m(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_point(pair, 10000000, true);
}

/* Checkpoints. */

struct pauses {
	double barrier_us, step_us;
	uint64_t checkpoints;
};

/** Updates for `length` seconds, a checkpoint at their beginning. Returns the rows. */
static uint64_t run_second(struct data *d, struct side *side, double length, struct pauses *pauses)
{
	const double begin = tr_harness_seconds();
	bool is_writing = side->file != NULL;
	uint64_t rows = 0;
	double now = begin;

	if (is_writing) {
		uint64_t base;

		side->order.checkpoint++;
		tr_table_snapshot(side->table, &side->order, &base);
		pauses->barrier_us = TR_MAX(pauses->barrier_us, (tr_harness_seconds() - begin) * 1e6);
	}
	while (now < begin + length || is_writing) {
		update(side, d->keys + side->at, d->values + side->at);
		side->at = (side->at + BATCH) % d->stream;
		rows += BATCH;
		now = tr_harness_seconds();
		if (is_writing && tr_checkpoint_file_has_room(side->file)) {
			is_writing = tr_table_snapshot_step(side->table, tr_checkpoint_file_writer(side->file),
							    STEP_BYTES) == TR_FLOW_MORE;
			pauses->step_us = TR_MAX(pauses->step_us, (tr_harness_seconds() - now) * 1e6);
			if (!is_writing) {
				side->order.completed = side->order.checkpoint;
				pauses->checkpoints++;
			}
		}
	}
	return rows;
}

static uint64_t side_run(struct data *d, struct side *side, uint32_t repeat)
{
	struct pauses pauses = {0};
	uint64_t rows = 0;

	for (uint32_t r = 0; r < repeat; r++)
		rows += run_second(d, side, 1.0, &pauses);
	return rows;
}

static uint64_t ours_checkpoint(void *context, uint32_t repeat, double *seconds)
{
	return side_run(context, &((struct data *)context)->sides[0], repeat);
}

static uint64_t bar_checkpoint(void *context, uint32_t repeat, double *seconds)
{
	return side_run(context, &((struct data *)context)->sides[1], repeat);
}

static tr_code open_checkpoint(struct tr_bench_pair *pair, size_t keys, struct tr_status *st)
{
	struct data *d = data_create(keys, keys > STREAM / 4 ? STREAM_LONG : STREAM, false);
	struct pauses pauses = {0};
	uint64_t bytes;

	for (uint32_t s = 0; s < 2; s++) {
		d->sides[s].table = table_create(keys, 0, NULL, NULL);
		fill(&d->sides[s], keys, d->values);
	}
	TR_TRY(tr_checkpoint_file_create(false, &d->sides[0].file, st));
	(void)run_second(d, &d->sides[0], 1.0, &pauses);
	bytes = tr_checkpoint_file_bytes(d->sides[0].file);
	(void)run_second(d, &d->sides[0], 1.0, &pauses);
	bytes = tr_checkpoint_file_bytes(d->sides[0].file) - bytes;
	pair->data = d;
	pair->ours = (struct tr_harness_side){ours_checkpoint, d};
	pair->bar = (struct tr_harness_side){bar_checkpoint, d};
	snprintf(pair->note, sizeof(pair->note), "%zu keys; %.0f MB of slots changed, %.0f MB written each", keys,
		 (double)bytes / ENTRY_BYTES * 32 / 1e6, (double)bytes / 1e6);
	return TR_OK;
}

static tr_code open_8(struct tr_bench_pair *pair, struct tr_status *st) { return open_checkpoint(pair, 250000, st); }
static tr_code open_64(struct tr_bench_pair *pair, struct tr_status *st) { return open_checkpoint(pair, 2000000, st); }
static tr_code open_300(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_checkpoint(pair, 10000000, st);
}

/** 94 % of the updates on 1 % of 10M keys, 5 checkpoints: bytes appended over the bytes of the entries that changed. */
static tr_code observe_bytes(double *value, char *note, size_t room, struct tr_status *st)
{
	const size_t keys = 10000000;
	struct data *d = data_create(keys, STREAM, false);
	struct tr_bench_pair pair = {.data = d};
	struct side *side = &d->sides[0];
	struct pauses pauses = {0};
	uint8_t *seen = calloc(keys, 1);
	uint64_t random = 9, changed = 0, before, *drawn = malloc(STREAM * sizeof(*drawn));

	TR_ASSERT(seen != NULL && drawn != NULL);
	for (size_t i = 0; i < STREAM; i++) {
		const uint64_t draw = tr_data_next(&random);

		drawn[i] = draw % 100 < 94 ? (draw >> 8) % (keys / 100) : (draw >> 8) % keys;
		d->keys[i] = tr_data_key(drawn[i]);
	}
	side->table = table_create(keys, 0, NULL, NULL);
	fill(side, keys, d->values);
	TR_TRY(tr_checkpoint_file_create(false, &side->file, st));
	(void)run_second(d, side, 0, &pauses);
	before = tr_checkpoint_file_bytes(side->file);
	for (uint32_t n = 1; n <= 6; n++) {
		/* What changed since the last barrier: until now, or in the last round. */
		const size_t from = side->at;
		const uint64_t rows = run_second(d, side, 0.5, &pauses);

		if (n == 1) /* what the filling run had changed */
			before = tr_checkpoint_file_bytes(side->file);
		if (n == 6)
			break;
		for (uint64_t i = 0; i < rows; i++) {
			const uint64_t key = drawn[(from + i) % STREAM];

			changed += seen[key] != n;
			seen[key] = (uint8_t)n;
		}
	}
	*value = (double)(tr_checkpoint_file_bytes(side->file) - before) / ((double)changed * ENTRY_BYTES);
	snprintf(note, room, "%.1f MB of %.0f MB each; pause at the barrier %.0f us, in a step %.0f us at most",
		 (double)(tr_checkpoint_file_bytes(side->file) - before) / 5e6, (double)keys * ENTRY_BYTES / 1e6,
		 pauses.barrier_us, pauses.step_us);
	free(seen);
	free(drawn);
	data_close(&pair);
	return TR_OK;
}

/** The longest of 100 barriers, 20 ms apart, over 10M keys at full rate, in ms. */
static tr_code observe_pause(double *value, char *note, size_t room, struct tr_status *st)
{
	const size_t keys = 10000000;
	struct data *d = data_create(keys, STREAM, false);
	struct tr_bench_pair pair = {.data = d};
	struct side *side = &d->sides[0];
	struct pauses pauses = {0};

	side->table = table_create(keys, 0, NULL, NULL);
	fill(side, keys, d->values);
	TR_TRY(tr_checkpoint_file_create(false, &side->file, st));
	(void)run_second(d, side, 0, &pauses);
	pauses = (struct pauses){0};
	for (uint32_t n = 0; n < 100; n++)
		(void)run_second(d, side, 0.02, &pauses);
	*value = TR_MAX(pauses.barrier_us, pauses.step_us) / 1000;
	snprintf(note, room, "%.0f MB; barrier %.0f us, step between batches %.0f us at most",
		 (double)tr_table_bytes(side->table) / 1e6, pauses.barrier_us, pauses.step_us);
	data_close(&pair);
	return TR_OK;
}

/* Larger than memory. */

static uint64_t cold_run(struct data *d, struct side *side, uint32_t repeat)
{
	for (uint32_t r = 0; r < repeat * 64; r++) {
		update(side, d->keys + side->at, d->values + side->at);
		side->at = (side->at + BATCH) % d->stream;
	}
	return (uint64_t)repeat * 64 * BATCH;
}

static uint64_t ours_cold(void *context, uint32_t repeat, double *seconds)
{
	return cold_run(context, &((struct data *)context)->sides[0], repeat);
}

static uint64_t bar_cold(void *context, uint32_t repeat, double *seconds)
{
	return cold_run(context, &((struct data *)context)->sides[1], repeat);
}

static tr_code open_cold(struct tr_bench_pair *pair, struct tr_status *st)
{
	const size_t keys = 2000000;
	struct data *d = data_create(keys, STREAM, true);
	size_t limit, most = 0;

	snprintf(d->path, sizeof(d->path), "/var/tmp/tailrace-cold-%d", (int)getpid());
	TR_TRY(tr_environment_real_create(&d->env, st));
	TR_TRY(d->env->disk->ops->queue_create(d->env->disk, 256, &d->sides[0].queue, st));
	d->sides[1].table = table_create(keys, 0, NULL, NULL);
	fill(&d->sides[1], keys, d->values);
	limit = tr_table_bytes(d->sides[1].table) / 4;
	d->sides[0].table = table_create(keys, limit, d->sides[0].queue, d->path);
	fill(&d->sides[0], keys, d->values);
	for (uint32_t r = 0; r < COLD_WARM / BATCH / 64; r++) { /* until what is hot is in memory */
		(void)cold_run(d, &d->sides[0], 1);
		most = TR_MAX(most, tr_table_bytes(d->sides[0].table));
	}
	pair->data = d;
	pair->ours = (struct tr_harness_side){ours_cold, d};
	pair->bar = (struct tr_harness_side){bar_cold, d};
	snprintf(pair->note, sizeof(pair->note), "zipf 1, %zu M keys; limit %.0f MB, at most %.0f MB used",
		 keys / 1000000, (double)limit / 1e6, (double)most / 1e6);
	return TR_OK;
}

const struct tr_bench_case tr_bench_state_cases[] = {
	{"table-update-100k", "count and sum in a table by 100,000 keys, in batches, against one without persistence",
	 "rows", 0.5, 0, 0, open_update_100k, data_close},
	{"table-update-10m", "the same by 10,000,000 keys", "rows", 0.5, 0, 0, open_update_10m, data_close},
	{"table-read-100k", "reading the sums of 100,000 keys, in batches, against the same", "rows", 0.5, 0, 0,
	 open_read_100k, data_close},
	{"table-read-10m", "the same of 10,000,000 keys", "rows", 0.5, 0, 0, open_read_10m, data_close},
	{"table-checkpoint-8mb", "updates at full rate, a checkpoint each second, against none", "rows", 0.98, 0, 1000,
	 open_8, data_close},
	{"table-checkpoint-64mb", "the same with 64 MB that change", "rows", 0.97, 0, 1000, open_64, data_close},
	{"table-checkpoint-300mb", "the same with 300 MB that change", "rows", 0.90, 0, 1000, open_300, data_close},
	{.name = "table-checkpoint-bytes",
	 .work = "bytes appended over bytes changed, 94 % of updates on 1 % of 10M keys",
	 .unit = "x",
	 .observe = observe_bytes,
	 .must_at_most = 1.5},
	{.name = "table-checkpoint-pause",
	 .work = "longest pause for a snapshot of 10M keys",
	 .unit = "ms",
	 .observe = observe_pause,
	 .must_at_most = 5},
	{"table-cold", "updates of a table four times its memory limit, zipf keys, against one in memory", "rows", 0.2,
	 0, 0, open_cold, data_close},
	{.name = NULL},
};
