/* SPDX-License-Identifier: Apache-2.0
 *
 * Alignment: minimum watermark, idleness, end of input, runs behind a union; and the same over random traffic against
 * a model that knows only Flink's rules for one channel at a time.
 */
#include "tr_test.h"

#include "base/type.h"
#include "core/align.h"

#define CHANNELS 3

struct collector {
	struct tr_op op;
	int64_t watermark_ms;
	uint32_t watermarks;
	uint32_t rows;
	int64_t last_value;
	int64_t last_run_ms;
	int64_t greatest_run_ms; /* of the last batch */
	bool is_idle;
	uint32_t statuses;
	uint32_t ends;
	uint32_t rows_of[CHANNELS]; /* where values are channel numbers */
	uint64_t checkpoint;        /* of the last barrier */
	uint32_t barriers;
	const uint32_t (*rows_before)[CHANNELS]; /* by checkpoint: rows sent before its barrier; NULL: not checked */
	uint32_t blocked_percent;
	uint64_t random;
};

static enum tr_flow answer(struct collector *c)
{
	return tr_test_below(&c->random, 100) < c->blocked_percent ? TR_FLOW_BLOCKED : TR_FLOW_MORE;
}

static enum tr_flow on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct collector *c = (struct collector *)op;

	assert_int_equal(c->ends, 0);
	c->rows += batch->selected_count;
	for (uint32_t i = 0; i < batch->selected_count; i++) {
		const int64_t value = tr_column_i64(&batch->columns[0], i);

		if (value >= 0 && value < CHANNELS)
			c->rows_of[value]++;
	}
	c->last_value = tr_column_i64(&batch->columns[0], batch->row_count - 1);
	c->last_run_ms = batch->run_count > 0 ? batch->runs[batch->run_count - 1].watermark_ms : TR_WATERMARK_MIN;
	c->greatest_run_ms = TR_WATERMARK_MIN;
	for (uint32_t r = 0; r < batch->run_count; r++)
		c->greatest_run_ms = TR_MAX(c->greatest_run_ms, batch->runs[r].watermark_ms);
	return answer(c);
}

static enum tr_flow on_watermark(struct tr_op *op, uint32_t input, int64_t watermark_ms)
{
	struct collector *c = (struct collector *)op;

	assert_true(watermark_ms > c->watermark_ms);
	assert_int_equal(c->ends, 0);
	c->watermark_ms = watermark_ms;
	c->watermarks++;
	return answer(c);
}

static enum tr_flow on_status(struct tr_op *op, uint32_t input, bool is_idle)
{
	struct collector *c = (struct collector *)op;

	assert_int_not_equal(c->is_idle, is_idle);
	c->is_idle = is_idle;
	c->statuses++;
	return answer(c);
}

static enum tr_flow on_barrier(struct tr_op *op, uint32_t input, uint64_t checkpoint)
{
	struct collector *c = (struct collector *)op;

	assert_true(checkpoint > c->checkpoint);
	assert_int_equal(c->ends, 0);
	for (uint32_t i = 0; c->rows_before != NULL && i < CHANNELS; i++)
		assert_int_equal(c->rows_of[i], c->rows_before[checkpoint][i]);
	c->checkpoint = checkpoint;
	c->barriers++;
	return answer(c);
}

static enum tr_flow on_end(struct tr_op *op, uint32_t input)
{
	struct collector *c = (struct collector *)op;

	c->ends++;
	return answer(c);
}

static void destroy(struct tr_op *op) {}

static const struct tr_op_ops collector_ops = {.name = "collector",
					       .on_batch = on_batch,
					       .on_watermark = on_watermark,
					       .on_status = on_status,
					       .on_barrier = on_barrier,
					       .on_end = on_end,
					       .destroy = destroy};

struct fixture {
	struct tr_channel channels[CHANNELS];
	struct tr_wake_set wakes[2];
	struct tr_op_context context;
	struct tr_align align;
	struct tr_chain chain;
	struct collector collector;
	const struct tr_type *types[1];
	const char *names[1];
	struct tr_schema schema;
};

static struct fixture *fixture_create(const uint32_t *edges, uint32_t credits, uint32_t blocked_percent)
{
	struct fixture *f = aligned_alloc(64, (sizeof(*f) + 63) / 64 * 64);
	struct tr_channel *channels[CHANNELS];

	memset(f, 0, sizeof(*f));
	f->types[0] = tr_type_of(TR_TYPE_BIGINT);
	f->names[0] = "v";
	f->schema = (struct tr_schema){1, f->names, f->types};
	for (uint32_t i = 0; i < CHANNELS; i++) {
		tr_channel_init(&f->channels[i], &f->schema, 4, credits, 0, &f->wakes[0], 1, &f->wakes[1]);
		channels[i] = &f->channels[i];
	}
	tr_align_init(&f->align, &f->context, &f->schema, channels, edges, CHANNELS);
	f->collector.op.ops = &collector_ops;
	f->collector.watermark_ms = TR_WATERMARK_MIN;
	f->collector.blocked_percent = blocked_percent;
	f->collector.op.metrics.watermark_ms = TR_WATERMARK_MIN;
	tr_chain_append(&f->chain, &f->collector.op);
	f->align.head.next = &f->collector.op;
	return f;
}

static void fixture_destroy(struct fixture *f)
{
	tr_align_deinit(&f->align);
	for (uint32_t i = 0; i < CHANNELS; i++)
		tr_channel_deinit(&f->channels[i]);
	free(f);
}

/** Steps until nothing more comes. Whether the end was reached. */
static bool run(struct fixture *f)
{
	for (int i = 0; i < 100000; i++) {
		enum tr_turn turn;

		if (tr_chain_is_blocked(&f->chain) && tr_chain_resume(&f->chain) == TR_FLOW_BLOCKED)
			continue;
		turn = tr_align_step(&f->align);
		if (turn == TR_TURN_DONE)
			return true;
		if (turn == TR_TURN_IDLE)
			return false;
	}
	fail_msg("the alignment never rests");
	return false;
}

/** Sends `count` rows of value `value` under run `run_ms`. */
static void send_rows(struct fixture *f, uint32_t channel, int64_t value, uint32_t count, int64_t run_ms)
{
	struct tr_batch_buffer *buffer = tr_batch_buffer_create(&f->schema, count);
	uint32_t rows[64];
	uint32_t taken = 0;

	for (uint32_t i = 0; i < count; i++) {
		((int64_t *)buffer->columns[0].data)[i] = value;
		rows[i] = i;
	}
	if (run_ms != TR_WATERMARK_MIN)
		tr_batch_buffer_add_run(buffer, 0, run_ms);
	tr_batch_buffer_seal(buffer, count);
	while (taken < count) {
		taken += tr_channel_append(&f->channels[channel], &buffer->batch, rows + taken, count - taken);
		if (taken < count)
			(void)run(f);
	}
	tr_batch_buffer_destroy(&buffer);
}

static void send_watermark(struct fixture *f, uint32_t channel, int64_t watermark_ms)
{
	tr_channel_watermark(&f->channels[channel], watermark_ms);
	(void)tr_channel_flush(&f->channels[channel]);
	(void)run(f);
}

static void send_status(struct fixture *f, uint32_t channel, bool is_idle)
{
	tr_channel_status(&f->channels[channel], is_idle);
	(void)tr_channel_flush(&f->channels[channel]);
	(void)run(f);
}

static const uint32_t one_edge[CHANNELS] = {0, 0, 0};
static const uint32_t three_edges[CHANNELS] = {0, 1, 2};

static void test_minimum(void **state)
{
	struct fixture *f = fixture_create(one_edge, 2, 0);

	send_watermark(f, 0, 100);
	send_watermark(f, 1, 50);
	assert_int_equal(f->collector.watermarks, 0);
	send_watermark(f, 2, 70);
	assert_int_equal(f->collector.watermark_ms, 50);
	send_watermark(f, 1, 90);
	assert_int_equal(f->collector.watermark_ms, 70);
	fixture_destroy(f);
}

static void test_idleness(void **state)
{
	struct fixture *f = fixture_create(one_edge, 2, 0);

	send_watermark(f, 0, 100);
	send_watermark(f, 1, 50);
	send_status(f, 2, true); /* the silent one no longer counts */
	assert_int_equal(f->collector.watermark_ms, 50);
	send_status(f, 1, true);
	assert_int_equal(f->collector.watermark_ms, 100);
	send_watermark(f, 1, 60);
	send_status(f, 1, false); /* back, but behind: not aligned, so it does not hold back */
	send_watermark(f, 0, 120);
	assert_int_equal(f->collector.watermark_ms, 120);
	send_watermark(f, 1, 130); /* caught up */
	send_watermark(f, 0, 140);
	assert_int_equal(f->collector.watermark_ms, 130);
	assert_false(f->collector.is_idle);
	send_status(f, 0, true);
	assert_false(f->collector.is_idle);
	send_status(f, 1, true); /* all idle: the greatest of all, then the status */
	assert_true(f->collector.is_idle);
	assert_int_equal(f->collector.watermark_ms, 140);
	send_status(f, 0, false);
	assert_false(f->collector.is_idle);
	fixture_destroy(f);
}

static void test_end(void **state)
{
	struct fixture *f = fixture_create(one_edge, 1, 30);

	for (uint32_t i = 0; i < CHANNELS; i++) {
		send_rows(f, i, i, 3, TR_WATERMARK_MIN);
		tr_channel_watermark(&f->channels[i], TR_WATERMARK_MAX);
		tr_channel_end(&f->channels[i]);
		while (!tr_channel_flush(&f->channels[i]))
			(void)run(f);
		assert_int_equal(run(f), i == CHANNELS - 1);
	}
	assert_int_equal(f->collector.rows, 9);
	assert_int_equal(f->collector.ends, 1);
	assert_true(f->collector.watermark_ms == TR_WATERMARK_MAX);
	fixture_destroy(f);
}

static void test_union_lowers_runs(void **state)
{
	struct fixture *f = fixture_create(three_edges, 2, 0);

	send_watermark(f, 0, 1000);
	send_watermark(f, 1, 300);
	send_watermark(f, 2, 400);
	send_rows(f, 0, 1, 4, 900);
	(void)run(f);
	assert_int_equal(f->collector.last_run_ms, 300);
	send_rows(f, 1, 1, 4, 250);
	(void)run(f);
	assert_int_equal(f->collector.last_run_ms, 250);
	fixture_destroy(f);
	f = fixture_create(three_edges, 2,
			   0); /* a packet whose runs go down: its producer reads several channels, too */
	send_watermark(f, 1, 300);
	send_watermark(f, 2, 400);
	send_rows(f, 0, 1, 2, 900);
	send_rows(f, 0, 1, 2, 100);
	(void)run(f);
	assert_int_equal(f->collector.rows, 4);
	assert_int_equal(f->collector.last_run_ms, 100);
	assert_int_equal(f->collector.greatest_run_ms, 300);
	fixture_destroy(f);
	f = fixture_create(one_edge, 2, 0); /* one edge: left alone */
	send_watermark(f, 0, 1000);
	send_watermark(f, 1, 300);
	send_watermark(f, 2, 400);
	send_rows(f, 0, 1, 4, 900);
	(void)run(f);
	assert_int_equal(f->collector.last_run_ms, 900);
	fixture_destroy(f);
}

static void send_barrier(struct fixture *f, uint32_t channel, uint64_t checkpoint)
{
	assert_true(tr_channel_barrier(&f->channels[channel], checkpoint));
	(void)run(f);
}

/** Rows behind a barrier wait for the other channels; with at-least-once they don't. */
static void test_barrier_holds(void **state)
{
	for (int at_least_once = 0; at_least_once < 2; at_least_once++) {
		struct fixture *f = fixture_create(one_edge, 4, 0);

		f->align.is_at_least_once = at_least_once == 1;
		send_rows(f, 0, 0, 3, TR_WATERMARK_MIN);
		send_barrier(f, 0, 1);
		assert_int_equal(f->collector.rows, 3);
		send_rows(f, 0, 0, 4, TR_WATERMARK_MIN);
		send_rows(f, 1, 1, 4, TR_WATERMARK_MIN);
		(void)run(f);
		assert_int_equal(f->collector.rows, at_least_once ? 11 : 7);
		send_barrier(f, 1, 1);
		assert_int_equal(f->collector.barriers, 0);
		send_barrier(f, 2, 1);
		assert_int_equal(f->collector.barriers, 1);
		assert_int_equal(f->collector.rows, 11);
		fixture_destroy(f);
	}
}

/** The end of a channel counts as every later barrier. */
static void test_barrier_and_end(void **state)
{
	struct fixture *f = fixture_create(one_edge, 4, 0);

	tr_channel_end(&f->channels[1]);
	(void)run(f);
	send_barrier(f, 0, 1);
	send_barrier(f, 2, 1);
	assert_int_equal(f->collector.checkpoint, 1);
	send_barrier(f, 0, 2);
	tr_channel_end(&f->channels[2]); /* while it is waited for */
	(void)run(f);
	assert_int_equal(f->collector.checkpoint, 2);
	tr_channel_end(&f->channels[0]);
	assert_true(run(f));
	assert_int_equal(f->collector.barriers, 2);
	assert_int_equal(f->collector.ends, 1);
	fixture_destroy(f);
}

/** A checkpoint that was given up: its barriers are on some channels only. */
static void test_barrier_given_up(void **state)
{
	struct fixture *f = fixture_create(one_edge, 4, 0);

	send_barrier(f, 0, 1);
	send_rows(f, 0, 0, 4, TR_WATERMARK_MIN);
	(void)run(f);
	assert_int_equal(f->collector.rows, 0);
	send_barrier(f, 1, 2); /* counts as 1, too */
	assert_int_equal(f->collector.rows, 0);
	send_barrier(f, 2, 1);
	assert_int_equal(f->collector.barriers, 1); /* nothing is forgotten: channel 0 goes on, 1 is held for 2 */
	assert_int_equal(f->collector.checkpoint, 1);
	assert_int_equal(f->collector.rows, 4);
	send_rows(f, 1, 0, 3, TR_WATERMARK_MIN);
	assert_true(tr_channel_flush(&f->channels[1]));
	send_barrier(f, 2, 2);
	assert_int_equal(f->collector.rows, 4);
	send_barrier(f, 0, 2);
	assert_int_equal(f->collector.checkpoint, 2);
	assert_int_equal(f->collector.barriers, 2);
	assert_int_equal(f->collector.rows, 7);
	fixture_destroy(f);
}

/** The producer of one channel: random pieces of rows, watermarks and 20 barriers, each step only if there is room. */
struct producer {
	struct tr_batch_buffer *rows;
	uint32_t sent;
	uint64_t checkpoint;
	bool is_barrier_pending;
	bool is_ended;
};

#define BARRIERS 20

static void producer_step(struct fixture *f, struct producer *p, uint32_t c, uint32_t (*before)[CHANNELS],
			  uint64_t *random)
{
	static const uint32_t iota[8] = {0, 1, 2, 3, 4, 5, 6, 7};
	struct tr_channel *channel = &f->channels[c];

	if (p->is_ended)
		return;
	if (p->is_barrier_pending) {
		p->is_barrier_pending = !tr_channel_flush(channel);
	} else if (tr_test_below(random, 100) < 80) {
		p->sent += tr_channel_append(channel, &p->rows->batch, iota, 1 + tr_test_below(random, 8));
	} else if (tr_test_below(random, 2)) {
		tr_channel_watermark(channel, (int64_t)p->sent + (int64_t)p->checkpoint);
	} else if (p->checkpoint < BARRIERS) {
		before[++p->checkpoint][c] = p->sent;
		p->is_barrier_pending = !tr_channel_barrier(channel, p->checkpoint);
	} else {
		tr_channel_end(channel);
		p->is_ended = true;
	}
}

/** Whatever the traffic, the credits and the answers of the chain: a barrier comes after exactly the rows before it. */
static void test_barrier_random(void **state)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct fixture *f = fixture_create(seed % 2 ? one_edge : three_edges, 1 + seed % 3, seed % 4 * 25);
		struct producer producers[CHANNELS];
		uint32_t before[BARRIERS + 1][CHANNELS] = {{0}};
		uint64_t random = seed;
		bool is_done = false;

		memset(producers, 0, sizeof(producers));
		f->collector.rows_before = (const uint32_t(*)[CHANNELS])before;
		f->collector.random = seed;
		for (uint32_t c = 0; c < CHANNELS; c++) {
			producers[c].rows = tr_batch_buffer_create(&f->schema, 8);
			for (uint32_t i = 0; i < 8; i++)
				((int64_t *)producers[c].rows->columns[0].data)[i] = c;
			tr_batch_buffer_seal(producers[c].rows, 8);
		}
		for (int n = 0; n < 1000000 && !is_done; n++) {
			const uint32_t c = tr_test_below(&random, CHANNELS);

			producer_step(f, &producers[c], c, before, &random);
			if (producers[c].is_ended)
				(void)(f->channels[c].is_ended || tr_channel_flush(&f->channels[c]));
			if (tr_test_below(&random, 4) == 0)
				is_done = run(f);
		}
		assert_true(is_done);
		assert_int_equal(f->collector.barriers, BARRIERS);
		assert_int_equal(f->collector.rows, producers[0].sent + producers[1].sent + producers[2].sent);
		for (uint32_t c = 0; c < CHANNELS; c++)
			tr_batch_buffer_destroy(&producers[c].rows);
		fixture_destroy(f);
	}
}

/** Random rows and watermarks, one credit, a chain that blocks: nothing is lost and the minimum holds at the end. */
static void test_random(void **state)
{
	for (uint64_t seed = 0; seed < 30; seed++) {
		struct fixture *f = fixture_create(one_edge, 1 + seed % 2, seed % 3 * 30);
		uint64_t random = seed;
		int64_t watermarks[CHANNELS] = {0, 0, 0};
		int64_t least = INT64_MAX;
		uint32_t rows = 0;

		f->collector.random = seed;
		for (int n = 0; n < 300; n++) {
			const uint32_t c = tr_test_below(&random, CHANNELS);
			const uint32_t count = 1 + tr_test_below(&random, 9);

			if (tr_test_below(&random, 2)) {
				send_rows(f, c, n, count, watermarks[c] > 0 ? watermarks[c] : TR_WATERMARK_MIN);
				rows += count;
			} else {
				watermarks[c] += 1 + tr_test_below(&random, 50);
				tr_channel_watermark(&f->channels[c], watermarks[c]);
			}
		}
		for (uint32_t c = 0; c < CHANNELS; c++) {
			while (!tr_channel_flush(&f->channels[c]))
				(void)run(f);
			least = TR_MIN(least, watermarks[c]);
		}
		(void)run(f);
		assert_int_equal(f->collector.rows, rows);
		assert_int_equal(f->collector.watermark_ms, least);
		fixture_destroy(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_minimum),
		cmocka_unit_test(test_idleness),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_union_lowers_runs),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_barrier_holds),
		cmocka_unit_test(test_barrier_and_end),
		cmocka_unit_test(test_barrier_given_up),
		cmocka_unit_test(test_barrier_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
