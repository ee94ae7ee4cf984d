/* SPDX-License-Identifier: Apache-2.0
 *
 * Classes in classes: random ones, written as Java reads them, against sets of characters that are worked out beside the text. A
 * character belongs to the set exactly if the translated class matches it. Other texts: what is copied as it is, and what is refused.
 */
#include "base/bytes.h"
#include "base/check.h"
#include "core/ops/kernel_regex.h"
#include "core/ops/regex_java.h"
#include "tr_test.h"

#define FIRST ' '
#define CHARACTERS ('~' - FIRST + 1)

static uint64_t state = 5;

static uint32_t draw(uint32_t limit) { return (uint32_t)(tr_test_random(&state) % limit); }

struct set {
	bool has[CHARACTERS];
};

static void add_range(struct set *set, char from, char to)
{
	for (char c = from; c <= to; c++)
		set->has[c - FIRST] = true;
}

/* Some characters, and ranges of them. */
static void make_run(struct tr_bytes *text, struct set *set)
{
	for (uint32_t i = 0, count = 1 + draw(3); i < count; i++) {
		const char from = (char)('a' + draw(20)), to = (char)(from + (char)draw(6));

		switch (draw(6)) {
		case 0:
			tr_bytes_append_str(text, "\\]");
			add_range(set, ']', ']');
			break;
		case 1:
			tr_bytes_append_str(text, "\\p{Digit}");
			add_range(set, '0', '9');
			break;
		case 2:
			tr_bytes_append_char(text, from);
			add_range(set, from, from);
			break;
		default:
			tr_bytes_printf(text, "%c-%c", from, to);
			add_range(set, from, to);
			break;
		}
	}
}

static void make_class(struct tr_bytes *text, struct set *set, uint32_t depth);

/* On the right of && runs stand before classes (those behind are refused). */
static void make_operand(struct tr_bytes *text, struct set *set, uint32_t depth)
{
	const uint32_t classes = depth < 3 ? draw(3) : 0;

	memset(set, 0, sizeof(*set));
	if (classes == 0 || draw(2) == 0)
		make_run(text, set);
	for (uint32_t i = 0; i < classes; i++) {
		struct set inner;

		make_class(text, &inner, depth + 1);
		for (int c = 0; c < CHARACTERS; c++)
			set->has[c] |= inner.has[c];
	}
}

static void make_class(struct tr_bytes *text, struct set *set, uint32_t depth)
{
	const bool is_negated = draw(3) == 0;

	tr_bytes_append_str(text, is_negated ? "[^" : "[");
	make_operand(text, set, depth);
	for (uint32_t i = 0, more = draw(3); i < more; i++) {
		struct set right;

		tr_bytes_append_str(text, "&&");
		make_operand(text, &right, depth);
		for (int c = 0; c < CHARACTERS; c++)
			set->has[c] &= right.has[c];
	}
	tr_bytes_append_char(text, ']');
	for (int c = 0; c < CHARACTERS; c++)
		set->has[c] ^= is_negated;
}

static void random_classes(void **unused)
{
	struct tr_regex *regex = tr_regex_create();
	struct tr_bytes text = {0};

	for (uint64_t i = 0, cases = tr_test_cases(2000); i < cases; i++) {
		struct set set;
		char error[TR_REGEX_ERROR_BYTES];

		tr_bytes_clear(&text);
		make_class(&text, &set, 0);
		tr_bytes_append_char(&text, '\0');
		if (!tr_regex_compile(regex, text.data, text.length - 1, error))
			fail_msg("%s: %s", text.data, error);
		for (char c = FIRST; c < FIRST + CHARACTERS; c++)
			if (tr_regex_find(regex, &c, 1, 0) != set.has[c - FIRST])
				fail_msg("%s and '%c': not %d", text.data, c, set.has[c - FIRST]);
		/* the other form, for texts that are not ASCII */
		assert_int_equal(tr_regex_find(regex, "\303\234q", 3, 2), set.has['q' - FIRST]);
	}
	tr_bytes_deinit(&text);
	tr_regex_destroy(regex);
}

static void other_patterns(void **unused)
{
	static const char *const cases[][2] = {
		{"a[bc]d", "a[bc]d"},
		{"[]a]", "[]a]"},
		{"[^]&]", "[^]&]"},
		{"[[:alpha:]&]", "[[:alpha:]&]"},
		{"\\[a[^\\Q[]\\E]", "\\[a[^\\Q[]\\E]"},
		{"\\p{Lower}[\\P{IsDigit}]", "[[:lower:]][\\P{Nd}]"},
		{"[abc", "[abc"},
		{"a\\", "a\\"},
		{"[a&&b]", "(?:(?=[a])(?=[b])(?s:.))"},
		{"[^a[b]]", "(?:(?!(?=[a]|[b]))(?s:.))"},
		{"[a&&[b]c]", NULL},
		{"[&&]", NULL},
		{"[a&&[b]", NULL},
		{"[a[b", NULL},
		{"[a[[[[[[[[[[[[[[[[[[[[b]]]]]]]]]]]]]]]]]]]]]", NULL},
	};
	struct tr_bytes out = {0};

	for (size_t i = 0; i < TR_COUNT_OF(cases); i++) {
		const char *problem;

		tr_bytes_clear(&out);
		problem = tr_regex_java(&out, cases[i][0], strlen(cases[i][0]));
		tr_bytes_append_char(&out, '\0');
		assert_int_equal(problem != NULL, cases[i][1] == NULL);
		if (problem == NULL)
			assert_string_equal(out.data, cases[i][1]);
	}
	tr_bytes_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(random_classes), cmocka_unit_test(other_patterns)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
