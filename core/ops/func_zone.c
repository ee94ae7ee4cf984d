/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions that name a time zone: CONVERT_TZ, and TO_TIMESTAMP_LTZ with one.
 *
 * A run keeps the zones that it has met, a few of them. CONVERT_TZ reads a name as java.util.TimeZone does: what it does
 * not know is UTC. TO_TIMESTAMP_LTZ reads it as java.time.ZoneId, which fails.
 */
#include <stdlib.h>

#include "base/text.h"
#include "base/timezone.h"
#include "base/type.h"
#include "core/ops/func_text.h"
#include "core/ops/kernel_datetime.h"
#include "core/ops/kernel_text.h"
#include "core/ops/kernel_time.h"

#define ZONES_MAX 16
#define ZONE_NAME_MAX 63
#define CONVERT_PATTERN "yyyy-MM-dd HH:mm:ss"

struct zone {
	struct tr_timezone *zone; /* NULL: there is none of that name */
	struct tr_timezone_cursor cursor;
	uint32_t length;
	char name[ZONE_NAME_MAX + 1];
};

struct zone_local {
	struct zone zones[ZONES_MAX];
	uint32_t count;
	uint32_t next; /* to be replaced when all are taken */
};

static void *create_zones(const void *prepared)
{
	struct zone_local *local = calloc(1, sizeof(*local));

	TR_ASSERT(local != NULL);
	return local;
}

static void destroy_zones(void *memory)
{
	struct zone_local *local = memory;

	if (local == NULL)
		return;
	for (uint32_t i = 0; i < local->count; i++)
		if (local->zones[i].zone != NULL)
			tr_timezone_destroy(&local->zones[i].zone);
	free(local);
}

/* The zone of a name, or NULL in `zone->zone`. */
static struct zone *zone_of(struct zone_local *local, struct tr_piece name)
{
	struct zone *zone;

	for (uint32_t i = 0; i < local->count; i++)
		if (local->zones[i].length == name.length && memcmp(local->zones[i].name, name.text, name.length) == 0)
			return &local->zones[i];
	if (local->count < ZONES_MAX) {
		zone = &local->zones[local->count++];
	} else {
		zone = &local->zones[local->next++ % ZONES_MAX];
		if (zone->zone != NULL)
			tr_timezone_destroy(&zone->zone);
	}
	*zone = (struct zone){.length = TR_MIN(name.length, (uint32_t)ZONE_NAME_MAX)};
	memcpy(zone->name, name.text, zone->length);
	if (name.length > ZONE_NAME_MAX || tr_timezone_create(zone->name, &zone->zone, NULL) != TR_OK)
		zone->zone = NULL;
	return zone;
}

/* ---- CONVERT_TZ ---- */

/* The names that java.util.TimeZone has beside those of the tz database. */
static struct tr_piece java_name(struct tr_piece name)
{
	static const char *const names[][2] = {{"PST", "America/Los_Angeles"}, {"CST", "America/Chicago"},
					       {"IST", "Asia/Kolkata"},        {"JST", "Asia/Tokyo"},
					       {"CTT", "Asia/Shanghai"},       {"ECT", "Europe/Paris"}};

	for (uint32_t i = 0; i < TR_COUNT_OF(names); i++)
		if (name.length == 3 && memcmp(names[i][0], name.text, 3) == 0)
			return (struct tr_piece){names[i][1], (uint32_t)strlen(names[i][1])};
	if (name.length > 3 && memcmp(name.text, "GMT", 3) == 0 && (name.text[3] == '+' || name.text[3] == '-'))
		return (struct tr_piece){name.text + 3, name.length - 3}; /* GMT+05:30 */
	if (name.length > 0 && (name.text[0] == '+' || name.text[0] == '-'))
		return (struct tr_piece){"UTC", 3};
	return name;
}

static tr_code run_convert(struct tr_call *call)
{
	struct tr_datetime_pattern pattern;
	char bad;

	TR_ASSERT(tr_datetime_compile(&pattern, CONVERT_PATTERN, sizeof(CONVERT_PATTERN) - 1, &bad));
	TR_CALL_ROWS(call, row) {
		struct tr_piece text = tr_call_piece(call, 0, row);
		char formatted[TR_DATETIME_TEXT_MAX];
		struct zone *zone;
		int64_t seconds;
		int32_t nanos;

		while (text.length > 0 && (unsigned char)*text.text <= ' ') {
			text.text++;
			text.length--;
		}
		if (!tr_datetime_parse(&pattern, text.text, text.length, true, &seconds, &nanos)) {
			tr_call_set_null(call, row);
			continue;
		}
		zone = zone_of(call->local, java_name(tr_call_piece(call, 1, row)));
		if (zone->zone != NULL)
			seconds = tr_time_standard_to_utc(zone->zone, &zone->cursor, seconds);
		zone = zone_of(call->local, java_name(tr_call_piece(call, 2, row)));
		if (zone->zone != NULL)
			seconds += tr_timezone_offset(zone->zone, &zone->cursor, seconds);
		((struct tr_view *)call->out)[row] = tr_text_copy(
			call->heap, formatted, (uint32_t)tr_datetime_format(&pattern, seconds, 0, 0, formatted));
	}
	return TR_OK;
}

/* ---- TO_TIMESTAMP_LTZ(text, pattern, zone) ---- */

static const struct tr_type *type_ltz(struct tr_ask *ask)
{
	return tr_type_with_precision(ask->arena, TR_TYPE_TIMESTAMP_LTZ, 3);
}

static tr_code compile_pattern(struct tr_datetime_pattern *pattern, struct tr_piece text, struct tr_status *st)
{
	char bad;

	if (!tr_datetime_compile(pattern, text.text, text.length, &bad))
		TR_FAIL(st, TR_ERR_DATA, "'%.*s' is no date pattern (see Java's DateTimeFormatter)",
			(int)TR_MIN(text.length, 100u), text.text);
	return TR_OK;
}

static struct tr_piece literal_piece(const struct tr_expr *literal)
{
	return (struct tr_piece){tr_view_text(&literal->value.view), literal->value.view.length};
}

static tr_code prepare_zoned(struct tr_arena *arena, const struct tr_expr *call, const void **prepared,
			     struct tr_status *st)
{
	const struct tr_expr *pattern = call->args[1], *zone = call->args[2];
	struct tr_datetime_pattern *compiled = TR_NEW(arena, struct tr_datetime_pattern);
	struct tr_timezone *made;

	if (zone->kind == TR_EXPR_LITERAL && !zone->value.is_null) {
		const struct tr_piece name = literal_piece(zone);

		TR_TRY(tr_timezone_create(tr_arena_strndup(arena, name.text, name.length), &made, st));
		tr_timezone_destroy(&made);
	}
	if (pattern->kind != TR_EXPR_LITERAL || pattern->value.is_null)
		return TR_OK;
	TR_TRY(compile_pattern(compiled, literal_piece(pattern), st));
	*prepared = compiled;
	return TR_OK;
}

static tr_code run_zoned(struct tr_call *call)
{
	const int64_t per_second = tr_type_ticks_per_second(call->type);

	TR_CALL_ROWS(call, row) {
		const struct tr_piece text = tr_call_piece(call, 0, row), name = tr_call_piece(call, 2, row);
		const struct tr_datetime_pattern *pattern = call->prepared;
		struct tr_datetime_pattern own;
		struct zone *zone = zone_of(call->local, name);
		int64_t seconds;
		int32_t nanos;

		if (zone->zone == NULL)
			TR_CALL_FAIL(call, row, "there is no time zone '%.*s'", (int)TR_MIN(name.length, 100u),
				     name.text);
		if (pattern == NULL) {
			call->failed_row = row;
			TR_TRY(compile_pattern(&own, tr_call_piece(call, 1, row), call->status));
			pattern = &own;
		}
		if (!tr_datetime_parse(pattern, text.text, text.length, false, &seconds, &nanos)) {
			tr_call_set_null(call, row);
			continue;
		}
		seconds = tr_timezone_local_to_utc(zone->zone, &zone->cursor, seconds);
		((int64_t *)call->out)[row] = seconds * per_second + nanos / (1000000000 / per_second);
	}
	return TR_OK;
}

static const struct tr_func rows[] = {
	{.name = "CONVERT_TZ",
	 .params = "sss",
	 .typer = tr_typer_string,
	 .kernel = run_convert,
	 .null_rule = TR_NULL_MAKES,
	 .local_create = create_zones,
	 .local_destroy = destroy_zones,
	 TR_FUNC_DOC("temporal", "CONVERT_TZ(string, from zone, to zone) -> STRING",
		     "A text in the form yyyy-MM-dd HH:mm:ss from one time zone to another; NULL when it is no time.",
		     "CONVERT_TZ('1970-01-01 00:00:00', 'UTC', 'America/Los_Angeles') = '1969-12-31 16:00:00'")},
	{.name = "TO_TIMESTAMP_LTZ",
	 .params = "sss",
	 .typer = type_ltz,
	 .kernel = run_zoned,
	 .null_rule = TR_NULL_MAKES,
	 .prepare = prepare_zoned,
	 .local_create = create_zones,
	 .local_destroy = destroy_zones,
	 TR_FUNC_DOC("temporal", "TO_TIMESTAMP_LTZ(string, pattern, zone) -> TIMESTAMP_LTZ(3)",
		     "A text as a time of that time zone; NULL when it is none.", NULL)},
};

const struct tr_func_table tr_func_zone_table = {rows, TR_COUNT_OF(rows)};
