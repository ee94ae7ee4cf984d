/* SPDX-License-Identifier: Apache-2.0
 *
 * The check of a WITH clause when a job is planned: every key known, every required key there, every value readable.
 *
 * A key is known if it is "connector" or (for connectors with a format) "format", stands in the connector's table,
 * stands in the format's table behind the format's prefix ("csv.field-delimiter"), or matches a table entry with a '#',
 * which stands for a column ("fields.price.min"; a dotted name reaches into a ROW). An unknown key gets the nearest
 * known one, so that a typing error costs one look. What a format says of its options' values and of the columns' types is
 * asked by making a decoder, which touches no file.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/suggest.h"
#include "io/format.h"
#include "io/options.h"
#include "io/sink.h"
#include "io/source.h"

#define KNOWN_MAX 4096 /* keys offered as suggestions: patterns are multiplied by columns */

struct known {
	const char *names[KNOWN_MAX];
	uint32_t count;
};

static void known_add(struct known *known, const char *name)
{
	if (known->count < KNOWN_MAX)
		known->names[known->count++] = name;
}

static void known_add_table(struct known *known, struct tr_arena *arena, const struct tr_option_spec *table,
			    const char *prefix, const struct tr_schema *schema)
{
	for (; table != NULL && table->key != NULL; table++) {
		const char *mark = strchr(table->key, '#');

		if (mark == NULL) {
			known_add(known, tr_arena_printf(arena, "%s%s", prefix, table->key));
			continue;
		}
		for (uint32_t c = 0; schema != NULL && c < schema->column_count; c++)
			known_add(known, tr_arena_printf(arena, "%s%.*s%s%s", prefix, (int)(mark - table->key),
							 table->key, schema->names[c], mark + 1));
	}
}

static tr_code fail_unknown(const struct tr_table_spec *spec, const char *key, struct tr_status *st)
{
	struct tr_arena arena;
	struct known *known;
	const char *nearest;
	tr_code code;

	tr_arena_init(&arena, 0);
	known = TR_NEW(&arena, struct known);
	known_add(known, "connector");
	if (spec->connector->uses_format)
		known_add(known, "format");
	known_add_table(known, &arena, spec->connector->options, "", spec->schema);
	if (spec->format != NULL)
		known_add_table(known, &arena, spec->format->options,
				tr_arena_printf(&arena, "%s.", spec->format->name), spec->schema);
	nearest = tr_suggest_nearest(key, known->names, known->count);
	if (nearest != NULL)
		code = tr_status_set(st, TR_ERR_DATA, 0, TR_WHERE,
				     "table '%s': option '%s' is unknown to connector '%s'; did you mean '%s'?",
				     spec->name, key, spec->connector->name, nearest);
	else
		code = tr_status_set(st, TR_ERR_DATA, 0, TR_WHERE,
				     "table '%s': option '%s' is unknown to connector '%s'%s%s; 'tailrace connectors "
				     "%s' lists its options",
				     spec->name, key, spec->connector->name, spec->format != NULL ? " and format " : "",
				     spec->format != NULL ? spec->format->name : "", spec->connector->name);
	tr_arena_deinit(&arena);
	return code;
}

/** Whether the text that '#' stood for names a column, or a field inside of one ("person.name"). */
static bool is_column(const struct tr_schema *schema, const char *name, size_t length)
{
	for (uint32_t c = 0; c < schema->column_count; c++) {
		const size_t column_length = strlen(schema->names[c]);

		if (column_length <= length && strncmp(schema->names[c], name, column_length) == 0 &&
		    (column_length == length || name[column_length] == '.'))
			return true;
	}
	return false;
}

static const struct tr_option_spec *find_in(const struct tr_option_spec *table, const char *key,
					    const struct tr_schema *schema)
{
	const char *name;
	size_t length;

	for (; table != NULL && table->key != NULL; table++) {
		if (strcmp(table->key, key) == 0)
			return table;
		if (tr_option_matches(table->key, key, &name, &length) &&
		    (schema == NULL || is_column(schema, name, length)))
			return table;
	}
	return NULL;
}

static tr_code check_value(const struct tr_table_spec *spec, const struct tr_option_spec *option, const char *key,
			   const char *value, struct tr_status *st)
{
	const char *expected = tr_option_kind_text(option->kind);
	bool is_good = true;
	bool flag;
	int64_t integer;
	double number;

	switch (option->kind) {
	case TR_OPTION_STRING: break;
	case TR_OPTION_BOOLEAN: is_good = tr_option_parse_boolean(value, &flag); break;
	case TR_OPTION_INTEGER: is_good = tr_option_parse_integer(value, &integer); break;
	case TR_OPTION_DOUBLE: is_good = tr_option_parse_double(value, &number); break;
	case TR_OPTION_DURATION: is_good = tr_option_parse_duration_ms(value, &integer); break;
	case TR_OPTION_MEMORY: is_good = tr_option_parse_memory_bytes(value, &integer); break;
	case TR_OPTION_ENUM:
		is_good = tr_option_parse_enum(value, option->choices, NULL);
		expected = option->choices;
		break;
	}
	if (!is_good)
		TR_FAIL(st, TR_ERR_DATA, "table '%s': option '%s' = '%.200s': expected %s%s", spec->name, key, value,
			option->kind == TR_OPTION_ENUM ? "one of " : "", expected);
	return TR_OK;
}

/** Without a format found: was none named, or an unknown one? */
static tr_code check_format_named(const struct tr_table_spec *spec, const char **bad_key, struct tr_status *st)
{
	const char *name = tr_options_get(&spec->options, "format");
	const struct tr_format *const *formats = tr_registry_formats();
	const char *names[64];
	size_t count = 0;
	const char *nearest;

	if (spec->format != NULL || !spec->connector->uses_format)
		return TR_OK;
	if (name == NULL)
		TR_FAIL(st, TR_ERR_DATA, "table '%s': connector '%s' needs the option 'format'", spec->name,
			spec->connector->name);
	for (; formats[count] != NULL && count < TR_COUNT_OF(names); count++)
		names[count] = formats[count]->name;
	nearest = tr_suggest_nearest(name, names, count);
	if (bad_key != NULL)
		*bad_key = "format";
	if (nearest != NULL)
		TR_FAIL(st, TR_ERR_DATA, "table '%s': format '%s' is unknown; did you mean '%s'?", spec->name, name,
			nearest);
	TR_FAIL(st, TR_ERR_DATA, "table '%s': format '%s' is unknown; 'tailrace connectors' lists all", spec->name,
		name);
}

static tr_code check_required(const struct tr_table_spec *spec, const struct tr_option_spec *table, const char *prefix,
			      struct tr_status *st)
{
	char key[256];

	for (; table != NULL && table->key != NULL; table++) {
		if (!table->is_required)
			continue;
		(void)snprintf(key, sizeof(key), "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", table->key);
		if (tr_options_get(&spec->options, key) == NULL)
			TR_FAIL(st, TR_ERR_DATA, "table '%s': connector '%s' needs the option '%s': %s", spec->name,
				spec->connector->name, key, table->doc != NULL ? table->doc : "");
	}
	return TR_OK;
}

static const struct tr_option_spec *find_option(const struct tr_table_spec *spec, const char *key)
{
	const struct tr_option_spec *option = find_in(spec->connector->options, key, spec->schema);

	if (option == NULL && spec->format != NULL) {
		const size_t length = strlen(spec->format->name);

		if (strncmp(key, spec->format->name, length) == 0 && key[length] == '.')
			option = find_in(spec->format->options, key + length + 1, spec->schema);
	}
	return option;
}

/** An option of a format that the table does not use says so, instead of being merely unknown. */
static tr_code check_foreign_format(const struct tr_table_spec *spec, const char *key, struct tr_status *st)
{
	for (const struct tr_format *const *f = tr_registry_formats(); *f != NULL; f++) {
		const size_t length = strlen((*f)->name);

		if (*f == spec->format || strncmp(key, (*f)->name, length) != 0 || key[length] != '.')
			continue;
		if (spec->format != NULL)
			TR_FAIL(st, TR_ERR_DATA,
				"table '%s': option '%s' belongs to format '%s', but the table's format is '%s'",
				spec->name, key, (*f)->name, spec->format->name);
		TR_FAIL(st, TR_ERR_DATA,
			"table '%s': option '%s' belongs to format '%s', but connector '%s' uses no format", spec->name,
			key, (*f)->name, spec->connector->name);
	}
	return TR_OK;
}

static tr_code check_item(const struct tr_table_spec *spec, uint32_t i, struct tr_status *st)
{
	const struct tr_option *item = &spec->options.items[i];
	const struct tr_option_spec *option;

	for (uint32_t j = 0; j < i; j++) {
		if (strcmp(spec->options.items[j].key, item->key) == 0)
			TR_FAIL(st, TR_ERR_DATA, "table '%s': option '%s' is given twice", spec->name, item->key);
	}
	if (strcmp(item->key, "connector") == 0 || (spec->connector->uses_format && strcmp(item->key, "format") == 0))
		return TR_OK;
	option = find_option(spec, item->key);
	if (option == NULL) {
		TR_TRY(check_foreign_format(spec, item->key, st));
		return fail_unknown(spec, item->key, st);
	}
	return check_value(spec, option, item->key, item->value, st);
}

tr_code tr_connector_check(const struct tr_table_spec *spec, struct tr_status *st)
{
	const struct tr_connector *connector = spec->connector;

	if (connector->source != NULL && connector->source->check != NULL)
		TR_TRY(connector->source->check(spec, st));
	return connector->sink != NULL && connector->sink->check != NULL ? connector->sink->check(spec, st) : TR_OK;
}

/** Both say what alignment is, or none. */
static tr_code check_alignment(const struct tr_table_spec *spec, const char **bad_key, struct tr_status *st)
{
	static const char group[] = "scan.watermark.alignment.group", drift[] = "scan.watermark.alignment.max-drift";
	const bool has_group = tr_options_get(&spec->options, group) != NULL;

	if (has_group == (tr_options_get(&spec->options, drift) != NULL))
		return TR_OK;
	if (bad_key != NULL)
		*bad_key = has_group ? group : drift;
	TR_FAIL(st, TR_ERR_DATA, "table '%s': option '%s' needs '%s'", spec->name, has_group ? group : drift,
		has_group ? drift : group);
}

/** Whether the format can be made, and what the connector says. */
static tr_code check_whole(const struct tr_table_spec *spec, struct tr_status *st)
{
	struct tr_decoder *decoder;

	if (spec->format != NULL && spec->format->decoder != NULL && spec->connector->source != NULL) {
		TR_TRY(spec->format->decoder->create(spec, &decoder, st));
		spec->format->decoder->destroy(&decoder);
	}
	return tr_connector_check(spec, st);
}

/** The option that a complaint names first; NULL: none. */
static const char *named_option(const struct tr_table_spec *spec, const char *message)
{
	for (uint32_t i = 0; i < spec->options.count; i++) {
		char quoted[256];

		(void)snprintf(quoted, sizeof(quoted), "'%s'", spec->options.items[i].key);
		if (strstr(message, quoted) != NULL)
			return spec->options.items[i].key;
	}
	return NULL;
}

tr_code tr_options_check(const struct tr_table_spec *spec, const char **bad_key, struct tr_status *st)
{
	struct tr_status own;
	tr_code code;

	TR_ASSERT(spec != NULL && spec->connector != NULL);
	if (bad_key != NULL)
		*bad_key = NULL;
	TR_TRY(check_format_named(spec, bad_key, st));
	for (uint32_t i = 0; i < spec->options.count; i++) {
		code = check_item(spec, i, st);
		if (code != TR_OK && bad_key != NULL)
			*bad_key = spec->options.items[i].key;
		TR_TRY(code);
	}
	TR_TRY(check_required(spec, spec->connector->options, "", st));
	if (spec->format != NULL)
		TR_TRY(check_required(spec, spec->format->options, spec->format->name, st));
	TR_TRY(check_alignment(spec, bad_key, st));
	tr_status_clear(&own);
	code = check_whole(spec, &own);
	if (code != TR_OK && bad_key != NULL)
		*bad_key = named_option(spec, own.message);
	if (code != TR_OK && st != NULL)
		*st = own;
	return code;
}
