/* SPDX-License-Identifier: Apache-2.0
 *
 * The log: what was committed is read back, whatever was given up in between.
 */
#include "tr_test.h"

#include <unistd.h>

#include "base/check.h"
#include "state/log.h"

#define JOB "0123456789abcdef0123456789abcdef"

static struct tr_environment *env;
static struct tr_io_queue *io;
static char directory[64];

static struct tr_state_block *block_of(uint64_t operator_id, uint64_t checkpoint, size_t length, uint64_t seed)
{
	struct tr_state_block *b = malloc(sizeof(*b) + length);

	*b = (struct tr_state_block){
		.stream = {operator_id, 0, 1}, .checkpoint = checkpoint, .length = length, .capacity = length};
	for (size_t i = 0; i < length; i++)
		b->bytes[i] = (unsigned char)tr_test_random(&seed);
	return b;
}

static tr_code see(void *context, const struct tr_state_stream *stream, uint64_t checkpoint, const void *bytes,
		   size_t length, struct tr_status *st)
{
	uint64_t seed = checkpoint;
	struct tr_state_block *b = block_of(1, checkpoint, length, seed);
	assert_memory_equal(b->bytes, bytes, length);
	free(b);
	(*(int *)context)++;
	return TR_OK;
}

static void test_smoke(void **state)
{
	struct tr_log *log;
	struct tr_log_report report;
	struct tr_status st = {0};
	struct tr_log_options o = {.disk = env->disk,
				   .io = io,
				   .directory = directory,
				   .job_name = "j",
				   .job_id = JOB,
				   .retained = 2,
				   .segment_bytes = 1 << 16};
	tr_code code = tr_log_open(&o, &log, &report, &st);
	if (code)
		print_error("%s\n", st.message);
	assert_int_equal(code, 0);
	assert_true(report.is_new);
	for (uint64_t n = 1; n < 50; n++) {
		struct tr_log_part part = {
			.stream = {1, 0, 1}, .uid = "u", .fingerprint = "f", .schema = "s", .base = n > 5 ? n - 5 : 1};
		struct tr_log_checkpoint c = {.number = n, .parts = &part, .part_count = 1};
		enum tr_flow flow;
		int count = 0;
		tr_log_begin(log, n);
		for (int i = 0; i < 10; i++) {
			struct tr_state_block *b = block_of(1, n, 8 * (1 + n * 20), n);
			while (!tr_log_append(log, b))
				assert_int_not_equal(tr_log_step(log, &st), TR_FLOW_FAILED);
		}
		if (n % 7 == 3) {
			tr_log_abort(log);
			continue;
		}
		tr_log_seal(log, &c);
		while ((flow = tr_log_step(log, &st)) == TR_FLOW_MORE)
			(void)tr_io_wait(io, 1000000);
		if (flow != TR_FLOW_DONE)
			print_error("%s\n", st.message);
		assert_int_equal(flow, TR_FLOW_DONE);
		code = tr_log_read(log, 0, see, &count, &st);
		if (code)
			print_error("%s\n", st.message);
		assert_int_equal(code, 0);
		if (n % 5 == 0) {
			tr_log_close(&log);
			code = tr_log_open(&o, &log, &report, &st);
			if (code)
				print_error("%s\n", st.message);
			assert_int_equal(code, 0);
			assert_string_equal(report.note, "");
			assert_int_equal(tr_log_checkpoint(log, 0)->number, n);
		}
	}
	tr_log_close(&log);
	assert_int_equal(tr_log_remove(env->disk, directory, &st), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_smoke)};

	snprintf(directory, sizeof(directory), "/tmp/tr_log_smoke.%d", (int)getpid());
	if (tr_environment_real_create(&env, NULL) || env->disk->ops->queue_create(env->disk, 16, &io, NULL))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
