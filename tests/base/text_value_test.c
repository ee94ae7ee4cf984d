/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole values in Flink's flavours, against the texts that Flink prints.
 */
#include "tr_test.h"

#include "base/text.h"
#include "base/type.h"

static struct tr_column scalar(const struct tr_type *type, const void *data)
{
	return (struct tr_column){.type = type, .data = data};
}

static void check(const struct tr_column *column, uint32_t row, const char *print, const char *cast)
{
	struct tr_bytes out = {0};

	tr_text_append_value(&out, column, row, TR_TEXT_PRINT, NULL);
	tr_bytes_append_char(&out, '\0');
	assert_string_equal(out.data, print);
	tr_bytes_clear(&out);
	tr_text_append_value(&out, column, row, TR_TEXT_CAST, NULL);
	tr_bytes_append_char(&out, '\0');
	assert_string_equal(out.data, cast);
	tr_bytes_deinit(&out);
}

static void scalars(void **state)
{
	struct tr_arena arena;
	const int8_t truth[2] = {1, 0};
	const double doubles[1] = {0.1};
	const int64_t cents[1] = {150}, ms[1] = {INT64_C(978310020000)}, day_ms[1] = {93784500};
	const int32_t days[1] = {11323}, of_day[1] = {37200000}, months[1] = {14};
	const tr_i128 big[1] = {-(tr_i128)12345678901234567 * 1000000000};
	const struct tr_view bytes[1] = {tr_view_make("\x01\xfe", 2)};
	struct tr_column c;

	tr_arena_init(&arena, 0);
	c = scalar(tr_type_of(TR_TYPE_BOOLEAN), truth);
	check(&c, 0, "true", "TRUE");
	check(&c, 1, "false", "FALSE");
	c = scalar(tr_type_of(TR_TYPE_DOUBLE), doubles);
	check(&c, 0, "0.1", "0.1");
	c = scalar(tr_type_decimal(&arena, 10, 2), cents);
	check(&c, 0, "1.50", "1.50");
	c = scalar(tr_type_decimal(&arena, 38, 10), big);
	check(&c, 0, "-1234567890123456.7000000000", "-1234567890123456.7000000000");
	c = scalar(tr_type_of(TR_TYPE_DATE), days);
	check(&c, 0, "2001-01-01", "2001-01-01");
	c = scalar(tr_type_of(TR_TYPE_TIME), of_day);
	check(&c, 0, "10:20", "10:20:00");
	c = scalar(tr_type_with_precision(&arena, TR_TYPE_TIMESTAMP, 3), ms);
	check(&c, 0, "2001-01-01T00:47", "2001-01-01 00:47:00.000");
	c = scalar(tr_type_with_precision(&arena, TR_TYPE_TIMESTAMP_LTZ, 3), ms);
	check(&c, 0, "2001-01-01T00:47:00Z", "2001-01-01 00:47:00.000");
	c = scalar(tr_type_of(TR_TYPE_INTERVAL_MONTH), months);
	check(&c, 0, "P14M", "+1-02");
	c = scalar(tr_type_of(TR_TYPE_INTERVAL_MS), day_ms);
	check(&c, 0, "PT26H3M4.5S", "+1 02:03:04.500");
	c = scalar(tr_type_of(TR_TYPE_VARBINARY), bytes);
	check(&c, 0, "[1, -2]", "\x01\xfe");
	tr_arena_deinit(&arena);
	(void)state;
}

static void session_zone_shifts_ltz(void **state)
{
	struct tr_arena arena;
	struct tr_timezone *zone;
	struct tr_bytes out = {0};
	const int64_t ms[1] = {INT64_C(978310020000)};
	struct tr_column c;

	tr_arena_init(&arena, 0);
	assert_int_equal(tr_timezone_create("Asia/Shanghai", &zone, NULL), TR_OK);
	c = scalar(tr_type_with_precision(&arena, TR_TYPE_TIMESTAMP_LTZ, 3), ms);
	tr_text_append_value(&out, &c, 0, TR_TEXT_TABLEAU, zone);
	tr_bytes_append_char(&out, '\0');
	assert_string_equal(out.data, "2001-01-01 08:47:00.000");
	tr_bytes_deinit(&out);
	tr_timezone_destroy(&zone);
	tr_arena_deinit(&arena);
	(void)state;
}

static void nested(void **state)
{
	struct tr_arena arena;
	const char *names[2] = {"a", "b"};
	const struct tr_type *types[2] = {tr_type_of(TR_TYPE_INT), tr_type_of(TR_TYPE_VARCHAR)};
	const int32_t ints[3] = {1, 2, 3};
	const uint64_t validity[1] = {5};
	const struct tr_view texts[3] = {tr_view_make("x", 1), tr_view_make("a longer text than inline", 25),
					 tr_view_make("x", 1)};
	struct tr_column fields[2] = {{.type = types[0], .data = ints, .validity = validity},
				      {.type = types[1], .data = texts}};
	struct tr_column map_children[2] = {{.type = types[1], .data = texts},
					    {.type = types[0], .data = ints, .validity = validity}};
	const int32_t offsets[2] = {0, 3};
	struct tr_column row, list, map, bag;

	tr_arena_init(&arena, 0);
	row = (struct tr_column){.type = tr_type_row(&arena, names, types, 2), .children = fields};
	check(&row, 0, "+I[1, x]", "(1, x)");
	check(&row, 1, "+I[null, a longer text than inline]", "(NULL, a longer text than inline)");
	list = (struct tr_column){.type = tr_type_array(&arena, types[0]), .offsets = offsets, .children = fields};
	check(&list, 0, "[1, null, 3]", "[1, NULL, 3]");
	map = (struct tr_column){
		.type = tr_type_map(&arena, types[1], types[0]), .offsets = offsets, .children = map_children};
	check(&map, 0, "{x=1, a longer text than inline=null, x=3}", "{x=1, a longer text than inline=NULL, x=3}");
	bag = (struct tr_column){
		.type = tr_type_multiset(&arena, types[1]), .offsets = offsets, .children = map_children};
	check(&bag, 0, "{x=2, a longer text than inline=1}", "{x=2, a longer text than inline=1}");
	tr_arena_deinit(&arena);
	(void)state;
}

/* 60,000 elements, each value three times, far apart; in the order of the first ones. */
static void big_multiset(void **state)
{
	enum { VALUES = 20000 };
	const struct tr_type *type = tr_type_of(TR_TYPE_INT);
	const int32_t offsets[2] = {0, 3 * VALUES};
	int32_t *ints = calloc(3 * VALUES, sizeof(*ints));
	struct tr_column child = {.type = type, .data = ints}, bag;
	struct tr_bytes out = {0}, expected = {0};
	struct tr_arena arena;

	tr_arena_init(&arena, 0);
	for (int i = 0; i < 3 * VALUES; i++)
		ints[i] = (i % VALUES) * 7919 % VALUES;
	tr_bytes_append_char(&expected, '{');
	for (int i = 0; i < VALUES; i++)
		tr_bytes_printf(&expected, "%s%d=3", i > 0 ? ", " : "", ints[i]);
	tr_bytes_append_char(&expected, '}');
	bag = (struct tr_column){.type = tr_type_multiset(&arena, type), .offsets = offsets, .children = &child};
	tr_text_append_value(&out, &bag, 0, TR_TEXT_PRINT, NULL);
	assert_int_equal(out.length, expected.length);
	assert_memory_equal(out.data, expected.data, out.length);
	tr_bytes_deinit(&out);
	tr_bytes_deinit(&expected);
	tr_arena_deinit(&arena);
	free(ints);
	(void)state;
}

static void rows_with_kinds(void **state)
{
	const char *names[2] = {"a", "b"};
	const struct tr_type *types[2] = {tr_type_of(TR_TYPE_VARCHAR), tr_type_of(TR_TYPE_INT)};
	const struct tr_schema schema = {2, names, types};
	const struct tr_view texts[2] = {tr_view_make("a", 1), tr_view_make("b", 1)};
	const int32_t ints[2] = {7, 0};
	const uint64_t validity[1] = {1};
	const uint8_t kinds[2] = {TR_ROW_INSERT, TR_ROW_DELETE};
	const struct tr_column columns[2] = {{.type = types[0], .data = texts},
					     {.type = types[1], .data = ints, .validity = validity}};
	const struct tr_batch batch = {
		.schema = &schema, .row_count = 2, .selected_count = 2, .columns = columns, .row_kinds = kinds};
	struct tr_bytes out = {0};

	tr_text_append_row(&out, &batch, 0, NULL);
	tr_text_append_row(&out, &batch, 1, NULL);
	tr_bytes_append_char(&out, '\0');
	assert_string_equal(out.data, "+I[a, 7]-D[b, null]");
	tr_bytes_deinit(&out);
	(void)state;
}

static void display_width(void **state)
{
	assert_int_equal(tr_text_display_width("abc", 3), 3);
	assert_int_equal(tr_text_display_width("\xc3\xa9", 2), 1);
	assert_int_equal(tr_text_display_width("\xe4\xb8\xad\xe6\x96\x87", 6), 4);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars),         cmocka_unit_test(session_zone_shifts_ltz),
		cmocka_unit_test(nested),          cmocka_unit_test(big_multiset),
		cmocka_unit_test(rows_with_kinds), cmocka_unit_test(display_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
