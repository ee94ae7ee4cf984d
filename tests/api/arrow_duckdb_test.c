/* SPDX-License-Identifier: Apache-2.0
 *
 * Arrow's structs with a library that is not ours on the other side: DuckDB makes rows of all types, we read them and give them back,
 * and DuckDB compares what it gets with what it made. Skipped where its library is missing (scripts/bench-setup fetches it).
 */
#include <dlfcn.h>

#include "api_test.h"

#include "api/arrow.h"

#define TR_DUCKDB_PATH "build/duckdb/libduckdb.so"
#define ROWS "3000"

/* Its C interface, as its documentation has it: states are 0 for success, handles are pointers. */
struct duckdb_result {
	uint64_t deprecated[4];
	void *internal_1;
	void *internal_2;
};

static struct {
	int (*open)(const char *path, void **database);
	void (*close)(void **database);
	int (*connect)(void *database, void **connection);
	void (*disconnect)(void **connection);
	int (*query)(void *connection, const char *sql, struct duckdb_result *result);
	void (*destroy_result)(struct duckdb_result *result);
	const char *(*result_error)(struct duckdb_result *result);
	int64_t (*value_int64)(struct duckdb_result *result, uint64_t column, uint64_t row);
	int (*query_arrow)(void *connection, const char *sql, void **arrow);
	int (*query_arrow_schema)(void *arrow, struct ArrowSchema **schema);
	int (*query_arrow_array)(void *arrow, struct ArrowArray **array);
	void (*destroy_arrow)(void **arrow);
	int (*arrow_array_scan)(void *connection, const char *name, struct ArrowSchema *schema,
				struct ArrowArray *array, void **stream);
	void (*destroy_arrow_stream)(void **stream);
} duckdb;

static void *library, *database, *connection;

static bool load(void)
{
	static const struct {
		void *to;
		const char *name;
	} symbols[] = {
		{&duckdb.open, "duckdb_open"},
		{&duckdb.close, "duckdb_close"},
		{&duckdb.connect, "duckdb_connect"},
		{&duckdb.disconnect, "duckdb_disconnect"},
		{&duckdb.query, "duckdb_query"},
		{&duckdb.destroy_result, "duckdb_destroy_result"},
		{&duckdb.result_error, "duckdb_result_error"},
		{&duckdb.value_int64, "duckdb_value_int64"},
		{&duckdb.query_arrow, "duckdb_query_arrow"},
		{&duckdb.query_arrow_schema, "duckdb_query_arrow_schema"},
		{&duckdb.query_arrow_array, "duckdb_query_arrow_array"},
		{&duckdb.destroy_arrow, "duckdb_destroy_arrow"},
		{&duckdb.arrow_array_scan, "duckdb_arrow_array_scan"},
		{&duckdb.destroy_arrow_stream, "duckdb_destroy_arrow_stream"},
	};

	library = dlopen(TR_DUCKDB_PATH, RTLD_NOW | RTLD_LOCAL);
	if (library == NULL)
		return false;
	for (size_t i = 0; i < TR_COUNT_OF(symbols); i++) {
		void *symbol = dlsym(library, symbols[i].name);

		assert_non_null(symbol);
		memcpy(symbols[i].to, &symbol, sizeof(symbol));
	}
	return true;
}

/** The first value of the result. */
static int64_t ask(const char *sql)
{
	struct duckdb_result result;
	int64_t value;

	if (duckdb.query(connection, sql, &result) != 0)
		fail_msg("%s: %s", sql, duckdb.result_error(&result));
	value = duckdb.value_int64(&result, 0, 0);
	duckdb.destroy_result(&result);
	return value;
}

/** `column` of DuckDB's makes the way through our batches, once with NULLs and once without. */
static void make_the_way(const char *expression)
{
	char sql[1024];
	void *arrow;
	int64_t different = 0, rows = 0;

	snprintf(sql, sizeof(sql),
		 "CREATE OR REPLACE TABLE made AS SELECT i, %s AS x, CASE WHEN i %% 5 <> 0 THEN %s END AS y "
		 "FROM range(" ROWS ") t(i)",
		 expression, expression);
	ask(sql);
	assert_int_equal(duckdb.query_arrow(connection, "SELECT * FROM made", &arrow), 0);
	for (;;) {
		struct ArrowSchema schema = {0}, our_schema, *schema_at = &schema;
		struct ArrowArray array = {0}, our_array, *array_at = &array;
		struct tr_owned_batch *owned;
		struct tr_status st = {0};
		void *stream;

		assert_int_equal(duckdb.query_arrow_array(arrow, &array_at), 0);
		if (array.release == NULL || array.length == 0)
			break;
		assert_int_equal(duckdb.query_arrow_schema(arrow, &schema_at), 0);
		if (tr_batch_import(&array, &schema, &owned, &st) != TR_OK)
			fail_msg("%s: %s", expression, st.message);
		array.release(&array);
		schema.release(&schema);
		if (tr_batch_export(tr_owned_batch_get(owned), &our_array, &our_schema, &st) != TR_OK)
			fail_msg("%s: %s", expression, st.message);
		assert_int_equal(duckdb.arrow_array_scan(connection, "returned", &our_schema, &our_array, &stream), 0);
		rows += ask("SELECT COUNT(*) FROM returned");
		different += ask("SELECT COUNT(*) FROM made JOIN returned ON made.i = returned.i "
				 "WHERE made.x IS DISTINCT FROM returned.x OR made.y IS DISTINCT FROM returned.y");
		ask("DROP VIEW returned");
		duckdb.destroy_arrow_stream(&stream);
		if (our_schema.release != NULL)
			our_schema.release(&our_schema);
		if (our_array.release != NULL)
			our_array.release(&our_array);
		tr_owned_batch_release(&owned);
	}
	duckdb.destroy_arrow(&arrow);
	assert_int_equal(rows, atoi(ROWS));
	if (different != 0)
		fail_msg("%s: %lld rows came back differently", expression, (long long)different);
}

static void test_duckdb(void **state)
{
	static const char *const expressions[] = {
		"i % 3 = 0",
		"CAST(i % 256 - 128 AS TINYINT)",
		"CAST(i * 20 - 30000 AS SMALLINT)",
		"CAST(i * 1000000 - 2000000000 AS INTEGER)",
		"CAST(i AS BIGINT) * 3000000000000 - 4",
		"CAST(i AS FLOAT) / 7",
		"CAST(i AS DOUBLE) / 7",
		"CAST(i * 1.25 - 100 AS DECIMAL(10, 2))",
		"CAST(i AS DECIMAL(38, 5)) * 123456789012345678901234 - 5",
		"repeat('é', CAST(i % 9 AS INTEGER))",
		"CAST(i AS VARCHAR) || ' is a text that is longer than twelve bytes'",
		"encode(CAST(i * i AS VARCHAR))",
		"DATE '1960-02-29' + CAST(i * 7 AS INTEGER)",
		"CAST(TIMESTAMP '1960-01-01 00:00:00.123456' + to_seconds(i * 1000001) AS TIMESTAMP)",
		"CAST(TIMESTAMP '2024-02-29 00:00:00.123' + to_seconds(i * 1000001) AS TIMESTAMP_MS)",
		"make_timestamp_ns(i * 1000000000007 - 5)",
		"CAST(TIMESTAMP '1960-01-01 00:00:00.123456' + to_seconds(i * 1000001) AS TIMESTAMPTZ)",
		"CAST(range(i % 5) AS INTEGER[])",
		"[['a', NULL, CAST(i AS VARCHAR)], [], NULL]",
		"{'a': i, 'b': CASE WHEN i % 3 > 0 THEN repeat('x', CAST(i % 30 AS INTEGER)) END}",
		"MAP {'k': i, CAST(i AS VARCHAR): NULL}",
		"[{'a': [i, i + 1], 'b': MAP {i: 'v'}}]",
	};

	if (!load()) {
		print_message("skipped: %s is missing (scripts/bench-setup fetches it)\n", TR_DUCKDB_PATH);
		skip();
	}
	assert_int_equal(duckdb.open(NULL, &database), 0);
	assert_int_equal(duckdb.connect(database, &connection), 0);
	for (size_t i = 0; i < TR_COUNT_OF(expressions); i++)
		make_the_way(expressions[i]);
	duckdb.disconnect(&connection);
	duckdb.close(&database);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_duckdb)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
