/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known when a script is planned: TYPEOF, CURRENT_DATABASE.
 */
#include "base/type.h"
#include "core/ops/func_text.h"

/* ---- TYPEOF ---- */

static const struct tr_type *type_typeof(struct tr_ask *ask)
{
	if (ask->count > 1 && (ask->literals == NULL || ask->literals[1] == NULL || ask->literals[1]->value.is_null))
		return NULL;
	return tr_type_of(TR_TYPE_VARCHAR);
}

/* With the words STRING and BYTES written as the types that they stand for. */
static const char *long_text(struct tr_arena *arena, const char *text)
{
	static const char *const words[][2] = {{"STRING", "VARCHAR(2147483647)"}, {"BYTES", "VARBINARY(2147483647)"}};
	const char *out = "";

	while (*text != 0) {
		const char *by = NULL;
		size_t length = 1;

		for (uint32_t i = 0; i < TR_COUNT_OF(words) && by == NULL && *text != '`'; i++) {
			if (strncmp(text, words[i][0], strlen(words[i][0])) == 0) {
				by = words[i][1];
				length = strlen(words[i][0]);
			}
		}
		if (*text == '`' && strchr(text + 1, '`') != NULL)
			length = (size_t)(strchr(text + 1, '`') - text) + 1;
		out = by != NULL ? tr_arena_printf(arena, "%s%s", out, by)
				 : tr_arena_printf(arena, "%s%.*s", out, (int)length, text);
		text += length;
	}
	return out;
}

static tr_code prepare_typeof(struct tr_arena *arena, const struct tr_expr *call, const void **prepared,
			      struct tr_status *st)
{
	const char *text = tr_type_text(arena, call->args[0]->type);

	*prepared = call->arg_count > 1 && call->args[1]->value.i64 != 0 ? long_text(arena, text) : text;
	return TR_OK;
}

static tr_code run_typeof(struct tr_call *call)
{
	const char *text = call->prepared;

	TR_CALL_ROWS(call, row)
		tr_call_put(call, row, text, (uint32_t)strlen(text));
	return TR_OK;
}

/* ---- CURRENT_DATABASE ---- */

static tr_code run_database(struct tr_call *call)
{
	static const char name[] = "default_database";

	TR_CALL_ROWS(call, row)
		tr_call_put(call, row, name, sizeof(name) - 1);
	return TR_OK;
}

static const struct tr_func rows[] = {
	{.name = "TYPEOF",
	 .params = "a?b",
	 .typer = type_typeof,
	 .kernel = run_typeof,
	 .null_rule = TR_NULL_CUSTOM,
	 .flags = TR_FUNC_NULLABLE,
	 .prepare = prepare_typeof,
	 TR_FUNC_DOC("conversion", "TYPEOF(value [, is_long]) -> STRING",
		     "The name of the value's type; if the second is TRUE, without abbreviations.",
		     "TYPEOF(1) = 'INT NOT NULL'")},
	{.name = "CURRENT_DATABASE",
	 .params = "",
	 .typer = tr_typer_string,
	 .kernel = run_database,
	 .null_rule = TR_NULL_STRICT,
	 .flags = TR_FUNC_NOT_NULL,
	 TR_FUNC_DOC("conversion", "CURRENT_DATABASE() -> STRING", "The name of the current database.", NULL)},
};

const struct tr_func_table tr_func_session_table = {rows, TR_COUNT_OF(rows)};
