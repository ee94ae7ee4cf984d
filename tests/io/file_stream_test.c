/* SPDX-License-Identifier: Apache-2.0
 *
 * Compressed files as input: the rows of the text that was compressed, in one member or many, and damage named.
 */
#include "test_source.h"

#include <zlib.h>
#include <zstd.h>

static void write_gzip(const char *name, const char *text, size_t length, size_t member_bytes)
{
	for (size_t at = 0; at < length || at == 0; at += member_bytes) {
		const size_t n = at + member_bytes < length ? member_bytes : length - at;
		gzFile file = gzopen(path_of(name), at == 0 ? "wb" : "ab");

		assert_non_null(file);
		if (n > 0)
			assert_int_equal(gzwrite(file, text + at, (unsigned)n), n);
		assert_int_equal(gzclose(file), Z_OK);
		if (n == 0)
			break;
	}
}

static void write_zstd(const char *name, const char *text, size_t length, size_t frame_bytes)
{
	struct tr_bytes out = {0};

	for (size_t at = 0; at < length; at += frame_bytes) {
		const size_t n = at + frame_bytes < length ? frame_bytes : length - at;
		const size_t bound = ZSTD_compressBound(n);

		out.length += ZSTD_compress(tr_bytes_reserve(&out, bound), bound, text + at, n, 3);
	}
	write_file(name, out.data, out.length);
	tr_bytes_deinit(&out);
}

static void test_compressed(void **state)
{
	struct tr_bytes file = {0}, expected = {0};

	generate(5, 400, 3000, "\n", &file, &expected);
	write_gzip("a.gz", file.data, file.length, 1 << 30);
	expect_rows("a.gz", expected.data);
	write_gzip("m.gz", file.data, file.length, 777);
	expect_rows("m.gz", expected.data);
	write_zstd("a.zst", file.data, file.length, 1 << 30);
	expect_rows("a.zst", expected.data);
	write_zstd("m.zst", file.data, file.length, 777);
	expect_rows("m.zst", expected.data);
	clean();
	write_gzip("e.gz", "", 0, 1);
	expect_rows("e.gz", "");
	write_gzip("b.gz",
		   "\xef\xbb\xbf"
		   "1,a",
		   6, 100);
	expect_rows("b.gz", "1|a;");
	write_file("0.gz", "", 0);
	expect_rows("0.gz", "");
	tr_bytes_deinit(&file);
	tr_bytes_deinit(&expected);
	clean();
}

static void test_compressed_damage(void **state)
{
	struct tr_bytes file = {0}, expected = {0};
	char bytes[1 << 16];
	FILE *f;
	size_t length;

	generate(6, 400, 3000, "\n", &file, &expected);
	for (int kind = 0; kind < 2; kind++) {
		const char *name = kind == 0 ? "x.gz" : "x.zst";

		if (kind == 0)
			write_gzip(name, file.data, file.length, 1 << 30);
		else
			write_zstd(name, file.data, file.length, 1 << 30);
		f = fopen(path_of(name), "rb");
		length = fread(bytes, 1, sizeof(bytes), f);
		fclose(f);
		assert_in_range(length, 2000, sizeof(bytes) - 1);
		write_file(name, bytes, length - 9);
		expect_failure(path_of(name), TR_ERR_DATA, "the file was cut short");
		for (size_t i = length / 2; i < length / 2 + 60; i++)
			bytes[i] = (char)~bytes[i];
		write_file(name, bytes, length);
		expect_failure(path_of(name), TR_ERR_DATA, "byte offset");
		write_file(name, "this is not compressed", 22);
		expect_failure(path_of(name), TR_ERR_DATA, kind == 0 ? "damaged gzip data" : "damaged zstd data");
	}
	write_gzip("l.gz", "1,a\n2,b\nc,d\n", 12, 5);
	expect_failure(path_of("l.gz"), TR_ERR_DATA, "line 3, column 1, byte offset 8: field 'id': 'c'");
	tr_bytes_deinit(&file);
	tr_bytes_deinit(&expected);
	clean();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compressed),
		cmocka_unit_test(test_compressed_damage),
	};

	return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
