/* SPDX-License-Identifier: Apache-2.0
 *
 * String and pattern functions: documented and corner cases.
 */
#include "expr_case.h"

static const struct expr_case cases[] = {
	{"UPPER", {"s:stream"}, "STREAM"},
	{"IS_ALPHA", {"s:stream"}, "TRUE"},
	{"IS_ALPHA", {"s:\xc3\xa4\xce\xa3z"}, "TRUE"},
	{"IS_ALPHA", {"s:a1"}, "FALSE"},
	{"IS_ALPHA", {"s:\xc3\xa4 z"}, "FALSE"},
	{"IS_ALPHA", {"s:"}, "FALSE"},
	{"IS_ALPHA", {"i:5"}, "FALSE"},
	{"IS_DIGIT", {"s:0123"}, "TRUE"},
	{"IS_DIGIT", {"s:\xd9\xa3\x31"}, "TRUE"}, /* an Arabic 3 */
	{"IS_DIGIT", {"s:1.5"}, "FALSE"},
	{"IS_DIGIT", {"s:-1"}, "FALSE"},
	{"IS_DIGIT", {"l:-5"}, "TRUE"},
	{"IS_DIGIT", {"d:1.5"}, "FALSE"},
	{"IS_DECIMAL", {"s: -1.5e3 "}, "TRUE"},
	{"IS_DECIMAL", {"s:12"}, "TRUE"},
	{"IS_DECIMAL", {"s:1,5"}, "FALSE"},
	{"IS_DECIMAL", {"s:"}, "FALSE"},
	{"IS_DECIMAL", {"n3.1:1.5"}, "TRUE"},
	{"IS_DECIMAL", {"b:TRUE"}, "FALSE"},
	{"TRANSLATE", {"s:www.apache.org", "s:wapcheorg", "s: APCHEcom"}, "   .APACHE.com"},
	{"TRANSLATE", {"s:banana", "s:an", "s:\xc3\xa4"}, "b\xc3\xa4\xc3\xa4\xc3\xa4"},
	{"TRANSLATE", {"s:banana", "s:aa", "s:xy"}, "bxnxnx"},
	{"TRANSLATE", {"s:abc", "s:ab", "s!"}, "c"},
	{"TRANSLATE", {"s:abc", "s!", "s:x"}, "abc"},
	{"TRANSLATE", {"s!", "s:a", "s:x"}, NULL},
	{"ELT", {"i:2", "s:a", "s:b"}, "b"},
	{"ELT", {"i:0", "s:a", "s:b"}, NULL},
	{"ELT", {"i:3", "s:a", "s:b"}, NULL},
	{"ELT", {"i:1", "s!", "s:b"}, NULL},
	{"ELT", {"i!", "s:a"}, NULL},
	{"REGEXP_INSTR", {"s:stream", "s:e."}, "4"},
	{"REGEXP_INSTR", {"s:\xc3\xa4\xc3\xb6x", "s:x"}, "3"},
	{"REGEXP_INSTR", {"s:stream", "s:z"}, "0"},
	{"UPPER",
	 {"s:stra\xc3\x9f"
	  "e \xc3\xa4\xc3\xb6\xc3\xbc"},
	 "STRASSE \xc3\x84\xc3\x96\xc3\x9c"},
	{"LOWER", {"s:\xc3\x84 \xce\xa3 ABC"}, "\xc3\xa4 \xcf\x83 abc"},
	{"UPPER",
	 {"s:a\xff"
	  "b"},
	 "A\xff"
	 "B"},
	{"INITCAP", {"s:hello wORLD-x"}, "Hello World-X"},
	{"INITCAP", {"s:ÉCOLE école"}, "ÉCole éCole"}, /* Flink: letters beyond ASCII end a word */
	{"CHAR_LENGTH", {"s:stream"}, "6"},
	{"CHAR_LENGTH", {"s:\xf0\x9f\x98\x80x"}, "2"},
	{"CHARACTER_LENGTH", {"s:"}, "0"},
	{"CHAR_LENGTH", {"s!"}, NULL},
	{"REVERSE",
	 {"s:ab\xc3\xa4"},
	 "\xc3\xa4"
	 "ba"},
	{"ASCII", {"s:a"}, "97"},
	{"ASCII", {"s:é"}, "-61"},
	{"CHR", {"i:97"}, "a"},
	{"CHR", {"l:-1"}, ""},
	{"SUBSTRING", {"s:stream", "i:2", "i:3"}, "tre"},
	{"SUBSTRING", {"s:stream", "i:0", "i:3"}, "str"},
	{"SUBSTRING", {"s:stream", "i:-3"}, "eam"},
	{"SUBSTRING", {"s:stream", "i:-9"}, ""},
	{"SUBSTRING", {"s:stream", "i:7"}, ""},
	{"SUBSTRING", {"s:stream", "i:2", "i:-1"}, NULL},
	{"SUBSTRING", {"s:a rather long text, longer than twelve bytes", "i:3", "i:20"}, "rather long text, lo"},
	{"SUBSTR", {"s:\xc3\xa4\xc3\xb6\xc3\xbc", "i:2", "i:1"}, "\xc3\xb6"},
	{"LEFT", {"s:stream", "i:3"}, "str"},
	{"LEFT", {"s:stream", "i:-3"}, ""},
	{"RIGHT", {"s:stream", "i:3"}, "eam"},
	{"RIGHT", {"s:stream", "i:9"}, "stream"},
	{"LTRIM", {"s:  a "}, "a "},
	{"RTRIM", {"s: a  "}, " a"},
	{"BTRIM", {"s:xyaxy", "s:yx"}, "a"},
	{"TRIM", {"s:  a  "}, "a"},
	{"BTRIM", {"s:    "}, ""},
	{"SPLIT_INDEX", {"s:a/b/c", "s:/", "i:1"}, "b"},
	{"SPLIT_INDEX", {"s:https://www.nexmark.com/abc/def/ghi/item.htm", "s:/", "i:3"}, "abc"},
	{"SPLIT_INDEX", {"s:a//c", "s:/", "i:1"}, ""},
	{"SPLIT_INDEX", {"s:a/b", "s:/", "i:2"}, NULL},
	{"SPLIT_INDEX", {"s:a/b", "s:/", "i:-1"}, NULL},
	{"SPLIT_INDEX", {"s:a<>b", "s:<>", "i:1"}, "b"},
	{"SPLIT_INDEX", {"s:a/b/c", "i:47", "i:2"}, "c"},
	{"SPLIT_INDEX", {"s:", "s:/", "i:0"}, NULL},
	{"POSITION", {"s:re", "s:stream"}, "3"},
	{"POSITION", {"s:x", "s:stream"}, "0"},
	{"POSITION", {"s:", "s:stream"}, "1"},
	{"POSITION", {"s:m", "s:\xc3\xa4m"}, "2"},
	{"LOCATE", {"s:a", "s:banana", "i:3"}, "4"},
	{"INSTR", {"s:stream", "s:re"}, "3"},
	{"STARTSWITH", {"s:stream", "s:str"}, "TRUE"},
	{"STARTSWITH", {"s:stream", "s:x"}, "FALSE"},
	{"ENDSWITH", {"s:stream", "s:eam"}, "TRUE"},
	{"ENDSWITH", {"s:eam", "s:stream"}, "FALSE"},
	{"INSTR", {"s:banana", "s:a", "i:1", "i:2"}, "4"},
	{"INSTR", {"s:banana", "s:ana", "i:-1", "i:2"}, "2"},
	{"INSTR", {"s:banana", "s:a", "i:-7"}, "0"},
	{"INSTR", {"s:banana", "s:a", "i:0"}, "0"},
	{"INSTR", {"s:banana", "s:a", "i:1", "i:0"}, "!must be positive"},
	{"LPAD", {"s:\xf0\x9f\x99\x82", "i:4", "s:ab"}, "ab\xf0\x9f\x99\x82"},
	{"RPAD", {"s:a", "i:2", "s:\xf0\x9f\x99\x82"}, "a"},
	{"||", {"s:a", "s:b"}, "ab"},
	{"||", {"s:0123456789", "s:0123456789"}, "01234567890123456789"},
	{"||", {"s:a", "s!"}, NULL},
	{"CONCAT", {"s:a", "s:b", "s:c"}, "abc"},
	{"CONCAT_WS", {"s:-", "s:a", "s!", "s:b"}, "a-b"},
	{"CONCAT_WS", {"s:-", "s!"}, ""},
	{"CONCAT_WS", {"s!", "s:a"}, NULL},
	{"REPEAT", {"s:ab", "i:3"}, "ababab"},
	{"REPEAT", {"s:ab", "i:-3"}, ""},
	{"REPEAT", {"s:ab", "l:99999999999"}, "!at most"},
	{"REPLACE", {"s:banana", "s:an", "s:o"}, "booa"},
	{"REPLACE", {"s:banana", "s:x", "s:o"}, "banana"},
	{"REPLACE", {"s:ab", "s:", "s:-"}, "-a-b-"},
	{"LPAD", {"s:hi", "i:5", "s:ab"}, "abahi"},
	{"LPAD", {"s:hi", "i:1", "s:ab"}, "h"},
	{"LPAD", {"s:hi", "i:5", "s:"}, NULL},
	{"RPAD", {"s:hi", "i:5", "s:ab"}, "hiaba"},
	{"RPAD", {"s:hi", "i:-1", "s:ab"}, NULL},
	{"OVERLAY", {"s:abcdef", "s:xx", "i:3", "i:2"}, "abxxef"},
	{"OVERLAY", {"s:abcdef", "s:xx", "i:3"}, "abxxef"},
	{"OVERLAY", {"s:abcdef", "s:xx", "i:9"}, "abcdef"},
	{"LIKE", {"s:stream", "s:st%"}, "TRUE"},
	{"LIKE", {"s:stream", "s:%am"}, "TRUE"},
	{"LIKE", {"s:stream", "s:%rea%"}, "TRUE"},
	{"LIKE", {"s:stream", "s:stream"}, "TRUE"},
	{"LIKE", {"s:stream", "s:s_r%m"}, "TRUE"},
	{"LIKE", {"s:stream", "s:s_r%x"}, "FALSE"},
	{"LIKE",
	 {"s:\xc3\xa4"
	  "b",
	  "s:_b"},
	 "TRUE"},
	{"LIKE", {"s:aXbXc", "s:a%X%c"}, "TRUE"},
	{"LIKE", {"s:", "s:%"}, "TRUE"},
	{"LIKE", {"s:", "s:"}, "TRUE"},
	{"LIKE", {"s:", "s:_"}, "FALSE"},
	{"LIKE", {"s:10%", "s:10!%", "s:!"}, "TRUE"},
	{"LIKE", {"s:100", "s:10!%", "s:!"}, "FALSE"},
	{"LIKE", {"s:a\nb", "s:a%b"}, "TRUE"},
	{"LIKE", {"s!", "s:a%b"}, NULL},
	{"SIMILAR TO", {"s:abc", "s:(a|x)b_"}, "TRUE"},
	{"SIMILAR TO", {"s:abc", "s:b"}, "FALSE"},
	{"SIMILAR TO", {"s:a.c", "s:a.c"}, "TRUE"},
	{"SIMILAR TO", {"s:abc", "s:a.c"}, "TRUE"}, /* in Flink a point stays what it is in a regular expression */
	{"SIMILAR TO", {"s:a$c", "s:a$c"}, "TRUE"},
	{"SIMILAR TO", {"s:a5", "s:[[:ALPHA:]][0-9]"}, "TRUE"},
	{"REGEXP", {"s:stream", "s:^s.*m$"}, "TRUE"},
	{"REGEXP", {"s:stream", "s:x"}, "FALSE"},
	{"REGEXP", {"s:stream", "s:"}, "FALSE"},
	{"REGEXP", {"s:\xc3\xa4", "s:^.$"}, "TRUE"},
	{"REGEXP_EXTRACT", {"s:foothebar", "s:foo(.*?)(bar)", "i:2"}, "bar"},
	{"REGEXP_EXTRACT", {"s:foothebar", "s:foo(.*?)(bar)"}, "foothebar"},
	{"REGEXP_EXTRACT", {"s:foothebar", "s:foo(.*?)(bar)", "i:3"}, NULL},
	{"REGEXP_EXTRACT", {"s:foothebar", "s:x", "i:0"}, NULL},
	{"REGEXP_EXTRACT", {"s:https://x/item.htm?query=1&channel_id=4711", "s:(&|^)channel_id=([^&]*)", "i:2"}, "4711"},
	{"REGEXP_REPLACE", {"s:foobar", "s:oo|ar", "s:"}, "fb"},
	{"REGEXP_REPLACE", {"s:abc", "s:b", "s:$1"}, "a$1c"},
	{"REGEXP_REPLACE", {"s:ab", "s:x*", "s:-"}, "-a-b-"},
	{"REGEXP_COUNT", {"s:banana", "s:an"}, "2"},
	{"REGEXP_SUBSTR", {"s:stream", "s:r."}, "re"},
};

static void documented_cases(void **state)
{
	CASES_CHECK(cases, 0);
	CASES_CHECK(cases, 2 | 4 | 8);
	CASES_CHECK(cases, 1);
}

/* A pattern that is none: an error when it is constant, no match when it comes from a column. */
static void bad_patterns(void **state)
{
	static const struct expr_case constant[] = {
		{"REGEXP", {"s:a", "s:("}, "!no regular expression"},
		{"REGEXP_EXTRACT", {"s:a", "s:[z-a]"}, "!no regular expression"},
		{"LIKE", {"s:a", "s:!a", "s:!"}, "!escape character"},
		{"SIMILAR TO", {"s:a", "s:(("}, "!no pattern of SIMILAR TO"},
	};

	CASES_CHECK(constant, 2 | 4);
}

/* Catastrophic backtracking ends with an error, not with a hung job. */
static void match_limits(void **state)
{
	static const struct expr_case slow[] = {
		{"REGEXP",
		 {"s:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "s:^(a+)+$"},
		 "!too many steps"},
	};

	CASES_CHECK(slow, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documented_cases),
		cmocka_unit_test(bad_patterns),
		cmocka_unit_test(match_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
