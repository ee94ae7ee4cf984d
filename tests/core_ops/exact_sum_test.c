/* SPDX-License-Identifier: Apache-2.0
 *
 * The oracle is a plain big integer: every double times 2^1074 is one, sums of them are exact, and rounding is done by
 * comparing with the two neighbouring doubles.
 */
#include <math.h>

#include "core/ops/exact_sum.h"
#include "tr_test.h"

#define LIMBS 40

struct big {
	uint64_t limbs[LIMBS]; /* two's complement */
};

static void big_add(struct big *b, double value, int times)
{
	int exponent;
	int64_t m = (int64_t)ldexp(frexp(value, &exponent), 53);
	struct big x = {{0}};
	uint64_t carry = 0;
	const bool negative = (m < 0) != (times < 0);
	unsigned position;

	if (value == 0)
		return;
	exponent -= 53;
	m = m < 0 ? -m : m;
	while (exponent < -1074) { /* subnormals: the low bits are zeros */
		m >>= 1;
		exponent++;
	}
	position = (unsigned)(exponent + 1074);
	x.limbs[position / 64] = (uint64_t)m << (position % 64);
	if (position % 64 != 0)
		x.limbs[position / 64 + 1] = (uint64_t)m >> (64 - position % 64);
	if (negative) {
		uint64_t one = 1;

		for (int i = 0; i < LIMBS; i++) {
			x.limbs[i] = ~x.limbs[i] + one;
			one = one && x.limbs[i] == 0;
		}
	}
	for (int i = 0; i < LIMBS; i++) {
		const unsigned __int128 t = (unsigned __int128)b->limbs[i] + x.limbs[i] + carry;

		b->limbs[i] = (uint64_t)t;
		carry = (uint64_t)(t >> 64);
	}
}

/** The sign of b - value. */
static int big_compare(const struct big *b, double value)
{
	struct big d = *b;
	bool zero = true;

	big_add(&d, value, -1);
	for (int i = 0; i < LIMBS; i++)
		zero = zero && d.limbs[i] == 0;
	return zero ? 0 : (int64_t)d.limbs[LIMBS - 1] < 0 ? -1 : 1;
}

/** |b - x| <= |b - neighbour| for both neighbours, ties to even. */
static void check_rounded(const struct big *b, double x)
{
	const int side = big_compare(b, x);
	struct big twice = *b;
	double neighbour;
	uint64_t bits;
	int order;

	if (side == 0)
		return;
	neighbour = nextafter(x, side > 0 ? (double)INFINITY : -(double)INFINITY);
	big_add(&twice, x, -1);
	for (int i = LIMBS - 1; i > 0; i--) /* twice the distance */
		twice.limbs[i] = (twice.limbs[i] << 1) | (twice.limbs[i - 1] >> 63);
	twice.limbs[0] <<= 1;
	big_add(&twice, x, 1); /* x + 2 (b - x), to be compared with the neighbour */
	order = big_compare(&twice, neighbour);
	if (order == 0) {
		memcpy(&bits, &x, 8);
		assert_int_equal(bits & 1, 0);
	} else {
		assert_int_equal(order, -side);
	}
}

static double random_double(uint64_t *seed, int mode)
{
	const uint64_t bits = tr_test_random(seed);
	double value;

	if (mode == 0) { /* any finite double */
		memcpy(&value, &bits, 8);
		return isfinite(value) ? ldexp(value, -4) : 1.5;
	}
	if (mode == 1) /* prices */
		return (double)(int64_t)(bits % 2000000 - 1000000) / 100;
	if (mode == 2) /* subnormals */
		return ldexp((double)(bits & 0xffffff), -1074) * (bits >> 63 ? -1 : 1);
	return ldexp((double)(int64_t)bits, (int)(bits % 120) - 60);
}

static void sums_are_exact_and_order_independent(void **state)
{
	uint64_t seed = 1;

	for (int round = 0; round < 600; round++) {
		const int mode = round % 4;
		const int n = 1 + (int)tr_test_below(&seed, 60);
		struct tr_exact_sum forward = {0}, parts[3] = {{0}}, merged = {0}, read = {0};
		struct big big = {{0}};
		double values[64], result;
		char bytes[1024];

		for (int i = 0; i < n; i++) {
			values[i] = random_double(&seed, mode);
			if (i > 0 && tr_test_below(&seed, 3) == 0)
				values[i] = -values[i - 1];
			big_add(&big, values[i], 1);
			tr_exact_sum_add(&forward, values[i]);
		}
		for (int i = n - 1; i >= 0; i--)
			tr_exact_sum_add(&parts[tr_test_below(&seed, 3)], values[i]);
		for (int i = 0; i < 3; i++) {
			tr_exact_sum_merge(&merged, &parts[i]);
			assert_true(tr_exact_sum_bytes(&parts[i]) <= sizeof(bytes));
			tr_exact_sum_write(&parts[i], bytes);
			tr_exact_sum_read(&read, bytes, tr_exact_sum_bytes(&parts[i]));
			tr_exact_sum_clear(&parts[i]);
		}
		result = tr_exact_sum_double(&forward);
		check_rounded(&big, result);
		assert_true(result == tr_exact_sum_double(&merged));
		assert_true(result == tr_exact_sum_double(&read));
		assert_true(tr_exact_sum_float(&forward) == tr_exact_sum_float(&merged));
		tr_exact_sum_clear(&forward);
		tr_exact_sum_clear(&merged);
		tr_exact_sum_clear(&read);
	}
}

static void known_sums(void **state)
{
	struct tr_exact_sum sum = {0};

	assert_true(tr_exact_sum_double(&sum) == 0);
	for (int i = 0; i < 10; i++)
		tr_exact_sum_add(&sum, 0.1);
	assert_true(tr_exact_sum_double(&sum) == 1.0);
	tr_exact_sum_add(&sum, 1e300);
	tr_exact_sum_add(&sum, 1e-300);
	tr_exact_sum_add(&sum, -1e300);
	assert_true(tr_exact_sum_double(&sum) == 1.0);
	tr_exact_sum_clear(&sum);
	for (int i = 0; i < 1000; i++) /* overflows a double, and comes back */
		tr_exact_sum_add(&sum, 1.7e308);
	assert_true(isinf(tr_exact_sum_double(&sum)));
	for (int i = 0; i < 999; i++)
		tr_exact_sum_add(&sum, -1.7e308);
	assert_true(tr_exact_sum_double(&sum) == 1.7e308);
	tr_exact_sum_clear(&sum);
	tr_exact_sum_add(&sum, (double)INFINITY);
	assert_true(isinf(tr_exact_sum_double(&sum)));
	tr_exact_sum_add(&sum, -(double)INFINITY);
	assert_true(isnan(tr_exact_sum_double(&sum)));
	tr_exact_sum_clear(&sum);
	/* The float is rounded once: by way of a double this would round up twice. */
	tr_exact_sum_add(&sum, 1.0 + ldexp(1, -24));
	tr_exact_sum_add(&sum, -ldexp(1, -80));
	assert_true(tr_exact_sum_float(&sum) == 1.0f);
	tr_exact_sum_clear(&sum);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_exact_and_order_independent),
		cmocka_unit_test(known_sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
