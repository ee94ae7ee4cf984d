/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON functions as the binder calls them, with the text of options in front. What a whole call answers is judged by Flink
 * (tests/flink); here are paths from columns, limits, and documents generated with their normal form.
 */
#include "expr_case.h"

#include "base/bytes.h"
#include "base/check.h"
#include "core/ops/json_path.h"

#define OPTIONS "c:NULL ON EMPTY NULL ON ERROR"
#define DOC "s:{\"a\": [10, 20, {\"b\": 30}], \"c d\": \"x\\u00e9y\", \"n\": 1.50}"

static const struct expr_case cases[] = {
	{"JSON_VALUE", {OPTIONS, DOC, "s:$.a[0]", "s:", "s:"}, "10"},
	{"JSON_VALUE", {OPTIONS, DOC, "s:$.a[2].b", "s:", "s:"}, "30"},
	{"JSON_VALUE", {OPTIONS, DOC, "s:$['c d']", "s:", "s:"}, "x\xc3\xa9y"},
	{"JSON_VALUE", {OPTIONS, DOC, "s:$.n", "s:", "s:"}, "1.50"},
	{"JSON_VALUE", {OPTIONS, DOC, "s:$.q", "s:", "s:"}, NULL},
	{"JSON_VALUE", {OPTIONS, DOC, "s:$.a", "s:", "s:"}, NULL},
	{"JSON_VALUE", {OPTIONS, "s!", "s:$.a", "s:", "s:"}, NULL},
	{"JSON_VALUE", {OPTIONS, DOC, "s!", "s:", "s:"}, NULL},
	{"JSON_VALUE", {"c:DEFAULT ON EMPTY DEFAULT ON ERROR", DOC, "s:$.q", "s:e", "s:r"}, "r"},
	{"JSON_VALUE", {"c:DEFAULT ON EMPTY DEFAULT ON ERROR", DOC, "s:lax $.q", "s:e", "s:r"}, "e"},
	{"JSON_VALUE", {"c:DEFAULT ON EMPTY DEFAULT ON ERROR", "s:{", "s:lax $.q", "s:e", "s:r"}, "e"},
	{"JSON_VALUE", {"c:NULL ON EMPTY ERROR ON ERROR", "s:{", "s:$.q", "s:", "s:"}, "!a key in quotes"},
	{"JSON_VALUE", {"c:ERROR ON EMPTY NULL ON ERROR", DOC, "s:lax $.q", "s:", "s:"}, "!the result is empty"},
	{"JSON_VALUE", {"c:RETURNING INTEGER NULL ON EMPTY NULL ON ERROR", DOC, "s:$.a[1]", "i:0", "i:0"}, "20"},
	{"JSON_VALUE", {"c:RETURNING INTEGER NULL ON EMPTY NULL ON ERROR", DOC, "s:$.n", "i:0", "i:0"}, "!is no INT"},
	{"JSON_VALUE", {"c:RETURNING DOUBLE NULL ON EMPTY NULL ON ERROR", DOC, "s:$.n", "d:0", "d:0"}, "1.5"},
	{"JSON_VALUE", {"c:RETURNING BOOLEAN NULL ON EMPTY NULL ON ERROR", "s:[true]", "s:$[0]", "b:F", "b:F"}, "TRUE"},
	{"JSON_QUERY", {OPTIONS, DOC, "s:$.a"}, "[10,20,{\"b\":30}]"},
	{"JSON_QUERY", {OPTIONS, DOC, "s:$..b"}, "[30]"},
	{"JSON_QUERY", {OPTIONS, DOC, "s:$.n"}, NULL},
	{"JSON_QUERY", {OPTIONS, DOC, "s:$.a[?(@ > 10)]"}, "[20]"},
	{"JSON_QUERY", {OPTIONS, DOC, "s:$.a[?(@.b)].b"}, "[30]"},
	{"JSON_QUERY", {OPTIONS, DOC, "s:$.a[?(!(@.b == 30) && @ != 10 || @ == '10')]"}, "[10,20]"},
	{"JSON_QUERY", {OPTIONS, DOC, "s:$.a[?(@ in ['20', 30])]"}, "[20]"},
	{"JSON_QUERY", {OPTIONS, DOC, "s:$.a[?(@ =~ /1./i)]"}, "[10]"},
	{"JSON_QUERY", {OPTIONS, DOC, "s:$.a[?(@ <= $.a[0])]"}, "[10]"},
	{"JSON_QUERY", {OPTIONS, DOC, "s:$[?(@.a size 3 && @.a subsetof [20, 10, {'b': 30}])].n"}, "[1.50]"},
	{"JSON_QUERY", {OPTIONS, DOC, "s:$.a[?(@.b >)]"}, NULL},
	{"JSON_QUERY", {"c:WITH UNCONDITIONAL WRAPPER NULL ON EMPTY NULL ON ERROR", DOC, "s:$.n"}, "[1.50]"},
	{"JSON_QUERY", {"c:WITH CONDITIONAL WRAPPER NULL ON EMPTY NULL ON ERROR", DOC, "s:$.a"}, "[10,20,{\"b\":30}]"},
	{"JSON_QUERY", {"c:NULL ON EMPTY EMPTY OBJECT ON ERROR", DOC, "s:$.q"}, "{}"},
	{"JSON_QUERY", {"c:RETURNING ARRAY NULL ON EMPTY NULL ON ERROR", DOC, "s:$.a"}, "[10, 20, {\"b\":30}]"},
	{"JSON_QUERY", {"c:RETURNING ARRAY NULL ON EMPTY NULL ON ERROR", DOC, "s:$.n"}, NULL},
	{"JSON_QUERY", {"c:RETURNING ARRAY NULL ON EMPTY EMPTY ARRAY ON ERROR", DOC, "s:$.n"}, "[]"},
	{"JSON_QUERY", {"c:RETURNING ARRAY NULL ON EMPTY NULL ON ERROR", "s:[null, \"x\"]", "s:$"}, "[NULL, x]"},
	{"JSON_EXISTS", {"c:FALSE ON ERROR", DOC, "s:$.a"}, "TRUE"},
	{"JSON_EXISTS", {"c:FALSE ON ERROR", DOC, "s:$.q"}, "FALSE"},
	{"JSON_EXISTS", {"c:UNKNOWN ON ERROR", DOC, "s:$.q"}, NULL},
	{"IS JSON", {"s:[1, {\"a\": null}]"}, "TRUE"},
	{"IS JSON", {"s:[1"}, "FALSE"},
	{"IS JSON", {"s!"}, "FALSE"},
	{"IS NOT JSON OBJECT", {"s!"}, "TRUE"},
	{"JSON_STRING", {"d:1e10"}, "1.0E+10"},
	{"JSON_STRING", {"n10.5:1"}, "1.00000"},
	{"JSON_STRING", {"n38.20:-0.00000012345"}, "-1.2345000000000E-7"},
	{"JSON_STRING", {"z3:2001-02-03 04:05:06.500"}, "\"2001-02-03T04:05:06.5Z\""},
	{"JSON_STRING", {"y:abc"}, "\"YWJj\""},
	{"JSON_STRING", {"s!"}, NULL},
	{"JSON_OBJECT", {"c:NULL ON NULL; "}, "{}"},
	{"JSON_OBJECT", {"c:NULL ON NULL; vv", "c:b", "i:1", "c:a", "s!"}, "{\"a\":null,\"b\":1}"},
	{"JSON_OBJECT", {"c:ABSENT ON NULL; vv", "c:b", "i:1", "c:a", "s!"}, "{\"b\":1}"},
	{"JSON_OBJECT", {"c:ABSENT ON NULL; vv", "c:a", "i:1", "c:a", "s!"}, "{\"a\":1}"},
	{"JSON_OBJECT", {"c:NULL ON NULL; jv", "c:a", "s:[1]", "c:b", "s:[1]"}, "{\"a\":[1],\"b\":\"[1]\"}"},
	{"JSON_ARRAY", {"c:ABSENT ON NULL; vvv", "i:1", "s!", "b:T"}, "[1,true]"},
	{"JSON_ARRAY", {"c:NULL ON NULL; vvv", "i:1", "s!", "b:T"}, "[1,null,true]"},
	{"JSON", {"s: {\"b\" : 1e2, \"a\" : [ ] } "}, "{\"a\":[],\"b\":1E+2}"},
	{"JSON", {"s: "}, NULL},
	{"JSON", {"s:{"}, "!no JSON"},
	{"JSON_QUOTE", {"s:a\"/\xc3\xa9\x01"}, "\"a\\\"\\/\\u00e9\\u0001\""},
	{"JSON_UNQUOTE", {"s:\"a\\u00e9\\n\""}, "a\xc3\xa9\n"},
	{"JSON_UNQUOTE", {"s:\"a\\x\""}, "\"a\\x\""},
};

static void test_functions(void **state)
{
	for (size_t i = 0; i < TR_COUNT_OF(cases); i++)
		case_check(&cases[i], strncmp(cases[i].name, "JSON_OBJECT", 11) == 0 ? 0 : 1);
}

/* ---- documents ---- */

static const char *normal_form(struct tr_json_doc *doc, struct tr_arena *heap, struct tr_bytes *out, const char *text,
			       size_t length)
{
	if (!tr_json_doc_parse(doc, text, (uint32_t)length, heap))
		return doc->error;
	tr_bytes_clear(out);
	tr_json_write(doc, 0, out);
	tr_bytes_append_char(out, 0);
	return out->data;
}

/* A random document, with blanks and in disorder to `text`, in its normal form to `normal`. */
static void generate(uint64_t *seed, struct tr_bytes *text, struct tr_bytes *normal, int depth)
{
	static const char *const scalars[][2] = {{"null", "null"},
						 {"true", "true"},
						 {"-12", "-12"},
						 {"1.50", "1.50"},
						 {"1e3", "1E+3"},
						 {"0.00000012", "1.2E-7"},
						 {"\"a\\/\\u0041\\n\"", "\"a/A\\n\""},
						 {"\"\xc3\xa9\"", "\"\xc3\xa9\""}};
	const uint32_t kind = tr_test_below(seed, depth > 4 ? 1 : 3);
	const uint32_t count = tr_test_below(seed, 4);

	if (kind == 0) {
		const char *const *scalar = scalars[tr_test_below(seed, TR_COUNT_OF(scalars))];

		tr_bytes_printf(text, " %s\n", scalar[0]);
		tr_bytes_append_str(normal, scalar[1]);
		return;
	}
	if (kind == 1) {
		tr_bytes_append_char(text, '[');
		tr_bytes_append_char(normal, '[');
		for (uint32_t i = 0; i < count; i++) {
			if (i > 0) {
				tr_bytes_append_char(text, ',');
				tr_bytes_append_char(normal, ',');
			}
			generate(seed, text, normal, depth + 1);
		}
		tr_bytes_append_char(text, ']');
		tr_bytes_append_char(normal, ']');
		return;
	}
	/* Members are written backwards; a key that comes twice counts once, with its last value. */
	struct tr_bytes parts[4] = {{0}}, forms[4] = {{0}};

	for (uint32_t i = 0; i < count; i++)
		generate(seed, &parts[i], &forms[i], depth + 1);
	tr_bytes_append_str(text, "{ ");
	tr_bytes_append_char(normal, '{');
	if (count > 0)
		tr_bytes_append_str(text, "\"k0\" : 77 , ");
	for (uint32_t i = count; i-- > 0;) {
		tr_bytes_printf(text, "\"k%d\" : ", (int)i);
		tr_bytes_append(text, parts[i].data, parts[i].length);
		tr_bytes_append_str(text, i > 0 ? "," : "");
	}
	for (uint32_t i = 0; i < count; i++) {
		tr_bytes_printf(normal, "%s\"k%d\":", i > 0 ? "," : "", (int)i);
		tr_bytes_append(normal, forms[i].data, forms[i].length);
		tr_bytes_deinit(&parts[i]);
		tr_bytes_deinit(&forms[i]);
	}
	tr_bytes_append_char(text, '}');
	tr_bytes_append_char(normal, '}');
}

static void test_generated(void **state)
{
	uint64_t seed = 4;
	struct tr_json_doc doc = {0};
	struct tr_bytes text = {0}, normal = {0}, out = {0};
	struct tr_arena heap;

	tr_arena_init(&heap, 0);
	for (uint64_t i = 0; i < tr_test_cases(2000); i++) {
		tr_bytes_clear(&text);
		tr_bytes_clear(&normal);
		generate(&seed, &text, &normal, 0);
		tr_bytes_append_char(&normal, 0);
		assert_string_equal(normal_form(&doc, &heap, &out, text.data, text.length), normal.data);
		for (size_t cut = 0; cut < text.length; cut++) /* a part is JSON or not, and never read past its end */
			(void)normal_form(&doc, &heap, &out, tr_arena_strndup(&heap, text.data, cut), cut);
		tr_arena_reset(&heap);
	}
	tr_json_doc_deinit(&doc);
	tr_bytes_deinit(&text);
	tr_bytes_deinit(&normal);
	tr_bytes_deinit(&out);
	tr_arena_deinit(&heap);
}

static void test_limits(void **state)
{
	struct tr_json_doc doc = {0};
	struct tr_bytes text = {0}, out = {0};
	struct tr_arena heap;

	tr_arena_init(&heap, 0);
	for (int depth = TR_JSON_DOC_DEPTH_MAX; depth <= TR_JSON_DOC_DEPTH_MAX + 1; depth++) {
		tr_bytes_clear(&text);
		for (int i = 0; i < depth; i++)
			tr_bytes_append_char(&text, '[');
		for (int i = 0; i < depth; i++)
			tr_bytes_append_char(&text, ']');
		assert_int_equal(tr_json_doc_parse(&doc, text.data, (uint32_t)text.length, &heap),
				 depth == TR_JSON_DOC_DEPTH_MAX);
		if (depth == TR_JSON_DOC_DEPTH_MAX)
			tr_json_write(&doc, 0, &out);
	}
	for (int length = TR_JSON_DOC_NUMBER_MAX; length <= TR_JSON_DOC_NUMBER_MAX + 1; length++) {
		tr_bytes_clear(&text);
		for (int i = 0; i < length; i++)
			tr_bytes_append_char(&text, '7');
		assert_int_equal(tr_json_doc_parse(&doc, text.data, (uint32_t)text.length, &heap),
				 length == TR_JSON_DOC_NUMBER_MAX);
	}
	/* Keys beyond the basic plane come before U+E000, as in Java. */
	assert_true(tr_json_doc_compare_keys("\xf0\x9f\x99\x82", 4, "\xee\x80\x80", 3) < 0);
	assert_true(tr_json_doc_compare_keys("\xf0\x9f\x99\x82", 4, "\xed\x9f\xbf", 3) > 0);
	tr_json_doc_deinit(&doc);
	tr_bytes_deinit(&text);
	tr_bytes_deinit(&out);
	tr_arena_deinit(&heap);
}

/* ---- limits of paths ---- */

static const char *repeated(struct tr_arena *arena, const char *start, const char *text, int times, const char *end)
{
	struct tr_bytes bytes = {0};
	const char *copy;

	tr_bytes_append_str(&bytes, start);
	for (int i = 0; i < times; i++)
		tr_bytes_append_str(&bytes, text);
	tr_bytes_append_str(&bytes, end);
	copy = tr_arena_strndup(arena, bytes.data, bytes.length);
	tr_bytes_deinit(&bytes);
	return copy;
}

static void test_steps_of_a_path(void **state)
{
	static const char *const steps[] = {".a", "[0]", "['a']", ".keys()", "..a", ".*", "[*]"};
	struct tr_arena arena;

	tr_arena_init(&arena, 0);
	for (size_t i = 0; i < TR_COUNT_OF(steps); i++)
		for (int lax = 0; lax < 2; lax++) {
			const int most = TR_JSON_PATH_STEPS_MAX / (strncmp(steps[i], "..", 2) == 0 ? 2 : 1);
			const int times[] = {most, most + 1, 300000};

			for (int n = 0; n < 3; n++) {
				const char *text = repeated(&arena, lax ? "lax $" : "$", steps[i], times[n], "");
				const struct tr_json_path *path =
					tr_json_path_compile(&arena, text, (uint32_t)strlen(text));

				if (times[n] == most)
					assert_null(path->error);
				else
					assert_string_equal(path->unsupported, "the path has more than 1,000 steps");
			}
		}
	tr_arena_deinit(&arena);
}

/* Several scans of a deep document, and one list of many names or indexes. */
static void test_work_of_a_path(void **state)
{
	struct expr_case too_much = {"JSON_QUERY", {OPTIONS}, "!the path finds too much"};
	struct tr_arena arena;

	tr_arena_init(&arena, 0);
	for (int lax = 0; lax < 2; lax++) {
		const char *const documents[] = {repeated(&arena, "", "{\"a\":", 400, "1") /* closed below */,
						 repeated(&arena, "[0", ",[[[7]]]", 3000, "]")};
		const char *const paths[] = {"$..a..a..a", repeated(&arena, "$..[*]..[0", ",0", 2000, "]")};

		for (int i = 0; i < 2; i++) {
			too_much.args[1] =
				i == 0 ? repeated(&arena, tr_arena_printf(&arena, "s:%s", documents[0]), "}", 400, "")
				       : tr_arena_printf(&arena, "s:%s", documents[1]);
			too_much.args[2] = tr_arena_printf(&arena, "s:%s%s", lax ? "lax " : "", paths[i]);
			case_check(&too_much, 1);
		}
	}
	tr_arena_deinit(&arena);
}

/* A path through all of a document is never too much; a result may be too long, whatever its form. */
static void test_length_of_a_result(void **state)
{
	struct tr_json_doc doc = {0};
	struct tr_bytes out = {0};
	struct tr_arena arena;
	const struct tr_json_path *path;
	const char *text, *error;
	uint32_t node;

	tr_arena_init(&arena, 0);
	text = repeated(&arena, "[1", ",{\"a\":[1]}", 2000000, "]");
	path = tr_json_path_compile(&arena, "$..a", 4);
	assert_true(tr_json_doc_parse(&doc, text, (uint32_t)strlen(text), &arena));
	assert_true(tr_json_path_eval(path, &doc, &arena, &node, &error));
	assert_int_equal(tr_json_doc_length(&doc, node), 2000000);
	/* 80 matches within one another, of a text of 2 MB */
	text = repeated(&arena, repeated(&arena, "", "{\"a\":", 80, "\""), "x", 2000000,
			repeated(&arena, "\"", "}", 80, ""));
	assert_true(tr_json_doc_parse(&doc, text, (uint32_t)strlen(text), &arena));
	assert_true(tr_json_path_eval(path, &doc, &arena, &node, &error));
	tr_json_write(&doc, node, &out);
	assert_in_range(out.length, TR_JSON_WRITE_MAX + 1, TR_JSON_WRITE_MAX + 3000000);
	tr_json_doc_deinit(&doc);
	tr_bytes_deinit(&out);
	tr_arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_functions),      cmocka_unit_test(test_generated),
		cmocka_unit_test(test_limits),         cmocka_unit_test(test_steps_of_a_path),
		cmocka_unit_test(test_work_of_a_path), cmocka_unit_test(test_length_of_a_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
