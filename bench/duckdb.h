/* SPDX-License-Identifier: Apache-2.0
 *
 * DuckDB beside our grouping: COUNT(*) and SUM(value) by key over a table in memory.
 *
 * The library is loaded when it is asked for, from build/duckdb (scripts/bench-setup puts it there) or from the path in
 * TAILRACE_DUCKDB; the few functions of its C interface that are needed are declared in duckdb.c. Without the library
 * the measures are skipped.
 */
#ifndef TR_BENCH_DUCKDB_H
#define TR_BENCH_DUCKDB_H

#include <stddef.h>
#include <stdint.h>

struct tr_duckdb;

/** An empty database in memory, one thread. NULL: there is no library, or not a usable one; `reason` says why. */
struct tr_duckdb *tr_duckdb_open(char *reason, size_t reason_size);
void tr_duckdb_close(struct tr_duckdb **db);
const char *tr_duckdb_version(const struct tr_duckdb *db);

/** Makes the table. Aborts with DuckDB's message if it fails, as does the next. */
void tr_duckdb_fill(struct tr_duckdb *db, const int64_t *key, const int64_t *value, size_t rows);

/** Runs the query and reads all of its result; the number of groups. `total`: all counts and sums added up. */
size_t tr_duckdb_group(struct tr_duckdb *db, uint64_t *total);

#endif
