/* SPDX-License-Identifier: Apache-2.0
 *
 * Chains: who blocked is resumed from the tail to the head, order is kept, control passes operators that do not care.
 *
 * A probe operator multiplies each batch by emitting it `copies` times, and answers BLOCKED from its own acts by a
 * random plan; the tail writes down what it sees. Whatever blocks, the tail must see the same.
 */
#include "tr_test.h"

#include "core/chain.h"
#include "core/ops/op_fork.h"

#define SEEN_MAX 20000

struct probe {
	struct tr_op op;
	uint32_t copies;
	uint32_t left; /* copies still to be emitted */
	const struct tr_batch *batch;
	bool is_tail;
	uint32_t blocked_percent; /* tail: answers BLOCKED so often */
	uint64_t *random;
	int64_t *seen;
	uint32_t *seen_count;
	uint32_t timers;
};

static enum tr_flow see(struct probe *p, int64_t what)
{
	assert_true(*p->seen_count < SEEN_MAX);
	p->seen[(*p->seen_count)++] = what;
	return tr_test_below(p->random, 100) < p->blocked_percent ? TR_FLOW_BLOCKED : TR_FLOW_MORE;
}

static enum tr_flow emit_copies(struct probe *p)
{
	while (p->left > 0) {
		enum tr_flow flow;

		p->left--;
		flow = tr_op_emit(&p->op, p->batch);
		if (flow != TR_FLOW_MORE)
			return flow;
	}
	return TR_FLOW_MORE;
}

static enum tr_flow probe_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct probe *p = (struct probe *)op;

	if (p->is_tail)
		return see(p, batch->watermark_ms); /* the batch's number */
	assert_int_equal(p->left, 0);
	p->left = p->copies;
	p->batch = batch;
	return emit_copies(p);
}

static enum tr_flow probe_watermark(struct tr_op *op, uint32_t input, int64_t watermark_ms)
{
	return see((struct probe *)op, 1000000 + watermark_ms);
}

static enum tr_flow probe_status(struct tr_op *op, uint32_t input, bool is_idle)
{
	return see((struct probe *)op, is_idle ? -1 : -2);
}

static enum tr_flow probe_end(struct tr_op *op, uint32_t input) { return see((struct probe *)op, -3); }

static enum tr_flow probe_resume(struct tr_op *op)
{
	struct probe *p = (struct probe *)op;

	if (p->is_tail)
		return tr_test_below(p->random, 100) < p->blocked_percent ? TR_FLOW_BLOCKED : TR_FLOW_MORE;
	return emit_copies(p);
}

static enum tr_flow probe_timer(struct tr_op *op, int64_t now_ms)
{
	struct probe *p = (struct probe *)op;

	assert_true(op->timer_ms <= now_ms);
	op->timer_ms = p->timers == 0 ? INT64_MAX : op->timer_ms + 10;
	p->timers -= p->timers > 0;
	p->left = 1;
	return emit_copies(p);
}

static void probe_destroy(struct tr_op *op) {}

static const struct tr_op_ops middle_ops = {
	.name = "middle", .on_batch = probe_batch, .resume = probe_resume, .destroy = probe_destroy};
static const struct tr_op_ops timer_ops = {.name = "timer",
					   .on_batch = probe_batch,
					   .on_timer = probe_timer,
					   .resume = probe_resume,
					   .destroy = probe_destroy};
static const struct tr_op_ops tail_ops = {.name = "tail",
					  .on_batch = probe_batch,
					  .on_watermark = probe_watermark,
					  .on_status = probe_status,
					  .on_end = probe_end,
					  .resume = probe_resume,
					  .destroy = probe_destroy};

struct fixture {
	struct probe probes[4];
	struct tr_chain chain;
	struct tr_op head;
	uint64_t random;
	int64_t seen[SEEN_MAX];
	uint32_t seen_count;
};

static const struct tr_schema empty_schema;

static void fixture_init(struct fixture *f, uint64_t seed, uint32_t blocked_percent)
{
	static const uint32_t copies[] = {1, 3, 2, 0};

	memset(f, 0, sizeof(*f));
	f->random = seed;
	f->head.metrics.watermark_ms = TR_WATERMARK_MIN;
	for (uint32_t i = 0; i < 4; i++) {
		struct probe *p = &f->probes[i];

		p->op.ops = i == 3 ? &tail_ops : i == 1 ? &timer_ops : &middle_ops;
		p->op.timer_ms = INT64_MAX;
		p->op.metrics.watermark_ms = TR_WATERMARK_MIN;
		p->copies = copies[i];
		p->is_tail = i == 3;
		p->blocked_percent = blocked_percent;
		p->random = &f->random;
		p->seen = f->seen;
		p->seen_count = &f->seen_count;
		tr_chain_append(&f->chain, &p->op);
	}
	f->head.next = f->chain.ops[0];
}

static void drain(struct fixture *f, enum tr_flow flow)
{
	int tries = 0;

	assert_int_not_equal(flow, TR_FLOW_FAILED);
	assert_int_equal(flow == TR_FLOW_BLOCKED, tr_chain_is_blocked(&f->chain));
	while (tr_chain_is_blocked(&f->chain)) {
		flow = tr_chain_resume(&f->chain);
		assert_int_equal(flow == TR_FLOW_BLOCKED, tr_chain_is_blocked(&f->chain));
		assert_true(++tries < 10000);
	}
}

static void test_resume_keeps_order(void **state)
{
	for (uint32_t percent = 0; percent <= 90; percent += 15) {
		struct fixture *f = malloc(sizeof(*f));
		uint32_t at = 0;

		fixture_init(f, percent, percent);
		for (int64_t n = 0; n < 100; n++) {
			struct tr_batch batch = {
				.schema = &empty_schema, .row_count = 1, .selected_count = 1, .watermark_ms = n};

			drain(f, tr_op_emit(&f->head, &batch));
			memset(&batch, 0xee, sizeof(batch)); /* borrowed no longer */
			drain(f, tr_op_emit_watermark(&f->head, n));
			drain(f, tr_op_emit_status(&f->head, n % 2 == 0));
		}
		drain(f, tr_op_emit_end(&f->head));
		for (int64_t n = 0; n < 100; n++) {
			for (int copy = 0; copy < 6; copy++)
				assert_int_equal(f->seen[at++], n);
			assert_int_equal(f->seen[at++], 1000000 + n);
			assert_int_equal(f->seen[at++], n % 2 == 0 ? -1 : -2);
		}
		assert_int_equal(f->seen[at++], -3);
		assert_int_equal(at, f->seen_count);
		assert_int_equal(f->probes[2].op.metrics.watermark_ms, 99); /* passed by, noted */
		assert_int_equal(f->probes[3].op.metrics.rows_in, 600);
		tr_chain_deinit(&f->chain);
		free(f);
	}
}

static void test_timers(void **state)
{
	struct tr_batch batch = {.schema = &empty_schema, .row_count = 1, .selected_count = 1, .watermark_ms = 7};
	struct fixture *f = malloc(sizeof(*f));
	bool fired;

	fixture_init(f, 3, 50);
	assert_true(tr_chain_next_timer(&f->chain) == INT64_MAX);
	f->probes[1].op.timer_ms = 100;
	f->probes[1].timers = 2;
	f->probes[1].batch = &batch;
	assert_int_equal(tr_chain_next_timer(&f->chain), 100);
	drain(f, tr_chain_fire_timers(&f->chain, 99, &fired));
	assert_false(fired);
	for (int64_t now = 100; now <= 120; now += 10) {
		drain(f, tr_chain_fire_timers(&f->chain, now, &fired));
		assert_true(fired);
	}
	assert_true(tr_chain_next_timer(&f->chain) == INT64_MAX);
	assert_int_equal(f->seen_count, 6); /* three timers, two copies each behind it */
	tr_chain_deinit(&f->chain);
	free(f);
}

static void test_empty_batches_are_not_emitted(void **state)
{
	struct tr_batch batch = {.schema = &empty_schema, .row_count = 5, .selected_count = 0};
	struct fixture *f = malloc(sizeof(*f));

	fixture_init(f, 3, 100);
	assert_int_equal(tr_op_emit(&f->head, &batch), TR_FLOW_MORE);
	assert_int_equal(f->seen_count, 0);
	tr_chain_deinit(&f->chain);
	free(f);
}

/* ---- forks ---- */

#define TAILS 5

/** What a tail has seen, on its own. */
struct tail {
	struct probe probe;
	int64_t seen[SEEN_MAX];
	uint32_t seen_count;
};

static void probe_init(struct probe *p, const struct tr_op_ops *ops, uint32_t copies, uint32_t blocked_percent,
		       uint64_t *random, struct tail *tail)
{
	p->op.ops = ops;
	p->op.timer_ms = INT64_MAX;
	p->op.metrics.watermark_ms = TR_WATERMARK_MIN;
	p->copies = copies;
	p->is_tail = tail != NULL;
	p->blocked_percent = blocked_percent;
	p->random = random;
	p->seen = tail != NULL ? tail->seen : NULL;
	p->seen_count = tail != NULL ? &tail->seen_count : NULL;
}

/** head > middle > fork: tail 0 | middle (3 copies) > fork: tail 1, middle > tail 2, tail 3 | tail 4. Each tail sees all of it in its
 * order, whoever blocks. */
static void test_forks_keep_order(void **state)
{
	static const uint32_t copies[TAILS] = {1, 3, 6, 3, 1};

	for (uint32_t percent = 0; percent <= 90; percent += 15) {
		struct tail *tails = calloc(TAILS, sizeof(*tails));
		struct probe middles[3] = {{{0}}};
		struct tr_op head = {.metrics.watermark_ms = TR_WATERMARK_MIN};
		struct tr_op *outer = tr_op_fork_create(NULL, &empty_schema, 3);
		struct tr_op *inner = tr_op_fork_create(NULL, &empty_schema, 3);
		struct fixture *f = calloc(1, sizeof(*f));
		uint64_t random = percent + 1;

		for (uint32_t i = 0; i < TAILS; i++)
			probe_init(&tails[i].probe, &tail_ops, 0, i == percent / 15 % TAILS ? 0 : percent, &random,
				   &tails[i]);
		for (uint32_t i = 0; i < 3; i++)
			probe_init(&middles[i], &middle_ops, i == 0 ? 1 : 4 - i, percent, &random, NULL);
		tr_chain_append(&f->chain, &middles[0].op);
		tr_chain_append(&f->chain, outer);
		tr_chain_append_to(&f->chain, outer, &tails[0].probe.op, 0);
		tr_chain_append_to(&f->chain, outer, &middles[1].op, 0);
		tr_chain_append(&f->chain, inner);
		tr_chain_append_to(&f->chain, inner, &tails[1].probe.op, 0);
		tr_chain_append_to(&f->chain, inner, &middles[2].op, 0);
		tr_chain_append(&f->chain, &tails[2].probe.op);
		tr_chain_append_to(&f->chain, inner, &tails[3].probe.op, 0);
		tr_chain_append_to(&f->chain, outer, &tails[4].probe.op, 0);
		head.next = f->chain.ops[0];
		for (int64_t n = 0; n < 60; n++) {
			struct tr_batch batch = {
				.schema = &empty_schema, .row_count = 1, .selected_count = 1, .watermark_ms = n};

			drain(f, tr_op_emit(&head, &batch));
			memset(&batch, 0xee, sizeof(batch)); /* borrowed no longer */
			drain(f, tr_op_emit_watermark(&head, n));
			drain(f, tr_op_emit_status(&head, n % 2 == 0));
		}
		drain(f, tr_op_emit_end(&head));
		for (uint32_t t = 0; t < TAILS; t++) {
			uint32_t at = 0;

			for (int64_t n = 0; n < 60; n++) {
				for (uint32_t copy = 0; copy < copies[t]; copy++)
					assert_int_equal(tails[t].seen[at++], n);
				assert_int_equal(tails[t].seen[at++], 1000000 + n);
				assert_int_equal(tails[t].seen[at++], n % 2 == 0 ? -1 : -2);
			}
			assert_int_equal(tails[t].seen[at++], -3);
			assert_int_equal(at, tails[t].seen_count);
			assert_int_equal(tails[t].probe.op.metrics.rows_in, 60 * copies[t]);
		}
		assert_int_equal(middles[0].op.metrics.watermark_ms, 59);
		assert_int_equal(outer->metrics.rows_out, 60);
		tr_chain_deinit(&f->chain);
		free(f);
		free(tails);
	}
}

/** A batch of output n goes to the branches that read n, whoever blocks; all else to all. Output 2 is read by nobody. */
static void test_fork_of_outputs(void **state)
{
	static const uint32_t reads[TAILS] = {0, 1, 0, 3, 1};

	for (uint32_t percent = 0; percent <= 90; percent += 30) {
		struct tail *tails = calloc(TAILS, sizeof(*tails));
		struct tr_op head = {.metrics.watermark_ms = TR_WATERMARK_MIN};
		struct tr_op *fork = tr_op_fork_create(NULL, &empty_schema, TAILS);
		struct fixture *f = calloc(1, sizeof(*f));
		uint64_t random = percent + 1;

		tr_chain_append(&f->chain, fork);
		for (uint32_t i = 0; i < TAILS; i++) {
			probe_init(&tails[i].probe, &tail_ops, 0, percent, &random, &tails[i]);
			tr_chain_append_to(&f->chain, fork, &tails[i].probe.op, reads[i]);
		}
		head.next = fork;
		for (int64_t n = 0; n < 60; n++) {
			struct tr_batch batch = {
				.schema = &empty_schema, .row_count = 1, .selected_count = 1, .watermark_ms = n};

			drain(f, n % 4 == 0 ? tr_op_emit(&head, &batch)
					    : tr_op_emit_side(&head, (uint32_t)n % 4 - 1, &batch));
			drain(f, tr_op_emit_watermark(&head, n));
		}
		drain(f, tr_op_emit_end(&head));
		assert_int_equal(head.metrics.rows_out, 60);
		for (uint32_t t = 0; t < TAILS; t++) {
			uint32_t at = 0;

			for (int64_t n = 0; n < 60; n++) {
				if (n % 4 == reads[t])
					assert_int_equal(tails[t].seen[at++], n);
				assert_int_equal(tails[t].seen[at++], 1000000 + n);
			}
			assert_int_equal(tails[t].seen[at++], -3);
			assert_int_equal(at, tails[t].seen_count);
		}
		tr_chain_deinit(&f->chain);
		free(f);
		free(tails);
	}
}

/** More operators than a chain has room for at first. */
static void test_many_branches(void **state)
{
	struct tr_batch batch = {.schema = &empty_schema, .row_count = 1, .selected_count = 1, .watermark_ms = 5};
	struct tail *tails = calloc(100, sizeof(*tails));
	struct tr_chain chain = {0};
	struct tr_op head = {.metrics.watermark_ms = TR_WATERMARK_MIN};
	uint64_t random = 1;

	tr_chain_append(&chain, tr_op_fork_create(NULL, &empty_schema, 100));
	for (uint32_t i = 0; i < 100; i++) {
		probe_init(&tails[i].probe, &tail_ops, 0, 0, &random, &tails[i]);
		tr_chain_append_to(&chain, chain.ops[0], &tails[i].probe.op, 0);
	}
	head.next = chain.ops[0];
	assert_int_equal(tr_op_emit(&head, &batch), TR_FLOW_MORE);
	for (uint32_t i = 0; i < 100; i++) {
		assert_int_equal(tails[i].seen_count, 1);
		assert_int_equal(tails[i].seen[0], 5);
	}
	tr_chain_deinit(&chain);
	free(tails);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resume_keeps_order), cmocka_unit_test(test_timers),
		cmocka_unit_test(test_forks_keep_order),   cmocka_unit_test(test_fork_of_outputs),
		cmocka_unit_test(test_many_branches),      cmocka_unit_test(test_empty_batches_are_not_emitted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
