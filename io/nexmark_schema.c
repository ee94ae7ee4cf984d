/* SPDX-License-Identifier: Apache-2.0 */
#include "io/nexmark_schema.h"

#include <string.h>

#include "base/check.h"
#include "base/suggest.h"
#include "base/type.h"
#include "io/nexmark_gen.h"

#define TEXT_OF_TYPE(kind) ((kind) == KIND_BIGINT ? "BIGINT" : (kind) == KIND_TEXT ? "STRING" : "TIMESTAMP(3)")

enum field_kind { KIND_BIGINT, KIND_TEXT, KIND_TIME };

struct field_spec {
	const char *name;
	enum field_kind kind;
	bool is_random;
};

static const struct field_spec person_fields[TR_PERSON_FIELD_COUNT] = {
	[TR_PERSON_ID] = {"id", KIND_BIGINT, false},           [TR_PERSON_NAME] = {"name", KIND_TEXT, true},
	[TR_PERSON_EMAIL] = {"emailAddress", KIND_TEXT, true}, [TR_PERSON_CARD] = {"creditCard", KIND_TEXT, true},
	[TR_PERSON_CITY] = {"city", KIND_TEXT, true},          [TR_PERSON_STATE] = {"state", KIND_TEXT, true},
	[TR_PERSON_TIME] = {"dateTime", KIND_TIME, false},     [TR_PERSON_EXTRA] = {"extra", KIND_TEXT, true},
};

static const struct field_spec auction_fields[TR_AUCTION_FIELD_COUNT] = {
	[TR_AUCTION_ID] = {"id", KIND_BIGINT, false},
	[TR_AUCTION_NAME] = {"itemName", KIND_TEXT, true},
	[TR_AUCTION_DESCRIPTION] = {"description", KIND_TEXT, true},
	[TR_AUCTION_INITIAL_BID] = {"initialBid", KIND_BIGINT, true},
	[TR_AUCTION_RESERVE] = {"reserve", KIND_BIGINT, true},
	[TR_AUCTION_TIME] = {"dateTime", KIND_TIME, false},
	[TR_AUCTION_EXPIRES] = {"expires", KIND_TIME, true},
	[TR_AUCTION_SELLER] = {"seller", KIND_BIGINT, true},
	[TR_AUCTION_CATEGORY] = {"category", KIND_BIGINT, true},
	[TR_AUCTION_EXTRA] = {"extra", KIND_TEXT, true},
};

static const struct field_spec bid_fields[TR_BID_FIELD_COUNT] = {
	[TR_BID_AUCTION] = {"auction", KIND_BIGINT, true}, [TR_BID_BIDDER] = {"bidder", KIND_BIGINT, true},
	[TR_BID_PRICE] = {"price", KIND_BIGINT, true},     [TR_BID_CHANNEL] = {"channel", KIND_TEXT, true},
	[TR_BID_URL] = {"url", KIND_TEXT, true},           [TR_BID_TIME] = {"dateTime", KIND_TIME, false},
	[TR_BID_EXTRA] = {"extra", KIND_TEXT, true},
};

static const struct {
	const char *name;
	const struct field_spec *fields;
	uint32_t count;
} row_specs[TR_NEXMARK_KIND_COUNT] = {
	[TR_NEXMARK_PERSON] = {"person", person_fields, TR_PERSON_FIELD_COUNT},
	[TR_NEXMARK_AUCTION] = {"auction", auction_fields, TR_AUCTION_FIELD_COUNT},
	[TR_NEXMARK_BID] = {"bid", bid_fields, TR_BID_FIELD_COUNT},
};

static bool has_kind(const struct tr_type *type, enum field_kind kind)
{
	if (kind == KIND_BIGINT)
		return type->id == TR_TYPE_BIGINT;
	if (kind == KIND_TEXT)
		return type->id == TR_TYPE_VARCHAR && type->precision == TR_LENGTH_MAX;
	return type->id == TR_TYPE_TIMESTAMP && type->precision == 3;
}

static int find_row(const char *name)
{
	for (int k = 0; k < TR_NEXMARK_KIND_COUNT; k++)
		if (strcmp(row_specs[k].name, name) == 0)
			return k;
	return -1;
}

static int find_field(int kind, const char *name)
{
	for (uint32_t f = 0; f < row_specs[kind].count; f++)
		if (strcmp(row_specs[kind].fields[f].name, name) == 0)
			return (int)f;
	return -1;
}

static tr_code fail_column(const char *name, struct tr_status *st)
{
	static const char *const names[] = {"event_type", "person", "auction", "bid"};
	const char *near = tr_suggest_nearest(name, names, TR_COUNT_OF(names));

	if (near != NULL)
		TR_FAIL(st, TR_ERR_DATA, "nexmark: the generator has no column '%s'; did you mean '%s'?", name, near);
	TR_FAIL(st, TR_ERR_DATA,
		"nexmark: the generator has no column '%s'; its columns are event_type, person, auction and bid", name);
}

static tr_code fail_field(int kind, const char *name, struct tr_status *st)
{
	const char *names[TR_NEXMARK_FIELDS_MAX];
	const char *near;

	for (uint32_t f = 0; f < row_specs[kind].count; f++)
		names[f] = row_specs[kind].fields[f].name;
	near = tr_suggest_nearest(name, names, row_specs[kind].count);
	TR_FAIL(st, TR_ERR_DATA, "nexmark: column '%s' has no field '%s'%s%s%s", row_specs[kind].name, name,
		near != NULL ? "; did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : "");
}

static tr_code check_row(int kind, const struct tr_type *type, struct tr_status *st)
{
	if (type->id != TR_TYPE_ROW)
		TR_FAIL(st, TR_ERR_DATA, "nexmark: column '%s' must be a ROW", row_specs[kind].name);
	if (type->child_count > row_specs[kind].count)
		TR_FAIL(st, TR_ERR_DATA, "nexmark: column '%s' has at most %u fields", row_specs[kind].name,
			row_specs[kind].count);
	for (uint32_t c = 0; c < type->child_count; c++) {
		const int f = find_field(kind, type->names[c]);

		if (f < 0)
			return fail_field(kind, type->names[c], st);
		for (uint32_t before = 0; before < c; before++)
			if (strcmp(type->names[before], type->names[c]) == 0)
				TR_FAIL(st, TR_ERR_DATA, "nexmark: column '%s' has two fields '%s'",
					row_specs[kind].name, type->names[c]);
		if (!has_kind(type->children[c], row_specs[kind].fields[f].kind))
			TR_FAIL(st, TR_ERR_DATA, "nexmark: field '%s' of column '%s' must be of type %s",
				type->names[c], row_specs[kind].name, TEXT_OF_TYPE(row_specs[kind].fields[f].kind));
	}
	return TR_OK;
}

tr_code tr_nexmark_gen_check(const struct tr_schema *schema, struct tr_status *st)
{
	for (uint32_t c = 0; c < schema->column_count; c++) {
		const int kind = find_row(schema->names[c]);

		if (strcmp(schema->names[c], "event_type") == 0) {
			if (schema->types[c]->id != TR_TYPE_INT)
				TR_FAIL(st, TR_ERR_DATA, "nexmark: column 'event_type' must be of type INT");
			continue;
		}
		if (kind < 0)
			return fail_column(schema->names[c], st);
		TR_TRY(check_row(kind, schema->types[c], st));
	}
	return TR_OK;
}

static void map_row(struct tr_nexmark_map *map, int kind, uint32_t column, const struct tr_type *type,
		    const struct tr_need *const *needs)
{
	struct tr_nexmark_row_map *row = &map->rows[kind];
	const struct tr_need *need = needs != NULL ? needs[column] : NULL;

	row->column = (int32_t)column;
	for (uint32_t c = 0; c < type->child_count; c++) {
		const int f = find_field(kind, type->names[c]);
		const struct field_spec *field;

		TR_ASSERT(f >= 0);
		field = &row_specs[kind].fields[f];
		row->field[c] = (uint8_t)f;
		row->is_needed[c] =
			needs == NULL ||
			(need != NULL && (need->is_whole || (need->children != NULL && need->children[c] != NULL)));
		row->needed_count += row->is_needed[c];
		map->is_random |= row->is_needed[c] && field->is_random;
		map->is_timed |= row->is_needed[c] && field->kind == KIND_TIME;
	}
}

void tr_nexmark_map_init(struct tr_nexmark_map *map, const struct tr_schema *schema, const struct tr_need *const *needs)
{
	memset(map, 0, sizeof(*map));
	map->event_type = -1;
	for (int k = 0; k < TR_NEXMARK_KIND_COUNT; k++)
		map->rows[k].column = -1;
	for (uint32_t c = 0; c < schema->column_count; c++) {
		const int kind = find_row(schema->names[c]);

		if (kind >= 0) {
			map_row(map, kind, c, schema->types[c], needs);
		} else {
			map->event_type = (int32_t)c;
			map->is_event_type_needed = needs == NULL || needs[c] != NULL;
		}
	}
}
