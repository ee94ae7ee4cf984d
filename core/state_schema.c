/* SPDX-License-Identifier: Apache-2.0
 *
 * See state_schema.h. The parser goes from left to right over the text; types nest, at most TR_TYPE_DEPTH_MAX deep.
 */
#include "core/state_schema.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/type.h"

#define NAME_BYTES_MAX 4096

/* Writing. */

static void put_text(struct tr_bytes *out, const char *text) { tr_bytes_append(out, text, strlen(text)); }

static void put_name(struct tr_bytes *out, const char *name)
{
	put_text(out, "`");
	for (; *name != '\0'; name++)
		tr_bytes_append(out, name[0] == '`' ? "``" : name, name[0] == '`' ? 2 : 1);
	put_text(out, "`");
}

const char *tr_state_schema_text(struct tr_arena *arena, const struct tr_state_kind *kinds, uint32_t count)
{
	struct tr_bytes out = {0};
	const char *text = "";

	for (uint32_t i = 0; i < count && out.length <= TR_STATE_SCHEMA_BYTES_MAX; i++) {
		const struct tr_schema *schema = kinds[i].schema;

		put_text(&out, tr_arena_printf(arena, "%s%u %s", i > 0 ? "\n" : "", kinds[i].kind, kinds[i].name));
		if (kinds[i].is_keyed)
			put_text(&out, tr_arena_printf(arena, " keyed %u", kinds[i].key_count));
		if (kinds[i].table != NULL)
			put_text(&out, tr_arena_printf(arena, " table %s %u%s", kinds[i].table, kinds[i].value_bytes,
						       kinds[i].is_struct ? " struct" : ""));
		for (uint32_t c = 0; schema != NULL && c < schema->column_count; c++) {
			put_text(&out, c == 0 ? ": " : ", ");
			put_name(&out, schema->names[c]);
			put_text(&out, " ");
			put_text(&out, tr_type_text(arena, schema->types[c]));
		}
	}
	if (out.length > 0 && out.length <= TR_STATE_SCHEMA_BYTES_MAX)
		text = tr_arena_strndup(arena, out.data, out.length);
	tr_bytes_deinit(&out);
	return text;
}

/* Parsing. */

struct parser {
	struct tr_arena *arena;
	const char *begin;
	const char *at;
	struct tr_status *st;
};

static tr_code bad(const struct parser *p, const char *wanted)
{
	return tr_status_set(p->st, TR_ERR_DATA, 0, TR_WHERE, "a schema of state: %s was expected at byte %zu", wanted,
			     (size_t)(p->at - p->begin));
}

static bool skip(struct parser *p, const char *word)
{
	const size_t length = strlen(word);

	if (strncmp(p->at, word, length) != 0)
		return false;
	p->at += length;
	return true;
}

static tr_code expect(struct parser *p, const char *word) { return skip(p, word) ? TR_OK : bad(p, word); }

static tr_code parse_number(struct parser *p, int64_t least, int64_t greatest, int64_t *number)
{
	char *end;

	if (*p->at < '0' || *p->at > '9')
		return bad(p, "a number");
	*number = strtoll(p->at, &end, 10);
	if (*number < least || *number > greatest)
		return bad(p, "a smaller number");
	p->at = end;
	return TR_OK;
}

static tr_code parse_name(struct parser *p, const char **name)
{
	struct tr_bytes bytes = {0};

	TR_TRY(expect(p, "`"));
	while (*p->at != '\0' && (p->at[0] != '`' || p->at[1] == '`') && bytes.length < NAME_BYTES_MAX) {
		tr_bytes_append(&bytes, p->at, 1);
		p->at += p->at[0] == '`' ? 2 : 1;
	}
	*name = tr_arena_strndup(p->arena, bytes.length > 0 ? bytes.data : "", bytes.length);
	tr_bytes_deinit(&bytes);
	return expect(p, "`");
}

struct simple {
	const char *name;
	enum tr_type_id id;
};

/* A name with which another one begins stands behind that. */
static const struct simple simples[] = {
	{"NULL", TR_TYPE_NULL},
	{"BOOLEAN", TR_TYPE_BOOLEAN},
	{"TINYINT", TR_TYPE_TINYINT},
	{"SMALLINT", TR_TYPE_SMALLINT},
	{"INTERVAL MONTH", TR_TYPE_INTERVAL_MONTH},
	{"INTERVAL SECOND(3)", TR_TYPE_INTERVAL_MS},
	{"INTERVAL YEAR TO MONTH", TR_TYPE_INTERVAL_MONTH}, /* as they were called once */
	{"INTERVAL DAY TO SECOND", TR_TYPE_INTERVAL_MS},
	{"INT", TR_TYPE_INT},
	{"BIGINT", TR_TYPE_BIGINT},
	{"FLOAT", TR_TYPE_FLOAT},
	{"DOUBLE", TR_TYPE_DOUBLE},
	{"STRING", TR_TYPE_VARCHAR},
	{"BYTES", TR_TYPE_VARBINARY},
	{"DATE", TR_TYPE_DATE},
};

struct sized {
	const char *name;
	enum tr_type_id id;
	int64_t greatest;
};

static const struct sized sizes[] = {
	{"CHAR(", TR_TYPE_CHAR, TR_LENGTH_MAX},
	{"VARCHAR(", TR_TYPE_VARCHAR, TR_LENGTH_MAX},
	{"BINARY(", TR_TYPE_BINARY, TR_LENGTH_MAX},
	{"VARBINARY(", TR_TYPE_VARBINARY, TR_LENGTH_MAX},
	{"TIME(", TR_TYPE_TIME, TR_TIME_PRECISION_MAX},
	{"TIMESTAMP(", TR_TYPE_TIMESTAMP, TR_TIME_PRECISION_MAX},
	{"TIMESTAMP_LTZ(", TR_TYPE_TIMESTAMP_LTZ, TR_TIME_PRECISION_MAX},
};

static tr_code parse_type(struct parser *p, int depth, const struct tr_type **type);

static tr_code parse_decimal(struct parser *p, const struct tr_type **type)
{
	int64_t precision, scale;

	TR_TRY(parse_number(p, 1, TR_DECIMAL_PRECISION_MAX, &precision));
	TR_TRY(expect(p, ", "));
	TR_TRY(parse_number(p, 0, precision, &scale));
	TR_TRY(expect(p, ")"));
	*type = tr_type_decimal(p->arena, (int)precision, (int)scale);
	return TR_OK;
}

static tr_code parse_row(struct parser *p, int depth, const struct tr_type **type)
{
	const char *names[TR_COLUMNS_MAX];
	const struct tr_type *types[TR_COLUMNS_MAX];
	size_t count = 0;

	while (!skip(p, ">")) {
		if (count == TR_COLUMNS_MAX)
			return bad(p, "an end of the fields");
		if (count > 0)
			TR_TRY(expect(p, ", "));
		TR_TRY(parse_name(p, &names[count]));
		TR_TRY(expect(p, " "));
		TR_TRY(parse_type(p, depth, &types[count]));
		count++;
	}
	*type = tr_type_row(p->arena, names, types, count);
	return TR_OK;
}

static tr_code parse_nullable(struct parser *p, int depth, const struct tr_type **type)
{
	const struct tr_type *key, *value;
	int64_t size;

	if (depth == TR_TYPE_DEPTH_MAX)
		return bad(p, "a type that nests less");
	for (size_t i = 0; i < TR_COUNT_OF(simples); i++) {
		if (skip(p, simples[i].name)) {
			*type = tr_type_of(simples[i].id);
			return TR_OK;
		}
	}
	for (size_t i = 0; i < TR_COUNT_OF(sizes); i++) {
		if (skip(p, sizes[i].name)) {
			TR_TRY(parse_number(p, 0, sizes[i].greatest, &size));
			*type = tr_type_with_precision(p->arena, sizes[i].id, (int)size);
			return expect(p, ")");
		}
	}
	if (skip(p, "DECIMAL("))
		return parse_decimal(p, type);
	if (skip(p, "ROW<"))
		return parse_row(p, depth + 1, type);
	if (skip(p, "ARRAY<") || skip(p, "MULTISET<")) {
		const bool is_array = p->at[-2] == 'Y';

		TR_TRY(parse_type(p, depth + 1, &value));
		*type = is_array ? tr_type_array(p->arena, value) : tr_type_multiset(p->arena, value);
		return expect(p, ">");
	}
	TR_TRY(expect(p, "MAP<"));
	TR_TRY(parse_type(p, depth + 1, &key));
	TR_TRY(expect(p, ", "));
	TR_TRY(parse_type(p, depth + 1, &value));
	*type = tr_type_map(p->arena, key, value);
	return expect(p, ">");
}

static tr_code parse_type(struct parser *p, int depth, const struct tr_type **type)
{
	TR_TRY(parse_nullable(p, depth, type));
	if (skip(p, " NOT NULL"))
		*type = tr_type_with_nullable(p->arena, *type, false);
	return TR_OK;
}

static tr_code parse_columns(struct parser *p, const struct tr_schema **schema)
{
	struct tr_schema *made = TR_NEW(p->arena, struct tr_schema);
	const char *names[TR_COLUMNS_MAX];
	const struct tr_type *types[TR_COLUMNS_MAX];
	const char **kept_names;
	const struct tr_type **kept_types;
	uint32_t count = 0;

	do {
		if (count == TR_COLUMNS_MAX)
			return bad(p, "an end of the columns");
		TR_TRY(parse_name(p, &names[count]));
		TR_TRY(expect(p, " "));
		TR_TRY(parse_type(p, 0, &types[count]));
		count++;
	} while (skip(p, ", "));
	kept_names = TR_NEW_ARRAY(p->arena, count, const char *);
	kept_types = TR_NEW_ARRAY(p->arena, count, const struct tr_type *);
	memcpy(kept_names, names, count * sizeof(*names));
	memcpy(kept_types, types, count * sizeof(*types));
	*made = (struct tr_schema){.column_count = count, .names = kept_names, .types = kept_types};
	*schema = made;
	return TR_OK;
}

static tr_code parse_kind(struct parser *p, struct tr_state_kind *kind)
{
	int64_t number;
	size_t length;

	*kind = (struct tr_state_kind){0};
	TR_TRY(parse_number(p, 0, UINT16_MAX, &number));
	kind->kind = (uint16_t)number;
	TR_TRY(expect(p, " "));
	length = strcspn(p->at, " :\n");
	kind->name = tr_arena_strndup(p->arena, p->at, length);
	p->at += length;
	kind->is_keyed = skip(p, " keyed ");
	if (kind->is_keyed) {
		TR_TRY(parse_number(p, 0, TR_COLUMNS_MAX, &number));
		kind->key_count = (uint32_t)number;
	}
	if (skip(p, " table ")) {
		length = strcspn(p->at, " :\n");
		kind->table = tr_arena_strndup(p->arena, p->at, length);
		p->at += length;
		TR_TRY(expect(p, " "));
		TR_TRY(parse_number(p, 0, UINT32_MAX, &number));
		kind->value_bytes = (uint32_t)number;
		kind->is_struct = skip(p, " struct");
	}
	if (skip(p, ": "))
		TR_TRY(parse_columns(p, &kind->schema));
	if (kind->table != NULL && kind->schema == NULL)
		return bad(p, "the columns of a table");
	if (kind->schema != NULL && kind->key_count > kind->schema->column_count)
		return bad(p, "as many columns as the key has");
	return TR_OK;
}

tr_code tr_state_schema_parse(struct tr_arena *arena, const char *text, const struct tr_state_kind **kinds,
			      uint32_t *count, struct tr_status *st)
{
	struct parser p = {.arena = arena, .begin = text, .at = text, .st = st};
	struct tr_state_kind *found;
	uint32_t lines = 1;

	*kinds = NULL;
	*count = 0;
	if (text[0] == '\0')
		return TR_OK;
	for (const char *c = text; *c != '\0'; c++)
		lines += *c == '\n';
	if (lines > TR_STATE_KINDS_MAX || strlen(text) > TR_STATE_SCHEMA_BYTES_MAX)
		return bad(&p, "a shorter text");
	found = TR_NEW_ARRAY(arena, lines, struct tr_state_kind); /* a name may have line ends: rather too many */
	do {
		TR_TRY(parse_kind(&p, &found[*count]));
		(*count)++;
	} while (skip(&p, "\n"));
	*kinds = found;
	return *p.at == '\0' ? TR_OK : bad(&p, "a line end");
}
