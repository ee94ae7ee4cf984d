/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens, what they stand for, type names and interval values.
 */
#include "sql_test.h"

#include "base/type.h"
#include "sql/interval.h"
#include "sql/lex.h"
#include "sql/type_name.h"

static struct tr_tokens lex(struct parsed *p, const char *sql)
{
	tr_arena_init(&p->arena, 0);
	tr_diags_init(&p->diags, &p->arena, NULL);
	p->text = tr_script_text_make(&p->arena, "job.sql", sql, strlen(sql), NULL, 0, &p->diags);
	return tr_lex(p->text, &p->arena, &p->diags);
}

static void assert_decoded(const char *sql, const char *expected, uint32_t length)
{
	struct parsed p;
	struct tr_tokens tokens = lex(&p, sql);
	struct tr_ast_string text;

	assert_int_equal(tokens.count, 2);
	assert_true(tr_token_decode(p.text, tokens.items[0], '\\', &p.arena, &p.diags, &text));
	assert_int_equal(text.length, length);
	assert_memory_equal(text.text, expected, length);
	done(&p);
}

static void test_kinds(void **state)
{
	static const uint8_t kinds[] = {
		TR_TOKEN_WORD,       TR_TOKEN_QUOTED,     TR_TOKEN_STRING,    TR_TOKEN_INTEGER,  TR_TOKEN_DECIMAL,
		TR_TOKEN_APPROX,     TR_TOKEN_NOT_EQUAL,  TR_TOKEN_NOT_EQUAL, TR_TOKEN_ARROW,    TR_TOKEN_CONCAT,
		TR_TOKEN_LESS_EQUAL, TR_TOKEN_HINT_START, TR_TOKEN_WORD,      TR_TOKEN_HINT_END, TR_TOKEN_STAR,
		TR_TOKEN_SLASH,      TR_TOKEN_SEMICOLON,  TR_TOKEN_END,
	};
	struct parsed p;
	struct tr_tokens tokens = lex(&p, "a `b c` 'd' 1 .5 1.e2 <> <> => || <= -- x\n /*+ h */ /* y */ * / // z\n ;");

	assert_int_equal(p.diags.error_count, 0);
	assert_int_equal(tokens.count, TR_COUNT_OF(kinds));
	for (uint32_t i = 0; i < tokens.count; i++)
		assert_int_equal(tokens.items[i].kind, kinds[i]);
	done(&p);
}

static void test_decoding(void **state)
{
	assert_decoded("'it''s'", "it's", 4);
	assert_decoded("`a``b`", "a`b", 3);
	assert_decoded("U&'\\263A\\\\\\+01F600'", "\xE2\x98\xBA\\\xF0\x9F\x98\x80", 8);
	assert_decoded("E'a\\n\\x41\\101\\u00e9\\''", "a\nAA\xC3\xA9'", 7);
	assert_decoded("x'00fF'", "\0\xFF", 2);
	assert_decoded("''", "", 0);
	assert_decoded("E'\\q\\\\'", "\\q\\", 3);
	assert_decoded("U&\"\\0041\"\"`\"", "A\"`", 3);
	assert_decoded("_utf8'\xE4\xB8\xAD'", "\xE4\xB8\xAD", 3);
	assert_decoded("_UTF-16LE'a'", "a", 1);
	assert_decoded("_ISO-8859-1'\xC3\xA9'", "\xC3\xA9", 2);
	assert_decoded("n'a'", "a", 1);
}

/* Strings under each other, with comments between, are one. */
static void test_continued(void **state)
{
	assert_decoded("'a'\n'b'", "ab", 2);
	assert_decoded("'it''s'\r\n\t'!'\n'x'", "it's!x", 6);
	assert_decoded("'a' -- it's 'no' string\n  /* nor * 'this' */ // '\n'b'", "ab", 2);
	assert_decoded("_utf8'a'\n'b'", "ab", 2);
	assert_decoded("U&'\\0041'\n'\\0042'", "AB", 2);
	assert_decoded("X'41'\n'4243'", "ABC", 3);
}

static void test_keywords(void **state)
{
	assert_int_equal(tr_keyword_of("sElEcT", 6), TR_KW_SELECT);
	assert_int_equal(tr_keyword_of("selecta", 7), TR_KEYWORD_NONE);
	assert_true(tr_keyword_is_reserved(TR_KW_SELECT) && tr_keyword_is_function(TR_KW_COUNT));
	assert_false(tr_keyword_is_reserved(TR_KW_METADATA));
	for (uint32_t i = 1; i < TR_KEYWORD_LIMIT; i++) {
		const char *text = tr_keyword_text((enum tr_keyword)i);

		assert_int_equal(tr_keyword_of(text, (uint32_t)strlen(text)), i); /* the table is sorted */
	}
}

static void assert_error(const char *sql, const char *code, uint32_t start)
{
	struct parsed p;

	parse(&p, sql);
	assert_int_equal(p.diags.error_count, 1);
	assert_string_equal(p.diags.items[0].code, code);
	assert_int_equal(p.diags.items[0].span.start, start);
	done(&p);
}

static void test_errors(void **state)
{
	assert_error("SELECT 12abc", TR_E_LITERAL, 7);
	assert_error("SELECT X'abc'", TR_E_LITERAL, 7);
	assert_error("SELECT U&'\\D800'", TR_E_LITERAL, 10);
	assert_error("SELECT E'\\777'", TR_E_LITERAL, 9);
	assert_error("SELECT 'a' 'b'", TR_E_LITERAL, 11);
	assert_error("SELECT 'a' /* x */ 'b'", TR_E_LITERAL, 19);
	assert_error("SELECT _klingon'a'", TR_E_LITERAL, 7);
	assert_error("SELECT _gbk'a'", TR_E_NOT_SUPPORTED, 7);
	assert_error("SELECT _latin1'\xE4\xB8\xAD'", TR_E_LITERAL, 7);
	assert_error("SELECT N'\xC4\x80'", TR_E_LITERAL, 7);
	assert_error("SELECT X'41'\n'4'", TR_E_LITERAL, 7);
	assert_error("SELECT U&'\\0041'\n'\\00'", TR_E_LITERAL, 18);
	assert_error("SELECT 1 != 2", TR_E_CHARACTER, 9);
	assert_error("SELECT 9223372036854775808", TR_E_LITERAL, 7);
	assert_error("SELECT 9.2233720368547758080", TR_E_LITERAL, 7);
	assert_error("SELECT 1 AS U&\"\\00\"", TR_E_LITERAL, 15);
	assert_error("SELECT 1 AS U&\"x", TR_E_UNTERMINATED, 12);
	assert_error("SELECT `abc", TR_E_UNTERMINATED, 7);
	assert_error("SELECT /*+ x", TR_E_UNTERMINATED, 7);
	assert_error("SELECT \xE2\x80\x98x", TR_E_CHARACTER, 7);
	assert_error("SELECT #", TR_E_CHARACTER, 7);
	assert_error("SELECT ``", TR_E_SYNTAX, 7);
}

static void assert_interval(const char *literal, bool is_months, int64_t value)
{
	struct parsed p;
	struct tr_ast_expr *expr;
	struct tr_interval interval;

	lex(&p, literal);
	expr = tr_parse_expr_text(p.text, &p.arena, &p.diags);
	assert_non_null(expr);
	assert_true(tr_interval_value(expr, &p.diags, &interval));
	assert_int_equal(interval.is_months, is_months);
	assert_int_equal(interval.value, value);
	done(&p);
}

static void assert_bad_interval(const char *literal)
{
	struct parsed p;
	struct tr_ast_expr *expr;
	struct tr_interval interval;

	lex(&p, literal);
	expr = tr_parse_expr_text(p.text, &p.arena, &p.diags);
	assert_non_null(expr);
	assert_false(tr_interval_value(expr, &p.diags, &interval));
	assert_int_equal(p.diags.error_count, 1);
	done(&p);
}

static void test_intervals(void **state)
{
	assert_interval("INTERVAL '5' SECOND", false, 5000);
	assert_interval("INTERVAL '0.001' SECOND", false, 1);
	assert_interval("INTERVAL '-1' DAYS", false, -86400000);
	assert_interval("INTERVAL -'1 02:03:04.5' DAY TO SECOND", false, -(86400000LL + 7384500));
	assert_interval("INTERVAL '10:30' MINUTE TO SECOND", false, 630000);
	assert_interval("INTERVAL '2' WEEK", false, 14 * 86400000LL);
	assert_interval("INTERVAL '2-3' YEAR TO MONTH", true, 27);
	assert_interval("INTERVAL '1' QUARTER", true, 3);
	assert_interval("INTERVAL '1000' DAY(4)", false, 86400000000LL);
	assert_bad_interval("INTERVAL 'x' SECOND");
	assert_bad_interval("INTERVAL '1-13' YEAR TO MONTH");
	assert_bad_interval("INTERVAL '1000' DAY");
	assert_bad_interval("INTERVAL '1 25:00' DAY TO MINUTE");
	assert_bad_interval("INTERVAL '' SECOND");
}

static void assert_type(const char *text, const char *expected)
{
	struct parsed p;
	struct tr_ast_type *type;
	const struct tr_type *made;

	lex(&p, text);
	type = tr_parse_type_text(p.text, &p.arena, &p.diags);
	assert_non_null(type);
	made = tr_type_name_resolve(type, &p.arena, &p.diags);
	if (expected == NULL) {
		assert_null(made);
		assert_int_equal(p.diags.error_count, 1);
	} else {
		assert_string_equal(tr_type_text(&p.arena, made), expected);
	}
	done(&p);
}

static void test_types(void **state)
{
	assert_type("int", "INT");
	assert_type("DECIMAL", "DECIMAL(10, 0)");
	assert_type("NUMERIC(38, 5) NOT NULL", "DECIMAL(38, 5) NOT NULL");
	assert_type("TIMESTAMP", "TIMESTAMP(6)");
	assert_type("TIMESTAMP(3) WITH LOCAL TIME ZONE", "TIMESTAMP_LTZ(3)");
	assert_type("DOUBLE PRECISION", "DOUBLE");
	assert_type("VARCHAR(5)", "VARCHAR(5)");
	assert_type("STRING", "STRING");
	assert_type("ROW<a INT, b ARRAY<STRING NOT NULL>>", "ROW<`a` INT, `b` ARRAY<STRING NOT NULL>>");
	assert_type("MAP<STRING, INT ARRAY>", "MAP<STRING, ARRAY<INT>>");
	assert_type("DECIMAL(39)", NULL);
	assert_type("DECIMAL(5, 6)", NULL);
	assert_type("TIMESTAMP(10)", NULL);
	assert_type("CHAR(0)", NULL);
	assert_type("ROW<a INT, a INT>", NULL);
	assert_type("RAW('a', 'b')", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),    cmocka_unit_test(test_decoding), cmocka_unit_test(test_continued),
		cmocka_unit_test(test_keywords), cmocka_unit_test(test_errors),   cmocka_unit_test(test_intervals),
		cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
