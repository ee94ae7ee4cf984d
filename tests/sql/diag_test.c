/* SPDX-License-Identifier: Apache-2.0
 *
 * Diagnostics: the exact text that a user sees, carets included, and the suggestions.
 */
#include "sql_test.h"

#include "base/suggest.h"

static void test_syntax(void **state)
{
	assert_shown("SELECT * FROM WHERE x > 1;", "error E0101: expected a table name after FROM, found 'WHERE'\n"
						   "  --> job.sql:1:15\n"
						   "   |\n"
						   " 1 | SELECT * FROM WHERE x > 1;\n"
						   "   |               ^^^^^\n");
	assert_shown("SELECT a\nFORM t;", "error E0101: expected ';' or the end of the statement, found 't'\n"
					  "  --> job.sql:2:6\n"
					  "   |\n"
					  " 2 | FORM t;\n"
					  "   |      ^\n"
					  "   = hint: did you mean FROM instead of 'FORM'?\n");
	assert_shown("SELECT value FROM t", "error E0102: expected an expression, found the reserved word 'value'\n"
					    "  --> job.sql:1:8\n"
					    "   |\n"
					    " 1 | SELECT value FROM t\n"
					    "   |        ^^^^^\n"
					    "   = hint: to use it as a name, write it in back-quotes: `value`\n");
	assert_shown("SELECT (1 + 2", "error E0101: expected an operator, ',' or ')', found the end of the script\n"
				      "  --> job.sql:1:14\n"
				      "   |\n"
				      " 1 | SELECT (1 + 2\n"
				      "   |              ^\n");
	assert_shown("CREATE TABLE t (a BIGIT) WITH ('x' = 'y');", "error E0104: there is no type 'BIGIT'\n"
								   "  --> job.sql:1:19\n"
								   "   |\n"
								   " 1 | CREATE TABLE t (a BIGIT) WITH ('x' = 'y');\n"
								   "   |                   ^^^^^\n"
								   "   = hint: did you mean 'BIGINT'?\n");
}

static void test_tabs_and_wide_characters(void **state)
{
	assert_shown("\tSELECT '\xE6\x97\xA5\xE6\x9C\xAC' x y",
		     "error E0101: expected ';' or the end of the statement, found 'y'\n"
		     "  --> job.sql:1:16\n"
		     "   |\n"
		     " 1 |         SELECT '\xE6\x97\xA5\xE6\x9C\xAC' x y\n"
		     "   |                         ^\n");
}

static void test_long_line(void **state)
{
	char sql[1000];
	struct parsed p;
	const char *shown, *line, *caret;

	memset(sql, ' ', sizeof(sql));
	memcpy(sql, "SELECT", 6);
	memcpy(sql + 600, "1 FROM WHERE", 12);
	sql[sizeof(sql) - 1] = '\0';
	parse(&p, sql);
	shown = tr_diags_render(&p.diags, false, &p.arena);
	line = strstr(shown, " 1 | ...");
	assert_non_null(line);
	caret = strstr(strchr(line, '\n'), "^^^^^");
	assert_non_null(caret);
	assert_int_equal(strstr(line, "WHERE") - line, caret - (strchr(line, '\n') + 1));
	done(&p);
}

static void test_unterminated(void **state)
{
	assert_shown("SELECT 1;\nSELECT 'abc\ndef", "error E0005: this string has no end: the closing ' is missing\n"
						    "  --> job.sql:2:8\n"
						    "   |\n"
						    " 2 | SELECT 'abc\n"
						    "   |        ^\n"
						    "   = hint: a quote inside a string is written twice: 'it''s'\n");
	assert_shown("SELECT 1 /* never closed", "error E0005: this comment has no end: the closing */ is missing\n"
						 "  --> job.sql:1:10\n"
						 "   |\n"
						 " 1 | SELECT 1 /* never closed\n"
						 "   |          ^^\n");
}

static void test_bad_bytes(void **state)
{
	struct parsed p;

	parse_with(&p, "SELECT\0 1", 9, NULL, 0);
	assert_int_equal(p.diags.error_count, 1);
	assert_string_equal(p.diags.items[0].message, "the script holds a NUL byte at offset 6");
	done(&p);
	parse(&p, "SELECT '\xFF'");
	assert_int_equal(p.diags.error_count, 1);
	assert_string_equal(p.diags.items[0].message, "the script is not valid UTF-8: byte 0xFF at offset 8");
	assert_non_null(strstr(tr_diags_render(&p.diags, false, &p.arena), "SELECT '?'"));
	done(&p);
}

static void test_all_errors_at_once(void **state)
{
	struct parsed p;
	struct tr_status st;

	parse(&p, "SELECT 1;\nSELECT FROM t;\nSELECT 2;\nINSERT x;\nSHOW NOTHING;");
	assert_int_equal(p.diags.error_count, 3);
	assert_int_equal(p.script->count, 2);
	assert_int_equal(p.diags.items[0].place.line, 2);
	assert_int_equal(p.diags.items[1].place.line, 4);
	assert_int_equal(p.diags.items[2].place.line, 5);
	assert_int_equal(tr_diags_status(&p.diags, &st), TR_ERR_DATA);
	assert_string_equal(st.message, "job.sql:2:8: E0101: expected an expression, found 'FROM'");
	done(&p);
	parse(&p, "INSERT INTO a SELECT 1\nINSERT INTO b SELECT 2;");
	assert_string_equal(p.diags.items[0].hint, "a ';' is missing before this statement");
	assert_int_equal(p.script->count, 1);
	done(&p);
}

static void test_at_most_20(void **state)
{
	char sql[1024] = "";
	struct parsed p;

	for (int i = 0; i < 50; i++)
		strcat(sql, "SELECT ;\n");
	parse(&p, sql);
	assert_int_equal(p.diags.count, TR_DIAG_ERRORS_MAX);
	done(&p);
}

static void test_variables(void **state)
{
	static const struct tr_variable variables[] = {{"DIR", "/data"}, {"N", "WHERE"}, {"EMPTY", ""}};
	struct parsed p;

	parse_with(&p, "SELECT '${DIR}/a', '${X:-y}', '$${Z}', '${EMPTY}' -- ${NOT_ME}\n",
		   strlen("SELECT '${DIR}/a', '${X:-y}', '$${Z}', '${EMPTY}' -- ${NOT_ME}\n"), variables, 3);
	assert_int_equal(p.diags.error_count, 0);
	assert_string_equal(p.text->text, "SELECT '/data/a', 'y', '${Z}', '' -- ${NOT_ME}\n");
	done(&p);
	parse_with(&p, "SELECT '${DIR}',\n x FROM ${N} y", strlen("SELECT '${DIR}',\n x FROM ${N} y"), variables, 3);
	assert_string_equal(tr_diags_render(&p.diags, false, &p.arena),
			    "error E0101: expected a table name after FROM, found 'WHERE'\n"
			    "  --> job.sql:2:9\n"
			    "   |\n"
			    " 2 |  x FROM ${N} y\n"
			    "   |         ^^^^\n"
			    "   = in the value of ${N}\n");
	done(&p);
	parse_with(&p, "SELECT '${DIR}' FROM ${DRI}", strlen("SELECT '${DIR}' FROM ${DRI}"), variables, 3);
	assert_string_equal(tr_diags_render(&p.diags, false, &p.arena), "error E0003: variable 'DRI' is not defined\n"
									"  --> job.sql:1:22\n"
									"   |\n"
									" 1 | SELECT '${DIR}' FROM ${DRI}\n"
									"   |                      ^^^^^^\n"
									"   = hint: did you mean 'DIR'?\n");
	done(&p);
	parse_with(&p, "SELECT '${DIR}' y z", strlen("SELECT '${DIR}' y z"), variables, 3);
	assert_int_equal(p.diags.items[0].place.column, 19);
	done(&p);
}

static void test_distance(void **state)
{
	static const char *const names[] = {"connector", "path", "format", "Path"};

	assert_int_equal(tr_suggest_distance("kitten", 6, "sitting", 7, 10), 3);
	assert_int_equal(tr_suggest_distance("ab", 2, "ba", 2, 10), 1);
	assert_int_equal(tr_suggest_distance("", 0, "abc", 3, 10), 3);
	assert_int_equal(tr_suggest_distance("abcdef", 6, "uvwxyz", 6, 2), 3);
	assert_string_equal(tr_suggest_nearest("conector", names, 4), "connector");
	assert_string_equal(tr_suggest_nearest("PATH", names, 4), "path");
	assert_string_equal(tr_suggest_nearest("fromat", names, 4), "format");
	assert_null(tr_suggest_nearest("zookeeper", names, 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syntax),     cmocka_unit_test(test_tabs_and_wide_characters),
		cmocka_unit_test(test_long_line),  cmocka_unit_test(test_unterminated),
		cmocka_unit_test(test_bad_bytes),  cmocka_unit_test(test_all_errors_at_once),
		cmocka_unit_test(test_at_most_20), cmocka_unit_test(test_variables),
		cmocka_unit_test(test_distance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
