/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/duckdb.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#ifndef TR_DUCKDB_PATH
#define TR_DUCKDB_PATH "build/duckdb/libduckdb.so"
#endif

#define TYPE_BIGINT 5
#define TYPE_DATE 13
#define TYPE_VARCHAR 17
#define COLUMNS_MAX 16

/* The C interface, as the library's documentation has it: states are 0 for success, handles are pointers. */
struct duckdb_result {
	uint64_t deprecated[4];
	void *internal_1;
	void *internal_2;
};

struct hugeint {
	uint64_t lower;
	int64_t upper;
};

struct api {
	const char *(*library_version)(void);
	int (*open)(const char *path, void **database);
	void (*close)(void **database);
	int (*connect)(void *database, void **connection);
	void (*disconnect)(void **connection);
	int (*query)(void *connection, const char *sql, struct duckdb_result *result);
	void (*destroy_result)(struct duckdb_result *result);
	const char *(*result_error)(struct duckdb_result *result);
	int (*prepare)(void *connection, const char *sql, void **statement);
	void (*destroy_prepare)(void **statement);
	int (*pending_prepared_streaming)(void *statement, void **pending);
	int (*execute_pending)(void *pending, struct duckdb_result *result);
	void (*destroy_pending)(void **pending);
	void *(*fetch_chunk)(struct duckdb_result result);
	void *(*create_logical_type)(int type);
	void *(*create_decimal_type)(uint8_t width, uint8_t scale);
	void (*destroy_logical_type)(void **type);
	void *(*create_data_chunk)(void **types, uint64_t count);
	void (*destroy_data_chunk)(void **chunk);
	void (*data_chunk_reset)(void *chunk);
	void (*data_chunk_set_size)(void *chunk, uint64_t size);
	uint64_t (*data_chunk_get_size)(void *chunk);
	void *(*data_chunk_get_vector)(void *chunk, uint64_t column);
	void *(*vector_get_data)(void *vector);
	uint64_t (*vector_size)(void);
	int (*appender_create)(void *connection, const char *schema, const char *table, void **appender);
	int (*append_data_chunk)(void *appender, void *chunk);
	int (*appender_destroy)(void **appender);
};

struct tr_duckdb {
	void *library;
	void *database;
	void *connection;
	void *statement;
	struct api api;
};

/* In the order of the members of struct api. */
static const char *const api_names[] = {
	"library_version",
	"open",
	"close",
	"connect",
	"disconnect",
	"query",
	"destroy_result",
	"result_error",
	"prepare",
	"destroy_prepare",
	"pending_prepared_streaming",
	"execute_pending",
	"destroy_pending",
	"fetch_chunk",
	"create_logical_type",
	"create_decimal_type",
	"destroy_logical_type",
	"create_data_chunk",
	"destroy_data_chunk",
	"data_chunk_reset",
	"data_chunk_set_size",
	"data_chunk_get_size",
	"data_chunk_get_vector",
	"vector_get_data",
	"vector_size",
	"appender_create",
	"append_data_chunk",
	"appender_destroy",
};

static bool load(struct tr_duckdb *db, char *reason, size_t reason_size)
{
	const char *path = getenv("TAILRACE_DUCKDB");

	_Static_assert(sizeof(struct api) == sizeof(api_names), "a name for each function");
	if (path == NULL || path[0] == 0)
		path = TR_DUCKDB_PATH;
	db->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (db->library == NULL) {
		snprintf(reason, reason_size, "no DuckDB (scripts/bench-setup fetches it): %s", dlerror());
		return false;
	}
	for (size_t i = 0; i < TR_COUNT_OF(api_names); i++) {
		char name[64];
		void *function;

		snprintf(name, sizeof(name), "duckdb_%s", api_names[i]);
		function = dlsym(db->library, name);
		if (function == NULL) {
			snprintf(reason, reason_size, "%s has no function %s", path, name);
			return false;
		}
		memcpy((char *)&db->api + i * sizeof(function), &function, sizeof(function));
	}
	return true;
}

static void must(struct tr_duckdb *db, int state, struct duckdb_result *result, const char *what)
{
	if (state == 0)
		return;
	fprintf(stderr, "bench: DuckDB: %s: %s\n", what, result != NULL ? db->api.result_error(result) : "failed");
	abort();
}

static void run(struct tr_duckdb *db, const char *sql)
{
	struct duckdb_result result;

	memset(&result, 0, sizeof(result));
	must(db, db->api.query(db->connection, sql, &result), &result, sql);
	db->api.destroy_result(&result);
}

struct tr_duckdb *tr_duckdb_open(char *reason, size_t reason_size)
{
	struct tr_duckdb *db = calloc(1, sizeof(*db));

	if (!load(db, reason, reason_size)) {
		tr_duckdb_close(&db);
		return NULL;
	}
	must(db, db->api.open(NULL, &db->database), NULL, "open");
	must(db, db->api.connect(db->database, &db->connection), NULL, "connect");
	run(db, "SET threads=1");
	return db;
}

void tr_duckdb_close(struct tr_duckdb **duckdb)
{
	struct tr_duckdb *db = *duckdb;

	if (db == NULL)
		return;
	if (db->statement != NULL)
		db->api.destroy_prepare(&db->statement);
	if (db->connection != NULL)
		db->api.disconnect(&db->connection);
	if (db->database != NULL)
		db->api.close(&db->database);
	if (db->library != NULL)
		dlclose(db->library);
	free(db);
	*duckdb = NULL;
}

const char *tr_duckdb_version(const struct tr_duckdb *db) { return db->api.library_version(); }

static const char *kind_text(enum tr_duckdb_kind kind)
{
	static const char *const texts[] = {"BIGINT", "DECIMAL(15, 2)", "DATE", "VARCHAR"};

	return texts[kind];
}

static size_t kind_bytes(enum tr_duckdb_kind kind)
{
	static const size_t bytes[] = {8, 8, 4, 16};

	return bytes[kind];
}

static void *kind_type(struct tr_duckdb *db, enum tr_duckdb_kind kind)
{
	static const int types[] = {TYPE_BIGINT, 0, TYPE_DATE, TYPE_VARCHAR};

	return kind == TR_DUCKDB_DECIMAL ? db->api.create_decimal_type(15, 2)
					 : db->api.create_logical_type(types[kind]);
}

void tr_duckdb_fill(struct tr_duckdb *db, const char *table, const struct tr_duckdb_column *columns, uint32_t count,
		    size_t rows)
{
	const struct api *api = &db->api;
	const size_t vector = api->vector_size();
	void *types[COLUMNS_MAX], *appender = NULL, *chunk;
	char sql[1024];
	int length = snprintf(sql, sizeof(sql), "CREATE TABLE %s (", table);

	TR_ASSERT(count <= COLUMNS_MAX);
	for (uint32_t c = 0; c < count; c++) {
		length += snprintf(sql + length, sizeof(sql) - (size_t)length, "%s%s %s NOT NULL", c > 0 ? ", " : "",
				   columns[c].name, kind_text(columns[c].kind));
		types[c] = kind_type(db, columns[c].kind);
	}
	snprintf(sql + length, sizeof(sql) - (size_t)length, ")");
	run(db, sql);
	chunk = api->create_data_chunk(types, count);
	must(db, api->appender_create(db->connection, NULL, table, &appender), NULL, "appender");
	for (size_t at = 0; at < rows; at += vector) {
		const size_t n = TR_MIN(vector, rows - at);

		api->data_chunk_reset(chunk);
		for (uint32_t c = 0; c < count; c++) /* its short strings are laid out as our views */
			memcpy(api->vector_get_data(api->data_chunk_get_vector(chunk, c)),
			       (const char *)columns[c].data + at * kind_bytes(columns[c].kind),
			       n * kind_bytes(columns[c].kind));
		api->data_chunk_set_size(chunk, n);
		must(db, api->append_data_chunk(appender, chunk), NULL, "append");
	}
	must(db, api->appender_destroy(&appender), NULL, "append");
	api->destroy_data_chunk(&chunk);
	for (uint32_t c = 0; c < count; c++)
		api->destroy_logical_type(&types[c]);
}

void tr_duckdb_prepare(struct tr_duckdb *db, const char *sql)
{
	must(db, db->api.prepare(db->connection, sql, &db->statement), NULL, sql);
}

/* Streaming: DuckDB need not keep its result, only hand over chunk by chunk. */
size_t tr_duckdb_run(struct tr_duckdb *db, const enum tr_duckdb_read *reads, uint32_t column_count, uint64_t *total)
{
	const struct api *api = &db->api;
	struct duckdb_result result;
	void *pending = NULL;
	void *chunk;
	size_t rows = 0;

	memset(&result, 0, sizeof(result));
	*total = 0;
	must(db, api->pending_prepared_streaming(db->statement, &pending), NULL, "pending");
	must(db, api->execute_pending(pending, &result), &result, "execute");
	while ((chunk = api->fetch_chunk(result)) != NULL) {
		const uint64_t n = api->data_chunk_get_size(chunk);

		for (uint32_t c = 0; c < column_count; c++) {
			const void *data = api->vector_get_data(api->data_chunk_get_vector(chunk, c));

			for (uint64_t i = 0; reads[c] == TR_DUCKDB_64 && i < n; i++)
				*total += ((const uint64_t *)data)[i];
			for (uint64_t i = 0; reads[c] == TR_DUCKDB_128 && i < n; i++)
				*total += ((const struct hugeint *)data)[i].lower;
		}
		rows += n;
		api->destroy_data_chunk(&chunk);
	}
	api->destroy_result(&result);
	api->destroy_pending(&pending);
	return rows;
}
