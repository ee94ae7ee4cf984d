/* SPDX-License-Identifier: Apache-2.0
 *
 * Two workers against one: the engine's speed-up beside that of the hand loop, in the same run.
 *
 * One turn of a side is a run on one worker and a run on two; its "rate" is the first one's time over the second's. So
 * the ratio of a pair is our scaling over the hand loop's: what the machine itself takes away with two busy cores
 * (shared cache, memory, power) falls on both. Jobs are SQL, compiled as for the command line, sources and sinks
 * included; only the tumbling count's source is exchanged for a table in memory.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "bench/bench.h"
#include "bench/data.h"
#include "bench/engine_run.h"
#include "bench/limits/limits.h"
#include "io/nexmark_gen.h"

#define WORKERS 2
#define EVENTS (UINT64_C(12) << 20)
#define GENERATOR_ROWS 2048u
#define TUMBLE_ROWS ((size_t)32 << 20)
#define TUMBLE_KEYS 10000
#define TUMBLE_MS 1000
#define TUMBLE_PER_SECOND UINT64_C(10000000)
#define START_MS INT64_C(978307200000)
#define CSV_ROWS ((size_t)100000)
#define CSV_COPIES 80

struct data {
	struct tr_bench_job jobs[WORKERS]; /* for 1 and for 2 workers */
	uint64_t rows;
	double (*run_hand)(struct data *d, uint32_t workers);
	uint32_t turn;
	struct tr_nexmark_channels *channels; /* q2 */
	struct tr_nexmark_gen *gens[WORKERS];
	struct tr_batch_buffer *buffers[WORKERS];
	int64_t *time_ms, *key; /* tumble */
	struct tr_bench_table tables[WORKERS];
	struct tr_bench_sum sums[WORKERS];
	uint64_t groups;
	char path[64]; /* csv */
};

static double run_engine(struct data *d, uint32_t workers)
{
	struct tr_engine_progress progress;
	double seconds;

	d->sums[workers - 1].rows = d->sums[workers - 1].total = 0;
	tr_bench_run(d->jobs[workers - 1].plan, &seconds, &progress);
	TR_ASSERT(progress.rows_in == d->rows);
	return seconds;
}

/* Runs with one worker and with two, in turns first; the time of two over that of one is what counts. */
static uint64_t compare(struct data *d, uint32_t repeat, double *seconds, double (*run)(struct data *, uint32_t))
{
	*seconds = 0;
	for (uint32_t r = 0; r < repeat; r++) {
		const uint32_t first = 1 + d->turn++ % 2;
		double time[WORKERS];

		time[first - 1] = run(d, first);
		time[2 - first] = run(d, 3 - first);
		*seconds += time[1] / time[0];
	}
	return repeat;
}

static uint64_t ours(void *context, uint32_t repeat, double *seconds)
{
	return compare(context, repeat, seconds, run_engine);
}

static uint64_t bar(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	return compare(d, repeat, seconds, d->run_hand);
}

static void data_close(struct tr_bench_pair *pair)
{
	struct data *d = pair->data;

	if (d == NULL)
		return;
	for (uint32_t w = 0; w < WORKERS; w++) {
		if (d->gens[w] != NULL)
			tr_nexmark_gen_destroy(&d->gens[w]);
		tr_batch_buffer_destroy(&d->buffers[w]);
		if (d->jobs[w].plan != NULL)
			tr_bench_job_deinit(&d->jobs[w]);
	}
	if (d->channels != NULL)
		tr_nexmark_channels_destroy(&d->channels);
	tr_harness_free(d->time_ms, TUMBLE_ROWS * sizeof(int64_t));
	tr_harness_free(d->key, TUMBLE_ROWS * sizeof(int64_t));
	if (d->path[0] != 0)
		unlink(d->path);
	free(d);
}

/* NULL: the row is skipped. */
static struct data *data_create(struct tr_bench_pair *pair, uint64_t rows, double (*run_hand)(struct data *, uint32_t))
{
	struct data *d;

	if (tr_harness_is_processor_time())
		snprintf(pair->skipped, sizeof(pair->skipped), "how two workers scale is seen by the clock only");
	else if (sysconf(_SC_NPROCESSORS_ONLN) < WORKERS)
		snprintf(pair->skipped, sizeof(pair->skipped), "the machine has one core");
	if (pair->skipped[0] != 0)
		return NULL;
	d = calloc(1, sizeof(*d));
	d->rows = rows;
	d->run_hand = run_hand;
	pair->data = d;
	pair->ours = (struct tr_harness_side){ours, d};
	pair->bar = (struct tr_harness_side){bar, d};
	return d;
}

static void compile(struct data *d, const char *script)
{
	for (uint32_t w = 0; w < WORKERS; w++)
		tr_bench_job_init(&d->jobs[w], script, w + 1);
}

/* ---- Nexmark q2, full rows; the hand loop is the generator alone, as in the row nexmark-q2 ---- */

static void generate(void *context, uint32_t worker, uint32_t workers)
{
	struct data *d = context;
	const uint64_t from = EVENTS / workers * worker, to = EVENTS / workers * (worker + 1);

	for (uint64_t at = from; at < to; at += GENERATOR_ROWS) {
		tr_batch_buffer_clear(d->buffers[worker]);
		tr_nexmark_gen_fill(d->gens[worker], (int64_t)at, GENERATOR_ROWS, d->buffers[worker]);
	}
}

static double hand_q2(struct data *d, uint32_t workers) { return tr_limit_parallel(workers, generate, d); }

static const char q2_script[] =
	"CREATE TABLE nexmark (event_type INT,"
	" person ROW<id BIGINT, name STRING, emailAddress STRING, creditCard STRING, city STRING, state STRING,"
	" `dateTime` TIMESTAMP(3), extra STRING>,"
	" auction ROW<id BIGINT, itemName STRING, description STRING, initialBid BIGINT, reserve BIGINT,"
	" `dateTime` TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT, extra STRING>,"
	" bid ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, `dateTime` TIMESTAMP(3),"
	" extra STRING>,"
	" `dateTime` AS CASE WHEN event_type = 0 THEN person.`dateTime` WHEN event_type = 1 THEN auction.`dateTime`"
	" ELSE bid.`dateTime` END,"
	" WATERMARK FOR `dateTime` AS `dateTime` - INTERVAL '4' SECOND"
	") WITH ('connector' = 'nexmark', 'full-rows' = 'true', 'events.num' = '%llu');\n"
	"CREATE VIEW bid AS SELECT bid.auction, bid.bidder, bid.price, bid.channel, bid.url, `dateTime`, bid.extra"
	" FROM nexmark WHERE event_type = 2;\n"
	"CREATE TABLE nowhere (auction BIGINT, price BIGINT) WITH ('connector' = 'blackhole');\n"
	"INSERT INTO nowhere SELECT auction, price FROM bid WHERE MOD(auction, 123) = 0;";

static tr_code open_q2(struct tr_bench_pair *pair, struct tr_status *st)
{
	struct data *d = data_create(pair, EVENTS, hand_q2);
	struct tr_nexmark_config config;
	char script[4096];

	if (d == NULL)
		return TR_OK;
	snprintf(script, sizeof(script), q2_script, (unsigned long long)EVENTS);
	compile(d, script);
	tr_nexmark_config_init(&config);
	d->channels = tr_nexmark_channels_create(0);
	for (uint32_t w = 0; w < WORKERS; w++) {
		const struct tr_schema *schema = tr_bench_job_scan(&d->jobs[0])->scan.table->schema;

		d->gens[w] = tr_nexmark_gen_create(&config, d->channels, schema, NULL, GENERATOR_ROWS);
		d->buffers[w] = tr_batch_buffer_create(schema, GENERATOR_ROWS);
	}
	snprintf(pair->note, sizeof(pair->note), "speed-up; the bar is the generator alone, full rows");
	return TR_OK;
}

/* ---- the tumbling count ---- */

static double hand_tumble(struct data *d, uint32_t workers)
{
	uint64_t total;
	const double seconds = tr_limit_tumble_parallel(workers, d->time_ms, d->key, TUMBLE_ROWS, TUMBLE_KEYS,
							TUMBLE_MS, &d->groups, &total);

	TR_ASSERT(total == TUMBLE_ROWS);
	return seconds;
}

static const char tumble_script[] =
	"CREATE TABLE numbers (ts TIMESTAMP(3), k BIGINT, WATERMARK FOR ts AS ts)"
	" WITH ('connector' = 'datagen', 'number-of-rows' = '1');\n"
	"CREATE TABLE nowhere (k BIGINT, n BIGINT) WITH ('connector' = 'blackhole');\n"
	"INSERT INTO nowhere SELECT k, COUNT(*) FROM TABLE(TUMBLE(TABLE numbers, DESCRIPTOR(ts), INTERVAL '1' SECOND))"
	" GROUP BY k, window_start, window_end;";

static tr_code open_tumble(struct tr_bench_pair *pair, struct tr_status *st)
{
	struct data *d = data_create(pair, TUMBLE_ROWS, hand_tumble);

	if (d == NULL)
		return TR_OK;
	compile(d, tumble_script);
	d->time_ms = tr_data_times(TUMBLE_ROWS, START_MS, TUMBLE_PER_SECOND, 0, 1, 41);
	d->key = tr_data_keys(TUMBLE_ROWS, TUMBLE_KEYS, 42);
	for (uint32_t w = 0; w < WORKERS; w++) {
		struct tr_node *scan = tr_bench_job_scan(&d->jobs[w]), *sink = tr_bench_job_sink(&d->jobs[w]);

		d->tables[w] = (struct tr_bench_table){.spec = *scan->scan.table,
						       .data = {d->time_ms, d->key},
						       .block_rows = (int64_t)TUMBLE_ROWS,
						       .rows = (int64_t)TUMBLE_ROWS};
		d->tables[w].spec.connector = &tr_bench_memory;
		scan->scan.table = &d->tables[w].spec;
		d->sums[w].spec = *sink->sink.table;
		d->sums[w].spec.connector = &tr_bench_summing;
		sink->sink.table = &d->sums[w].spec;
		run_engine(d, w + 1);
		hand_tumble(d, w + 1);
		if (d->sums[w].rows != d->groups)
			TR_FAIL(st, TR_ERR_INTERNAL, "with %u workers ours makes %llu groups, the bar %llu", w + 1,
				(unsigned long long)d->sums[w].rows, (unsigned long long)d->groups);
	}
	snprintf(pair->note, sizeof(pair->note), "speed-up; %zu M rows, 10k keys, %llu emitted", TUMBLE_ROWS >> 20,
		 (unsigned long long)d->groups);
	return TR_OK;
}

/* ---- CSV ---- */

static double hand_csv(struct data *d, uint32_t workers)
{
	int64_t rows;
	const double seconds = tr_limit_csv_file(workers, d->path, &rows);

	TR_ASSERT(rows == (int64_t)d->rows);
	return seconds;
}

static const char csv_script[] =
	"CREATE TABLE bids (auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING,"
	" `dateTime` TIMESTAMP(3), extra STRING) WITH ('connector' = 'filesystem', 'format' = 'csv', 'path' = '%s');\n"
	"CREATE TABLE nowhere (auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING,"
	" `dateTime` TIMESTAMP(3), extra STRING) WITH ('connector' = 'blackhole');\n"
	"INSERT INTO nowhere SELECT * FROM bids;";

static tr_code open_csv(struct tr_bench_pair *pair, struct tr_status *st)
{
	struct data *d = data_create(pair, CSV_ROWS * CSV_COPIES, hand_csv);
	struct tr_data_text text;
	char script[2048];
	bool is_written = true;
	int fd;

	if (d == NULL)
		return TR_OK;
	snprintf(d->path, sizeof(d->path), "/tmp/tailrace-bench-XXXXXX");
	fd = mkstemp(d->path);
	if (fd < 0) {
		d->path[0] = 0;
		TR_FAIL_ERRNO(st, TR_ERR_CANT_CREATE, "create a file in /tmp");
	}
	text = tr_data_bids_csv(CSV_ROWS, 43);
	for (int copy = 0; copy < CSV_COPIES && is_written; copy++)
		is_written = write(fd, text.text, text.length) == (ssize_t)text.length;
	snprintf(pair->note, sizeof(pair->note), "speed-up; %zu MB, %zu bytes a row, page cache",
		 text.length * CSV_COPIES >> 20, text.length / CSV_ROWS);
	tr_data_text_free(&text);
	close(fd);
	if (!is_written) {
		unlink(d->path);
		TR_FAIL_ERRNO(st, TR_ERR_IO, "write %s", d->path);
	}
	snprintf(script, sizeof(script), csv_script, d->path);
	compile(d, script);
	return TR_OK;
}

const struct tr_bench_case tr_bench_scale_cases[] = {
	{"scale-q2", "2 workers against 1: q2, full rows, against the generator's scaling", "x", 0.95, 0, 0, open_q2,
	 data_close},
	{"scale-tumble", "the same: COUNT(*) by 10k keys over TUMBLE 1 s, from memory", "x", 0.95, 0, 0, open_tumble,
	 data_close},
	{"scale-csv", "the same: CSV file in the page cache to columns", "x", 0.95, 0, 0, open_csv, data_close},
	{.name = NULL},
};
