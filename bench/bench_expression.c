/* SPDX-License-Identifier: Apache-2.0
 *
 * Filter and project of batches that lie in the cache: the engine's project operator, which filters too, with compiled
 * programs, in front of a tail that takes the batches.
 */
#include <stdlib.h>

#include "base/type.h"
#include "base/check.h"
#include "core/ops/func.h"
#include "core/ops/op_project.h"

#include "bench/bench.h"
#include "bench/data.h"
#include "bench/limits/limits.h"

#define ROWS 2048u
#define PRICE_LIMIT 500000 /* half of the rows: prices are uniform below a million */

/* The end of the chain: counts what comes. */
struct tail {
	struct tr_op op;
	uint32_t rows;
	const struct tr_column *columns;
	const uint32_t *selection;
};

struct data {
	int64_t *auction, *bidder, *price;
	struct tr_view *channel;
	int64_t out_auction[ROWS + 8], out_price[ROWS + 8];
	struct tr_view out_channel[ROWS + 8];
	struct tr_view google;
	struct tr_arena arena;
	struct tr_schema input, output;
	struct tr_column columns[4];
	struct tr_batch batch;
	struct tr_op_context context;
	struct tr_op *project;
	struct tail tail;
	uint32_t bar_rows; /* of the last run, to compare */
};

enum { COL_AUCTION, COL_BIDDER, COL_PRICE, COL_CHANNEL };

static enum tr_flow tail_on_batch(struct tr_op *op, uint32_t input, const struct tr_batch *batch)
{
	struct tail *tail = (struct tail *)op;

	tail->rows = batch->selected_count;
	tail->columns = batch->columns;
	tail->selection = batch->selection;
	return TR_FLOW_MORE;
}

static const struct tr_op_ops tail_ops = {.name = "tail", .on_batch = tail_on_batch};

static struct data *data_create(void)
{
	static const char *const names[] = {"auction", "bidder", "price", "channel"};
	struct data *d = calloc(1, sizeof(*d));
	const struct tr_type **types;

	d->auction = tr_data_numbers(ROWS, 100000, 1);
	d->bidder = tr_data_numbers(ROWS, 100000, 2);
	d->price = tr_data_numbers(ROWS, 1000000, 3);
	d->channel = tr_data_channels(ROWS, 4);
	d->google = tr_view_make("Google", 6);
	tr_arena_init(&d->arena, 0);
	types = TR_NEW_ARRAY(&d->arena, 4, const struct tr_type *);
	for (int c = 0; c < 4; c++)
		types[c] = tr_type_of(c == COL_CHANNEL ? TR_TYPE_VARCHAR : TR_TYPE_BIGINT);
	d->input = (struct tr_schema){4, names, types};
	d->columns[COL_AUCTION] = (struct tr_column){.type = types[0], .data = d->auction};
	d->columns[COL_BIDDER] = (struct tr_column){.type = types[1], .data = d->bidder};
	d->columns[COL_PRICE] = (struct tr_column){.type = types[2], .data = d->price};
	d->columns[COL_CHANNEL] = (struct tr_column){.type = types[3], .data = d->channel};
	d->batch = (struct tr_batch){.schema = &d->input,
				     .row_count = ROWS,
				     .selected_count = ROWS,
				     .columns = d->columns,
				     .watermark_ms = TR_WATERMARK_MIN};
	d->context.arena = &d->arena;
	d->context.subtask_count = 1;
	d->context.batch_rows = ROWS;
	d->context.program.time_zone = "UTC";
	d->tail.op.ops = &tail_ops;
	d->tail.op.context = &d->context;
	return d;
}

static const struct tr_expr *column(struct data *d, uint32_t c)
{
	return tr_expr_column(&d->arena, c, d->input.types[c]);
}

static const struct tr_expr *call(struct data *d, const char *name, const struct tr_expr *a, const struct tr_expr *b,
				  struct tr_status *st)
{
	const struct tr_expr *const args[2] = {a, b};
	const struct tr_type *types[2] = {a->type, b->type};
	const struct tr_expr *cast[2];
	struct tr_func_match match;

	if (tr_func_resolve(&d->arena, name, types, args, 2, &match, st) != TR_OK)
		return NULL;
	for (int i = 0; i < 2; i++)
		cast[i] = tr_type_equals_ignoring_null(types[i], match.arg_types[i])
				  ? args[i]
				  : tr_expr_cast(&d->arena, args[i], match.arg_types[i], false);
	return tr_expr_fold(&d->arena, tr_expr_call(&d->arena, match.func, match.type, cast, 2));
}

static const struct tr_expr *number(struct data *d, int64_t value)
{
	return tr_expr_i64(&d->arena, tr_type_of(TR_TYPE_BIGINT), value);
}

/* condition may be NULL. */
static tr_code build_chain(struct data *d, const struct tr_expr *condition, const struct tr_expr *const *outputs,
			   uint32_t count, struct tr_status *st)
{
	const struct tr_type **types = TR_NEW_ARRAY(&d->arena, count, const struct tr_type *);
	const struct tr_program *program;

	for (uint32_t i = 0; i < count; i++)
		types[i] = outputs[i]->type;
	d->output = (struct tr_schema){count, d->input.names, types};
	TR_TRY(tr_program_compile_where(&d->arena, &d->input, condition, outputs, count, &program, st));
	d->project = tr_op_project_create(&d->context, &d->output, program);
	d->project->next = &d->tail.op;
	return TR_OK;
}

static uint64_t ours(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;
	struct tr_op *head = d->project;

	for (uint32_t r = 0; r < repeat; r++)
		TR_ASSERT(head->ops->on_batch(head, 0, &d->batch) == TR_FLOW_MORE);
	return (uint64_t)repeat * ROWS;
}

static void data_close(struct tr_bench_pair *pair)
{
	struct data *d = pair->data;

	if (d->project != NULL)
		d->project->ops->destroy(d->project);
	tr_arena_deinit(&d->arena);
	tr_harness_free(d->auction, ROWS * sizeof(int64_t));
	tr_harness_free(d->bidder, ROWS * sizeof(int64_t));
	tr_harness_free(d->price, ROWS * sizeof(int64_t));
	tr_harness_free(d->channel, ROWS * sizeof(struct tr_view));
	free(d);
}

static uint64_t bar_i64(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	for (uint32_t r = 0; r < repeat; r++)
		d->bar_rows = tr_limit_filter_project_i64(d->auction, d->price, ROWS, PRICE_LIMIT, d->out_auction,
							  d->out_price);
	return (uint64_t)repeat * ROWS;
}

static uint64_t bar_text(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	for (uint32_t r = 0; r < repeat; r++)
		d->bar_rows = tr_limit_filter_project_text(d->auction, d->price, d->channel, ROWS, PRICE_LIMIT,
							   &d->google, d->out_auction, d->out_price, d->out_channel);
	return (uint64_t)repeat * ROWS;
}

static uint64_t bar_convert(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	for (uint32_t r = 0; r < repeat; r++)
		tr_limit_convert_i64(d->price, ROWS, d->out_price);
	return (uint64_t)repeat * ROWS;
}

static uint64_t bar_project(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	for (uint32_t r = 0; r < repeat; r++)
		tr_limit_project_i64(d->price, d->bidder, ROWS, d->out_price);
	return (uint64_t)repeat * ROWS;
}

/* Both sides once: the projected price (column 1 of the output) must be the same, row by row. */
static tr_code finish_open(struct tr_bench_pair *pair, struct data *d, tr_harness_body bar, struct tr_status *st)
{
	ours(d, 1, NULL);
	bar(d, 1, NULL);
	if (d->bar_rows != 0 && d->bar_rows != d->tail.rows)
		TR_FAIL(st, TR_ERR_INTERNAL, "ours keeps %u rows, the bar %u", d->tail.rows, d->bar_rows);
	for (uint32_t i = 0; i < d->tail.rows; i++) {
		const uint32_t row = d->tail.selection != NULL ? d->tail.selection[i] : i;

		if (tr_column_i64(&d->tail.columns[1], row) != d->out_price[i])
			TR_FAIL(st, TR_ERR_INTERNAL, "row %u differs from the bar's", i);
	}
	pair->ours = (struct tr_harness_side){ours, d};
	pair->bar = (struct tr_harness_side){bar, d};
	return TR_OK;
}

static tr_code open_i64(struct tr_bench_pair *pair, struct tr_status *st)
{
	struct data *d = data_create();
	const struct tr_expr *outputs[2];

	pair->data = d;
	outputs[0] = column(d, COL_AUCTION);
	outputs[1] = call(d, "*", column(d, COL_PRICE), number(d, 89), st);
	TR_TRY(build_chain(d, call(d, ">", column(d, COL_PRICE), number(d, PRICE_LIMIT), st), outputs, 2, st));
	return finish_open(pair, d, bar_i64, st);
}

static tr_code open_text(struct tr_bench_pair *pair, struct tr_status *st)
{
	struct data *d = data_create();
	const struct tr_expr *outputs[3], *condition;

	pair->data = d;
	outputs[0] = column(d, COL_AUCTION);
	outputs[1] = call(d, "*", column(d, COL_PRICE), number(d, 89), st);
	outputs[2] = column(d, COL_CHANNEL);
	condition = call(d, "AND", call(d, ">", column(d, COL_PRICE), number(d, PRICE_LIMIT), st),
			 call(d, "=", column(d, COL_CHANNEL), tr_expr_text(&d->arena, "Google", 6), st), st);
	TR_TRY(build_chain(d, condition, outputs, 3, st));
	return finish_open(pair, d, bar_text, st);
}

static tr_code open_convert(struct tr_bench_pair *pair, struct tr_status *st)
{
	struct data *d = data_create();
	const struct tr_expr *outputs[3];

	pair->data = d;
	outputs[0] = column(d, COL_AUCTION);
	outputs[1] = call(d, "*", column(d, COL_PRICE), number(d, 89), st);
	outputs[2] = column(d, COL_BIDDER);
	TR_TRY(build_chain(d, NULL, outputs, 3, st));
	return finish_open(pair, d, bar_convert, st);
}

static tr_code open_project(struct tr_bench_pair *pair, struct tr_status *st)
{
	struct data *d = data_create();
	const struct tr_expr *outputs[3];

	pair->data = d;
	outputs[0] = column(d, COL_AUCTION);
	outputs[1] = call(d, "+", call(d, "*", column(d, COL_PRICE), number(d, 89), st), column(d, COL_BIDDER), st);
	outputs[2] = column(d, COL_BIDDER);
	TR_TRY(build_chain(d, NULL, outputs, 3, st));
	return finish_open(pair, d, bar_project, st);
}

const struct tr_bench_case tr_bench_expression_cases[] = {
	{"filter-project-i64", "auction, price * 89 WHERE price > 500000, 2,048 rows in cache", "rows", 0.6, 0, 0,
	 open_i64, data_close},
	{"filter-project-text", "auction, price * 89, channel WHERE price > 500000 AND channel = 'Google'", "rows", 0.6,
	 0, 0, open_text, data_close},
	{"project-i64", "auction, price * 89, bidder: one computed column, two by reference", "rows", 0.6, 0, 0,
	 open_convert, data_close},
	{"project-i64-fused", "auction, price * 89 + bidder, bidder: two kernels against one fused loop", "rows", 0, 0,
	 0, open_project, data_close},
	{.name = NULL},
};
