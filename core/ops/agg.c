/* SPDX-License-Identifier: Apache-2.0
 *
 * Aggregate functions by name: which overload fits, the result type by Flink's rules, and the documentation. The verbs
 * are in agg_count.c, agg_decimal.c, agg_float.c and agg_extreme.c.
 *
 *     COUNT(*), COUNT(x)   BIGINT NOT NULL
 *     SUM                  integers, FLOAT, DOUBLE: the argument's type (integers wrap); DECIMAL(p, s): DECIMAL(38, s)
 *     AVG                  integers, FLOAT, DOUBLE: the argument's type (integers truncate);
 *                          DECIMAL(p, s): DECIMAL(38, max(6, s))
 *     MIN, MAX             the argument's type; numbers, BOOLEAN, strings, dates and times
 *
 * SUM, AVG, MIN and MAX are nullable unless the argument is NOT NULL and there are groups.
 */
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/type.h"
#include "core/ops/agg_table.h"

static const struct tr_func_doc docs[] = {
	{"AVG", "aggregate", "AVG([DISTINCT] numeric) -> the same type; DECIMAL(p, s) -> DECIMAL(38, max(6, s))",
	 "The mean of the values that are not NULL; NULL if there are none. Integers are truncated.", "AVG(price)",
	 true},
	{"COUNT", "aggregate", "COUNT(*) -> BIGINT; COUNT([DISTINCT] any) -> BIGINT",
	 "The number of rows, or of values that are not NULL.", "COUNT(DISTINCT bidder)", true},
	{"MAX", "aggregate", "MAX([DISTINCT] comparable) -> the same type",
	 "The greatest value that is not NULL; NULL if there is none. Strings compare bytewise, NaN is the greatest.",
	 "MAX(price)", true},
	{"MIN", "aggregate", "MIN([DISTINCT] comparable) -> the same type",
	 "The least value that is not NULL; NULL if there is none. Strings compare bytewise, NaN is the greatest.",
	 "MIN(price)", true},
	{"SUM", "aggregate", "SUM([DISTINCT] numeric) -> the same type; DECIMAL(p, s) -> DECIMAL(38, s)",
	 "The sum of the values that are not NULL; NULL if there are none. Integers wrap around at their width; a "
	 "DECIMAL sum of more than 38 digits is NULL; FLOAT and DOUBLE are summed exactly and rounded once.",
	 "SUM(price) FILTER (WHERE price > 100)", true},
};

static const struct tr_func_doc *find_doc(const char *name)
{
	for (size_t i = 0; i < TR_COUNT_OF(docs); i++)
		if (strcasecmp(docs[i].name, name) == 0)
			return &docs[i];
	return NULL;
}

bool tr_agg_exists(const char *name) { return find_doc(name) != NULL; }

const char *tr_agg_name(const struct tr_agg *agg) { return agg->name; }

void tr_agg_each(void (*fn)(void *context, const struct tr_func_doc *doc), void *context)
{
	for (size_t i = 0; i < TR_COUNT_OF(docs); i++)
		fn(context, &docs[i]);
}

static const struct tr_agg *find(const struct tr_agg *table, const char *name, enum tr_phys phys)
{
	for (; table->name != NULL; table++)
		if (strcmp(table->name, name) == 0 && table->phys == phys)
			return table;
	return NULL;
}

/** MIN and MAX: the types that Flink's have. */
static bool is_comparable(const struct tr_type *type)
{
	return tr_type_is_numeric(type) || tr_type_is_text(type) || tr_type_is_timestamp(type) ||
	       type->id == TR_TYPE_BOOLEAN || type->id == TR_TYPE_DATE || type->id == TR_TYPE_TIME;
}

static const struct tr_agg *find_overload(const char *name, const struct tr_type *arg)
{
	if (strcmp(name, "COUNT") == 0)
		return &tr_agg_counts[arg == NULL ? 0 : 1];
	if (arg == NULL)
		return NULL;
	if (strcmp(name, "MIN") == 0 || strcmp(name, "MAX") == 0)
		return is_comparable(arg) ? find(tr_agg_extremes, name, (enum tr_phys)arg->phys) : NULL;
	if (!tr_type_is_numeric(arg))
		return NULL;
	return find(tr_type_is_float(arg)        ? tr_agg_floats
		    : arg->id == TR_TYPE_DECIMAL ? tr_agg_decimals
						 : tr_agg_sums,
		    name, (enum tr_phys)arg->phys);
}

static const struct tr_type *result_type(struct tr_arena *arena, const struct tr_agg *agg, const struct tr_type *arg,
					 bool is_grouped)
{
	const struct tr_type *type = arg;

	if (agg->kind == TR_AGG_COUNT || agg->kind == TR_AGG_COUNT_STAR)
		return tr_type_with_nullable(arena, tr_type_of(TR_TYPE_BIGINT), false);
	if (arg->id == TR_TYPE_DECIMAL && agg->kind == TR_AGG_SUM)
		type = tr_type_decimal(arena, TR_DECIMAL_PRECISION_MAX, arg->scale);
	if (arg->id == TR_TYPE_DECIMAL && agg->kind == TR_AGG_AVG)
		type = tr_type_decimal(arena, TR_DECIMAL_PRECISION_MAX, TR_MAX(6, (int)arg->scale));
	return tr_type_with_nullable(arena, type, arg->is_nullable || !is_grouped);
}

tr_code tr_agg_resolve(struct tr_arena *arena, const char *name, const struct tr_type *arg_type, bool is_grouped,
		       struct tr_agg_match *match, struct tr_status *st)
{
	const struct tr_func_doc *doc = find_doc(name);

	if (doc == NULL)
		TR_FAIL(st, TR_ERR_DATA, "no aggregate function %s: there are AVG, COUNT, MAX, MIN and SUM", name);
	match->agg = find_overload(doc->name, arg_type);
	if (match->agg == NULL)
		TR_FAIL(st, TR_ERR_DATA, "%s does not take %s: %s", doc->name,
			arg_type == NULL ? "*" : tr_type_text(arena, arg_type), doc->signature);
	match->arg_type = arg_type;
	match->type = result_type(arena, match->agg, arg_type, is_grouped);
	return TR_OK;
}
