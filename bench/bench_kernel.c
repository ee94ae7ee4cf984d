/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernels one by one, and whole projections of Nexmark, over one batch in the cache: an expression is compiled from SQL, as in a
 * job, and its program runs against the loop of limits/kernels.c. Before anything is measured both results are compared
 * value by value.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/type.h"
#include "core/ops/program.h"

#include "bench/bench.h"
#include "bench/data.h"
#include "bench/engine_run.h"
#include "bench/limits/kernels.h"

#define ROWS 2048u
#define BYTES_MAX 16 /* of a value */
#define TEXT_BYTES 128

#define TABLE                                                                                                        \
	"CREATE TABLE b (i INT, j INT, a BIGINT, b BIGINT, x DOUBLE, y DOUBLE, p DECIMAL(12, 2), q DECIMAL(12, 2), " \
	"ts TIMESTAMP(3), s STRING, n STRING, url STRING, extra STRING) WITH ('connector' = 'datagen', "             \
	"'number-of-rows' = '1');\n"

struct data {
	struct tr_limit_input in;
	struct tr_limit_output out;
	const struct tr_limit_kernel *kernel;
	struct tr_arena arena;
	struct tr_bench_job job;
	struct tr_schema input;
	struct tr_batch batch;
	struct tr_program_context context;
	struct tr_program_state *program;
	bool has_condition;
	struct tr_column columns[TR_LIMIT_OUTPUTS_MAX];
	uint32_t selection[ROWS];
	uint32_t rows;
};

/* ---- the table ---- */

static const int64_t *numbers(struct data *d, uint64_t limit, uint64_t seed, bool is_positive)
{
	int64_t *values = TR_NEW_ARRAY(&d->arena, ROWS, int64_t);

	for (uint32_t r = 0; r < ROWS; r++)
		values[r] = (int64_t)(tr_data_next(&seed) % limit) + is_positive;
	return values;
}

static const int32_t *integers(struct data *d, uint64_t limit, uint64_t seed)
{
	const int64_t *wide = numbers(d, limit, seed, true);
	int32_t *values = TR_NEW_ARRAY(&d->arena, ROWS, int32_t);

	for (uint32_t r = 0; r < ROWS; r++)
		values[r] = (int32_t)wide[r];
	return values;
}

static const double *doubles(struct data *d, uint64_t seed)
{
	const int64_t *wide = numbers(d, 1000000000, seed, true);
	double *values = TR_NEW_ARRAY(&d->arena, ROWS, double);

	for (uint32_t r = 0; r < ROWS; r++)
		values[r] = (double)wide[r] / 1000;
	return values;
}

static struct tr_view text(struct data *d, const char *value)
{
	return tr_view_make(tr_arena_strdup(&d->arena, value), (uint32_t)strlen(value));
}

/* As Nexmark's: those of large channels are fixed, most others name their channel. */
static void fill_texts(struct data *d)
{
	struct tr_view *number = TR_NEW_ARRAY(&d->arena, ROWS, struct tr_view);
	struct tr_view *url = TR_NEW_ARRAY(&d->arena, ROWS, struct tr_view);
	struct tr_view *extra = TR_NEW_ARRAY(&d->arena, ROWS, struct tr_view);
	uint64_t seed = 9;

	for (uint32_t r = 0; r < ROWS; r++) {
		const uint64_t draw = tr_data_next(&seed);
		char value[TEXT_BYTES];
		uint32_t length = 0;

		snprintf(value, sizeof(value), "%u", (unsigned)(draw % 10000000));
		number[r] = text(d, value);
		snprintf(value, sizeof(value), "https://www.nexmark.com/%s/%s/%s/item.htm?query=1",
			 draw & 1 ? "abc" : "defg", draw & 2 ? "hij" : "klmn", draw & 4 ? "op_q" : "rst");
		if (draw % 10 != 0)
			snprintf(value + strlen(value), sizeof(value) - strlen(value), "&channel_id=%u",
				 (unsigned)(draw >> 32));
		url[r] = text(d, value);
		while (length < 20 + draw % 60)
			value[length++] = (char)('a' + tr_data_next(&seed) % 26);
		value[length] = '\0';
		extra[r] = text(d, value);
	}
	d->in.n = number;
	d->in.url = url;
	d->in.extra = extra;
}

static void fill(struct data *d)
{
	int64_t *ts = TR_NEW_ARRAY(&d->arena, ROWS, int64_t);
	uint64_t seed = 8;

	for (uint32_t r = 0; r < ROWS; r++)
		ts[r] = INT64_C(1704067200000) + (int64_t)(tr_data_next(&seed) % 31536000000);
	d->in = (struct tr_limit_input){
		.count = ROWS,
		.i = integers(d, 10000, 1),
		.j = integers(d, 10000, 2),
		.a = numbers(d, 100000000, 3, true),
		.b = numbers(d, 1000000, 4, true),
		.x = doubles(d, 5),
		.y = doubles(d, 6),
		.p = numbers(d, 1000000000, 7, true),
		.q = numbers(d, 1000000000, 10, true),
		.ts = ts,
		.s = tr_data_channels(ROWS, 11),
	};
	fill_texts(d);
}

/* The batch's columns in the order of a scan's, which leaves out what is not read. */
static void bind(struct data *d, const struct tr_schema *scanned)
{
	const struct {
		const char *name;
		const void *data;
	} all[] = {{"i", d->in.i}, {"j", d->in.j},     {"a", d->in.a},        {"b", d->in.b},   {"x", d->in.x},
		   {"y", d->in.y}, {"p", d->in.p},     {"q", d->in.q},        {"ts", d->in.ts}, {"s", d->in.s},
		   {"n", d->in.n}, {"url", d->in.url}, {"extra", d->in.extra}};
	struct tr_column *columns = TR_NEW_ARRAY(&d->arena, scanned->column_count, struct tr_column);

	for (uint32_t c = 0; c < scanned->column_count; c++)
		for (size_t k = 0; k < TR_COUNT_OF(all); k++)
			if (strcmp(all[k].name, scanned->names[c]) == 0)
				columns[c] = (struct tr_column){.type = scanned->types[c], .data = all[k].data};
	d->batch = (struct tr_batch){.schema = scanned,
				     .row_count = ROWS,
				     .selected_count = ROWS,
				     .columns = columns,
				     .watermark_ms = TR_WATERMARK_MIN};
}

/* ---- the sides ---- */

static uint64_t ours(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	d->rows = ROWS;
	for (uint32_t r = 0; r < repeat; r++)
		TR_ASSERT((d->has_condition ? tr_program_run_where(d->program, &d->batch, d->columns, d->selection,
								   &d->rows, NULL)
					    : tr_program_run(d->program, &d->batch, d->columns, NULL)) == TR_OK);
	return (uint64_t)repeat * ROWS;
}

static uint64_t bar(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	for (uint32_t r = 0; r < repeat; r++)
		d->kernel->loop(&d->in, &d->out);
	return (uint64_t)repeat * ROWS;
}

static tr_code compare(struct data *d, struct tr_status *st)
{
	ours(d, 1, NULL);
	bar(d, 1, NULL);
	if (d->rows != d->out.rows)
		TR_FAIL(st, TR_ERR_INTERNAL, "ours keeps %u rows, the bar %u", d->rows, d->out.rows);
	for (uint32_t c = 0; c < d->kernel->output_count; c++) {
		const struct tr_column *column = &d->columns[c];
		const size_t width = tr_phys_bytes((enum tr_phys)column->type->phys);

		for (uint32_t r = 0; r < d->rows; r++) {
			const uint32_t row = d->has_condition ? d->selection[r] : r;
			const char *a = (const char *)column->data + (column->is_constant ? 0 : row) * width;
			const char *b = (const char *)d->out.columns[c] + r * width;
			const bool is_equal = column->type->phys == TR_PHYS_VIEW
						      ? tr_view_equals((const struct tr_view *)(const void *)a,
								       (const struct tr_view *)(const void *)b)
						      : memcmp(a, b, width) == 0;

			if (!is_equal || tr_column_is_null(column, row))
				TR_FAIL(st, TR_ERR_INTERNAL, "column %u, row %u differs from the bar's", c, row);
		}
	}
	return TR_OK;
}

static tr_code compile(struct data *d, struct tr_status *st)
{
	const bool has_from = strstr(d->kernel->sql, " FROM b") != NULL;
	const char *script =
		tr_arena_printf(&d->arena, TABLE "SELECT %s%s;", d->kernel->sql, has_from ? "" : " FROM b");
	const struct tr_node *node;
	const struct tr_program *program;

	tr_bench_job_init(&d->job, script, 1);
	for (node = d->job.plan->sinks[0]; node->kind != TR_NODE_PROJECT; node = node->inputs[0])
		TR_ASSERT(node->input_count == 1);
	bind(d, node->inputs[0]->output);
	d->has_condition = node->project.condition != NULL;
	TR_TRY(tr_program_compile_where(&d->arena, node->inputs[0]->output, node->project.condition,
					node->project.exprs, node->output->column_count, &program, st));
	TR_ASSERT(node->output->column_count == d->kernel->output_count);
	d->context.time_zone = "UTC";
	d->program = tr_program_state_create(program, &d->context, ROWS);
	return TR_OK;
}

static tr_code open_kernel(struct tr_bench_pair *pair, struct tr_status *st)
{
	struct data *d = calloc(1, sizeof(*d));

	TR_ASSERT(d != NULL);
	pair->data = d;
	tr_arena_init(&d->arena, 0);
	for (d->kernel = tr_limit_kernels; strcmp(d->kernel->name, pair->name) != 0; d->kernel++)
		TR_ASSERT(d->kernel->name != NULL);
	for (uint32_t c = 0; c < d->kernel->output_count; c++)
		d->out.columns[c] = tr_arena_alloc_aligned(&d->arena, (size_t)ROWS * BYTES_MAX, 64);
	fill(d);
	snprintf(pair->note, sizeof(pair->note), "%.150s", d->kernel->sql);
	TR_TRY(compile(d, st));
	pair->ours = (struct tr_harness_side){ours, d};
	pair->bar = (struct tr_harness_side){bar, d};
	return compare(d, st);
}

static void close_kernel(struct tr_bench_pair *pair)
{
	struct data *d = pair->data;

	tr_program_state_destroy(&d->program);
	tr_bench_job_deinit(&d->job);
	tr_arena_deinit(&d->arena);
	free(d);
}

#define CASE(name)                                                                                                   \
	{                                                                                                            \
		name, "one batch of 2,048 rows against the plain loop", "rows", 0.6, 0, 0, open_kernel, close_kernel \
	}

const struct tr_bench_case tr_bench_kernel_cases[] = {
	CASE("kernel-add-int"),
	CASE("kernel-mul-int"),
	CASE("kernel-add-bigint"),
	CASE("kernel-sub-bigint"),
	CASE("kernel-mul-bigint"),
	CASE("kernel-div-bigint"),
	CASE("kernel-mod-bigint"),
	CASE("kernel-mod-constant"),
	CASE("kernel-neg-bigint"),
	CASE("kernel-abs-bigint"),
	CASE("kernel-add-double"),
	CASE("kernel-mul-double"),
	CASE("kernel-div-double"),
	CASE("kernel-sqrt-double"),
	CASE("kernel-add-decimal"),
	CASE("kernel-mul-decimal"),
	CASE("kernel-eq-int"),
	CASE("kernel-lt-int"),
	CASE("kernel-eq-bigint"),
	CASE("kernel-lt-bigint"),
	CASE("kernel-lt-double"),
	CASE("kernel-lt-decimal"),
	CASE("kernel-lt-timestamp"),
	CASE("kernel-eq-text"),
	{"kernel-between", "three kernels against one fused loop", "rows", 0, 0, 0, open_kernel, close_kernel},
	CASE("kernel-int-to-bigint"),
	CASE("kernel-bigint-to-int"),
	CASE("kernel-int-to-double"),
	CASE("kernel-bigint-to-double"),
	CASE("kernel-double-to-bigint"),
	CASE("kernel-double-to-int"),
	CASE("kernel-bigint-to-decimal"),
	CASE("kernel-decimal-to-double"),
	CASE("kernel-decimal-to-bigint"),
	CASE("kernel-bigint-to-text"),
	CASE("kernel-text-to-bigint"),
	CASE("kernel-timestamp-to-date"),
	CASE("kernel-hour"),
	CASE("kernel-minute"),
	CASE("kernel-year"),
	CASE("kernel-month"),
	CASE("kernel-day"),
	CASE("kernel-day-of-week"),
	CASE("kernel-floor-hour"),
	CASE("kernel-floor-day"),
	CASE("kernel-floor-month"),
	CASE("kernel-add-hour"),
	CASE("kernel-diff-hours"),
	CASE("kernel-date-format"),
	CASE("nexmark-q14"),
	CASE("nexmark-q21"),
	CASE("nexmark-q22"),
	{.name = NULL},
};
