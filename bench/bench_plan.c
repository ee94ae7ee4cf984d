/* SPDX-License-Identifier: Apache-2.0
 *
 * From a script to plans: lexing, parsing, binding, optimising and the exchanges of 200 lines, which make 40 jobs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/check.h"
#include "bench/bench.h"
#include "io/connectors.h"
#include "sql/session.h"

#define QUERIES 40
#define RUNS 51

static void write_script(struct tr_bytes *out)
{
	tr_bytes_append_str(out,
			    "CREATE TABLE bids (auction BIGINT, bidder BIGINT, price INT, channel STRING, url STRING,\n"
			    "  ts TIMESTAMP(3), h AS HOUR(ts),\n  WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)\n"
			    "WITH ('connector' = 'datagen', 'number-of-rows' = '10');\n");
	for (int q = 0; q < QUERIES; q++)
		tr_bytes_printf(
			out,
			"SELECT window_start, auction, COUNT(*) AS n, SUM(CASE WHEN price > %d THEN price ELSE 0 END) "
			"AS s,\n"
			"  MAX(UPPER(channel)) AS c, COUNT(DISTINCT bidder) FILTER (WHERE REGEXP(url, 'a.%d')) AS u\n"
			"FROM TABLE(HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '%d' SECOND, INTERVAL '1' MINUTE))\n"
			"WHERE MOD(auction, %d) = 0 AND channel IN ('a', 'b', 'c') AND h BETWEEN 2 AND 3 + %d\n"
			"GROUP BY window_start, window_end, auction HAVING COUNT(*) > 1 + 2 * 3;\n",
			q, q, q % 2 == 0 ? 10 : 20, q + 2, q);
}

static int compare_doubles(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static tr_code observe_plan(double *value, char *note, size_t room, struct tr_status *st)
{
	struct tr_arena arena;
	struct tr_config config;
	struct tr_bytes script = {0};
	double ms[RUNS];
	tr_code code = TR_OK;

	tr_arena_init(&arena, 0);
	tr_config_init(&config, &arena);
	write_script(&script);
	for (int i = 0; code == TR_OK && i < RUNS; i++) {
		const struct tr_session_options options = {.file = "bench.sql",
							   .config = &config,
							   .core_count = 2,
							   .machine_time_zone = "UTC",
							   .job_name = "bench",
							   .job_id_seed = {1, 2},
							   .collect = &tr_connector_blackhole};
		struct timespec begun, ended;
		struct tr_session *session;

		clock_gettime(CLOCK_MONOTONIC, &begun);
		session = tr_session_compile(&options, script.data, script.length);
		clock_gettime(CLOCK_MONOTONIC, &ended);
		code = tr_diags_status(&session->diags, st);
		ms[i] = (double)(ended.tv_sec - begun.tv_sec) * 1e3 + (double)(ended.tv_nsec - begun.tv_nsec) / 1e6;
		tr_session_destroy(&session);
	}
	qsort(ms, RUNS, sizeof(*ms), compare_doubles);
	*value = ms[RUNS / 2];
	snprintf(note, room, "%d jobs of %zu bytes; median of %d, %.2f to %.2f ms", QUERIES, script.length, RUNS, ms[0],
		 ms[RUNS - 1]);
	tr_bytes_deinit(&script);
	tr_arena_deinit(&arena);
	return code;
}

const struct tr_bench_case tr_bench_plan_cases[] = {
	{.name = "plan-200-lines",
	 .work = "a script of 200 lines to 40 plans",
	 .unit = "ms",
	 .must_at_most = 10,
	 .observe = observe_plan},
	{.name = NULL},
};
