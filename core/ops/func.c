/* SPDX-License-Identifier: Apache-2.0
 *
 * Resolving calls against the function tables.
 *
 * For each row of the name, in order: do the number of arguments and the parameter letters fit? Then the arguments that
 * share a common type are brought to it, and the row's typer derives the result type or declines. The first row that
 * takes the call wins; rows are ordered so that the exact match comes first. When none does, the message lists the
 * signatures; when the name is unknown, it names the nearest one.
 */
#include "core/ops/func.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/suggest.h"
#include "base/type.h"
#include "core/ops/func_table.h"

#define NAMES_MAX 512
#define MESSAGE_SIGNATURES_MAX 600 /* bytes of a message that signatures may take */

static const struct tr_func_table *const tables[] = {
	&tr_func_arith_table,  &tr_func_compare_table,  &tr_func_logic_table,  &tr_func_math_table,
	&tr_func_string_table, &tr_func_classify_table, &tr_func_encode_table, &tr_func_url_table,
	&tr_func_regex_table,  &tr_func_time_table,     &tr_func_json_table,   &tr_func_json_make_table,
	&tr_func_zone_table,   &tr_func_session_table,  &tr_func_printf_table, &tr_func_clock_table,
	&tr_func_nested_table, &tr_func_array_table,    &tr_func_map_table,    &tr_func_split_table,
};

/* ---- walking the tables ---- */

const struct tr_func *tr_func_next(uint32_t *table, uint32_t *row)
{
	while (*table < TR_COUNT_OF(tables)) {
		if (*row < tables[*table]->count)
			return &tables[*table]->rows[(*row)++];
		(*table)++;
		*row = 0;
	}
	return NULL;
}

bool tr_func_exists(const char *name)
{
	uint32_t table = 0, row = 0;
	const struct tr_func *func;

	while ((func = tr_func_next(&table, &row)) != NULL)
		if (strcasecmp(func->name, name) == 0)
			return true;
	return false;
}

const char *tr_func_name(const struct tr_func *func) { return func->name; }

bool tr_func_is_volatile(const struct tr_func *func) { return (func->flags & TR_FUNC_VOLATILE) != 0; }

/* ---- typers ---- */

const struct tr_type *tr_typer_boolean(struct tr_ask *ask) { return tr_type_of(TR_TYPE_BOOLEAN); }
const struct tr_type *tr_typer_string(struct tr_ask *ask) { return tr_type_of(TR_TYPE_VARCHAR); }
const struct tr_type *tr_typer_int(struct tr_ask *ask) { return tr_type_of(TR_TYPE_INT); }
const struct tr_type *tr_typer_bigint(struct tr_ask *ask) { return tr_type_of(TR_TYPE_BIGINT); }
const struct tr_type *tr_typer_double(struct tr_ask *ask) { return tr_type_of(TR_TYPE_DOUBLE); }
const struct tr_type *tr_typer_first(struct tr_ask *ask) { return ask->want[0]; }
const struct tr_type *tr_typer_last(struct tr_ask *ask) { return ask->want[ask->count - 1]; }

const struct tr_type *tr_typer_varying(struct tr_ask *ask)
{
	return tr_type_with_precision(ask->arena, TR_TYPE_VARCHAR, ask->want[0]->precision);
}

const struct tr_type *tr_typer_concat(struct tr_ask *ask)
{
	enum tr_type_id id = TR_TYPE_CHAR;
	int64_t length = 0;

	for (uint32_t i = 0; i < ask->count; i++) {
		if (ask->want[i]->id != TR_TYPE_CHAR)
			id = TR_TYPE_VARCHAR;
		length += ask->want[i]->precision;
	}
	return tr_type_with_precision(ask->arena, id, (int)TR_MIN(length, (int64_t)INT32_MAX));
}

const struct tr_type *tr_typer_common(struct tr_ask *ask, uint32_t first)
{
	const struct tr_type *common = ask->want[first];

	for (uint32_t i = first + 1; i < ask->count && common != NULL; i++)
		common = tr_type_common(ask->arena, common, ask->want[i]);
	return common;
}

const struct tr_type *tr_typer_cast_common(struct tr_ask *ask)
{
	const struct tr_type *common = tr_typer_common(ask, 0);

	for (uint32_t i = 0; i < ask->count && common != NULL; i++)
		ask->want[i] = tr_type_with_nullable(ask->arena, common, ask->given[i]->is_nullable);
	return common;
}

int64_t tr_ask_i64(const struct tr_ask *ask, uint32_t i, int64_t otherwise)
{
	if (i >= ask->count || ask->literals == NULL || ask->literals[i] == NULL)
		return otherwise;
	if (ask->literals[i]->value.is_null || !tr_type_is_integer(ask->literals[i]->type))
		return otherwise;
	return ask->literals[i]->value.i64;
}

/* ---- memory of runs ---- */

void *tr_local_bytes_create(const void *prepared) { return tr_checked(calloc(1, sizeof(struct tr_bytes))); }

void tr_local_bytes_destroy(void *local)
{
	tr_bytes_deinit(local);
	free(local);
}

/* ---- parameters ---- */

static char letter_of(const char *params, uint32_t i)
{
	char last = 0;

	for (; *params != 0; params++) {
		if (*params == '?')
			continue;
		if (*params == '*')
			return last;
		last = *params;
		if (i-- == 0)
			return last;
	}
	return 0;
}

static bool count_fits(const char *params, uint32_t count)
{
	uint32_t least = 0, most = 0;
	bool is_optional = false;

	for (; *params != 0; params++) {
		if (*params == '?') {
			is_optional = true;
		} else if (*params == '*') {
			most = TR_FUNC_ARGS_MAX;
		} else {
			least += !is_optional;
			most++;
		}
	}
	return count >= least && count <= most;
}

static const struct tr_type *static_type(char letter)
{
	switch (letter) {
	case 'b': return tr_type_of(TR_TYPE_BOOLEAN);
	case 's':
	case 'u': return tr_type_of(TR_TYPE_VARCHAR);
	case 'd': return tr_type_of(TR_TYPE_DOUBLE);
	case 'l': return tr_type_of(TR_TYPE_BIGINT);
	case 'n':
	case 'i':
	case 'q': return tr_type_of(TR_TYPE_INT);
	case 'y': return tr_type_of(TR_TYPE_VARBINARY);
	case 'D': return tr_type_of(TR_TYPE_DATE);
	case 'T': return tr_type_of(TR_TYPE_TIME);
	case 'm':
	case 'x': return tr_type_of(TR_TYPE_TIMESTAMP);
	case 'z': return tr_type_of(TR_TYPE_TIMESTAMP_LTZ);
	case 'M': return tr_type_of(TR_TYPE_INTERVAL_MONTH);
	case 'I': return tr_type_of(TR_TYPE_INTERVAL_MS);
	default: return tr_type_of(TR_TYPE_NULL);
	}
}

/* What an argument of type `given` becomes for the letter, or NULL. */
static const struct tr_type *accept(struct tr_arena *arena, char letter, const struct tr_type *given)
{
	bool keep;

	if (given->id == TR_TYPE_NULL && letter != 'a' && letter != 'c' && letter != 'C' && letter != 'e')
		return strchr("rAK", letter) != NULL ? NULL : static_type(letter);
	switch (letter) {
	case 's':
	case 'u': keep = tr_type_is_text(given); break;
	case 'd':
	case 'l':
		if (letter == 'd' ? !tr_type_is_numeric(given) : !tr_type_is_integer(given))
			return NULL;
		return tr_type_with_nullable(arena, static_type(letter), given->is_nullable);
	case 'n': keep = tr_type_is_numeric(given); break;
	case 'e': keep = tr_type_is_numeric(given) || given->id == TR_TYPE_NULL; break;
	case 'x': keep = tr_type_is_timestamp(given); break;
	case 'y': keep = tr_type_is_bytes(given); break;
	case 'r': keep = given->id == TR_TYPE_ROW; break;
	case 'A': keep = given->id == TR_TYPE_ARRAY; break;
	case 'K': keep = given->id == TR_TYPE_MAP; break;
	case 'i':
		if (!tr_type_is_integer(given) || given->id == TR_TYPE_BIGINT)
			return NULL;
		return tr_type_with_nullable(arena, static_type(letter), given->is_nullable);
	case 'a':
	case 'c':
	case 'C': keep = true; break;
	default: keep = given->id == static_type(letter)->id; break;
	}
	return keep ? given : NULL;
}

static bool is_day_or_time(const struct tr_type *type) { return type->id == TR_TYPE_DATE || type->id == TR_TYPE_TIME; }

static bool is_number_or_boolean(const struct tr_type *type)
{
	return tr_type_is_numeric(type) || type->id == TR_TYPE_BOOLEAN;
}

/* Comparing a point in time or a number with a text casts the text, a TIMESTAMP with a TIMESTAMP_LTZ the former; else it is
 * the least restrictive type. Texts as numbers and booleans are taken by < and IN, but not by =. COALESCE has a type of its own
 * for a DATE or TIME and a TIMESTAMP: the former. */
static const struct tr_type *common_of(struct tr_arena *arena, const struct tr_type *a, const struct tr_type *b,
				       bool takes_numbers, bool is_coalesce)
{
	bool a_is_time = a->id >= TR_TYPE_DATE && a->id <= TR_TYPE_TIMESTAMP_LTZ;
	bool b_is_time = b->id >= TR_TYPE_DATE && b->id <= TR_TYPE_TIMESTAMP_LTZ;

	if (is_coalesce && is_day_or_time(a) && b->id == TR_TYPE_TIMESTAMP)
		return a;
	if (is_coalesce && is_day_or_time(b) && a->id == TR_TYPE_TIMESTAMP)
		return b;
	if (a_is_time && tr_type_is_text(b))
		return a;
	if (b_is_time && tr_type_is_text(a))
		return b;
	if (takes_numbers && is_number_or_boolean(a) && tr_type_is_text(b))
		return a;
	if (takes_numbers && is_number_or_boolean(b) && tr_type_is_text(a))
		return b;
	if (tr_type_is_timestamp(a) && tr_type_is_timestamp(b) && a->id != b->id)
		return tr_type_with_precision(arena, TR_TYPE_TIMESTAMP_LTZ, TR_MAX(a->precision, b->precision));
	return tr_type_common(arena, a, b);
}

/* Functions that answer one of their arguments make a DOUBLE of FLOAT and DOUBLE; elsewhere, and in IF and IN, the first one wins. */
static bool is_widened(const struct tr_ask *ask, const struct tr_func *func, const struct tr_type *common, char letter)
{
	if (common->id != TR_TYPE_FLOAT || letter != 'C' || func->special == TR_SPECIAL_IF ||
	    strcmp(func->name, "IN") == 0)
		return false;
	for (uint32_t i = 0; i < ask->count; i++)
		if (ask->want[i]->id == TR_TYPE_DOUBLE)
			return true;
	return false;
}

/* Brings the arguments of the letters c, C and e to their common type. */
static bool unify(struct tr_ask *ask, const struct tr_func *func)
{
	const char *params = func->params;
	const bool takes_numbers =
		strcmp(func->name, "IN") == 0 || func->name[0] == '>' || (func->name[0] == '<' && func->name[1] != '>');
	const struct tr_type *common = NULL;
	char letter = 0;

	for (uint32_t i = 0; i < ask->count; i++) {
		char l = letter_of(params, i);

		if (l != 'c' && l != 'C' && l != 'e')
			continue;
		letter = l;
		common = common == NULL ? ask->want[i]
					: common_of(ask->arena, common, ask->want[i], takes_numbers,
						    func->special == TR_SPECIAL_COALESCE);
		if (common == NULL)
			return false;
	}
	if (common == NULL)
		return true;
	if (common->id == TR_TYPE_NULL && letter == 'e')
		common = tr_type_of(TR_TYPE_INT);
	if (is_widened(ask, func, common, letter))
		common = tr_type_of(TR_TYPE_DOUBLE);
	for (uint32_t i = 0; i < ask->count; i++) {
		char l = letter_of(params, i);
		const struct tr_type *type = ask->want[i];

		if (l != 'c' && l != 'C' && l != 'e')
			continue;
		if (common->id == TR_TYPE_DECIMAL && l != 'C' && type->id != TR_TYPE_NULL)
			ask->want[i] = tr_decimal_of_integer(ask->arena, type);
		else if (tr_type_is_text(common) && tr_type_is_text(type))
			continue; /* the same bytes */
		else
			ask->want[i] = common;
		ask->want[i] = tr_type_with_nullable(ask->arena, ask->want[i], type->is_nullable);
	}
	return true;
}

static const struct tr_type *match_row(const struct tr_func *func, struct tr_ask *ask)
{
	if (!count_fits(func->params, ask->count))
		return NULL;
	for (uint32_t i = 0; i < ask->count; i++) {
		char letter = letter_of(func->params, i);

		ask->want[i] = accept(ask->arena, letter, ask->given[i]);
		if (ask->want[i] == NULL)
			return NULL;
		if (letter == 'u' &&
		    (ask->literals == NULL || ask->literals[i] == NULL || ask->literals[i]->value.is_null))
			return NULL;
	}
	if (!unify(ask, func))
		return NULL;
	return func->typer(ask);
}

static bool result_is_nullable(const struct tr_func *func, const struct tr_ask *ask)
{
	bool any = false, all = true;

	for (uint32_t i = 0; i < ask->count; i++) {
		any |= ask->given[i]->is_nullable;
		all &= ask->given[i]->is_nullable;
	}
	if (func->flags & TR_FUNC_NOT_NULL)
		return false;
	if (func->flags & TR_FUNC_NULL_IF_ALL)
		return all;
	if (func->flags & TR_FUNC_NULLABLE)
		return true;
	if (func->flags & TR_FUNC_NULL_IF_FIRST)
		return ask->given[0]->is_nullable;
	if (func->flags & TR_FUNC_AS_ARGS)
		return any;
	if (func->null_rule == TR_NULL_MAKES || func->special == TR_SPECIAL_NULLIF)
		return true;
	return any;
}

/* ---- messages ---- */

static const char *nearest(const char *name)
{
	const char *names[NAMES_MAX];
	uint32_t table = 0, row = 0;
	size_t count = 0;
	const struct tr_func *func;

	while ((func = tr_func_next(&table, &row)) != NULL && count < NAMES_MAX)
		if (func->name[0] >= 'A' && func->name[0] <= 'Z')
			names[count++] = func->name;
	return tr_suggest_nearest(name, names, count);
}

static tr_code fail_unknown(const char *name, struct tr_status *st)
{
	const char *other = nearest(name);

	if (other != NULL)
		TR_FAIL(st, TR_ERR_DATA, "no function is named %s; did you mean %s?", name, other);
	TR_FAIL(st, TR_ERR_DATA, "no function is named %s; 'tailrace functions' lists those that are", name);
}

/* What to write instead, for what other databases take. */
static const char *cast_hint(const char *name, const struct tr_ask *ask)
{
	bool has_date = false, has_timestamp = false, has_float = false, has_other = false;
	const bool is_text = strcmp(name, "||") == 0 || strncasecmp(name, "CONCAT", 6) == 0;

	for (uint32_t i = 0; i < ask->count; i++) {
		has_date = has_date || ask->given[i]->id == TR_TYPE_DATE;
		has_timestamp = has_timestamp || tr_type_is_timestamp(ask->given[i]);
		has_float = has_float || tr_type_is_float(ask->given[i]);
		has_other = has_other || !tr_type_is_text(ask->given[i]);
	}
	if (is_text && has_other)
		return "\nwrite CAST(x AS STRING) for what is no text";
	if (has_float && (strcmp(name, "%") == 0 || strcasecmp(name, "MOD") == 0))
		return "\nwrite CAST(x AS DECIMAL(p, s)) for a FLOAT or DOUBLE";
	if (has_date && (has_timestamp || strcasecmp(name, "DATE_FORMAT") == 0))
		return "\nwrite CAST(x AS TIMESTAMP(3)) for a DATE";
	return "";
}

/* The arguments that a user has written: those of the JSON functions stand behind a text of their clauses, and JSON_VALUE has two
 * more for its defaults. */
static void written_args(const char *name, const struct tr_ask *ask, uint32_t *first, uint32_t *end)
{
	static const char *const names[] = {"JSON_VALUE", "JSON_QUERY", "JSON_EXISTS", "JSON_OBJECT", "JSON_ARRAY"};

	*first = 0;
	*end = ask->count;
	for (uint32_t i = 0; i < TR_COUNT_OF(names); i++)
		if (strcasecmp(name, names[i]) == 0 && ask->count > 0)
			*first = 1;
	if (strcasecmp(name, "JSON_VALUE") == 0 && ask->count == 5)
		*end = 3;
}

static tr_code fail_overload(struct tr_arena *arena, const char *name, const struct tr_ask *ask, struct tr_status *st)
{
	uint32_t table = 0, row = 0, first, end;
	const struct tr_func *func;
	const char *signatures = "", *given = "";

	written_args(name, ask, &first, &end);
	for (uint32_t i = first; i < end && strlen(given) < MESSAGE_SIGNATURES_MAX / 2; i++)
		given = tr_arena_printf(arena, "%s%s%s", given, i == first ? "" : ", ",
					tr_type_text(arena, ask->given[i]));
	while ((func = tr_func_next(&table, &row)) != NULL) {
		if (strcasecmp(func->name, name) != 0 || func->doc.signature == NULL)
			continue;
		if (strlen(signatures) < MESSAGE_SIGNATURES_MAX)
			signatures = tr_arena_printf(arena, "%s\n  %s", signatures, func->doc.signature);
	}
	TR_FAIL(st, TR_ERR_DATA, "%s can't be applied to (%s); it takes:%s%s", name, given, signatures,
		cast_hint(name, ask));
}

/* NULL alone may stand where the other arguments give it a type, or none matters: = IN COALESCE ARRAY[..] TYPEOF. */
static tr_code check_nulls(const struct tr_func *func, const struct tr_ask *ask, const struct tr_type *result,
			   struct tr_status *st)
{
	for (uint32_t i = 0; i < ask->count; i++) {
		if (ask->given[i]->id != TR_TYPE_NULL)
			continue;
		if ((func->flags & TR_FUNC_TYPED) == 0 && strchr("acC", letter_of(func->params, i)) != NULL &&
		    result->id != TR_TYPE_NULL)
			continue;
		TR_FAIL(st, TR_ERR_DATA, "NULL has no type as an argument of %s; write CAST(NULL AS %s)", func->name,
			ask->want[i]->id != TR_TYPE_NULL ? tr_type_text(ask->arena, ask->want[i])
							 : "INT, or what is meant");
	}
	return TR_OK;
}

tr_code tr_func_resolve(struct tr_arena *arena, const char *name, const struct tr_type *const *arg_types,
			const struct tr_expr *const *literals, uint32_t arg_count, struct tr_func_match *match,
			struct tr_status *st)
{
	struct tr_ask ask = {.arena = arena, .given = arg_types, .literals = literals, .count = arg_count};
	uint32_t table = 0, row = 0;
	const struct tr_func *func;
	bool is_known = false;

	TR_ASSERT(name != NULL && match != NULL);
	if (arg_count > TR_FUNC_ARGS_MAX)
		TR_FAIL(st, TR_ERR_DATA, "%s has %u arguments; at most %d are possible", name, arg_count,
			TR_FUNC_ARGS_MAX);
	ask.want = TR_NEW_ARRAY(arena, TR_MAX(arg_count, 1u), const struct tr_type *);
	while ((func = tr_func_next(&table, &row)) != NULL) {
		const struct tr_type *type;

		if (strcasecmp(func->name, name) != 0)
			continue;
		is_known = true;
		type = match_row(func, &ask);
		if (type == NULL)
			continue;
		TR_TRY(check_nulls(func, &ask, type, st));
		match->func = func;
		match->type = tr_type_with_nullable(arena, type, result_is_nullable(func, &ask));
		match->arg_types = ask.want;
		return TR_OK;
	}
	return is_known ? fail_overload(arena, name, &ask, st) : fail_unknown(name, st);
}
