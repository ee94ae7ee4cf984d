/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables against an array of keys: random writes, reads and deletions in batches, snapshots in pieces between them, some given
 * up, and after each complete one a restore into one to four tables that share the key groups. Time to live, hostile records,
 * pages that cannot split.
 */
#include "tr_test.h"

#include "base/environment.h"
#include "base/hash.h"
#include "io/disk.h"
#include "state/key_group.h"
#include "state/table.h"
#include "state/table_cold.h"

#define GROUPS 100
#define BATCH 300
#define KEYS_MAX 60000
#define TTL 50

struct row {
	bool is_there;
	int64_t expiry;
	uint32_t length;
	uint64_t first;
};

/** What the log would hold: records with the number of their checkpoint. */
struct kept {
	uint64_t checkpoint;
	bool is_given_up;
	size_t length;
	void *bytes;
};

struct world {
	struct tr_state_writer writer;
	struct tr_table *table;
	struct tr_table_options options;
	struct row *now, *barrier, *complete; /* by key */
	uint32_t key_count;
	uint64_t random;
	int64_t time_ms;
	struct kept *kept;
	uint32_t kept_count, kept_room;
	uint64_t checkpoint, completed, base, completed_base;
	bool is_writing;
	bool is_calm; /* few keys change */
	uint64_t put_bytes;
};

static tr_code put(struct tr_state_writer *writer, const struct tr_state_record *record, struct tr_status *st)
{
	struct world *w = (struct world *)writer;

	assert_true(record->is_keyed);
	assert_int_equal(record->kind, w->options.kind);
	assert_true(record->length <= TR_STATE_RECORD_BYTES + TR_TABLE_VALUE_BYTES_MAX);
	if (w->kept_count == w->kept_room) {
		w->kept_room = w->kept_room * 2 + 64;
		w->kept = realloc(w->kept, w->kept_room * sizeof(*w->kept));
	}
	w->kept[w->kept_count] = (struct kept){w->checkpoint, false, record->length, malloc(record->length)};
	memcpy(w->kept[w->kept_count++].bytes, record->bytes, record->length);
	w->put_bytes += record->length;
	return TR_OK;
}

/* Key number n as an integer, or as a text of 1 to 40 bytes. */
static int64_t integer_of(uint32_t n) { return (int64_t)((uint64_t)n * 7 - 3) << (n % 5 * 8); }

static struct tr_table_key text_of(uint32_t n, char *text)
{
	const int digits = snprintf(text, 48, "%u", n);

	memset(text + digits, 'x', 40);
	return tr_table_key_of(text, (uint32_t)digits + n % 35);
}

static uint32_t number_of(const struct tr_table_entry *entry, bool has_byte_keys)
{
	if (has_byte_keys)
		return (uint32_t)strtoul(entry->key.bytes, NULL, 10);
	for (uint32_t shift = 0; shift < 5; shift++) {
		const int64_t n = ((entry->integer >> (shift * 8)) + 3) / 7;

		if (n >= 0 && n < KEYS_MAX && integer_of((uint32_t)n) == entry->integer)
			return (uint32_t)n;
	}
	fail_msg("no key of this test: %lld", (long long)entry->integer);
	return 0;
}

static bool is_live(const struct world *w, const struct row *row)
{
	return row->is_there && (w->options.ttl_ms == 0 || row->expiry > w->time_ms);
}

static void assert_value(const struct world *w, const struct row *row, const void *bytes, uint32_t length)
{
	uint64_t first = 0;

	assert_non_null(bytes);
	assert_int_equal(length, row->length);
	memcpy(&first, bytes, length < 8 ? length : 8);
	assert_true(first == (length < 8 ? row->first & ((UINT64_C(1) << (length * 8)) - 1) : row->first));
	for (uint32_t i = 8; i < length; i++)
		assert_int_equal(((const uint8_t *)bytes)[i], (uint8_t)(row->first + i));
	(void)w;
}

static void fill(void *bytes, uint32_t length, uint64_t first)
{
	memcpy(bytes, &first, length < 8 ? length : 8);
	for (uint32_t i = 8; i < length; i++)
		((uint8_t *)bytes)[i] = (uint8_t)(first + i);
}

static uint32_t pick(struct world *w)
{
	/* Half of the picks on a twentieth of the keys, or all of them. */
	return tr_test_below(&w->random,
			     !w->is_calm && tr_test_below(&w->random, 2) ? w->key_count : w->key_count / 20 + 1);
}

static void row_set(struct world *w, struct row *row, uint32_t length, uint64_t first)
{
	*row = (struct row){true, w->time_ms + w->options.ttl_ms, length, first};
}

/* Calls that may block: the queue is polled until they do not. */
#define UNTIL_DONE(w, call)                                       \
	do {                                                      \
		enum tr_flow flow_;                               \
		while ((flow_ = (call)) == TR_FLOW_BLOCKED)       \
			(void)tr_io_wait((w)->options.queue, -1); \
		assert_int_equal(flow_, TR_FLOW_MORE);            \
	} while (0)

static void write_some(struct world *w)
{
	const uint32_t count = 1 + tr_test_below(&w->random, BATCH);
	uint32_t numbers[BATCH];
	int64_t integers[BATCH];
	char texts[BATCH][96];
	struct tr_table_key keys[BATCH];
	struct tr_table_value values[BATCH];
	void *pointers[BATCH];
	bool is_new[BATCH];

	for (uint32_t i = 0; i < count; i++) {
		numbers[i] = pick(w);
		integers[i] = integer_of(numbers[i]);
		keys[i] = text_of(numbers[i], texts[i]);
		values[i].length = tr_test_below(&w->random, w->options.memory_limit > 0 ? 2 : 20) == 0
					   ? tr_test_below(&w->random, 700)
					   : tr_test_below(&w->random, 30);
	}
	if (w->options.has_byte_keys) {
		/* Of equal keys the last one decides: as the model sees it, too. */
		for (uint32_t i = 0; i < count; i++)
			for (uint32_t j = i + 1; j < count; j++)
				if (numbers[i] == numbers[j])
					values[i].length = UINT32_MAX;
		UNTIL_DONE(w, tr_table_upsert(w->table, keys, count, values, is_new));
	} else {
		UNTIL_DONE(w, tr_table_upsert_i64(w->table, integers, count, pointers, is_new));
	}
	for (uint32_t i = 0; i < count; i++) {
		struct row *row = &w->now[numbers[i]];
		void *bytes = w->options.has_byte_keys ? values[i].bytes : pointers[i];
		const uint32_t length = w->options.has_byte_keys ? values[i].length : w->options.value_bytes;
		const uint64_t first = tr_test_random(&w->random);

		assert_int_equal(is_new[i], !is_live(w, row));
		if (!w->options.has_byte_keys && is_live(w, row))
			assert_value(w, row, bytes, length);
		row_set(w, row, length, first);
		fill(bytes, length, first);
	}
}

static void read_some(struct world *w)
{
	const uint32_t count = 1 + tr_test_below(&w->random, BATCH);
	uint32_t numbers[BATCH];
	int64_t integers[BATCH];
	char texts[BATCH][96];
	struct tr_table_key keys[BATCH];
	struct tr_table_value values[BATCH];
	void *pointers[BATCH];

	for (uint32_t i = 0; i < count; i++) {
		numbers[i] = pick(w);
		integers[i] = integer_of(numbers[i]);
		keys[i] = text_of(numbers[i], texts[i]);
	}
	if (w->options.has_byte_keys)
		UNTIL_DONE(w, tr_table_find(w->table, keys, count, values));
	else
		UNTIL_DONE(w, tr_table_find_i64(w->table, integers, count, pointers));
	for (uint32_t i = 0; i < count; i++) {
		struct row *row = &w->now[numbers[i]];
		void *bytes = w->options.has_byte_keys ? values[i].bytes : pointers[i];

		if (!is_live(w, row)) {
			assert_null(bytes);
			continue;
		}
		assert_value(w, row, bytes, w->options.has_byte_keys ? values[i].length : w->options.value_bytes);
		if (w->options.is_ttl_read)
			row->expiry = w->time_ms + w->options.ttl_ms;
	}
}

static void erase_some(struct world *w)
{
	const uint32_t count = 1 + tr_test_below(&w->random, BATCH / 3);
	int64_t integers[BATCH];
	char texts[BATCH][96];
	struct tr_table_key keys[BATCH];

	for (uint32_t i = 0; i < count; i++) {
		const uint32_t n = pick(w);

		w->now[n].is_there = false;
		integers[i] = integer_of(n);
		keys[i] = text_of(n, texts[i]);
	}
	if (w->options.has_byte_keys)
		UNTIL_DONE(w, tr_table_erase(w->table, keys, count));
	else
		UNTIL_DONE(w, tr_table_erase_i64(w->table, integers, count));
}

/** Marks what the scans of key groups [first, end) give in `seen`, comparing with the rows. */
static uint32_t compare_groups(struct world *w, struct tr_table *table, uint32_t first, uint32_t end,
			       const struct row *rows, uint8_t *seen)
{
	struct tr_table_entry entries[37];
	uint64_t cursor = 0;
	uint32_t count, total = 0;

	for (;;) {
		UNTIL_DONE(w, tr_table_scan(table, first, end, &cursor, 1 + total % 37, entries, &count));
		if (count == 0)
			return total;
		for (uint32_t i = 0; i < count; i++) {
			const uint32_t n = number_of(&entries[i], w->options.has_byte_keys);
			char text[96];
			const uint64_t hash = w->options.has_byte_keys ? (uint64_t)text_of(n, text).partition << 32
								       : tr_hash_u64((uint64_t)integer_of(n));
			const uint32_t group = tr_key_group(hash, GROUPS);

			assert_true(group >= first && group < end);
			assert_int_equal(seen[n], 0);
			seen[n] = 1;
			assert_true(is_live(w, &rows[n]));
			assert_value(w, &rows[n], entries[i].value.bytes, entries[i].value.length);
		}
		total += count;
	}
}

static uint32_t live_count(const struct world *w, const struct row *rows)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->key_count; i++)
		n += is_live(w, &rows[i]);
	return n;
}

static void compare_all(struct world *w)
{
	uint8_t *seen = calloc(1, w->key_count);
	uint32_t total = 0;

	for (uint32_t g = 0; g < GROUPS; g += 7)
		total += compare_groups(w, w->table, g, g + 7 < GROUPS ? g + 7 : GROUPS, w->now, seen);
	assert_int_equal(total, live_count(w, w->now));
	free(seen);
}

static void load_kept(struct world *w, struct tr_table *table)
{
	struct tr_status st = {0};

	for (uint32_t i = 0; i < w->kept_count; i++) {
		const struct kept *k = &w->kept[i];

		if (!k->is_given_up && k->checkpoint >= tr_state_age_checkpoint(w->completed_base) &&
		    k->checkpoint <= w->completed)
			assert_int_equal(tr_table_load(table, k->bytes, k->length, &st), TR_OK);
	}
}

/** The complete checkpoint, loaded into `parts` tables. */
static void restore_apart(struct world *w, uint32_t parts)
{
	uint8_t *seen = calloc(1, w->key_count);
	uint32_t total = 0;

	for (uint32_t p = 0; p < parts; p++) {
		struct tr_table_options options = w->options;
		struct tr_table *table;

		options.group_first = p * GROUPS / parts;
		options.group_end = (p + 1) * GROUPS / parts;
		options.memory_limit = 0;
		assert_int_equal(tr_table_create(&options, &table, NULL), TR_OK);
		tr_table_set_now(table, w->time_ms);
		load_kept(w, table);
		tr_table_load_end(table, w->completed, w->completed_base);
		total += compare_groups(w, table, options.group_first, options.group_end, w->complete, seen);
		tr_table_destroy(&table);
	}
	assert_int_equal(total, live_count(w, w->complete));
	free(seen);
}

static void barrier(struct world *w)
{
	struct tr_snapshot_order order = {.completed = w->completed};

	if (w->is_writing) /* given up in the middle */
		for (uint32_t i = 0; i < w->kept_count; i++)
			if (w->kept[i].checkpoint == w->checkpoint)
				w->kept[i].is_given_up = true;
	order.checkpoint = w->checkpoint += 1 + tr_test_below(&w->random, 3);
	if (w->completed > 8 && tr_test_below(&w->random, 3) == 0)
		order.rewrite_before =
			tr_state_age(w->completed - tr_test_below(&w->random, 8)) + tr_test_below(&w->random, 30);
	tr_table_snapshot(w->table, &order, &w->base);
	assert_true(w->base <= tr_state_age(order.checkpoint) && w->base >= w->completed_base);
	if (order.rewrite_before > 0)
		assert_true(w->base >= order.rewrite_before);
	memcpy(w->barrier, w->now, w->key_count * sizeof(*w->now));
	w->is_writing = true;
}

static void step(struct world *w)
{
	enum tr_flow flow;

	if (!w->is_writing)
		return;
	flow = tr_table_snapshot_step(w->table, &w->writer, tr_test_below(&w->random, 3) == 0 ? 1 : 20000);
	if (flow == TR_FLOW_BLOCKED) {
		(void)tr_io_wait(w->options.queue, -1);
		return;
	}
	if (flow == TR_FLOW_MORE)
		return;
	assert_int_equal(flow, TR_FLOW_DONE);
	w->is_writing = false;
	if (tr_test_below(&w->random, 4) == 0) { /* was written, but is given up all the same */
		for (uint32_t i = 0; i < w->kept_count; i++)
			if (w->kept[i].checkpoint == w->checkpoint)
				w->kept[i].is_given_up = true;
		return;
	}
	w->completed = w->checkpoint;
	w->completed_base = w->base;
	memcpy(w->complete, w->barrier, w->key_count * sizeof(*w->now));
	if (tr_test_below(&w->random, 3) == 0)
		restore_apart(w, 1 + tr_test_below(&w->random, 4));
}

/** The table is thrown away and loaded again from the last complete checkpoint. */
static void crash(struct world *w)
{
	if (w->completed == 0)
		return;
	tr_table_destroy(&w->table);
	assert_int_equal(tr_table_create(&w->options, &w->table, NULL), TR_OK);
	tr_table_set_now(w->table, w->time_ms);
	load_kept(w, w->table);
	tr_table_load_end(w->table, w->completed, w->completed_base);
	for (uint32_t i = 0; i < w->kept_count; i++)
		if (w->kept[i].checkpoint > w->completed)
			w->kept[i].is_given_up = true;
	memcpy(w->now, w->complete, w->key_count * sizeof(*w->now));
	w->is_writing = false;
}

static void world_run(struct world *w, uint32_t rounds)
{
	w->writer.put = put;
	w->now = calloc(w->key_count, sizeof(*w->now));
	w->barrier = calloc(w->key_count, sizeof(*w->now));
	w->complete = calloc(w->key_count, sizeof(*w->now));
	w->options.group_count = w->options.group_end = GROUPS;
	w->options.kind = 7;
	assert_int_equal(tr_table_create(&w->options, &w->table, NULL), TR_OK);
	for (uint32_t r = 0; r < rounds; r++) {
		assert_true(w->options.memory_limit == 0 ||
			    tr_table_bytes(w->table) <= w->options.memory_limit / 10 * 11);
		switch (tr_test_below(&w->random, 16)) {
		case 0: barrier(w); break;
		case 1: erase_some(w); break;
		case 2:
		case 3:
		case 4: read_some(w); break;
		case 5: tr_table_set_now(w->table, w->time_ms += tr_test_below(&w->random, 12)); break;
		case 6: tr_table_sweep(w->table, 100000); break;
		case 7:
			if (tr_test_below(&w->random, 30) == 0)
				crash(w);
			w->is_calm ^= tr_test_below(&w->random, 6) == 0;
			break;
		case 8:
			if (tr_test_below(&w->random, 10) == 0)
				compare_all(w);
			break;
		case 9:
		case 10:
		case 11: step(w); break;
		default: write_some(w); break;
		}
	}
	compare_all(w);
	tr_table_destroy(&w->table);
	for (uint32_t i = 0; i < w->kept_count; i++)
		free(w->kept[i].bytes);
	free(w->kept);
	free(w->now);
	free(w->barrier);
	free(w->complete);
}

static void run_all(struct tr_table_options options)
{
	const uint64_t cases = tr_test_cases(20);

	for (uint64_t seed = 1; seed <= cases; seed++) {
		static const uint32_t key_counts[] = {5, 300, 4000, 20000};
		struct world w = {
			.options = options, .random = seed * 1000 + options.value_bytes, .checkpoint = seed % 3};

		w.key_count = key_counts[seed % 4];
		world_run(&w, w.key_count < 1000 ? 800 : 1500);
	}
}

static void integers(void **state)
{
	run_all((struct tr_table_options){.value_bytes = 16});
	run_all((struct tr_table_options){.value_bytes = 8});
	run_all((struct tr_table_options){.value_bytes = 41, .expected = 1000});
}

static void integers_that_expire(void **state)
{
	run_all((struct tr_table_options){.value_bytes = 16, .ttl_ms = TTL});
	run_all((struct tr_table_options){.value_bytes = 3, .ttl_ms = TTL, .is_ttl_read = true});
}

static void texts(void **state) { run_all((struct tr_table_options){.has_byte_keys = true}); }

static void texts_that_expire(void **state)
{
	run_all((struct tr_table_options){.has_byte_keys = true, .ttl_ms = TTL});
	run_all((struct tr_table_options){.has_byte_keys = true, .ttl_ms = TTL, .is_ttl_read = true});
}

/** Four times what may be in memory: entries go to a file and come back. */
static void run_cold(struct tr_table_options options)
{
	struct tr_environment *env;
	struct tr_status st = {0};
	char path[] = "/tmp/table_test_XXXXXX";
	const uint64_t cases = tr_test_cases(2);

	assert_true(mkstemp(path) >= 0);
	assert_int_equal(tr_environment_real_create(&env, &st), TR_OK);
	options.memory_limit = (size_t)8 << 20;
	options.cold_path = path;
	assert_int_equal(env->disk->ops->queue_create(env->disk, 64, &options.queue, &st), TR_OK);
	for (uint64_t seed = 1; seed <= cases; seed++) {
		struct world w = {.options = options, .random = seed * 77 + options.value_bytes, .key_count = KEYS_MAX};

		world_run(&w, 2500);
	}
	env->disk->ops->queue_destroy(env->disk, &options.queue);
	tr_environment_real_destroy(&env);
}

static void integers_on_disk(void **state)
{
	run_cold((struct tr_table_options){.value_bytes = 300});
	run_cold((struct tr_table_options){.value_bytes = 300, .ttl_ms = TTL * 5});
}

static void texts_on_disk(void **state)
{
	run_cold((struct tr_table_options){.has_byte_keys = true});
	run_cold((struct tr_table_options){.has_byte_keys = true, .ttl_ms = TTL * 5, .is_ttl_read = true});
}

/** Where nothing more can leave, since what cold entries need in memory is more than the limit by itself, a call does not go round
 * and round: the table goes on above its limit. */
static void above_its_limit(void **state)
{
	struct tr_table_options options = {
		.value_bytes = 8, .group_count = GROUPS, .group_end = GROUPS, .memory_limit = (size_t)8 << 20};
	struct tr_environment *env;
	char path[] = "/tmp/table_test_XXXXXX";
	uint64_t passed_max = 0;
	struct tr_table *table;

	assert_true(mkstemp(path) >= 0);
	options.cold_path = path;
	assert_int_equal(tr_environment_real_create(&env, NULL), TR_OK);
	assert_int_equal(env->disk->ops->queue_create(env->disk, 64, &options.queue, NULL), TR_OK);
	assert_int_equal(tr_table_create(&options, &table, NULL), TR_OK);
	tr_table_set_memory_limit(table, TR_TABLE_LIMIT_MIN);
	for (int64_t first = 0; first < 800000; first += BATCH) {
		const uint64_t before = table->cold->passed_total;
		int64_t keys[BATCH];
		void *values[BATCH];
		enum tr_flow flow;

		for (uint32_t i = 0; i < BATCH; i++)
			keys[i] = first + i;
		while ((flow = tr_table_upsert_i64(table, keys, BATCH, values, NULL)) == TR_FLOW_BLOCKED)
			(void)tr_io_wait(options.queue, -1);
		assert_int_equal(flow, TR_FLOW_MORE);
		for (uint32_t i = 0; i < BATCH; i++)
			memcpy(values[i], &keys[i], 8);
		passed_max = table->cold->passed_total - before > passed_max ? table->cold->passed_total - before
									     : passed_max;
	}
	assert_true(tr_table_bytes(table) > TR_TABLE_LIMIT_MIN);
	assert_true(passed_max > 0 && passed_max <= 16 + table->cold->zone_count / 8);
	for (int64_t key = 0; key < 800000; key += 997) {
		enum tr_flow flow;
		void *value;

		while ((flow = tr_table_find_i64(table, &key, 1, &value)) == TR_FLOW_BLOCKED)
			(void)tr_io_wait(options.queue, -1);
		assert_int_equal(flow, TR_FLOW_MORE);
		assert_memory_equal(value, &key, 8);
	}
	tr_table_destroy(&table);
	env->disk->ops->queue_destroy(env->disk, &options.queue);
	tr_environment_real_destroy(&env);
}

/** Only what changed is written, and at most 1.5 times of it. */
static void writes_what_changed(void **state)
{
	struct world w = {.options = {.value_bytes = 16}, .key_count = KEYS_MAX};
	struct tr_snapshot_order order = {.checkpoint = 1};
	uint64_t before;
	int64_t keys[100];
	void *values[100];

	w.writer.put = put;
	w.options.group_count = w.options.group_end = GROUPS;
	assert_int_equal(tr_table_create(&w.options, &w.table, NULL), TR_OK);
	for (uint32_t i = 0; i < KEYS_MAX; i += 100) {
		for (uint32_t k = 0; k < 100; k++)
			keys[k] = integer_of(i + k);
		assert_int_equal(tr_table_upsert_i64(w.table, keys, 100, values, NULL), TR_FLOW_MORE);
	}
	for (uint64_t n = 1; n <= 4; n++) {
		order.checkpoint = n;
		order.completed = n - 1;
		tr_table_snapshot(w.table, &order, &w.base);
		assert_int_equal(w.base, tr_state_age(1));
		before = w.put_bytes;
		while (tr_table_snapshot_step(w.table, &w.writer, 1 << 16) == TR_FLOW_MORE)
			;
		if (n == 1)
			assert_true(w.put_bytes - before >= KEYS_MAX * 24 && w.put_bytes - before < KEYS_MAX * 25);
		else if (n == 3)
			assert_int_equal(w.put_bytes, before); /* nothing had changed */
		else
			assert_true(w.put_bytes - before <= 100 * 24 + 24);
		if (n != 2)
			assert_int_equal(tr_table_upsert_i64(w.table, keys, 100, values, NULL), TR_FLOW_MORE);
		tr_table_load_end(w.table, n, tr_state_age(1));
	}
	tr_table_destroy(&w.table);
	for (uint32_t i = 0; i < w.kept_count; i++)
		free(w.kept[i].bytes);
	free(w.kept);
}

/** Ten thousand keys of one partition: their page cannot split, and the directory must not grow for it. */
static void keys_of_one_partition(void **state)
{
	const struct tr_table_options options = {.has_byte_keys = true, .group_count = 1, .group_end = 1};
	struct tr_table *table;

	assert_int_equal(tr_table_create(&options, &table, NULL), TR_OK);
	for (uint32_t n = 0; n < 10000; n++) {
		const struct tr_table_key key = {&n, 4, n % 1000 == 999 ? 12346 : 12345};

		assert_int_equal(tr_table_put(table, &key, &n, 4), TR_FLOW_MORE);
	}
	for (uint32_t n = 0; n < 10000; n++) {
		const struct tr_table_key key = {&n, 4, n % 1000 == 999 ? 12346 : 12345};
		struct tr_table_value value;

		assert_int_equal(tr_table_find(table, &key, 1, &value), TR_FLOW_MORE);
		assert_memory_equal(value.bytes, &n, 4);
	}
	assert_true(tr_table_bytes(table) < 4 << 20);
	tr_table_destroy(&table);
}

/** Records with bits flipped or cut off: refused, or other entries, but nothing worse. */
static void hostile_records(void **state)
{
	for (uint32_t sort = 0; sort < 3; sort++) {
		struct world w = {.options = {.value_bytes = sort == 0 ? 16 : 0,
					      .has_byte_keys = sort > 0,
					      .ttl_ms = sort == 2 ? 1000 : 0},
				  .random = sort};
		struct tr_snapshot_order order = {.checkpoint = 1};
		uint32_t refused = 0;

		w.writer.put = put;
		w.options.group_count = w.options.group_end = GROUPS;
		assert_int_equal(tr_table_create(&w.options, &w.table, NULL), TR_OK);
		for (uint32_t n = 0; n < 20; n++) {
			char text[96];
			const struct tr_table_key key = text_of(n, text);
			const int64_t integer = integer_of(n);
			void *value;

			if (sort == 0)
				assert_int_equal(tr_table_upsert_i64(w.table, &integer, 1, &value, NULL), TR_FLOW_MORE);
			else
				assert_int_equal(tr_table_put(w.table, &key, text, 40), TR_FLOW_MORE);
		}
		tr_table_snapshot(w.table, &order, &w.base);
		assert_int_equal(tr_table_snapshot_step(w.table, &w.writer, 1 << 20), TR_FLOW_DONE);
		tr_table_destroy(&w.table);
		assert_int_equal(w.kept_count, 1);
		for (uint32_t i = 0; i < tr_test_cases(4000); i++) {
			size_t length = w.kept[0].length;
			char *copy = malloc(length);
			struct tr_status st = {0};

			memcpy(copy, w.kept[0].bytes, length);
			if (i < length)
				length = i;
			for (uint32_t f = 0; f < i % 4; f++)
				copy[tr_test_below(&w.random, (uint32_t)w.kept[0].length)] ^=
					(char)(1 << tr_test_below(&w.random, 8));
			copy = realloc(copy, length > 0 ? length : 1);
			assert_int_equal(tr_table_create(&w.options, &w.table, NULL), TR_OK);
			if (tr_table_load(w.table, copy, length, &st) != TR_OK) {
				assert_int_equal(st.code, TR_ERR_DATA);
				refused++;
			} else {
				assert_int_equal(length, w.kept[0].length);
			}
			tr_table_destroy(&w.table);
			free(copy);
		}
		assert_true(refused > 0);
		free(w.kept[0].bytes);
		free(w.kept);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers),
		cmocka_unit_test(integers_that_expire),
		cmocka_unit_test(texts),
		cmocka_unit_test(texts_that_expire),
		cmocka_unit_test(writes_what_changed),
		cmocka_unit_test(keys_of_one_partition),
		cmocka_unit_test(hostile_records),
		cmocka_unit_test(integers_on_disk),
		cmocka_unit_test(texts_on_disk),
		cmocka_unit_test(above_its_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
