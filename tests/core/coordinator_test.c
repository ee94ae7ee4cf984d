/* SPDX-License-Identifier: Apache-2.0
 *
 * The coordinator alone: the test steps it and is the subtasks; it writes blocks as an operator does that makes room in memory, and
 * that cannot pass a barrier before it has written them all. No worker runs.
 *
 * A checkpoint that has timed out goes on being written for a while. All that must be taken out of the ring, whether or not the
 * next checkpoint has begun, and the worker must hear each time that there is room: otherwise the operator would wait for ever.
 */
#include <ftw.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/coordinator.h"
#include "core/harness.h"
#include "core/worker.h"

#define BLOCKS (10 * TR_SNAPSHOT_RING_BLOCKS)
#define STEPS_MAX 10000

static uint32_t wakes; /* of any queue, by anyone */
static void (*wake_original)(struct tr_io_queue *queue);

static void wake_counted(struct tr_io_queue *queue)
{
	wakes++;
	wake_original(queue);
}

struct run {
	struct harness h;
	struct harness_plan p;
	struct tr_environment *env;
	struct tr_disk_ops disk_ops;
	const struct tr_disk_ops *disk_ops_original;
	struct tr_coordinator *coordinator;
	struct tr_graph *graph;
	struct tr_subtask *subtask;
	char top[64], state[96];
};

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at) { return remove(path); }

static void run_init(struct run *r)
{
	struct tr_status st = {0};

	memset(r, 0, sizeof(*r));
	snprintf(r->top, sizeof(r->top), "/tmp/tailrace-coordinator-XXXXXX");
	assert_non_null(mkdtemp(r->top));
	snprintf(r->state, sizeof(r->state), "%s/state", r->top);
	harness_init(&r->h, 1, 1, 100);
	harness_plan_init(&r->p, 10, 1, 1);
	harness_sink(&r->p, harness_project(&r->p, harness_scan(&r->p, 1), 1), 1);
	r->p.plan.checkpoint = (struct tr_checkpoint_plan){
		.directory = r->state, .interval_ms = 1, .timeout_ms = 1, .retained = 1, .tolerable_failures = -1};
	assert_int_equal(tr_environment_real_create(&r->env, &st), TR_OK);
	r->disk_ops_original = r->env->disk->ops;
	r->disk_ops = *r->disk_ops_original;
	wake_original = r->disk_ops.wake;
	r->disk_ops.wake = wake_counted;
	r->env->disk->ops = &r->disk_ops;
	r->graph = aligned_alloc(64, (sizeof(*r->graph) + 63) / 64 * 64);
	memset(r->graph, 0, sizeof(*r->graph));
	if (tr_plan_check(&r->p.plan, &st) != TR_OK ||
	    tr_coordinator_create(&r->p.plan, r->env, &r->coordinator, &st) != TR_OK ||
	    tr_coordinator_build(r->coordinator, r->graph, &st) != TR_OK)
		fail_msg("%s", st.message);
	r->subtask = &r->graph->stages[0]->subtasks[0];
	assert_true(r->subtask->snapshot.count > 0);
}

static void run_deinit(struct run *r)
{
	tr_graph_deinit(r->graph);
	free(r->graph);
	tr_coordinator_destroy(&r->coordinator);
	r->env->disk->ops = r->disk_ops_original;
	tr_environment_real_destroy(&r->env);
	harness_plan_deinit(&r->p);
	harness_deinit(&r->h);
	(void)nftw(r->top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void pause_ms(int64_t ms) { (void)nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL); }

static void step_until(struct run *r, enum tr_coordinator_state wanted)
{
	for (uint32_t i = 0; r->coordinator->state != wanted; i++) {
		assert_true(i < STEPS_MAX);
		assert_int_not_equal(tr_coordinator_step(r->coordinator), TR_TURN_FAILED);
		pause_ms(1);
	}
}

/** A block with one record of `checkpoint`, as the subtask's first operator would write it. */
static struct tr_state_block *block_of(uint64_t checkpoint)
{
	const struct tr_state_stream stream = {.operator_id = 1, .subtask_count = 1};
	const char bytes[100] = {7};
	const struct tr_state_record record = {.bytes = bytes, .length = sizeof(bytes)};
	struct tr_block_writer writer = {0};
	struct tr_state_block *block;

	tr_block_writer_begin(&writer, &stream, checkpoint);
	assert_int_equal(writer.writer.put(&writer.writer, &record, NULL), TR_OK);
	block = tr_block_writer_take(&writer, false);
	tr_block_writer_deinit(&writer);
	assert_non_null(block);
	return block;
}

/** Writes BLOCKS blocks of `checkpoint`; where the ring is full, the coordinator gets one step, and must have made room by then
 * and said so. Answers in how many steps `state` was found. */
static uint32_t write_all(struct run *r, uint64_t checkpoint, enum tr_coordinator_state state)
{
	uint32_t steps = 0;

	for (uint32_t i = 0; i < BLOCKS; i++) {
		struct tr_state_block *block = block_of(checkpoint);

		if (tr_ring_push(r->subtask->snapshot.ring, block))
			continue;
		wakes = 0;
		steps += r->coordinator->state == state;
		assert_int_not_equal(tr_coordinator_step(r->coordinator), TR_TURN_FAILED);
		assert_true(wakes > 0);
		assert_true(tr_ring_push(r->subtask->snapshot.ring, block));
	}
	return steps;
}

static void test_given_up_between(void **state)
{
	struct run r;

	run_init(&r);
	step_until(&r, TR_COORDINATOR_COLLECTING);
	step_until(&r, TR_COORDINATOR_IDLE); /* nobody saves; after a failure there is none for a second */
	assert_int_equal(r.coordinator->failures, 1);
	assert_true(write_all(&r, r.coordinator->number, TR_COORDINATOR_IDLE) >= BLOCKS / TR_SNAPSHOT_RING_BLOCKS - 1);
	run_deinit(&r);
}

static void test_given_up_under_next(void **state)
{
	struct run r;
	uint64_t given_up;

	run_init(&r);
	step_until(&r, TR_COORDINATOR_COLLECTING);
	step_until(&r, TR_COORDINATOR_IDLE);
	given_up = r.coordinator->number;
	r.p.plan.checkpoint.timeout_ms = 60000;
	step_until(&r, TR_COORDINATOR_COLLECTING);
	assert_true(r.coordinator->number > given_up);
	assert_true(write_all(&r, given_up, TR_COORDINATOR_COLLECTING) >= BLOCKS / TR_SNAPSHOT_RING_BLOCKS - 1);
	assert_int_equal(r.coordinator->state, TR_COORDINATOR_COLLECTING);
	run_deinit(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_given_up_between),
		cmocka_unit_test(test_given_up_under_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
