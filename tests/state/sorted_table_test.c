/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorted tables against a map of (key, sort key): random puts, deletions, seeks and ranges, a restore in between, also with a
 * memory limit. Lists, maps and folds on top of them.
 */
#include "tr_test.h"

#include "base/environment.h"
#include "io/disk.h"
#include "state/keyed_state.h"

#define KEYS 20
#define SORTS 3000
#define ROW_MAX 4000

struct row {
	bool is_there;
	uint32_t length;
	uint8_t fill;
};

struct records {
	struct tr_state_writer writer;
	char *bytes[4096];
	size_t lengths[4096];
	uint32_t count;
};

static struct row rows[KEYS][SORTS];
static uint32_t row_limit;

static tr_code put(struct tr_state_writer *writer, const struct tr_state_record *record, struct tr_status *st)
{
	struct records *r = (struct records *)writer;

	assert_true(r->count < 4096);
	r->bytes[r->count] = malloc(record->length);
	memcpy(r->bytes[r->count], record->bytes, record->length);
	r->lengths[r->count++] = record->length;
	return TR_OK;
}

#define UNTIL_DONE(queue, call)                             \
	do {                                                \
		enum tr_flow flow_;                         \
		while ((flow_ = (call)) == TR_FLOW_BLOCKED) \
			(void)tr_io_wait((queue), -1);      \
		assert_int_equal(flow_, TR_FLOW_MORE);      \
	} while (0)

static struct tr_table_key key_of(uint32_t k, char *text)
{
	return tr_table_key_of(text, (uint32_t)snprintf(text, 400, "%u%*s", k, k == 3 ? 300 : 0, ""));
}

static uint32_t sort_of(uint32_t s, char *text)
{
	return (uint32_t)snprintf(text, 16, "%05u%.*s", s, (int)(s % 4), "xyz");
}

/** Each key: few rows, some, or many. */
static uint32_t sorts_of(uint32_t k) { return k % 4 == 0 ? 3 : k % 4 == 1 ? 60 : SORTS; }

static uint32_t next_there(uint32_t k, uint32_t s)
{
	while (s < SORTS && !rows[k][s].is_there)
		s++;
	return s;
}

static void assert_row(const struct tr_sorted_row *row, uint32_t k, uint32_t s)
{
	char sort[16];

	if (s == SORTS) {
		assert_null(row->bytes);
		return;
	}
	assert_non_null(row->bytes);
	assert_int_equal(row->sort_length, sort_of(s, sort));
	assert_memory_equal(row->sort, sort, row->sort_length);
	assert_int_equal(row->length, rows[k][s].length);
	for (uint32_t i = 0; i < row->length; i++)
		assert_int_equal(((const uint8_t *)row->bytes)[i], rows[k][s].fill);
}

static void change_one(struct tr_sorted_table *sorted, struct tr_io_queue *queue, uint64_t *random)
{
	const uint32_t k = tr_test_below(random, KEYS), s = tr_test_below(random, sorts_of(k));
	struct row *row = &rows[k][s];
	char text[400], sort[16], bytes[ROW_MAX];
	const struct tr_table_key key = key_of(k, text);
	const uint32_t sort_length = sort_of(s, sort);

	if (tr_test_below(random, 3) == 0) {
		bool was_there;

		UNTIL_DONE(queue, tr_sorted_table_erase(sorted, &key, sort, sort_length, &was_there));
		assert_int_equal(was_there, row->is_there);
		row->is_there = false;
		return;
	}
	*row = (struct row){true, tr_test_below(random, row_limit), (uint8_t)tr_test_below(random, 256)};
	memset(bytes, row->fill, row->length);
	UNTIL_DONE(queue,
		   tr_sorted_table_put(sorted, &key, &(struct tr_sorted_row){sort, sort_length, bytes, row->length}));
}

static void compare_key(struct tr_sorted_table *sorted, struct tr_io_queue *queue, uint32_t k, uint64_t *random)
{
	char text[400], sort[16];
	const struct tr_table_key key = key_of(k, text);
	const uint32_t from = tr_test_below(random, SORTS);
	struct tr_sorted_row found[7];
	uint64_t count, wanted = 0;
	uint32_t last = SORTS, n;

	for (uint32_t s = 0; s < SORTS; s++) {
		wanted += rows[k][s].is_there;
		last = rows[k][s].is_there ? s : last;
	}
	UNTIL_DONE(queue, tr_sorted_table_count(sorted, &key, &count));
	assert_int_equal(count, wanted);
	UNTIL_DONE(queue, tr_sorted_table_last(sorted, &key, &found[0]));
	assert_row(&found[0], k, last);
	n = sort_of(from, sort);
	UNTIL_DONE(queue, tr_sorted_table_seek(sorted, &key, sort, n, false, &found[0]));
	assert_row(&found[0], k, next_there(k, from));
	UNTIL_DONE(queue, tr_sorted_table_seek(sorted, &key, sort, n, true, &found[0]));
	assert_row(&found[0], k, next_there(k, from + 1));
	for (uint32_t s = 0, length = 0;;) { /* all, from the beginning */
		UNTIL_DONE(queue, tr_sorted_table_range(sorted, &key, sort, length, length > 0, 7, found, &n));
		for (uint32_t i = 0; i < n; i++) {
			s = next_there(k, s);
			assert_row(&found[i], k, s);
			length = sort_of(s++, sort);
		}
		if (n == 0) {
			assert_int_equal(next_there(k, s), SORTS);
			return;
		}
	}
}

static void run(const struct tr_table_options *options, uint32_t changes)
{
	struct tr_sorted_table sorted, loaded;
	struct tr_snapshot_order order = {.checkpoint = 1};
	struct records *records = calloc(1, sizeof(*records));
	uint64_t random = 5, base;
	enum tr_flow flow;

	memset(rows, 0, sizeof(rows));
	row_limit = options->memory_limit > 0 ? ROW_MAX : 300;
	records->writer.put = put;
	assert_int_equal(tr_sorted_table_init(&sorted, options, NULL), TR_OK);
	for (uint32_t i = 0; i < changes; i++) {
		change_one(&sorted, options->queue, &random);
		if (i % 200 == 0)
			compare_key(&sorted, options->queue, tr_test_below(&random, KEYS), &random);
		if (i % 1500 == 1499) {
			char text[400];
			const struct tr_table_key key = key_of(7, text);

			UNTIL_DONE(options->queue, tr_sorted_table_clear(&sorted, &key));
			memset(rows[7], 0, sizeof(rows[7]));
		}
	}
	for (uint32_t k = 0; k < KEYS; k++)
		compare_key(&sorted, options->queue, k, &random);
	tr_table_snapshot(sorted.table, &order, &base);
	while ((flow = tr_table_snapshot_step(sorted.table, &records->writer, 1 << 16)) != TR_FLOW_DONE)
		if (flow == TR_FLOW_BLOCKED)
			(void)tr_io_wait(options->queue, -1);
	tr_sorted_table_deinit(&sorted);
	assert_int_equal(tr_sorted_table_init(&loaded, options, NULL), TR_OK);
	for (uint32_t i = 0; i < records->count; i++) {
		assert_int_equal(tr_table_load(loaded.table, records->bytes[i], records->lengths[i], NULL), TR_OK);
		free(records->bytes[i]);
	}
	tr_table_load_end(loaded.table, 1, base);
	for (uint32_t k = 0; k < KEYS; k++)
		compare_key(&loaded, options->queue, k, &random);
	tr_sorted_table_deinit(&loaded);
	free(records);
}

static void rows_in_order(void **state)
{
	const struct tr_table_options options = {.has_byte_keys = true, .group_count = 128, .group_end = 128};

	run(&options, (uint32_t)tr_test_cases(20000));
}

static void rows_on_disk(void **state)
{
	struct tr_table_options options = {
		.has_byte_keys = true, .group_count = 128, .group_end = 128, .memory_limit = TR_TABLE_LIMIT_MIN};
	struct tr_environment *env;
	char path[] = "/tmp/sorted_table_test_XXXXXX";

	assert_true(mkstemp(path) >= 0);
	options.cold_path = path;
	assert_int_equal(tr_environment_real_create(&env, NULL), TR_OK);
	assert_int_equal(env->disk->ops->queue_create(env->disk, 64, &options.queue, NULL), TR_OK);
	run(&options, (uint32_t)tr_test_cases(40000));
	env->disk->ops->queue_destroy(env->disk, &options.queue);
	tr_environment_real_destroy(&env);
}

static void sum_add(void *context, void *accumulated, bool is_first, const void *added)
{
	int64_t *pair = accumulated; /* sum, count */

	assert_int_equal(is_first, pair[1] == 0);
	pair[0] += *(const int64_t *)added;
	pair[1]++;
}

static void sum_result(void *context, const void *accumulated, void *result)
{
	const int64_t *pair = accumulated;

	*(int64_t *)result = pair[0] / pair[1];
}

/** The states that Flink names, with time to live where that matters. */
static void keyed_states(void **state)
{
	const struct tr_table_options options = {
		.has_byte_keys = true, .group_count = 128, .group_end = 128, .ttl_ms = 100};
	const struct tr_fold average = {.bytes = 16, .add = sum_add, .result = sum_result};
	const struct tr_table_key key = tr_table_key_of("k", 1), other = tr_table_key_of("o", 1);
	struct tr_sorted_table list, map;
	struct tr_table *table, *sums;
	struct tr_table_value value, elements[9];
	uint64_t cursor = 0;
	uint32_t count, total = 0;
	int64_t result;
	bool has;

	assert_int_equal(tr_table_create(&options, &table, NULL), TR_OK);
	assert_int_equal(tr_keyed_value_set(table, &key, "abc", 3), TR_FLOW_MORE);
	assert_int_equal(tr_keyed_value_get(table, &key, &value), TR_FLOW_MORE);
	assert_int_equal(value.length, 3);
	assert_memory_equal(value.bytes, "abc", 3);
	tr_table_set_now(table, 99);
	assert_int_equal(tr_keyed_value_get(table, &key, &value), TR_FLOW_MORE);
	assert_non_null(value.bytes);
	tr_table_set_now(table, 100);
	assert_int_equal(tr_keyed_value_get(table, &key, &value), TR_FLOW_MORE);
	assert_null(value.bytes);
	assert_int_equal(tr_keyed_value_set(table, &key, "d", 1), TR_FLOW_MORE);
	assert_int_equal(tr_keyed_value_clear(table, &key), TR_FLOW_MORE);
	assert_int_equal(tr_keyed_value_get(table, &key, &value), TR_FLOW_MORE);
	assert_null(value.bytes);

	assert_int_equal(tr_sorted_table_init(&list, &options, NULL), TR_OK);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(tr_keyed_list_add(&list, &key, &i, 4), TR_FLOW_MORE);
	do {
		assert_int_equal(tr_keyed_list_get(&list, &key, &cursor, 9, elements, &count), TR_FLOW_MORE);
		for (uint32_t i = 0; i < count; i++, total++)
			assert_memory_equal(elements[i].bytes, &total, 4);
	} while (count > 0);
	assert_int_equal(total, 1000);
	tr_table_set_now(list.table, 100);
	cursor = 0;
	assert_int_equal(tr_keyed_list_get(&list, &key, &cursor, 9, elements, &count), TR_FLOW_MORE);
	assert_int_equal(count, 0);
	assert_int_equal(tr_keyed_list_add(&list, &key, "z", 1), TR_FLOW_MORE);
	assert_int_equal(tr_keyed_list_get(&list, &key, &cursor, 9, elements, &count), TR_FLOW_MORE);
	assert_int_equal(count, 1);
	assert_int_equal(tr_keyed_list_clear(&list, &key), TR_FLOW_MORE);
	cursor = 0;
	assert_int_equal(tr_keyed_list_get(&list, &key, &cursor, 9, elements, &count), TR_FLOW_MORE);
	assert_int_equal(count, 0);

	assert_int_equal(tr_sorted_table_init(&map, &options, NULL), TR_OK);
	assert_int_equal(tr_keyed_map_put(&map, &key, "b", 1, "two", 3), TR_FLOW_MORE);
	assert_int_equal(tr_keyed_map_put(&map, &key, "a", 1, "one", 3), TR_FLOW_MORE);
	assert_int_equal(tr_keyed_map_get(&map, &key, "b", 1, &value), TR_FLOW_MORE);
	assert_memory_equal(value.bytes, "two", 3);
	assert_int_equal(tr_keyed_map_get(&map, &other, "b", 1, &value), TR_FLOW_MORE);
	assert_null(value.bytes);
	assert_int_equal(tr_keyed_map_remove(&map, &key, "b", 1), TR_FLOW_MORE);
	assert_int_equal(tr_keyed_map_get(&map, &key, "b", 1, &value), TR_FLOW_MORE);
	assert_null(value.bytes);
	assert_int_equal(tr_keyed_map_get(&map, &key, "", 0, &value), TR_FLOW_MORE);
	assert_null(value.bytes);
	assert_int_equal(tr_keyed_map_clear(&map, &key), TR_FLOW_MORE);

	assert_int_equal(tr_table_create(&options, &sums, NULL), TR_OK);
	assert_int_equal(tr_keyed_fold_get(sums, &average, &key, &result, &has), TR_FLOW_MORE);
	assert_false(has);
	for (int64_t i = 1; i <= 9; i++)
		assert_int_equal(tr_keyed_fold_add(sums, &average, &key, &i), TR_FLOW_MORE);
	assert_int_equal(tr_keyed_fold_get(sums, &average, &key, &result, &has), TR_FLOW_MORE);
	assert_true(has && result == 5);
	tr_table_set_now(sums, 1000);
	result = 7;
	assert_int_equal(tr_keyed_fold_add(sums, &average, &key, &result), TR_FLOW_MORE);
	assert_int_equal(tr_keyed_fold_get(sums, &average, &key, &result, &has), TR_FLOW_MORE);
	assert_true(has && result == 7);
	tr_table_destroy(&table);
	tr_table_destroy(&sums);
	tr_sorted_table_deinit(&list);
	tr_sorted_table_deinit(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_in_order),
		cmocka_unit_test(rows_on_disk),
		cmocka_unit_test(keyed_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
