/* SPDX-License-Identifier: Apache-2.0
 *
 * Aggregate functions by name: which overload fits, and the result type by Flink's rules. The verbs are in agg_count.c,
 * agg_decimal.c, agg_float.c, agg_extreme.c, agg_variance.c, agg_collect.c, agg_percentile.c and agg_json.c, the documentation in agg_doc.c.
 *
 *     COUNT(*), COUNT(x)        BIGINT NOT NULL
 *     SUM                       integers, FLOAT, DOUBLE: the argument's type (integers wrap); DECIMAL(p, s): DECIMAL(38, s)
 *     AVG, VAR_*, STDDEV_*      integers, FLOAT, DOUBLE: the argument's type (integers truncate);
 *                               DECIMAL(p, s): DECIMAL(38, max(6, s))
 *     MIN, MAX                  the argument's type; numbers, BOOLEAN, strings, dates and times
 *     FIRST_VALUE, LAST_VALUE   the argument's type, whatever it is
 *     LISTAGG                   STRING
 *     ARRAY_AGG, COLLECT        ARRAY, MULTISET of the argument's type; the multiset is NOT NULL
 *     PERCENTILE                DOUBLE, or an ARRAY of it
 *     JSON_ARRAYAGG, ..         VARCHAR(2000) NOT NULL, as in Flink, however long
 *
 * All but COUNT and COLLECT are nullable unless the argument is NOT NULL and each group has a row that counts; those that may be
 * NULL all the same (a sample of one value, PERCENTILE) always are.
 */
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/type.h"
#include "core/ops/agg_table.h"
#include "core/ops/kernel_decimal.h"

#define JSON_LENGTH 2000

bool tr_agg_exists(const char *name) { return tr_agg_doc(name) != NULL; }

const char *tr_agg_name(const struct tr_agg *agg) { return agg->name; }

const char *tr_agg_state(const struct tr_agg *agg) { return agg->state != NULL ? agg->state : agg->name; }

bool tr_agg_is_ordered(const struct tr_agg *agg) { return agg->is_ordered; }

bool tr_agg_has_columns(const struct tr_agg_call *call, uint32_t count)
{
	bool has_all = call->arg_column < (int32_t)count && call->filter_column < (int32_t)count;

	for (uint32_t i = 0; i < call->more_count; i++)
		has_all &= call->more_columns[i] >= 0 && call->more_columns[i] < (int32_t)count;
	return has_all;
}

static const struct tr_agg *find(const struct tr_agg *table, const char *name, enum tr_phys phys)
{
	for (; table->name != NULL; table++)
		if (strcmp(table->name, name) == 0 && table->phys == phys)
			return table;
	return NULL;
}

static const struct tr_agg *find_code(const struct tr_agg *table, const char *name, int code)
{
	for (; table->name != NULL; table++)
		if (strcmp(table->name, name) == 0 && table->code == code)
			return table;
	return NULL;
}

/** MIN and MAX: the types that Flink's have. */
static bool is_comparable(const struct tr_type *type)
{
	return tr_type_is_numeric(type) || tr_type_is_text(type) || tr_type_is_timestamp(type) ||
	       type->id == TR_TYPE_BOOLEAN || type->id == TR_TYPE_DATE || type->id == TR_TYPE_TIME;
}

static const struct tr_agg *find_numeric(const char *name, const struct tr_type *arg)
{
	const struct tr_agg *variance = find(tr_agg_variances, name, (enum tr_phys)arg->phys);

	if (!tr_type_is_numeric(arg))
		return NULL;
	if (variance != NULL)
		return variance;
	return find(tr_type_is_float(arg)        ? tr_agg_floats
		    : arg->id == TR_TYPE_DECIMAL ? tr_agg_decimals
						 : tr_agg_sums,
		    name, (enum tr_phys)arg->phys);
}

/** The overload for a call's first argument; NULL: there is none. */
static const struct tr_agg *find_overload(const char *name, const struct tr_agg_ask *ask)
{
	const struct tr_type *arg = ask->arg_types[0];
	const struct tr_agg *collect = find_code(tr_agg_collects, name, ask->is_distinct);
	const bool is_count = strcmp(name, "COUNT") == 0;

	if (is_count && (arg == NULL || !ask->is_distinct || !tr_type_is_nested(arg)))
		return &tr_agg_counts[arg == NULL ? 0 : 1];
	if (arg == NULL)
		return NULL;
	if (collect != NULL) {
		/* As in Flink: rows can't be told apart. */
		if (arg->phys == TR_PHYS_NONE || (ask->is_distinct && arg->phys == TR_PHYS_ROW) ||
		    (strcmp(name, "LISTAGG") == 0 && !tr_type_is_text(arg)))
			return NULL;
		return collect;
	}
	if (strncmp(name, "JSON_", 5) == 0)
		return ask->is_distinct || !tr_type_is_text(arg) ? NULL : find_code(tr_agg_jsons, name, 0);
	if (strcmp(name, "PERCENTILE") == 0)
		return tr_type_is_numeric(arg) ? find_code(tr_agg_percentiles, name,
							   ask->arg_count > 2 ? 2
							   : ask->is_distinct ? 3
									      : 1)
					       : NULL;
	if (strcmp(name, "MIN") == 0 || strcmp(name, "MAX") == 0)
		return is_comparable(arg) ? find(tr_agg_extremes, name, (enum tr_phys)arg->phys) : NULL;
	return find_numeric(name, arg);
}

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static const struct tr_type *result_type(struct tr_arena *arena, const char *name, const struct tr_agg_ask *ask,
					 const struct tr_agg_params *params)
{
	static const char *const means[] = {"AVG",        "VAR_POP",     "VAR_SAMP", "VARIANCE",
					    "STDDEV_POP", "STDDEV_SAMP", "STDDEV"};
	static const char *const samples[] = {"VAR_SAMP", "VARIANCE", "STDDEV_SAMP", "STDDEV"};
	const struct tr_type *arg = ask->arg_types[0], *type = arg;
	bool is_nullable;

	if (strcmp(name, "COUNT") == 0)
		return tr_type_with_nullable(arena, tr_type_of(TR_TYPE_BIGINT), false);
	if (strcmp(name, "COLLECT") == 0)
		return tr_type_with_nullable(arena, tr_type_multiset(arena, arg), false);
	if (strncmp(name, "JSON_", 5) == 0)
		return tr_type_with_nullable(arena, tr_type_with_precision(arena, TR_TYPE_VARCHAR, JSON_LENGTH), false);
	is_nullable = arg->is_nullable || !ask->is_grouped || is_one_of(name, samples, TR_COUNT_OF(samples));
	if (strcmp(name, "PERCENTILE") == 0) {
		is_nullable = true;
		type = tr_type_of(TR_TYPE_DOUBLE);
		if (params->fraction_count > 1 || params->is_list)
			type = tr_type_array(arena, type);
	} else if (strcmp(name, "ARRAY_AGG") == 0) {
		type = tr_type_array(arena, arg);
	} else if (strcmp(name, "LISTAGG") == 0) {
		type = tr_type_of(TR_TYPE_VARCHAR);
	} else if (arg->id == TR_TYPE_DECIMAL && strcmp(name, "SUM") == 0) {
		type = tr_type_decimal(arena, TR_DECIMAL_PRECISION_MAX, arg->scale);
	} else if (arg->id == TR_TYPE_DECIMAL && is_one_of(name, means, TR_COUNT_OF(means))) {
		type = tr_type_decimal(arena, TR_DECIMAL_PRECISION_MAX, TR_MAX(6, (int)arg->scale));
	}
	return tr_type_with_nullable(arena, type, is_nullable);
}

/* -- arguments that are literals -- */

static tr_code read_separator(const struct tr_agg_ask *ask, struct tr_agg_params *params, struct tr_status *st)
{
	const struct tr_expr *arg = ask->args[1];

	params->separator = tr_view_make(",", 1);
	if (ask->arg_count == 1)
		return TR_OK;
	if (arg == NULL || arg->kind != TR_EXPR_LITERAL || arg->value.is_null || !tr_type_is_text(arg->type))
		TR_FAIL(st, TR_ERR_DATA, "the separator of LISTAGG must be a literal text that is not NULL");
	params->separator = arg->value.view;
	return TR_OK;
}

static bool read_fraction(const struct tr_expr *arg, double *fraction)
{
	if (arg->kind == TR_EXPR_CAST)
		arg = arg->args[0];
	if (arg->kind != TR_EXPR_LITERAL || arg->value.is_null || !tr_type_is_numeric(arg->type))
		return false;
	if (tr_type_is_float(arg->type))
		*fraction = arg->value.f64;
	else if (arg->type->id == TR_TYPE_DECIMAL)
		*fraction = tr_decimal_to_f64(arg->type->phys == TR_PHYS_I128 ? arg->value.i128 : arg->value.i64,
					      arg->type->scale);
	else
		*fraction = (double)arg->value.i64;
	return *fraction >= 0 && *fraction <= 1;
}

static tr_code read_fractions(struct tr_arena *arena, const struct tr_agg_ask *ask, struct tr_agg_params *params,
			      struct tr_status *st)
{
	const struct tr_expr *arg = ask->arg_count > 1 ? ask->args[1] : NULL;
	const bool is_list = arg != NULL && arg->type->id == TR_TYPE_ARRAY;
	const uint32_t count = is_list ? arg->arg_count : 1;
	double *fractions = TR_NEW_ARRAY(arena, count + 1, double);
	bool is_good = arg != NULL && count > 0 && (!is_list || arg->kind == TR_EXPR_CALL);

	for (uint32_t i = 0; is_good && i < count; i++)
		is_good = read_fraction(is_list ? arg->args[i] : arg, &fractions[i]);
	if (!is_good)
		TR_FAIL(st, TR_ERR_DATA,
			"the fraction of PERCENTILE must be a literal number from 0 to 1, or ARRAY[..] of such "
			"numbers");
	params->fractions = fractions;
	params->fraction_count = count;
	params->is_list = is_list;
	return TR_OK;
}

static tr_code read_params(struct tr_arena *arena, const char *name, const struct tr_agg_ask *ask,
			   struct tr_agg_match *match, struct tr_status *st)
{
	struct tr_agg_params *params = TR_NEW(arena, struct tr_agg_params);
	const bool is_percentile = strcmp(name, "PERCENTILE") == 0;

	*params = (struct tr_agg_params){.is_distinct = ask->is_distinct, .skips_nulls = ask->skips_nulls};
	match->params = params;
	match->args[0] = 0;
	match->arg_types[0] = ask->arg_types[0];
	match->arg_count = ask->arg_types[0] != NULL ? 1 : 0;
	if (ask->arg_types[0] != NULL && ask->arg_types[0]->id == TR_TYPE_DECIMAL)
		params->scale = ask->arg_types[0]->scale;
	if (strcmp(name, "LISTAGG") == 0)
		return read_separator(ask, params, st);
	if (strcmp(name, "JSON_OBJECTAGG") == 0) {
		match->args[1] = 1;
		match->arg_types[1] = ask->arg_types[1];
		match->arg_count = 2;
	}
	if (!is_percentile)
		return TR_OK;
	match->arg_types[0] = tr_type_with_nullable(arena, tr_type_of(TR_TYPE_DOUBLE), ask->arg_types[0]->is_nullable);
	if (ask->arg_count > 2) {
		match->args[1] = 2;
		match->arg_types[1] = tr_type_of(TR_TYPE_BIGINT);
		match->arg_count = 2;
	}
	return read_fractions(arena, ask, params, st);
}

/** What is wrong with the number of arguments; NULL: nothing. */
static const char *wrong_count(const char *name, const struct tr_agg_ask *ask)
{
	if (strcmp(name, "LISTAGG") == 0)
		return ask->arg_count < 1 || ask->arg_count > 2 ? "one or two arguments" : NULL;
	if (strcmp(name, "PERCENTILE") == 0)
		return ask->arg_count < 2 || ask->arg_count > 3 ? "two or three arguments" : NULL;
	if (strcmp(name, "JSON_OBJECTAGG") == 0)
		return ask->arg_count != 2 ? "a key and a value" : NULL;
	return ask->arg_count != 1 ? "one argument" : NULL;
}

tr_code tr_agg_resolve_call(struct tr_arena *arena, const struct tr_agg_ask *ask, struct tr_agg_match *match,
			    struct tr_status *st)
{
	const struct tr_func_doc *doc = tr_agg_doc(ask->name);
	const char *wrong;

	if (doc == NULL)
		TR_FAIL(st, TR_ERR_DATA, "no aggregate function %s", ask->name);
	wrong = wrong_count(doc->name, ask);
	if (wrong != NULL)
		TR_FAIL(st, TR_ERR_DATA, "%s takes %s: %s", doc->name, wrong, doc->signature);
	if (ask->has_null_treatment && strcmp(doc->name, "ARRAY_AGG") != 0)
		TR_FAIL(st, TR_ERR_DATA, "%s takes neither RESPECT NULLS nor IGNORE NULLS", doc->name);
	match->agg = find_overload(doc->name, ask);
	if (match->agg == NULL)
		TR_FAIL(st, TR_ERR_DATA, "%s does not take %s%s: %s", doc->name, ask->is_distinct ? "DISTINCT " : "",
			ask->arg_types[0] == NULL ? "*" : tr_type_text(arena, ask->arg_types[0]), doc->signature);
	if (ask->arg_count > 2 && !tr_type_is_integer(ask->arg_types[2]))
		TR_FAIL(st, TR_ERR_DATA, "the frequency of %s must be an integer, it is %s", doc->name,
			tr_type_text(arena, ask->arg_types[2]));
	TR_TRY(read_params(arena, doc->name, ask, match, st));
	match->type = result_type(arena, doc->name, ask, match->params);
	match->arg_type = match->arg_types[0];
	return TR_OK;
}

tr_code tr_agg_resolve(struct tr_arena *arena, const char *name, const struct tr_type *arg_type, bool is_grouped,
		       struct tr_agg_match *match, struct tr_status *st)
{
	const struct tr_agg_ask ask = {.name = name, .arg_count = 1, .arg_types = {arg_type}, .is_grouped = is_grouped};

	return tr_agg_resolve_call(arena, &ask, match, st);
}
