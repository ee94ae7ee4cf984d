/* SPDX-License-Identifier: Apache-2.0
 *
 * Timers against a flat list of pairs, with a restore in the middle; operator state dealt to other numbers of subtasks.
 */
#include "tr_test.h"

#include "state/operator_state.h"
#include "state/timer_state.h"

#define TIMES 50
#define KEYS 40

struct records {
	struct tr_state_writer writer;
	char *bytes[64];
	size_t lengths[64];
	uint32_t count;
};

static tr_code put(struct tr_state_writer *writer, const struct tr_state_record *record, struct tr_status *st)
{
	struct records *r = (struct records *)writer;

	assert_true(r->count < 64);
	r->bytes[r->count] = malloc(record->length);
	memcpy(r->bytes[r->count], record->bytes, record->length);
	r->lengths[r->count++] = record->length;
	return TR_OK;
}

static struct tr_table_key key_of(uint32_t k, char *text)
{
	return tr_table_key_of(text, (uint32_t)snprintf(text, 16, "%02u%.*s", k, (int)(k % 3), "ab"));
}

static void timers_in_order(void **state)
{
	const struct tr_table_options options = {.has_byte_keys = true, .group_count = 128, .group_end = 128};
	struct tr_timer_state timers;
	bool is_there[TIMES][KEYS] = {{false}};
	uint64_t random = 1, base;
	char text[16];

	tr_timer_state_init(&timers, &options);
	for (uint32_t round = 0; round < tr_test_cases(300); round++) {
		for (uint32_t i = 0; i < 40; i++) {
			const uint32_t t = tr_test_below(&random, TIMES), k = tr_test_below(&random, KEYS);
			const struct tr_table_key key = key_of(k, text);

			is_there[t][k] = tr_test_below(&random, 4) != 0;
			if (is_there[t][k])
				tr_timer_state_add(&timers, (int64_t)t - 20, &key);
			else
				tr_timer_state_remove(&timers, (int64_t)t - 20, &key);
		}
		if (round % 10 == 9) {
			const uint32_t until = tr_test_below(&random, TIMES);
			struct tr_timer timer;

			for (uint32_t t = 0; t <= until; t++) {
				for (uint32_t k = 0; k < KEYS; k++) {
					if (!is_there[t][k])
						continue;
					is_there[t][k] = false;
					assert_true(tr_timer_state_next(&timers) <= (int64_t)t - 20);
					assert_true(tr_timer_state_take(&timers, (int64_t)until - 20, &timer));
					assert_int_equal(timer.time_ms, (int64_t)t - 20);
					assert_int_equal(timer.key.length, key_of(k, text).length);
					assert_memory_equal(timer.key.bytes, text, timer.key.length);
				}
			}
			assert_false(tr_timer_state_take(&timers, (int64_t)until - 20, &timer));
		}
		if (round % 37 == 36) {
			const struct tr_snapshot_order order = {.checkpoint = 1};
			struct records records = {.writer = {put}};

			tr_table_snapshot(timers.table, &order, &base);
			assert_int_equal(tr_table_snapshot_step(timers.table, &records.writer, 1 << 20), TR_FLOW_DONE);
			tr_timer_state_deinit(&timers);
			tr_timer_state_init(&timers, &options);
			for (uint32_t i = 0; i < records.count; i++) {
				assert_int_equal(
					tr_table_load(timers.table, records.bytes[i], records.lengths[i], NULL), TR_OK);
				free(records.bytes[i]);
			}
			tr_table_load_end(timers.table, 0, 0);
			tr_timer_state_load_end(&timers);
		}
	}
	tr_timer_state_deinit(&timers);
}

/** Items of 3 subtasks, loaded by 1 to 5. */
static void operator_states(void **state)
{
	for (enum tr_operator_sort sort = TR_OPERATOR_LIST; sort <= TR_OPERATOR_BROADCAST; sort++) {
		struct records records = {.writer = {put}};

		for (uint32_t s = 0; s < 3; s++) {
			struct tr_operator_state written;

			tr_operator_state_init(&written, sort, 4);
			for (uint32_t i = 0; i < 10 + s; i++) {
				const uint32_t item = sort == TR_OPERATOR_BROADCAST ? i : s * 100 + i;

				tr_operator_state_add(&written, &item, sizeof(item));
			}
			assert_int_equal(tr_operator_state_save(&written, &records.writer, NULL), TR_OK);
			tr_operator_state_deinit(&written);
		}
		for (uint32_t subtasks = 1; subtasks <= 5; subtasks++) {
			uint32_t seen[300] = {0};

			for (uint32_t t = 0; t < subtasks; t++) {
				struct tr_operator_state loaded;
				const void *bytes;
				uint32_t length, item;
				size_t cursor = 0;

				tr_operator_state_init(&loaded, sort, 4);
				for (uint32_t s = 0; s < 3; s++)
					assert_int_equal(tr_operator_state_load(
								 &loaded, &(struct tr_state_origin){s, 3, 1}, t,
								 subtasks, records.bytes[s], records.lengths[s], NULL),
							 TR_OK);
				while (tr_operator_state_next(&loaded, &cursor, &bytes, &length)) {
					assert_int_equal(length, sizeof(item));
					memcpy(&item, bytes, sizeof(item));
					assert_true(item < 300);
					seen[item]++;
				}
				tr_operator_state_deinit(&loaded);
			}
			for (uint32_t item = 0; item < 300; item++) {
				const bool is_item =
					sort == TR_OPERATOR_BROADCAST ? item < 10 : item % 100 < 10 + item / 100;

				assert_int_equal(seen[item], !is_item ? 0 : sort == TR_OPERATOR_LIST ? 1 : subtasks);
			}
		}
		for (size_t length = 0; length < records.lengths[0]; length++) { /* cut off */
			struct tr_operator_state loaded;
			char *copy = malloc(length + 1);

			memcpy(copy, records.bytes[0], length);
			tr_operator_state_init(&loaded, sort, 4);
			assert_int_equal(tr_operator_state_load(&loaded, &(struct tr_state_origin){0, 3, 1}, 0, 1, copy,
								length, NULL),
					 TR_ERR_DATA);
			tr_operator_state_deinit(&loaded);
			free(copy);
		}
		for (uint32_t s = 0; s < 3; s++)
			free(records.bytes[s]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_in_order),
		cmocka_unit_test(operator_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
