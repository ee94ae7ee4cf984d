/* SPDX-License-Identifier: Apache-2.0
 *
 * The format 'json': its options (Flink's names and defaults), and which types it can hold.
 */
#include <strings.h>

#include "base/arena.h"
#include "base/type.h"
#include "io/decode_json.h"
#include "io/encode_json.h"
#include "io/formats.h"

static const struct tr_option_spec json_options[] = {
	{"fail-on-missing-field", TR_OPTION_BOOLEAN, "false", NULL, false,
	 "A key that is missing is an error instead of NULL."},
	{"ignore-parse-errors", TR_OPTION_BOOLEAN, "false", NULL, false,
	 "Bad values become NULL and broken records are skipped, instead of failing the job."},
	{"timestamp-format.standard", TR_OPTION_ENUM, "SQL", "SQL|ISO-8601|ISO-8601-WITH-OFFSET", false,
	 "2001-01-31 10:20:30.5 (SQL), 2001-01-31T10:20:30.5 (ISO-8601); TIMESTAMP_LTZ with a Z at the end."},
	{"map-null-key.mode", TR_OPTION_ENUM, "FAIL", "FAIL|DROP|LITERAL", false, "What a NULL key of a MAP becomes."},
	{"map-null-key.literal", TR_OPTION_STRING, "null", NULL, false, "The key for NULL with the mode LITERAL."},
	{"encode.decimal-as-plain-number", TR_OPTION_BOOLEAN, "false", NULL, false,
	 "DECIMAL 100 is written as 100 instead of 1E+2."},
	{"encode.ignore-null-fields", TR_OPTION_BOOLEAN, "false", NULL, false, "NULL fields are left out."},
	{"decode.json-parser.enabled", TR_OPTION_BOOLEAN, "true", NULL, false,
	 "Understood for Flink's sake; there is one parser."},
	{NULL, TR_OPTION_STRING, NULL, NULL, false, NULL},
};

const struct tr_format tr_format_json = {
	.name = "json",
	.doc = "JSON lines: an object per line, or an array of objects, which becomes a row for each.",
	.options = json_options,
	.decoder = &tr_json_decoder,
	.encoder = &tr_json_encoder,
};

tr_code tr_json_options_read(const struct tr_table_spec *spec, struct tr_json_options *options, struct tr_status *st)
{
	const char *standard = tr_options_get(&spec->options, "json.timestamp-format.standard");
	struct tr_field_rules *rules = &options->rules;

	memset(options, 0, sizeof(*options));
	options->fail_on_missing_field = tr_options_boolean(&spec->options, "json.fail-on-missing-field", false);
	options->ignore_errors = tr_options_boolean(&spec->options, "json.ignore-parse-errors", false);
	if (options->fail_on_missing_field && options->ignore_errors)
		TR_FAIL(st, TR_ERR_DATA,
			"table '%s': 'json.fail-on-missing-field' and 'json.ignore-parse-errors' can't both be true",
			spec->name);
	rules->is_decimal_trimmed = true;
	if (standard == NULL || strcasecmp(standard, "SQL") == 0) {
		rules->ltz_flags = TR_TIME_Z;
	} else if (strcasecmp(standard, "ISO-8601") == 0) {
		rules->timestamp_flags = TR_TIME_T | TR_TIME_NO_SECONDS;
		rules->ltz_flags = TR_TIME_T | TR_TIME_NO_SECONDS | TR_TIME_Z;
	} else {
		rules->timestamp_flags = TR_TIME_T | TR_TIME_NO_SECONDS | TR_TIME_OFFSET;
		rules->ltz_flags = TR_TIME_T | TR_TIME_NO_SECONDS | TR_TIME_OFFSET;
	}
	return TR_OK;
}

/** Recursion follows the type. */
static bool is_json_type(const struct tr_type *type)
{
	if (tr_field_is_scalar(type))
		return true;
	if (type->id == TR_TYPE_MAP && !tr_type_is_text(type->children[0]))
		return false;
	if (type->id != TR_TYPE_ARRAY && type->id != TR_TYPE_MAP && type->id != TR_TYPE_ROW)
		return false;
	for (uint32_t i = 0; i < type->child_count; i++)
		if (!is_json_type(type->children[i]))
			return false;
	return true;
}

tr_code tr_json_check_schema(const struct tr_table_spec *spec, struct tr_status *st)
{
	struct tr_arena arena;

	for (uint32_t i = 0; i < spec->schema->column_count; i++) {
		if (is_json_type(spec->schema->types[i]))
			continue;
		tr_arena_init(&arena, 0);
		tr_status_set(
			st, TR_ERR_DATA, 0, TR_WHERE,
			"table '%s': json can't hold column '%s' of type %s: the keys of a MAP must be strings, and "
			"a MULTISET has no place in it",
			spec->name, spec->schema->names[i], tr_type_text(&arena, spec->schema->types[i]));
		tr_arena_deinit(&arena);
		return TR_ERR_DATA;
	}
	return TR_OK;
}
