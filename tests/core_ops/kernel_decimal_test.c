/* SPDX-License-Identifier: Apache-2.0
 *
 * DECIMAL arithmetic against schoolbook arithmetic on decimal digits, which shares nothing with 128- and 256-bit integers.
 */
#include "expr_case.h"

#include "core/ops/kernel_decimal.h"

#define DIGITS 200
#define CASES 20000

/* A non-negative integer, least significant digit first. */
struct digits {
	uint8_t d[DIGITS];
};

static struct digits digits_of(tr_i128 value)
{
	struct digits n = {0};
	tr_u128 v = value < 0 ? 0 - (tr_u128)value : (tr_u128)value;

	for (int i = 0; v > 0; i++, v /= 10)
		n.d[i] = (uint8_t)(v % 10);
	return n;
}

static struct digits shifted(struct digits n, int by)
{
	struct digits r = {0};

	for (int i = 0; i + by < DIGITS; i++)
		r.d[i + by] = n.d[i];
	return r;
}

static int compare(const struct digits *a, const struct digits *b)
{
	for (int i = DIGITS - 1; i >= 0; i--)
		if (a->d[i] != b->d[i])
			return a->d[i] < b->d[i] ? -1 : 1;
	return 0;
}

static struct digits add(struct digits a, struct digits b)
{
	int carry = 0;

	for (int i = 0; i < DIGITS; i++) {
		int sum = a.d[i] + b.d[i] + carry;

		a.d[i] = (uint8_t)(sum % 10);
		carry = sum / 10;
	}
	return a;
}

static struct digits subtract(struct digits a, struct digits b)
{
	int borrow = 0;

	for (int i = 0; i < DIGITS; i++) {
		int rest = a.d[i] - b.d[i] - borrow;

		borrow = rest < 0;
		a.d[i] = (uint8_t)(rest + 10 * borrow);
	}
	return a;
}

static struct digits multiply(struct digits a, struct digits b)
{
	struct digits r = {0};

	for (int i = 0; i < 100; i++)
		for (int j = 0, carry = 0; j < 100; j++) {
			int sum = r.d[i + j] + a.d[i] * b.d[j] + carry;

			r.d[i + j] = (uint8_t)(sum % 10);
			carry = sum / 10;
		}
	return r;
}

static struct digits divide(struct digits a, struct digits b, struct digits *rest)
{
	struct digits q = {0};

	*rest = (struct digits){0};
	for (int i = DIGITS - 1; i >= 0; i--) {
		*rest = shifted(*rest, 1);
		rest->d[0] = a.d[i];
		while (compare(rest, &b) >= 0) {
			*rest = subtract(*rest, b);
			q.d[i]++;
		}
	}
	return q;
}

/* Drops `by` digits, half up. */
static struct digits dropped(struct digits n, int by)
{
	struct digits r = {0}, one = {{1}};

	if (by == 0)
		return n;
	for (int i = by; i < DIGITS; i++)
		r.d[i - by] = n.d[i];
	return n.d[by - 1] >= 5 ? add(r, one) : r;
}

/* The text of a result of that sign, scale and precision; NULL when it has too many digits. */
static const char *text_of(struct tr_arena *arena, struct digits n, bool is_negative, int precision, int scale)
{
	char text[DIGITS + 3];
	int top = DIGITS - 1, length = 0;

	while (top > 0 && n.d[top] == 0)
		top--;
	if (top >= precision)
		return NULL;
	if (is_negative && !(top == 0 && n.d[0] == 0))
		text[length++] = '-';
	for (int i = TR_MAX(top, scale); i >= 0; i--) {
		text[length++] = (char)('0' + n.d[i]);
		if (i == scale && scale > 0)
			text[length++] = '.';
	}
	return tr_arena_strndup(arena, text, (size_t)length);
}

static tr_i128 random_decimal(uint64_t *seed, int precision)
{
	int length = 1 + (int)tr_test_below(seed, (uint32_t)precision);
	tr_i128 value = 0;

	for (int i = 0; i < length; i++)
		value = value * 10 + (tr_test_below(seed, 4) == 0 ? 9 : tr_test_below(seed, 10));
	return tr_test_below(seed, 2) ? -value : value;
}

static const struct tr_expr *literal(struct tr_arena *arena, const struct tr_type *type, tr_i128 value)
{
	struct tr_value v = {0};

	if (type->phys == TR_PHYS_I64)
		v.i64 = (int64_t)value;
	else
		v.i128 = value;
	return tr_expr_literal(arena, tr_type_with_nullable(arena, type, false), v);
}

static const char *model(struct tr_arena *arena, char op, tr_i128 a, int sa, tr_i128 b, int sb,
			 const struct tr_type *type)
{
	int common = TR_MAX(sa, sb);
	struct digits x = digits_of(a), y = digits_of(b), rest;
	bool a_neg = a < 0, b_neg = (b < 0) != (op == '-');

	if (op == '*')
		return text_of(arena, dropped(multiply(x, y), sa + sb - type->scale), (a < 0) != (b < 0),
			       type->precision, type->scale);
	if (op == '/') {
		/* 60 digits more than wanted, so that what is cut cannot matter to the rounding but as "not zero". */
		int shift = type->scale + sb - sa;
		struct digits twice, q;

		x = shift > 0 ? shifted(x, shift) : x;
		y = shift < 0 ? shifted(y, -shift) : y;
		q = divide(x, y, &rest);
		twice = add(rest, rest);
		if (compare(&twice, &y) >= 0)
			q = add(q, (struct digits){{1}});
		return text_of(arena, q, (a < 0) != (b < 0), type->precision, type->scale);
	}
	x = shifted(x, common - sa);
	y = shifted(y, common - sb);
	if (op == '%') {
		divide(x, y, &rest);
		return text_of(arena, dropped(rest, common - type->scale), a < 0, type->precision, type->scale);
	}
	if (a_neg == b_neg)
		x = add(x, y);
	else if (compare(&x, &y) >= 0)
		x = subtract(x, y);
	else {
		x = subtract(y, x);
		a_neg = b_neg;
	}
	return text_of(arena, dropped(x, common - type->scale), a_neg, type->precision, type->scale);
}

static void random_operations(void **state)
{
	static const char *const ops[] = {"+", "-", "*", "/", "%"};
	struct tr_schema none = {0};
	struct tr_batch batch = {.schema = &none, .row_count = 1, .selected_count = 1};
	const char *percent = getenv("TAILRACE_TEST_PERCENT");
	uint64_t seed = 7, count = CASES * (uint64_t)(percent != NULL ? atoi(percent) : 100) / 100;
	uint32_t nulls = 0;

	for (uint64_t i = 0; i < count; i++) {
		struct tr_arena arena;
		int pa = 1 + (int)tr_test_below(&seed, 38), pb = 1 + (int)tr_test_below(&seed, 38);
		int sa = (int)tr_test_below(&seed, (uint32_t)pa + 1), sb = (int)tr_test_below(&seed, (uint32_t)pb + 1);
		const char *op = ops[tr_test_below(&seed, 5)], *want, *got;
		tr_i128 a = random_decimal(&seed, pa), b = random_decimal(&seed, pb);
		const struct tr_expr *args[2], *call;

		if (b == 0 && (op[0] == '/' || op[0] == '%'))
			continue;
		tr_arena_init(&arena, 0);
		args[0] = literal(&arena, tr_type_decimal(&arena, pa, sa), a);
		args[1] = literal(&arena, tr_type_decimal(&arena, pb, sb), b);
		call = case_call(&arena, op, args, 2);
		want = model(&arena, op[0], a, sa, b, sb, call->type);
		got = case_run(&arena, call, &batch, 0);
		nulls += want == NULL;
		if ((want == NULL) != (got == NULL) || (want != NULL && strcmp(want, got) != 0))
			fail_msg("case %llu: %s of %s: want %s, got %s", (unsigned long long)i,
				 tr_expr_text_of(&arena, call, NULL), tr_type_text(&arena, call->type),
				 want ? want : "NULL", got ? got : "NULL");
		tr_arena_deinit(&arena);
	}
	assert_in_range(nulls, 1, count / 2);
}

static void comparisons(void **state)
{
	uint64_t seed = 11;

	for (int i = 0; i < CASES; i++) {
		int sa = (int)tr_test_below(&seed, 39), sb = (int)tr_test_below(&seed, 39);
		tr_i128 a = random_decimal(&seed, 38), b = tr_test_below(&seed, 3) ? random_decimal(&seed, 38) : a;
		struct digits x = shifted(digits_of(a), 38 - sa), y = shifted(digits_of(b), 38 - sb);
		int want = compare(&x, &y), got = tr_decimal_compare(a, sa, b, sb);

		if ((a < 0) != (b < 0))
			want = a < 0 ? -1 : 1;
		else if (a < 0)
			want = -want;
		if (a == 0 && b == 0)
			want = 0;
		assert_int_equal((got > 0) - (got < 0), want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations),
		cmocka_unit_test(comparisons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
