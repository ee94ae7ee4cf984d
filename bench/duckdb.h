/* SPDX-License-Identifier: Apache-2.0
 *
 * DuckDB beside ours: a query over a table in memory, on one thread.
 *
 * The library is loaded when it is asked for, from build/duckdb (scripts/bench-setup puts it there) or from the path in
 * TAILRACE_DUCKDB; the few functions of its C interface that are needed are declared in duckdb.c. Without the library
 * the measures are skipped.
 */
#ifndef TR_BENCH_DUCKDB_H
#define TR_BENCH_DUCKDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tr_duckdb;

/** An empty database in memory, one thread. NULL: there is no library, or not a usable one; `reason` says why. */
struct tr_duckdb *tr_duckdb_open(char *reason, size_t reason_size);
void tr_duckdb_close(struct tr_duckdb **db);
const char *tr_duckdb_version(const struct tr_duckdb *db);

enum tr_duckdb_kind { TR_DUCKDB_BIGINT, TR_DUCKDB_DECIMAL, TR_DUCKDB_DATE, TR_DUCKDB_VARCHAR };

/** A column: DECIMAL is (15, 2) in 64 bits, DATE days since 1970 in 32, VARCHAR views of at most 12 bytes. */
struct tr_duckdb_column {
	const char *name;
	enum tr_duckdb_kind kind;
	const void *data;
};

/** Makes a table of columns that are NOT NULL. Aborts with DuckDB's message if it fails, as do the next. */
void tr_duckdb_fill(struct tr_duckdb *db, const char *table, const struct tr_duckdb_column *columns, uint32_t count,
		    size_t rows);

/** The query to run. */
void tr_duckdb_prepare(struct tr_duckdb *db, const char *sql);

/** How to add up a result's column. */
enum tr_duckdb_read { TR_DUCKDB_SKIP, TR_DUCKDB_64, TR_DUCKDB_128 };

/** Runs it and reads all of its result; the number of rows. `total`: of the columns, which are read as `reads` says. */
size_t tr_duckdb_run(struct tr_duckdb *db, const enum tr_duckdb_read *reads, uint32_t column_count, uint64_t *total);

#endif
