/* SPDX-License-Identifier: Apache-2.0
 *
 * The templates and their inputs. A template is the text after the tables; which tables it reads tells which inputs it
 * needs:
 *
 *     t   one file, csv, out of order, with late rows         j   one file, json
 *     z   one file, csv, gzip                                 a, b   one file each
 *     m   a directory of files                                g   datagen    n   nexmark
 *
 * The rows of all files are alike: key, small integer, number, double (a multiple of 0.25), event time; each may be
 * NULL but for the time.
 */
#include "sim/sim_job.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/check.h"
#include "io/memory.h"
#include "sim/sim_environment.h"
#include "sim/sim_query.h"
#include "sim/sim_streams.h"

#define ROWS_MAX 200
#define DELAY_NEVER_LATE "'40' HOUR"

struct template
{
	const char *name;
	const char *tables;    /* which inputs, by letter */
	const char *text;      /* NULL: a query drawn by sim_query.h */
	uint32_t count_column; /* of the sink s: COUNT of all rows; behind columns that say which; 0: none */
	bool is_by_clock;      /* only the counted rows are a function of the inputs */
	void (*build)(struct tr_env * env); /* of a job in C: behind all others, not drawn */
};

#define CSV_SINK(name, columns)                                                                            \
	"CREATE TABLE " name " (" columns ") WITH ('connector' = 'filesystem', 'path' = '/out/" name "', " \
	"'format' = 'csv', 'sink.rolling-policy.file-size' = '${ROLL}');\n"
#define SPAN "window_start TIMESTAMP(3), window_end TIMESTAMP(3), "
#define TABLE_OF(window, table, sizes) "TABLE(" window "(TABLE " table ", DESCRIPTOR(ts), " sizes "))"

static const struct template templates[] = {
	/* Drawn anew for each seed, over one file. */
	{"any_query", "t", NULL},
	{"filter", "t",
	 CSV_SINK("s", "k STRING, g INT, v BIGINT, d DOUBLE, ts TIMESTAMP(3)") "INSERT INTO s SELECT k, g, v + "
									       "1, d * 2, ts FROM t WHERE v IS "
									       "NULL OR MOD(v, 3) <> 0;\n"},
	{"project_json", "j",
	 "CREATE TABLE s (k STRING, g INT, big BOOLEAN, ts TIMESTAMP(3)) WITH ('connector' = 'filesystem', "
	 "'path' = '/out/s', "
	 "'format' = 'json', 'sink.rolling-policy.file-size' = '${ROLL}');\n"
	 "INSERT INTO s SELECT UPPER(k), COALESCE(g, -1), v > 0, ts FROM j;\n"},
	{"tumble", "t",
	 CSV_SINK("s",
		  SPAN "k STRING, n BIGINT, sum_v BIGINT, sum_d DOUBLE") "INSERT INTO s SELECT window_start, "
									 "window_end, k, COUNT(*), SUM(v), SUM(d) "
									 "FROM " TABLE_OF(
										 "TUMBLE", "t",
										 "INTERVAL '10' SECOND") " GROUP BY "
													 "window_"
													 "start, "
													 "window_"
													 "end, k;\n",
	 .count_column = 3},
	{"tumble_keys", "t",
	 CSV_SINK("s", SPAN "k STRING, g INT, n BIGINT, distinct_v BIGINT, min_v BIGINT, max_k STRING, avg_d "
			    "DOUBLE") "INSERT INTO s SELECT window_start, window_end, k, g, COUNT(v) FILTER "
				      "(WHERE v > 0), COUNT(DISTINCT v), MIN(v), "
				      "MAX(k), AVG(d) FROM " TABLE_OF("TUMBLE", "t",
								      "INTERVAL '20' SECOND") " GROUP BY window_start, "
											      "window_end, k, g;\n",
	 .count_column = 4},
	/* Many keys, each seldom touched, in windows that live long: most of the state has not changed at a barrier. */
	{"many_keys", "t",
	 CSV_SINK("s", SPAN "v BIGINT, n BIGINT, sum_d DOUBLE") "INSERT INTO s SELECT window_start, window_end, v, "
								"COUNT(*), SUM(d) FROM " TABLE_OF(
									"TUMBLE", "t",
									"INTERVAL '1' HOUR") " GROUP BY window_start, "
											     "window_end, v;\n",
	 .count_column = 3},
	{"many_keys_hop", "t",
	 CSV_SINK("s", SPAN
		  "v BIGINT, k STRING, n BIGINT, sum_d DOUBLE") "INSERT INTO s SELECT window_start, "
								"window_end, v, k, COUNT(*), SUM(d) "
								"FROM " TABLE_OF("HOP", "t",
										 "INTERVAL '2' MINUTE, INTERVAL '10' "
										 "MINUTE") " GROUP BY window_start, "
											   "window_end, v, k;\n",
	 .count_column = 4},
	{"hop", "t",
	 CSV_SINK("s", SPAN "g INT, n BIGINT, max_v BIGINT") "INSERT INTO s SELECT window_start, window_end, "
							     "g, COUNT(*), MAX(v) FROM " TABLE_OF(
								     "HOP", "t",
								     "INTERVAL '5' SECOND, INTERVAL '20' "
								     "SECOND") " GROUP BY window_start, "
									       "window_end, g;\n",
	 .count_column = 3},
	/* Windows that overlap long: many rows are late for some of them, and are kept apart for the others. */
	{"hop_late", "t",
	 CSV_SINK("s",
		  SPAN "g INT, n BIGINT, sum_v BIGINT") "INSERT INTO s SELECT window_start, window_end, g, COUNT(*), "
							"SUM(v) FROM " TABLE_OF("HOP", "t",
										"INTERVAL '3' SECOND, INTERVAL '42' "
										"SECOND") " GROUP BY window_start, "
											  "window_end, g;\n",
	 .count_column = 3},
	{"cumulate", "t",
	 CSV_SINK("s", SPAN "k STRING, n BIGINT, sum_v BIGINT") "INSERT INTO s SELECT window_start, "
								"window_end, k, COUNT(*), SUM(v) "
								"FROM " TABLE_OF("CUMULATE", "t",
										 "INTERVAL '5' SECOND, INTERVAL '30' "
										 "SECOND") " GROUP BY window_start, "
											   "window_end, k;\n",
	 .count_column = 3},
	{"session", "t",
	 CSV_SINK("s", "k STRING, n BIGINT, " SPAN
		       "sum_v BIGINT, min_d DOUBLE") "INSERT INTO s SELECT k, COUNT(*), window_start, window_end, "
						     "SUM(v), MIN(d) FROM "
						     "TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL "
						     "'4' SECOND)) "
						     "GROUP BY window_start, window_end, k;\n",
	 .count_column = 1},
	{"two_phase", "t",
	 "SET 'table.optimizer.agg-phase-strategy' = 'TWO_PHASE';\n" CSV_SINK(
		 "s",
		 SPAN "k STRING, n BIGINT, "
		      "sum_v BIGINT, min_v "
		      "BIGINT, avg_d DOUBLE") "INSERT INTO s SELECT window_start, window_end, k, COUNT(*), SUM(v), "
					      "MIN(v), AVG(d) FROM " TABLE_OF("HOP", "t",
									      "INTERVAL '5' SECOND, INTERVAL '15' "
									      "SECOND") " GROUP BY window_start, "
											"window_end, k;\n",
	 .count_column = 3},
	{"one_phase", "t",
	 "SET 'table.optimizer.agg-phase-strategy' = 'ONE_PHASE';\n" CSV_SINK(
		 "s",
		 SPAN "g INT, n BIGINT, sum_d DOUBLE") "INSERT INTO s SELECT window_start, window_end, g, COUNT(d), "
						       "SUM(d) FROM " TABLE_OF("TUMBLE", "t",
									       "INTERVAL '10' SECOND") " GROUP BY "
												       "window_"
												       "start, "
												       "window_end, "
												       "g;\n",
	 .count_column = 3},
	{"general", "t",
	 "SET 'engine.window-operator' = 'general';\n" CSV_SINK(
		 "s",
		 SPAN "k STRING, n BIGINT, sum_v BIGINT") "INSERT INTO s SELECT window_start, window_end, k, "
							  "COUNT(*), SUM(v) FROM " TABLE_OF(
								  "HOP", "t",
								  "INTERVAL '10' SECOND, "
								  "INTERVAL '20' SECOND") " GROUP BY window_start, "
											  "window_end, k;\n",
	 .count_column = 3},
	{"union", "ab",
	 CSV_SINK("s",
		  SPAN "k STRING, n BIGINT, sum_v BIGINT") "CREATE VIEW u AS SELECT k, v, ts FROM a UNION ALL "
							   "SELECT k, v * 2, ts FROM b WHERE v > 0;\n"
							   "INSERT INTO s SELECT window_start, window_end, k, "
							   "COUNT(*), SUM(v) FROM " TABLE_OF(
								   "TUMBLE", "u",
								   "INTERVAL '10' SECOND") " GROUP BY window_start, "
											   "window_end, k;\n",
	 .count_column = 3},
	{"two_sinks", "t",
	 CSV_SINK("s", SPAN "n BIGINT, sum_v BIGINT") CSV_SINK(
		 "r", "k STRING, v BIGINT") "EXECUTE STATEMENT SET BEGIN\n"
					    "INSERT INTO s SELECT window_start, window_end, COUNT(*), SUM(v) "
					    "FROM " TABLE_OF(
						    "TUMBLE", "t",
						    "INTERVAL '10' SECOND") " GROUP BY window_start, window_end;\n"
									    "INSERT INTO r SELECT k, v FROM t WHERE "
									    "v > 0;\nEND;\n",
	 .count_column = 2},
	{"partitioned", "t",
	 "CREATE TABLE s (k STRING, v BIGINT, ts TIMESTAMP(3), g INT) PARTITIONED BY (g) WITH ('connector' = "
	 "'filesystem', "
	 "'path' = '/out/s', 'format' = 'csv', 'sink.rolling-policy.file-size' = '${ROLL}', "
	 "'sink.partition-commit.policy.kind' = 'success-file');\n"
	 "INSERT INTO s SELECT k, v, ts, g FROM t;\n"},
	{"gzip", "z",
	 CSV_SINK("s",
		  SPAN "k STRING, n BIGINT, sum_v BIGINT") "INSERT INTO s SELECT window_start, "
							   "window_end, k, COUNT(*), SUM(v) "
							   "FROM " TABLE_OF("TUMBLE", "z",
									    "INTERVAL '10' SECOND") " GROUP BY "
												    "window_start, "
												    "window_end, "
												    "k;\n",
	 .count_column = 3},
	{"many_files", "m",
	 CSV_SINK("s",
		  SPAN "k STRING, n BIGINT, max_v BIGINT") "INSERT INTO s SELECT window_start, "
							   "window_end, k, COUNT(*), MAX(v) "
							   "FROM " TABLE_OF("TUMBLE", "m",
									    "INTERVAL '10' SECOND") " GROUP BY "
												    "window_start, "
												    "window_end, "
												    "k;\n",
	 .count_column = 3},
	{"datagen", "g",
	 CSV_SINK("s", SPAN "k STRING, n BIGINT, sum_v BIGINT") "INSERT INTO s SELECT window_start, "
								"window_end, k, COUNT(*), SUM(v) "
								"FROM " TABLE_OF("TUMBLE", "g",
										 "INTERVAL '1' SECOND") " GROUP BY "
													"window_start, "
													"window_end, "
													"k;\n",
	 .count_column = 3},
	{"nexmark", "n",
	 CSV_SINK("s", SPAN "auction BIGINT, n BIGINT") "CREATE VIEW bids AS SELECT bid.auction AS auction, ts FROM n "
							"WHERE event_type = 2;\n"
							"INSERT INTO s SELECT window_start, window_end, auction, "
							"COUNT(*) FROM " TABLE_OF("HOP", "bids",
										  "INTERVAL '1' SECOND, INTERVAL '3' "
										  "SECOND") " GROUP BY window_start, "
											    "window_end, auction;\n",
	 .count_column = 3},
	/* Values that depend on the order of rows, whoever reads them, and wherever a job goes on. */
	{"ordered", "t",
	 CSV_SINK("s",
		  SPAN "g INT, n BIGINT, first_v BIGINT, last_k STRING, ks STRING, vs STRING, var_d "
		       "DOUBLE") "INSERT INTO s SELECT window_start, window_end, g, COUNT(*), "
				 "FIRST_VALUE(v), LAST_VALUE(k), LISTAGG(k, '/'), "
				 "JSON_ARRAYAGG(v NULL ON NULL), VAR_POP(d) FROM " TABLE_OF(
					 "HOP", "t", "INTERVAL '5' SECOND, INTERVAL '20' SECOND") " GROUP BY "
												  "window_start, "
												  "window_end, g;\n",
	 .count_column = 3},
	{"ordered_session", "t",
	 CSV_SINK("s", "k STRING, n BIGINT, " SPAN
		       "last_v BIGINT, gs STRING, median DOUBLE") "INSERT INTO s SELECT k, COUNT(*), "
								  "window_start, window_end, LAST_VALUE(v), "
								  "LISTAGG(DISTINCT CAST(g AS STRING)), "
								  "PERCENTILE(v, 0.5) FROM "
								  "TABLE(SESSION(TABLE t PARTITION BY k, "
								  "DESCRIPTOR(ts), INTERVAL '4' SECOND)) "
								  "GROUP BY window_start, window_end, k;\n",
	 .count_column = 1},
	{"rollup", "t",
	 CSV_SINK("s",
		  SPAN "k STRING, g INT, sets BIGINT, n BIGINT, sum_v BIGINT, first_d DOUBLE") "INSERT INTO s SELECT "
											       "window_start, "
											       "window_end, k, g, "
											       "GROUPING_ID(k, g), "
											       "COUNT(*), SUM(v), "
											       "FIRST_VALUE(d) "
											       "FROM " TABLE_OF(
												       "TUMBLE", "t",
												       "INTERVAL "
												       "'10' SECOND") " GROUP BY window_start, window_end, ROLLUP (k, g);\n",
	 .count_column = 5},
	/* One source and one window, each read more than once; ways part and meet again. */
	{"shared", "t",
	 CSV_SINK("s", SPAN "k STRING, n BIGINT, sum_v BIGINT")
		 CSV_SINK("r", "k STRING, v BIGINT") "CREATE VIEW w AS SELECT window_start, window_end, k, COUNT(*) AS "
						     "n, SUM(v) AS sum_v FROM " TABLE_OF(
							     "TUMBLE", "t",
							     "INTERVAL '10' SECOND") " GROUP BY window_start, "
										     "window_end, k;\n"
										     "EXECUTE STATEMENT SET BEGIN\n"
										     "INSERT INTO s SELECT * FROM w "
										     "UNION ALL SELECT window_start, "
										     "window_end, k || '2', n, -sum_v "
										     "FROM w;\n"
										     "INSERT INTO r SELECT k, v FROM t "
										     "WHERE v > 0 UNION ALL SELECT k, "
										     "-v FROM t;\nEND;\n",
	 .count_column = 3},
	/* By the wall clock: which window a row comes to is a matter of chance, but it comes to one. */
	{"by_clock", "a",
	 CSV_SINK("s", "k STRING, n BIGINT, " SPAN
		       "sum_v BIGINT") "CREATE VIEW p AS SELECT k, v, PROCTIME() AS pt FROM a;\n"
				       "INSERT INTO s SELECT k, COUNT(*), window_start, window_end, SUM(v) FROM "
				       "TABLE(TUMBLE(TABLE p, DESCRIPTOR(pt), INTERVAL '1' SECOND)) GROUP BY "
				       "window_start, window_end, k;\n",
	 .count_column = 1, .is_by_clock = true},
	{"process", "t", CSV_SINK("s", "k STRING, a BIGINT, b BIGINT"), .build = tr_sim_process},
};
#define NOT_DRAWN 1

uint32_t tr_sim_job_count(void) { return TR_COUNT_OF(templates); }
uint32_t tr_sim_job_drawn_count(void) { return TR_COUNT_OF(templates) - NOT_DRAWN; }

const char *tr_sim_job_name(uint32_t index)
{
	TR_ASSERT(index < TR_COUNT_OF(templates));
	return templates[index].name;
}

/* ---- rows ---- */

struct row {
	const char *k; /* NULL: NULL */
	bool has_g, has_v, has_d;
	int g;
	int64_t v;
	double d;
	int64_t ts;
};

static const char *const keys[] = {"a", "b", "c", "Zürich", "a longer key than twelve bytes", "東京駅前広場"};

/** The next row; `now_ms` goes on, and is what the row's time lies at or before. */
static void draw_row(struct row *row, uint64_t *random, int64_t *now_ms)
{
	*now_ms += tr_sim_below(random, 900);
	if (tr_sim_chance(random, 30))
		*now_ms += tr_sim_below(random, 15000); /* gaps, for sessions */
	row->k = tr_sim_chance(random, 80) ? NULL : keys[tr_sim_below(random, TR_COUNT_OF(keys))];
	row->has_g = !tr_sim_chance(random, 80);
	row->g = (int)tr_sim_below(random, 5) - 1;
	row->has_v = !tr_sim_chance(random, 80);
	row->v = (int64_t)tr_sim_below(random, 2000) - 500;
	row->has_d = !tr_sim_chance(random, 80);
	row->d = ((double)tr_sim_below(random, 8000) - 4000) / 4;
	row->ts = *now_ms;
	if (tr_sim_chance(random, 350))
		row->ts -= tr_sim_below(random, tr_sim_chance(random, 500) ? 30000 : 3000);
}

static void put_time(struct tr_bytes *out, int64_t ms)
{
	tr_bytes_printf(out, "1970-01-%02d %02d:%02d:%02d.%03d", 2 + (int)(ms / 86400000), (int)(ms / 3600000 % 24),
			(int)(ms / 60000 % 60), (int)(ms / 1000 % 60), (int)(ms % 1000));
}

static void put_csv(struct tr_bytes *out, const struct row *row)
{
	tr_bytes_printf(out, "%s,", row->k != NULL ? row->k : "");
	if (row->has_g)
		tr_bytes_printf(out, "%d", row->g);
	tr_bytes_append_char(out, ',');
	if (row->has_v)
		tr_bytes_printf(out, "%" PRId64, row->v);
	tr_bytes_append_char(out, ',');
	if (row->has_d)
		tr_bytes_printf(out, "%.2f", row->d);
	tr_bytes_append_char(out, ',');
	put_time(out, row->ts);
	tr_bytes_append_char(out, '\n');
}

static void put_json(struct tr_bytes *out, const struct row *row)
{
	tr_bytes_append_char(out, '{');
	if (row->k != NULL)
		tr_bytes_printf(out, "\"k\":\"%s\",", row->k);
	if (row->has_g)
		tr_bytes_printf(out, "\"g\":%d,", row->g);
	if (row->has_v)
		tr_bytes_printf(out, "\"v\":%" PRId64 ",", row->v);
	tr_bytes_printf(out, "\"d\":%.2f,\"ts\":\"", row->d);
	put_time(out, row->ts);
	tr_bytes_append_str(out, "\"}\n");
}

static void put_rows(struct tr_bytes *out, bool is_json, uint64_t *random, uint32_t count)
{
	int64_t now_ms = 3600000 + tr_sim_below(random, 60000);

	for (uint32_t i = 0; i < count; i++) {
		struct row row;

		draw_row(&row, random, &now_ms);
		if (is_json)
			put_json(out, &row);
		else
			put_csv(out, &row);
	}
	if (count > 0 && tr_sim_chance(random, 200))
		out->length--; /* no line end at the end */
}

static void compress_bytes(struct tr_bytes *bytes)
{
	struct tr_bytes out = {0};
	z_stream stream = {0};
	const size_t room = bytes->length + 1024;

	TR_ASSERT(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
	stream.next_in = (unsigned char *)bytes->data;
	stream.avail_in = (unsigned)bytes->length;
	stream.next_out = (unsigned char *)tr_bytes_reserve(&out, room);
	stream.avail_out = (unsigned)room;
	TR_ASSERT(deflate(&stream, Z_FINISH) == Z_STREAM_END);
	out.length = room - stream.avail_out;
	TR_ASSERT(deflateEnd(&stream) == Z_OK);
	tr_bytes_deinit(bytes);
	*bytes = out;
}

/* ---- tables ---- */

static void add_input(struct tr_sim_job *job, const char *name, bool is_json, uint64_t *random)
{
	struct tr_sim_input *input = &job->inputs[job->input_count++];
	const uint32_t rows = tr_sim_chance(random, 20) ? 0 : tr_sim_below(random, ROWS_MAX + 1);

	TR_ASSERT(job->input_count <= TR_SIM_INPUTS_MAX);
	snprintf(input->path, sizeof(input->path), "/in/%s", name);
	put_rows(&input->bytes, is_json, random, rows);
	job->rows += rows;
}

static void add_file_table(struct tr_sim_job *job, char table, const char *path, const char *format, const char *delay)
{
	tr_bytes_printf(&job->script,
			"CREATE TABLE %c (k STRING, g INT, v BIGINT, d DOUBLE, ts TIMESTAMP(3), "
			"WATERMARK FOR ts AS ts - INTERVAL %s) WITH ('connector' = 'filesystem', "
			"'path' = '/in/%s', 'format' = '%s', 'source.chunk-size' = '${CHUNK}'%s);\n",
			table, delay, path, format, format[0] == 'c' ? ", 'csv.null-literal' = ''" : "");
}

static void add_datagen(struct tr_sim_job *job, uint64_t *random)
{
	const uint32_t rows = tr_sim_below(random, ROWS_MAX + 1);

	job->rows += rows;
	tr_bytes_printf(
		&job->script,
		"CREATE TABLE g (k STRING, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) "
		"WITH ('connector' = 'datagen', 'number-of-rows' = '%u', 'seed' = '%u', 'rows-per-second' = '500', "
		"'base-time' = '1000', 'fields.k.length' = '1', 'fields.v.min' = '0', 'fields.v.max' = '99');\n",
		rows, tr_sim_below(random, 1000));
}

static void add_nexmark(struct tr_sim_job *job, uint64_t *random)
{
	const uint32_t rows = 1 + tr_sim_below(random, 2 * ROWS_MAX);

	job->rows += rows;
	tr_bytes_printf(
		&job->script,
		"CREATE TABLE n (event_type INT, person ROW<id BIGINT, name STRING, emailAddress STRING, creditCard "
		"STRING, "
		"city STRING, state STRING, `dateTime` TIMESTAMP(3), extra STRING>, auction ROW<id BIGINT, itemName "
		"STRING, description STRING, initialBid BIGINT, reserve BIGINT, `dateTime` TIMESTAMP(3), expires "
		"TIMESTAMP(3), seller BIGINT, category BIGINT, extra STRING>, bid ROW<auction BIGINT, bidder BIGINT, "
		"price BIGINT, channel STRING, url STRING, `dateTime` TIMESTAMP(3), extra STRING>, ts AS CASE WHEN "
		"event_type = 0 THEN person.`dateTime` WHEN event_type = 1 THEN auction.`dateTime` ELSE bid.`dateTime` "
		"END, WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) WITH ('connector' = 'nexmark', "
		"'first-event.rate' = '50', 'events.num' = '%u', 'seed' = '%u');\n",
		rows, tr_sim_below(random, 1000));
}

static void add_table(struct tr_sim_job *job, char table, uint64_t *random)
{
	char delay[24], name[32];
	uint32_t files;

	snprintf(delay, sizeof(delay), "'%u' SECOND", 1 + tr_sim_below(random, 6));
	switch (table) {
	case 't':
		add_input(job, "t.csv", false, random);
		add_file_table(job, table, "t.csv", "csv", delay);
		return;
	case 'j':
		add_input(job, "j.json", true, random);
		add_file_table(job, table, "j.json", "json", delay);
		return;
	case 'z':
		add_input(job, "z.csv.gz", false, random);
		compress_bytes(&job->inputs[job->input_count - 1].bytes);
		add_file_table(job, table, "z.csv.gz", "csv", delay);
		return;
	case 'a':
	case 'b':
		snprintf(name, sizeof(name), "%c.csv", table);
		add_input(job, name, false, random);
		add_file_table(job, table, name, "csv", DELAY_NEVER_LATE);
		return;
	case 'm':
		files = 1 + tr_sim_below(random, 4);
		for (uint32_t i = 0; i < files; i++) {
			snprintf(name, sizeof(name), "m/file-%u.csv", i);
			add_input(job, name, false, random);
		}
		add_file_table(job, table, "m", "csv", DELAY_NEVER_LATE);
		return;
	case 'g': add_datagen(job, random); return;
	case 'n': add_nexmark(job, random); return;
	default: TR_UNREACHABLE();
	}
}

void tr_sim_job_init(struct tr_sim_job *job, uint32_t index, uint64_t *random)
{
	const struct template *template = &templates[index];

	TR_ASSERT(index < TR_COUNT_OF(templates));
	*job = (struct tr_sim_job){.name = template->name,
				   .index = index,
				   .count_column = template->count_column,
				   .is_by_clock = template->is_by_clock,
				   .build = template->build,
				   .is_never_drained = template->text == NULL || template->build != NULL};
	for (const char *table = template->tables; *table != '\0'; table++)
		add_table(job, *table, random);
	if (template->text != NULL)
		tr_bytes_append_str(&job->script, template->text);
	else
		tr_sim_query(&job->script, template->tables[0], random);
	tr_bytes_append_char(&job->script, '\0'); /* the session wants one behind the text */
	job->script.length--;
}

void tr_sim_job_deinit(struct tr_sim_job *job)
{
	for (uint32_t i = 0; i < job->input_count; i++)
		tr_bytes_deinit(&job->inputs[i].bytes);
	tr_bytes_deinit(&job->script);
}
