/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashes, encodings and URLs: published digests (FIPS 180, RFC 1321), RFC 4648's base64, and corner cases.
 */
#include "expr_case.h"

#include "base/check.h"

static const struct expr_case cases[] = {
	{"MD5", {"s:"}, "d41d8cd98f00b204e9800998ecf8427e"},
	{"MD5", {"s:message digest"}, "f96b697d7cb7938d525a2f31aaf161d0"},
	{"SHA1", {"s:abc"}, "a9993e364706816aba3e25717850c26c9cd0d89d"},
	{"SHA224", {"s:abc"}, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"},
	{"SHA256",
	 {"s:abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"},
	 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	{"SHA384",
	 {"s:abc"},
	 "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
	{"SHA512",
	 {"s:abc"},
	 "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce"
	 "80e"
	 "2a9ac94fa54ca49f"},
	{"SHA2", {"s:abc", "i:224"}, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"},
	{"SHA2", {"s:abc", "i:256"}, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{"SHA2", {"s:abc", "i:128"}, "!no SHA2 of 128 bits"},
	{"SHA256", {"s!"}, NULL},
	{"BIN", {"i:12"}, "1100"},
	{"BIN", {"i:0"}, "0"},
	{"BIN", {"l:-1"}, "1111111111111111111111111111111111111111111111111111111111111111"},
	{"HEX", {"i:20"}, "14"},
	{"HEX", {"l:-255"}, "FFFFFFFFFFFFFF01"},
	{"HEX", {"s:hello,world"}, "68656C6C6F2C776F726C64"},
	{"HEX", {"s:\xc3\xa4"}, "C3A4"},
	{"HEX", {"s:"}, ""},
	{"UNHEX", {"s:466C696E6B"}, "Flink"},
	{"UNHEX", {"s:466c696e6B"}, "Flink"},
	{"UNHEX", {"s:"}, ""},
	{"UNHEX", {"s:4g"}, NULL},
	{"UNHEX", {"s:41g"}, NULL},
	{"TO_BASE64", {"s:"}, ""},
	{"TO_BASE64", {"s:f"}, "Zg=="},
	{"TO_BASE64", {"s:fo"}, "Zm8="},
	{"TO_BASE64", {"s:foobar"}, "Zm9vYmFy"},
	{"FROM_BASE64", {"s:Zm9vYmFy"}, "foobar"},
	{"FROM_BASE64", {"s:Zg=="}, "f"},
	{"FROM_BASE64", {"s:Zg"}, "f"},
	{"FROM_BASE64", {"s:Zm8"}, "fo"},
	{"FROM_BASE64", {"s:Z"}, "!not base64"},
	{"TO_BASE64", {"y:fo"}, "Zm8="},
	{"IS_DIGIT", {"s!"}, "FALSE"},
	{"MD5", {"y:abc"}, "900150983cd24fb0d6963f7d28e17f72"},
	{"DECODE", {"y:a\xe2\x82", "c:UTF-8"}, "a\xef\xbf\xbd"},
	{"FROM_BASE64", {"s:Zm9*"}, "!not base64"},
	{"URL_ENCODE",
	 {"s:https://flink.apache.org/a b?x=1&y=\xc3\xa4~*-._"},
	 "https%3A%2F%2Fflink.apache.org%2Fa+b%3Fx%3D1%26y%3D%C3%A4%7E*-._"},
	{"URL_DECODE", {"s:https%3A%2F%2Fflink.apache.org%2Fa+b%c3%a4"}, "https://flink.apache.org/a b\xc3\xa4"},
	{"URL_DECODE", {"s:a%4"}, NULL},
	{"URL_DECODE", {"s:a%"}, NULL},
	{"URL_DECODE", {"s:a%zz"}, NULL},
	{"PARSE_URL",
	 {"s:https://user:pw@flink.apache.org:8080/a/./b/../c.html?k1=v1&k2=&k1=x#top", "s:HOST"},
	 "flink.apache.org"},
	{"PARSE_URL",
	 {"s:https://user:pw@flink.apache.org:8080/a/./b/../c.html?k1=v1&k2=&k1=x#top", "s:PATH"},
	 "/a/./b/../c.html"},
	{"PARSE_URL",
	 {"s:https://user:pw@flink.apache.org:8080/a/./b/../c.html?k1=v1&k2=&k1=x#top", "s:QUERY"},
	 "k1=v1&k2=&k1=x"},
	{"PARSE_URL", {"s:https://user:pw@flink.apache.org:8080/a/./b/../c.html?k1=v1&k2=&k1=x#top", "s:REF"}, "top"},
	{"PARSE_URL",
	 {"s:https://user:pw@flink.apache.org:8080/a/./b/../c.html?k1=v1&k2=&k1=x#top", "s:PROTOCOL"},
	 "https"},
	{"PARSE_URL",
	 {"s:https://user:pw@flink.apache.org:8080/a/./b/../c.html?k1=v1&k2=&k1=x#top", "s:AUTHORITY"},
	 "user:pw@flink.apache.org:8080"},
	{"PARSE_URL",
	 {"s:https://user:pw@flink.apache.org:8080/a/./b/../c.html?k1=v1&k2=&k1=x#top", "s:USERINFO"},
	 "user:pw"},
	{"PARSE_URL",
	 {"s:https://user:pw@flink.apache.org:8080/a/./b/../c.html?k1=v1&k2=&k1=x#top", "s:FILE"},
	 "/a/./b/../c.html?k1=v1&k2=&k1=x"},
	{"PARSE_URL", {"s:https://user:pw@flink.apache.org:8080/a/./b/../c.html?k1=v1&k2=&k1=x#top", "s:PORT"}, NULL},
	{"PARSE_URL",
	 {"s:https://user:pw@flink.apache.org:8080/a/./b/../c.html?k1=v1&k2=&k1=x#top", "s:QUERY", "s:k1"},
	 "v1"},
	{"PARSE_URL",
	 {"s:https://user:pw@flink.apache.org:8080/a/./b/../c.html?k1=v1&k2=&k1=x#top", "s:QUERY", "s:k2"},
	 ""},
	{"PARSE_URL",
	 {"s:https://user:pw@flink.apache.org:8080/a/./b/../c.html?k1=v1&k2=&k1=x#top", "s:QUERY", "s:k"},
	 NULL},
	{"PARSE_URL", {"s:http://a.org", "s:PATH"}, ""},
	{"PARSE_URL", {"s:http://a.org", "s:QUERY"}, NULL},
	{"PARSE_URL", {"s:http://a.org", "s:USERINFO"}, NULL},
	{"PARSE_URL", {"s:http://a.org?x=1", "s:HOST"}, "a.org"},
	{"PARSE_URL", {"s:http://[::1]:80/x", "s:HOST"}, "[::1]"},
	{"PARSE_URL", {"s:foo://a.org/x", "s:HOST"}, NULL},
	{"PARSE_URL", {"s:no url", "s:HOST"}, NULL},
	{"PARSE_URL", {"s:http://a.org:x/", "s:HOST"}, NULL},
	{"PARSE_URL", {"s:  HTTP://a.org/x ", "s:PROTOCOL"}, "http"},
	{"PARSE_URL", {"s:http://a.org/..", "s:PATH"}, "/.."},
	{"PARSE_URL", {"s:http://a.org/a/b/..", "s:PATH"}, "/a/b/.."},
	{"PARSE_URL", {"s:file:/etc/hosts", "s:PATH"}, "/etc/hosts"},
	{"PARSE_URL", {"s:file:/etc/hosts", "s:AUTHORITY"}, NULL},
	{"DECODE", {"y:abc", "s:UTF-8"}, "abc"},
	{"DECODE", {"y:a\xc3\xa4", "s:iso-8859-1"}, "a\xc3\x83\xc2\xa4"},
	{"DECODE", {"y:a\xc3\xa4", "s:US-ASCII"}, "a\xef\xbf\xbd\xef\xbf\xbd"},
	{"DECODE",
	 {"y:a\xff"
	  "b",
	  "s:UTF-8"},
	 "a\xef\xbf\xbd"
	 "b"},
	{"DECODE", {"y:ab", "s:UTF-16BE"}, "\xe6\x85\xa2"},
	{"DECODE", {"y:ab", "s:UTF-16LE"}, "\xe6\x89\xa1"},
	{"DECODE", {"y:abc", "s:UTF-16"}, "\xe6\x85\xa2\xef\xbf\xbd"},
	{"DECODE", {"y:abc", "s:EBCDIC"}, "!no character set 'EBCDIC'"},
	{"ENCODE", {"s:a\xc3\xa4", "s:UTF-8"}, "a\xc3\xa4"},
	{"ENCODE", {"s:a\xe2\x82\xac", "s:US-ASCII"}, "a?"},
	{"ENCODE", {"s:\xe6\x85\xa2", "s:UTF-16BE"}, "ab"},
	{"ENCODE", {"s:\xe6\x85\xa2", "s:UTF-16LE"}, "ba"},
	{"ENCODE", {"s:a", "s:utf-7"}, "!no character set 'utf-7'"},
};

static void documented_cases(void **state) { CASES_CHECK(cases, 0); }

/** Decoding what was encoded gives the same text, in all sets that have all characters. */
static void round_trips(void **state)
{
	static const char *const sets[] = {"s:UTF-8", "s:UTF-16BE", "s:UTF-16LE", "s:UTF-16"};
	static const char *const texts[] = {"s:", "s:a", "s:\xc3\xa4\xe2\x82\xac",
					    "s:\xf0\x9f\x98\x80 x \xf4\x8f\xbf\xbf",
					    "s:\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbd"};

	for (uint32_t s = 0; s < TR_COUNT_OF(sets); s++) {
		for (uint32_t t = 0; t < TR_COUNT_OF(texts); t++) {
			const struct tr_schema schema = {0};
			const struct tr_batch batch = {.schema = &schema, .row_count = 1, .selected_count = 1};
			const struct tr_expr *set, *args[2];
			struct tr_arena arena;

			tr_arena_init(&arena, 0);
			set = case_literal(&arena, sets[s]);
			args[0] = case_call(&arena, "ENCODE",
					    (const struct tr_expr *[]){case_literal(&arena, texts[t]), set}, 2);
			args[1] = set;
			assert_string_equal(case_run(&arena, case_call(&arena, "DECODE", args, 2), &batch, 0),
					    texts[t] + 2);
			tr_arena_deinit(&arena);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documented_cases),
		cmocka_unit_test(round_trips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
