/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of the tree's enums: time units and operators.
 */
#include "sql/ast.h"

#include <string.h>
#include <strings.h>

#include "base/check.h"

static const char *const unit_names[TR_AST_UNIT_COUNT] = {
	"",           "MILLENNIUM", "CENTURY", "DECADE", "YEAR",   "QUARTER",     "MONTH",
	"WEEK",       "DAY",        "HOUR",    "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND",
	"NANOSECOND", "EPOCH",      "DOW",     "ISODOW", "DOY",    "ISOYEAR",
};

const char *tr_ast_time_unit_name(enum tr_ast_time_unit unit)
{
	TR_ASSERT((uint32_t)unit < TR_AST_UNIT_COUNT);
	return unit_names[unit];
}

enum tr_ast_time_unit tr_ast_time_unit_of(const char *text, uint32_t length)
{
	static const struct {
		const char *name;
		enum tr_ast_time_unit unit;
	} aliases[] = {
		{"DAYOFWEEK", TR_AST_UNIT_DOW},           {"DAYOFYEAR", TR_AST_UNIT_DOY},
		{"SQL_TSI_SECOND", TR_AST_UNIT_SECOND},   {"SQL_TSI_MINUTE", TR_AST_UNIT_MINUTE},
		{"SQL_TSI_HOUR", TR_AST_UNIT_HOUR},       {"SQL_TSI_DAY", TR_AST_UNIT_DAY},
		{"SQL_TSI_WEEK", TR_AST_UNIT_WEEK},       {"SQL_TSI_MONTH", TR_AST_UNIT_MONTH},
		{"SQL_TSI_QUARTER", TR_AST_UNIT_QUARTER}, {"SQL_TSI_YEAR", TR_AST_UNIT_YEAR},
	};

	for (uint32_t unit = 1; unit < TR_AST_UNIT_COUNT; unit++) {
		size_t bytes = strlen(unit_names[unit]);
		bool has_plural = unit >= TR_AST_UNIT_YEAR && unit <= TR_AST_UNIT_SECOND;

		if (length >= bytes && strncasecmp(text, unit_names[unit], bytes) == 0 &&
		    (length == bytes || (has_plural && length == bytes + 1 && (text[bytes] | 0x20) == 's')))
			return (enum tr_ast_time_unit)unit;
	}
	for (uint32_t i = 0; i < TR_COUNT_OF(aliases); i++)
		if (strlen(aliases[i].name) == length && strncasecmp(text, aliases[i].name, length) == 0)
			return aliases[i].unit;
	return TR_AST_UNIT_NONE;
}

static const char *const op_texts[TR_AST_OP_COUNT] = {
	[TR_AST_OP_NONE] = "",
	[TR_AST_OP_NOT] = "NOT",
	[TR_AST_OP_NEGATE] = "-",
	[TR_AST_OP_PLUS] = "+",
	[TR_AST_OP_IS_NULL] = "IS NULL",
	[TR_AST_OP_IS_NOT_NULL] = "IS NOT NULL",
	[TR_AST_OP_IS_TRUE] = "IS TRUE",
	[TR_AST_OP_IS_NOT_TRUE] = "IS NOT TRUE",
	[TR_AST_OP_IS_FALSE] = "IS FALSE",
	[TR_AST_OP_IS_NOT_FALSE] = "IS NOT FALSE",
	[TR_AST_OP_IS_UNKNOWN] = "IS UNKNOWN",
	[TR_AST_OP_IS_NOT_UNKNOWN] = "IS NOT UNKNOWN",
	[TR_AST_OP_IS_JSON] = "IS JSON",
	[TR_AST_OP_IS_NOT_JSON] = "IS NOT JSON",
	[TR_AST_OP_IS_JSON_VALUE] = "IS JSON VALUE",
	[TR_AST_OP_IS_NOT_JSON_VALUE] = "IS NOT JSON VALUE",
	[TR_AST_OP_IS_JSON_SCALAR] = "IS JSON SCALAR",
	[TR_AST_OP_IS_NOT_JSON_SCALAR] = "IS NOT JSON SCALAR",
	[TR_AST_OP_IS_JSON_ARRAY] = "IS JSON ARRAY",
	[TR_AST_OP_IS_NOT_JSON_ARRAY] = "IS NOT JSON ARRAY",
	[TR_AST_OP_IS_JSON_OBJECT] = "IS JSON OBJECT",
	[TR_AST_OP_IS_NOT_JSON_OBJECT] = "IS NOT JSON OBJECT",
	[TR_AST_OP_EQUAL] = "=",
	[TR_AST_OP_NOT_EQUAL] = "<>",
	[TR_AST_OP_LESS] = "<",
	[TR_AST_OP_LESS_EQUAL] = "<=",
	[TR_AST_OP_GREATER] = ">",
	[TR_AST_OP_GREATER_EQUAL] = ">=",
	[TR_AST_OP_IS_DISTINCT] = "IS DISTINCT FROM",
	[TR_AST_OP_IS_NOT_DISTINCT] = "IS NOT DISTINCT FROM",
	[TR_AST_OP_ADD] = "+",
	[TR_AST_OP_SUBTRACT] = "-",
	[TR_AST_OP_MULTIPLY] = "*",
	[TR_AST_OP_DIVIDE] = "/",
	[TR_AST_OP_MODULO] = "%",
	[TR_AST_OP_CONCAT] = "||",
	[TR_AST_OP_OVERLAPS] = "OVERLAPS",
};

const char *tr_ast_op_text(enum tr_ast_op op)
{
	TR_ASSERT((uint32_t)op < TR_AST_OP_COUNT);
	return op_texts[op];
}

const char *tr_ast_object_text(enum tr_ast_object_kind object)
{
	static const char *const texts[] = {
		[TR_AST_OBJECT_TABLE] = "TABLE",
		[TR_AST_OBJECT_VIEW] = "VIEW",
		[TR_AST_OBJECT_FUNCTION] = "FUNCTION",
		[TR_AST_OBJECT_DATABASE] = "DATABASE",
		[TR_AST_OBJECT_CATALOG] = "CATALOG",
		[TR_AST_OBJECT_MODEL] = "MODEL",
		[TR_AST_OBJECT_MATERIALIZED_TABLE] = "MATERIALIZED TABLE",
		[TR_AST_OBJECT_CONNECTION] = "CONNECTION",
		[TR_AST_OBJECT_MODULE] = "MODULE",
		[TR_AST_OBJECT_JOB] = "JOB",
	};

	TR_ASSERT((uint32_t)object < TR_COUNT_OF(texts));
	return texts[object];
}
