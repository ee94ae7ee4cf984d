/* SPDX-License-Identifier: Apache-2.0
 *
 * Scalar functions of users beside built-in expressions that compute the same: compiled programs over one batch that lies in the cache. Both
 * sides are SQL texts over the same stream; the functions are built like the rest of the program.
 */
#include <stdio.h>
#include <stdlib.h>

#include "api/env.h"
#include "base/check.h"
#include "base/type.h"
#include "bench/bench.h"
#include "bench/data.h"
#include "core/ops/program.h"

#define ROWS 2048u

struct data {
	struct tr_env *env;
	struct tr_schema schema;
	struct tr_column columns[2];
	struct tr_batch batch;
	struct tr_program_context context;
	int64_t *prices;
	double *numbers;
	struct side {
		struct data *data;
		struct tr_program_state *state;
		struct tr_column result;
	} sides[2];
};

static tr_code price_batch(struct tr_user_context *context, const struct tr_batch *arguments, struct tr_vector *result,
			   struct tr_status *st)
{
	const int64_t *restrict prices = arguments->columns[0].data;
	__int128 *restrict out = result->data;

	for (uint32_t i = 0; i < result->row_count; i++)
		out[i] = (__int128)prices[i] * 908;
	return TR_OK;
}

/* As a user would who knows nothing of the machine: the loader takes the widest one. */
__attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"))) static tr_code scale_batch(
	struct tr_user_context *context, const struct tr_batch *arguments, struct tr_vector *result,
	struct tr_status *st)
{
	const double *restrict numbers = arguments->columns[0].data;
	double *restrict out = result->data;

	for (uint32_t i = 0; i < result->row_count; i++)
		out[i] = numbers[i] * 0.908;
	return TR_OK;
}

static tr_code clamp_batch(struct tr_user_context *context, const struct tr_batch *arguments, struct tr_vector *result,
			   struct tr_status *st)
{
	const int64_t *restrict prices = arguments->columns[0].data;
	int64_t *restrict out = result->data;

	for (uint32_t i = 0; i < result->row_count; i++)
		out[i] = prices[i] > 500000 ? 500000 : prices[i];
	return TR_OK;
}

static tr_code scale_row(struct tr_user_context *context, const struct tr_row *arguments, struct tr_collector *out,
			 struct tr_status *st)
{
	tr_collector_set_f64(out, 0, tr_row_f64(arguments, 0) * 0.908);
	return TR_OK;
}

#define FUNCTION(argument, ...)                                                          \
	{                                                                                \
		TR_USER_FUNCTION_MAGIC, TR_ABI_VERSION, sizeof(struct tr_user_function), \
			.kind = TR_USER_SCALAR, .arguments = argument, __VA_ARGS__       \
	}
static const struct tr_user_function price =
	FUNCTION("BIGINT NOT NULL", .result = "DECIMAL(23, 3)", .on_batch = price_batch);
static const struct tr_user_function scale = FUNCTION("DOUBLE", .result = "DOUBLE", .on_batch = scale_batch);
static const struct tr_user_function scale_by_row = FUNCTION("DOUBLE", .result = "DOUBLE", .on_row = scale_row);
static const struct tr_user_function clamp = FUNCTION("BIGINT", .result = "BIGINT", .on_batch = clamp_batch);

static uint64_t run(void *context, uint32_t repeat, double *seconds)
{
	struct side *side = context;

	for (uint32_t r = 0; r < repeat; r++)
		TR_ASSERT(tr_program_run(side->state, &side->data->batch, &side->result, NULL) == TR_OK);
	return (uint64_t)repeat * ROWS;
}

static tr_code make_side(struct data *d, struct side *side, struct tr_stream *stream, const char *expression,
			 struct tr_status *st)
{
	const struct tr_stream *selected = tr_stream_select(stream, expression);
	const struct tr_program *program;

	side->data = d;
	if (selected->relation == NULL)
		TR_FAIL(st, TR_ERR_INTERNAL, "%s", tr_env_error(d->env, 0));
	TR_TRY(tr_program_compile(d->env->arena, &d->schema, selected->relation->node->project.exprs, 1, &program, st));
	side->state = tr_program_state_create(program, &d->context, ROWS);
	return TR_OK;
}

/* Both sides once: the same bytes. */
static tr_code compare(struct data *d, struct tr_status *st)
{
	size_t width;

	for (int i = 0; i < 2; i++)
		run(&d->sides[i], 1, NULL);
	width = tr_phys_bytes((enum tr_phys)d->sides[0].result.type->phys);
	if (d->sides[0].result.type->phys != d->sides[1].result.type->phys ||
	    memcmp(d->sides[0].result.data, d->sides[1].result.data, ROWS * width) != 0)
		TR_FAIL(st, TR_ERR_INTERNAL, "the function and the expression differ");
	return TR_OK;
}

static tr_code open_pair(struct tr_bench_pair *pair, const char *ours, const char *bar, struct tr_status *st)
{
	static const char *const names[] = {"price", "number"};
	struct data *d = calloc(1, sizeof(*d));
	const struct tr_batch *batch = &d->batch;
	const struct tr_type **types;
	struct tr_stream *stream;

	pair->data = d;
	TR_TRY(tr_env_create(&d->env, st));
	d->prices = tr_data_numbers(ROWS, 1000000, 3);
	d->numbers = calloc(ROWS, sizeof(*d->numbers));
	for (uint32_t i = 0; i < ROWS; i++)
		d->numbers[i] = (double)d->prices[i] / 7;
	types = TR_NEW_ARRAY(d->env->arena, 2, const struct tr_type *);
	types[0] = tr_type_with_nullable(d->env->arena, tr_type_of(TR_TYPE_BIGINT), false);
	types[1] = tr_type_of(TR_TYPE_DOUBLE);
	d->schema = (struct tr_schema){2, names, types};
	d->columns[0] = (struct tr_column){.type = types[0], .data = d->prices};
	d->columns[1] = (struct tr_column){.type = types[1], .data = d->numbers};
	d->batch = (struct tr_batch){.schema = &d->schema,
				     .row_count = ROWS,
				     .selected_count = ROWS,
				     .columns = d->columns,
				     .watermark_ms = TR_WATERMARK_MIN};
	d->context.time_zone = "UTC";
	tr_env_create_function(d->env, "price_of", &price);
	tr_env_create_function(d->env, "scale", &scale);
	tr_env_create_function(d->env, "scale_by_row", &scale_by_row);
	tr_env_create_function(d->env, "clamp", &clamp);
	stream = tr_env_from_batches(d->env, "rows", "price BIGINT NOT NULL, number DOUBLE", &batch, 1, NULL);
	TR_TRY(make_side(d, &d->sides[0], stream, ours, st));
	TR_TRY(make_side(d, &d->sides[1], stream, bar, st));
	TR_TRY(compare(d, st));
	pair->ours = (struct tr_harness_side){run, &d->sides[0]};
	pair->bar = (struct tr_harness_side){run, &d->sides[1]};
	snprintf(pair->note, sizeof(pair->note), "%s; bar: %s", ours, bar);
	return TR_OK;
}

static tr_code open_price(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_pair(pair, "price_of(price)", "price * 0.908", st);
}

static tr_code open_scale(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_pair(pair, "scale(number)", "number * 0.908e0", st);
}

static tr_code open_clamp(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_pair(pair, "clamp(price)", "CASE WHEN price > 500000 THEN CAST(500000 AS BIGINT) ELSE price END",
			 st);
}

static tr_code open_row(struct tr_bench_pair *pair, struct tr_status *st)
{
	return open_pair(pair, "scale_by_row(number)", "number * 0.908e0", st);
}

static void close_pair(struct tr_bench_pair *pair)
{
	struct data *d = pair->data;

	for (int i = 0; i < 2; i++)
		tr_program_state_destroy(&d->sides[i].state);
	tr_env_destroy(&d->env);
	tr_harness_free(d->prices, ROWS * sizeof(int64_t));
	free(d->numbers);
	free(d);
}

const struct tr_bench_case tr_bench_user_cases[] = {
	{.name = "user-price",
	 .work = "price * 0.908 (BIGINT to DECIMAL) as a function in C, against the expression",
	 .unit = "rows",
	 .must_ratio = 0.9,
	 .open = open_price,
	 .close = close_pair},
	{.name = "user-double",
	 .work = "number * 0.908 of a DOUBLE as a function in C, against the expression",
	 .unit = "rows",
	 .must_ratio = 0.9,
	 .open = open_scale,
	 .close = close_pair},
	{.name = "user-clamp",
	 .work = "the lesser of a price and a constant as a function in C, against CASE",
	 .unit = "rows",
	 .must_ratio = 0.9,
	 .open = open_clamp,
	 .close = close_pair},
	{.name = "user-row",
	 .work = "number * 0.908 row by row, against the expression",
	 .unit = "rows",
	 .open = open_row,
	 .close = close_pair},
	{.name = NULL},
};
