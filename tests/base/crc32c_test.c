/* SPDX-License-Identifier: Apache-2.0
 *
 * CRC32C: the published numbers (RFC 3720, B.4), and the fast form against the plain one over lengths, alignments and
 * starts.
 */
#include "tr_test.h"

#include "base/check.h"
#include "base/crc32c.h"

static void check(const void *bytes, size_t length, uint32_t expected)
{
	assert_int_equal(tr_crc32c(0, bytes, length), expected);
	assert_int_equal(tr_crc32c_scalar(0, bytes, length), expected);
}

static void test_published(void **state)
{
	unsigned char bytes[32];
	/* A SCSI Read (10) command. */
	static const unsigned char scsi[48] = {0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0,    0, 0, 0,    0, 0, 0, 0,
					       0x14, 0,    0, 0, 0, 0, 4, 0, 0,    0, 0, 0x14, 0, 0, 0, 0x18,
					       0x28, 0,    0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0,    0, 0, 0, 0};

	check("", 0, 0);
	check("123456789", 9, 0xe3069283);
	memset(bytes, 0, sizeof(bytes));
	check(bytes, sizeof(bytes), 0x8a9136aa);
	memset(bytes, 0xff, sizeof(bytes));
	check(bytes, sizeof(bytes), 0x62a8ab43);
	for (int i = 0; i < 32; i++)
		bytes[i] = (unsigned char)i;
	check(bytes, sizeof(bytes), 0x46dd794e);
	for (int i = 0; i < 32; i++)
		bytes[i] = (unsigned char)(31 - i);
	check(bytes, sizeof(bytes), 0x113fdb5c);
	check(scsi, sizeof(scsi), 0xd9963a56);
}

static void test_forms_agree(void **state)
{
	enum { ROOM = 120000 };
	unsigned char *bytes = malloc(ROOM);
	uint64_t seed = 7;

	for (size_t i = 0; i < ROOM; i++)
		bytes[i] = (unsigned char)tr_test_random(&seed);
	for (uint64_t i = tr_test_cases(2000); i > 0; i--) {
		static const uint32_t lengths[] = {16, 100, 3100, 6200, 24600, 50000, 110000};
		const size_t length = tr_test_below(&seed, lengths[tr_test_below(&seed, TR_COUNT_OF(lengths))]);
		const size_t at = tr_test_below(&seed, 64),
			     cut = length > 0 ? tr_test_below(&seed, (uint32_t)length) : 0;
		const uint32_t expected = tr_crc32c_scalar((uint32_t)i, bytes + at, length);

		assert_int_equal(tr_crc32c((uint32_t)i, bytes + at, length), expected);
		assert_int_equal(tr_crc32c(tr_crc32c((uint32_t)i, bytes + at, cut), bytes + at + cut, length - cut),
				 expected);
	}
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_published), cmocka_unit_test(test_forms_agree)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
