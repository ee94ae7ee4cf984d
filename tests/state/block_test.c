/* SPDX-License-Identifier: Apache-2.0
 *
 * Blocks: records in are records out, whatever their sizes; and bytes that are no records are refused.
 */
#include "tr_test.h"

#include "base/check.h"
#include "state/block.h"

#define RECORDS 3000

static size_t length_of(uint32_t i)
{
	uint64_t seed = i;
	const uint32_t kind = tr_test_below(&seed, 20);

	return kind == 0 ? 0 : kind == 1 ? tr_test_below(&seed, 600000) : tr_test_below(&seed, 3000);
}

static void fill(unsigned char *bytes, uint32_t i)
{
	for (size_t k = 0; k < length_of(i); k++)
		bytes[k] = (unsigned char)(i * 7 + k * 13);
}

/** Reads a list of blocks, and frees it; returns the number of the record that comes next. */
static uint32_t check_blocks(struct tr_state_block *block, uint32_t next)
{
	unsigned char *expected = malloc(600000);

	while (block != NULL) {
		struct tr_state_block *rest = block->next;
		struct tr_state_record record;
		size_t offset = 0;
		uint32_t count = 0;
		tr_code code;

		assert_int_equal(block->checkpoint, 9);
		assert_int_equal(block->stream.operator_id, 5);
		assert_int_equal(block->length % 8, 0);
		assert_true(block->length <= block->capacity);
		for (; tr_block_next(block->bytes, block->length, &offset, &record, &code, NULL); next++, count++) {
			fill(expected, next);
			assert_int_equal(record.length, length_of(next));
			assert_int_equal(record.kind, next % 60000);
			assert_int_equal(record.is_keyed, next % 3 == 0);
			assert_memory_equal(record.bytes, expected, record.length);
		}
		assert_int_equal(code, TR_OK);
		assert_int_equal(count, block->record_count);
		tr_state_block_destroy(&block);
		block = rest;
	}
	free(expected);
	return next;
}

static void test_round_trip(void **state)
{
	const struct tr_state_stream stream = {5, 1, 4};
	struct tr_block_writer writer = {.first = NULL};
	unsigned char *bytes = malloc(600000);
	uint32_t next = 0;

	tr_block_writer_begin(&writer, &stream, 9);
	for (uint32_t i = 0; i < RECORDS; i++) {
		const struct tr_state_record record = {
			.kind = (uint16_t)(i % 60000), .is_keyed = i % 3 == 0, .bytes = bytes, .length = length_of(i)};

		fill(bytes, i);
		assert_int_equal(writer.writer.put(&writer.writer, &record, NULL), TR_OK);
		if (i % 97 == 0)
			next = check_blocks(tr_block_writer_take(&writer, true), next);
	}
	next = check_blocks(tr_block_writer_take(&writer, false), next);
	assert_int_equal(next, RECORDS);
	assert_null(tr_block_writer_take(&writer, false));
	tr_block_writer_deinit(&writer);
	free(bytes);
}

static void test_too_large(void **state)
{
	struct tr_block_writer writer = {.first = NULL};
	const struct tr_state_record record = {.bytes = "", .length = TR_STATE_RECORD_BYTES_MAX + 1};
	struct tr_status st = {0};

	tr_block_writer_begin(&writer, &(struct tr_state_stream){1, 0, 1}, 1);
	assert_int_equal(writer.writer.put(&writer.writer, &record, &st), TR_ERR_NO_MEMORY);
	tr_block_writer_deinit(&writer);
}

/** Any bytes: it ends, and hands out nothing beyond them. */
static void test_any_bytes(void **state)
{
	uint64_t seed = 3;

	for (uint64_t i = tr_test_cases(20000); i > 0; i--) {
		const size_t length = tr_test_below(&seed, 100);
		unsigned char *bytes = malloc(length + 1);
		struct tr_state_record record;
		size_t offset = 0;
		tr_code code;

		for (size_t k = 0; k < length; k++)
			bytes[k] = (unsigned char)(tr_test_below(&seed, 3) == 0 ? tr_test_below(&seed, 256) : 0);
		while (tr_block_next(bytes, length, &offset, &record, &code, NULL)) {
			assert_true(offset <= length);
			assert_true((const unsigned char *)record.bytes + record.length <= bytes + length);
		}
		assert_true(code == TR_ERR_DATA || (code == TR_OK && offset == length));
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
