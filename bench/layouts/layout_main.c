/* SPDX-License-Identifier: Apache-2.0
 *
 * tailrace-bench-layout: layouts for keyed entries, side by side.
 *
 *     tailrace-bench-layout [KEYS [SECONDS [LAYOUT]]]     default: 1000, 100000 and 10000000 keys, 4 seconds a run, all
 *
 * Batches of 2,048 updates at full rate; keys uniform, or zipf (exponent 1: the key of rank r with probability ~ 1 / r).
 * Without checkpoints, with one every second and every 100 ms; one completes before the next begins. Between two batches at most
 * 128 KiB are written. Two sides of a comparison do not alternate here (each needs memory of its own): compare within
 * one run, and only what differs much.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "bench/checkpoint_file.h"
#include "bench/data.h"
#include "bench/harness.h"
#include "bench/layouts/layout.h"

#define STREAM ((uint32_t)1 << 23) /* keys drawn in advance */
#define STEP_BYTES ((size_t)128 << 10)

static const struct tr_layout *const layouts[] = {&tr_layout_plain, &tr_layout_log, &tr_layout_flat, &tr_layout_table};

struct result {
	double rate, barrier_us, step_us, bytes, checkpoints;
	size_t memory;
};

static void warm(const struct tr_layout *layout, void *made, uint64_t keys)
{
	int64_t batch[TR_LAYOUT_BATCH], values[TR_LAYOUT_BATCH] = {0};

	for (uint64_t i = 0; i < keys;) {
		uint32_t n = 0;

		for (; n < TR_LAYOUT_BATCH && i < keys; n++)
			batch[n] = tr_data_key(i++);
		layout->update(made, batch, values, n);
	}
}

static struct result run(const struct tr_layout *layout, void *made, const int64_t *stream, const int64_t *values,
			 double every, double seconds, struct tr_snapshot_order *order)
{
	struct tr_checkpoint_file *file;
	struct result r = {0};
	uint64_t rows = 0, at = 0;
	double begin, now, next;
	bool is_writing = false;

	TR_ASSERT(tr_checkpoint_file_create(false, &file, NULL) == TR_OK);
	if (every > 0 && order->completed == 0) { /* the first one is everything: not counted */
		order->checkpoint++;
		layout->barrier(made, order);
		while (layout->step(made, tr_checkpoint_file_writer(file), STEP_BYTES))
			;
		order->completed = order->checkpoint;
		r.bytes = -(double)tr_checkpoint_file_bytes(file);
	}
	begin = now = tr_harness_seconds();
	next = begin + every;
	while (now < begin + seconds) {
		layout->update(made, stream + at, values + at, TR_LAYOUT_BATCH);
		rows += TR_LAYOUT_BATCH;
		at = (at + TR_LAYOUT_BATCH) % STREAM;
		now = tr_harness_seconds();
		if (every == 0)
			continue;
		if (is_writing && tr_checkpoint_file_has_room(file)) {
			is_writing = layout->step(made, tr_checkpoint_file_writer(file), STEP_BYTES);
			r.step_us = TR_MAX(r.step_us, (tr_harness_seconds() - now) * 1e6);
			if (!is_writing) {
				order->completed = order->checkpoint;
				r.checkpoints++;
			}
		} else if (!is_writing && now >= next) {
			order->checkpoint++;
			layout->barrier(made, order);
			r.barrier_us = TR_MAX(r.barrier_us, (tr_harness_seconds() - now) * 1e6);
			is_writing = true;
			next = TR_MAX(next + every, now);
		}
	}
	r.rate = (double)rows / (now - begin);
	while (is_writing)
		is_writing = layout->step(made, tr_checkpoint_file_writer(file), STEP_BYTES);
	order->completed = order->checkpoint;
	r.bytes = (r.bytes + (double)tr_checkpoint_file_bytes(file)) / TR_MAX(r.checkpoints, 1);
	r.memory = layout->bytes(made);
	tr_checkpoint_file_destroy(&file);
	return r;
}

struct loading {
	const struct tr_layout *layout;
	void *made;
};

static tr_code load_one(void *context, const void *bytes, size_t length)
{
	struct loading *l = context;

	return l->layout->load(l->made, bytes, length);
}

/** Seconds to load twice the live state: everything, then everything again in another order. */
static double load_time(const struct tr_layout *layout, uint64_t keys, double *megabytes)
{
	struct tr_checkpoint_file *file;
	struct tr_snapshot_order order = {.checkpoint = 1};
	struct loading loading = {layout, layout->create(keys)};
	double begin;

	TR_ASSERT(tr_checkpoint_file_create(true, &file, NULL) == TR_OK);
	warm(layout, loading.made, keys);
	for (uint32_t pass = 0; pass < 2; pass++) {
		layout->barrier(loading.made, &order);
		while (layout->step(loading.made, tr_checkpoint_file_writer(file), STEP_BYTES))
			;
		order.completed = order.checkpoint++;
		warm(layout, loading.made, keys);
	}
	layout->destroy(loading.made);
	loading.made = layout->create(keys);
	begin = tr_harness_seconds();
	TR_ASSERT(tr_checkpoint_file_replay(file, load_one, &loading) == TR_OK);
	begin = tr_harness_seconds() - begin;
	*megabytes = (double)tr_checkpoint_file_bytes(file) / 1e6;
	layout->destroy(loading.made);
	tr_checkpoint_file_destroy(&file);
	return begin;
}

static void compare(uint64_t keys, bool is_zipf, double seconds, const char *only, const int64_t *values)
{
	int64_t *stream = malloc(STREAM * sizeof(*stream));
	uint64_t random = 1;

	TR_ASSERT(stream != NULL);
	for (uint32_t i = 0; i < STREAM; i++) {
		const uint64_t draw = tr_data_next(&random);
		const double unit = (double)(draw >> 11) / (double)(UINT64_C(1) << 53);

		stream[i] = tr_data_key(is_zipf ? (uint64_t)exp(unit * log((double)keys)) - 1 : draw % keys);
	}
	for (size_t l = 0; l < TR_COUNT_OF(layouts); l++) {
		const struct tr_layout *layout = layouts[l];
		struct tr_snapshot_order order = {.checkpoint = 0};
		void *made;
		static const double intervals[] = {0, 1, 0.1};

		if (only != NULL && strcmp(only, layout->name) != 0)
			continue;
		made = layout->create(keys);
		warm(layout, made, keys);
		for (size_t i = 0; i < (layout->barrier == NULL ? 1 : TR_COUNT_OF(intervals)); i++) {
			const struct result r = run(layout, made, stream, values, intervals[i], seconds, &order);

			printf("%-8llu %-7s %-6s %6.0f ms %8.1f M/s", (unsigned long long)keys,
			       is_zipf ? "zipf" : "uniform", layout->name, intervals[i] * 1000, r.rate / 1e6);
			if (intervals[i] > 0)
				printf(" %6.1f us barrier %7.1f us step %8.2f MB each of %.0f", r.barrier_us, r.step_us,
				       r.bytes / 1e6, r.checkpoints);
			printf(" %8.2f MB in memory\n", (double)r.memory / 1e6);
			fflush(stdout);
		}
		layout->destroy(made);
	}
	free(stream);
}

int main(int argc, char **argv)
{
	static const uint64_t sizes[] = {1000, 100000, 10000000};
	const uint64_t only = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	const double seconds = argc > 2 ? strtod(argv[2], NULL) : 4;
	const char *layout = argc > 3 ? argv[3] : NULL;
	int64_t *values = tr_data_numbers(STREAM, 1000, 3);

	for (size_t s = 0; s < TR_COUNT_OF(sizes); s++) {
		if (only != 0 && only != sizes[s])
			continue;
		compare(sizes[s], false, seconds, layout, values);
		compare(sizes[s], true, seconds, layout, values);
		for (size_t l = 1; l < TR_COUNT_OF(layouts) && layout == NULL; l++) {
			double megabytes;
			const double time = load_time(layouts[l], sizes[s], &megabytes);

			printf("%-8llu %-7s %-6s load %.1f MB in %.3f s\n", (unsigned long long)sizes[s], "",
			       layouts[l]->name, megabytes, time);
			fflush(stdout);
		}
	}
	tr_harness_free(values, STREAM * sizeof(*values));
	return 0;
}
