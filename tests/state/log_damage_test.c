/* SPDX-License-Identifier: Apache-2.0
 *
 * Damage: bytes of a log are cut off, flipped, replaced, appended; files are taken away, doubled, put back. Whatever was
 * done, opening and reading end with the right blocks or with an error that names a file, never with other blocks.
 * Damage behind the last checkpoint, or to one copy of a root, must not even be an error.
 *
 * The flips are 500; with TAILRACE_TEST_SOAK=1 100,000.
 */
#include "log_model.h"

#include <fcntl.h>

#include "base/crc32c.h"

/** A log of `checkpoints` checkpoints, closed; a copy of it lies beside it, in ../whole. */
static struct model *make_log(uint64_t seed, size_t segment_bytes, uint32_t checkpoints)
{
	struct model *m = model_create(seed, segment_bytes);

	model_must(m, model_open(m));
	for (uint32_t n = 1; n <= checkpoints; n++)
		assert_int_equal(model_commit(m, n, 6, 3000), TR_FLOW_DONE);
	tr_log_close(&m->log);
	model_shell(m, "cp -a --sparse=always . ../whole");
	return m;
}

static void restore(const struct model *m) { model_shell(m, "rm -rf * && cp -a --sparse=always ../whole/. ."); }

static void path_of(const struct model *m, const char *name, char path[256])
{
	snprintf(path, 256, "%s/%s", m->directory, name);
}

static size_t size_of(const struct model *m, const char *name)
{
	struct stat s;
	char path[256];

	path_of(m, name, path);
	assert_int_equal(stat(path, &s), 0);
	return (size_t)s.st_size;
}

static void cut(const struct model *m, const char *name, size_t length)
{
	char path[256];

	path_of(m, name, path);
	assert_int_equal(truncate(path, (off_t)length), 0);
}

static void patch(const struct model *m, const char *name, size_t offset, const void *bytes, size_t length)
{
	char path[256];
	int fd;

	path_of(m, name, path);
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, bytes, length, (off_t)offset), length);
	close(fd);
}

/** Returns what was there before. */
static unsigned char flip(const struct model *m, const char *name, size_t offset, int bit)
{
	unsigned char byte, before;
	char path[256];
	int fd;

	path_of(m, name, path);
	fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, &before, 1, (off_t)offset), 1);
	byte = before ^ (unsigned char)(1 << bit);
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
	close(fd);
	return before;
}

/** The names of the segments, in order. */
static uint32_t segments_of(const struct model *m, char names[64][32])
{
	uint32_t count = 0;

	for (uint32_t n = 1; n < 1000 && count < 64; n++) {
		char path[256], name[32];

		snprintf(name, sizeof(name), "segment-%u", n);
		path_of(m, name, path);
		if (access(path, F_OK) == 0)
			strcpy(names[count++], name);
	}
	return count;
}

/** Opens and reads all: the number of checkpoints that could be read, newest first, or -1 when it does not open. What can
 * not be read must name a file. */
static int readable(struct model *m)
{
	int good = 0;
	tr_code code;

	m->st.message[0] = '\0';
	code = model_open(m);
	if (code != TR_OK) {
		assert_int_equal(code, TR_ERR_DATA);
		assert_non_null(strstr(m->st.message, "root-"));
		return -1;
	}
	for (uint32_t i = 0; i < tr_log_checkpoint_count(m->log); i++) {
		code = model_read(m, i);
		if (code == TR_OK) {
			good++;
			continue;
		}
		assert_int_equal(code, TR_ERR_DATA);
		assert_non_null(strstr(m->st.message, "segment-"));
	}
	return good;
}

/** The log goes on, and is whole after two more checkpoints that write everything anew. */
static void goes_on(struct model *m)
{
	const uint64_t number = tr_log_checkpoint_count(m->log) > 0 ? tr_log_checkpoint(m->log, 0)->number : 0;
	const uint32_t old = m->checkpoint_count;

	for (uint64_t n = number + 1; n <= number + 3; n++) {
		memset(m->base, 0, sizeof(m->base));
		assert_int_equal(model_commit(m, n + 1000, 4, 1000), TR_FLOW_DONE);
	}
	model_reopen(m);
	model_check(m);
	tr_log_close(&m->log);
	model_forget(m, old);
}

static void test_tails(void **state)
{
	static const char *const tails[] = {"head -c 5000 /dev/urandom >>$S",
					    "head -c 5000 /dev/zero >>$S",
					    "head -c 777 $S >>$S",
					    "cat $S $S >x && cat x >>$S && rm x",
					    "printf x >>$S",
					    "head -c 9999 /dev/urandom >segment-99",
					    ": >segment-77",
					    "cp $S segment-98"};
	struct model *m = make_log(3, 1 << 20, 5);
	char command[512], names[64][32];

	assert_true(segments_of(m, names) == 1);
	for (size_t i = 0; i < TR_COUNT_OF(tails); i++) {
		const size_t before = size_of(m, names[0]);

		snprintf(command, sizeof(command), "S=%s && %s", names[0], tails[i]);
		model_shell(m, command);
		assert_int_equal(readable(m), 2);
		assert_int_equal(tr_log_checkpoint(m->log, 0)->number, 5);
		assert_true(m->report.tail_bytes > 0 || i == 6);
		assert_int_equal(m->report.roots_damaged, 0);
		assert_non_null(strstr(m->report.note, "behind checkpoint 5"));
		assert_int_equal(size_of(m, names[0]), before);
		model_shell(m, "test ! -e segment-99");
		goes_on(m);
		restore(m);
	}
	model_destroy(&m);
}

/** A process dies at any moment of writing: what it leaves is what a copy of the directory has then. */
static void test_torn(void **state)
{
	for (uint32_t i = 0; i < (uint32_t)tr_test_cases(60); i++) {
		struct model *m = model_create(i, i % 2 == 0 ? 1 << 13 : 1 << 20);
		const uint64_t unknown = 4;
		uint32_t steps = i / 2;

		model_must(m, model_open(m));
		for (uint64_t n = 1; n < unknown; n++)
			assert_int_equal(model_commit(m, n, 6, 3000), TR_FLOW_DONE);
		tr_log_begin(m->log, unknown);
		for (uint32_t k = 0; k < 8; k++)
			assert_true(model_append(m, unknown, 3000));
		model_seal(m, unknown);
		while (steps-- > 0 && tr_log_step(m->log, &m->st) == TR_FLOW_MORE)
			;
		model_shell(m, "cp -a --sparse=always . ../torn");
		tr_log_close(&m->log);
		model_shell(m, "rm -rf * && cp -a --sparse=always ../torn/. .");
		assert_int_equal(readable(m), 2);
		if (tr_log_checkpoint(m->log, 0)->number < unknown)
			model_forget(m, (uint32_t)unknown - 1);
		goes_on(m);
		model_destroy(&m);
	}
}

/** Where frames begin and end, told by the model: a head of 64 bytes each. */
static uint32_t borders_of(const struct model *m, size_t borders[200])
{
	uint32_t count = 0;
	size_t offset = 64;

	borders[count++] = 0;
	borders[count++] = offset;
	for (uint32_t i = 0; i < m->block_count; i++)
		borders[count++] = offset += 64 + m->blocks[i].length;
	return count;
}

static void test_truncation(void **state)
{
	struct model *m = make_log(4, 1 << 20, 5);
	size_t borders[200];
	char names[64][32];
	const uint32_t count = borders_of(m, borders);

	assert_int_equal(segments_of(m, names), 1);
	assert_int_equal(size_of(m, names[0]), borders[count - 1]);
	for (uint32_t i = 0; i < count; i++) {
		for (int off = -1; off <= 1; off++) {
			const size_t length = borders[i] + (size_t)off;
			int good;

			if ((i == 0 && off < 0) || length >= borders[count - 1])
				continue;
			cut(m, names[0], length);
			good = readable(m);
			/* Checkpoint 5's last block is cut: at most 4 can be read, and just when its blocks are there. */
			assert_true(good == 0 || good == 1);
			assert_int_equal(good == 1, length >= borders[m->checkpoints[3].block_count + 1]);
			assert_non_null(strstr(m->st.message, names[0]));
			if (good == 1) {
				model_must(m, tr_log_rewind(m->log, 1, &m->st));
				goes_on(m);
			}
			tr_log_close(&m->log);
			restore(m);
		}
	}
	for (int pair = 0; pair < 2; pair++) {
		static const size_t lengths[] = {0, 1, 100, 300, 4096, 4 << 20, (4 << 20) + 100};

		for (size_t i = 0; i < TR_COUNT_OF(lengths); i++) {
			cut(m, pair == 0 ? "root-0" : "root-1", lengths[i]);
			assert_true(readable(m) >= 1);
			tr_log_close(&m->log);
			restore(m);
		}
	}
	model_destroy(&m);
}

static bool is_soak(void)
{
	const char *soak = getenv("TAILRACE_TEST_SOAK");

	return soak != NULL && strcmp(soak, "1") == 0;
}

/** One flip in a segment costs at most the checkpoints that need the frame; one in a root costs nothing. */
static void test_flips(void **state)
{
	struct model *m = make_log(6, 1 << 15, 8);
	char names[64][32];
	const uint32_t count = segments_of(m, names);
	uint64_t cases = is_soak() ? 100000 : tr_test_cases(500), found = 0;

	for (; cases > 0; cases--) {
		const uint32_t which = tr_test_below(&m->seed, count + 2);
		const char *name = which < count ? names[which] : which == count ? "root-0" : "root-1";
		size_t at = tr_test_below(&m->seed, (uint32_t)size_of(m, name));
		const int bit = (int)tr_test_below(&m->seed, 8);
		unsigned char before;
		int good;

		if (which >= count) /* the gap between the copies is no target */
			at = tr_test_below(&m->seed, 900) + (at & 1 ? (size_t)4 << 20 : 0);
		if (at >= size_of(m, name))
			continue;
		before = flip(m, name, at, bit);
		good = readable(m);
		assert_true(good >= 0);
		if (which >= count) {
			assert_int_equal(good, 2);
			assert_int_equal(tr_log_checkpoint(m->log, 0)->number, 8);
		}
		found += good < 2;
		tr_log_close(&m->log);
		patch(m, name, at, &before, 1); /* the newest root may have been mended by now */
	}
	assert_true(found > 0);
	assert_int_equal(readable(m), 2);
	model_destroy(&m);
}

/** A root that is read may be there in memory only, as its sync failed in the process before: an opening log writes it again. */
static void test_root_is_written_again(void **state)
{
	struct model *m = make_log(8, 1 << 15, 7);

	model_shell(m, "touch -d '2001-02-03' root-0 root-1 && touch -d '2001-02-04' ../then");
	m->options.is_read_only = true;
	assert_int_equal(readable(m), 2);
	tr_log_close(&m->log);
	model_shell(m, "test ../then -nt root-0");
	m->options.is_read_only = false;
	assert_int_equal(readable(m), 2);
	assert_int_equal(m->report.roots_damaged, 0);
	assert_string_equal(m->report.note, "");
	tr_log_close(&m->log);
	model_shell(m, "test root-0 -nt ../then && test ../then -nt root-1");
	model_shell(m, "cmp root-0 ../whole/root-0");
	model_destroy(&m);
}

/** One copy of the newest root: it is written anew. Both: the older pair counts, with a report. All four: refused, and nothing
 * is changed. */
static void test_roots(void **state)
{
	struct model *m = make_log(8, 1 << 15, 7); /* generations 4 to 10: the newest lies in root-0 */

	flip(m, "root-0", 200, 3);
	assert_int_equal(readable(m), 2);
	assert_int_equal(m->report.roots_damaged, 1);
	assert_non_null(
		strstr(m->report.note, "its twin is whole; the root had one whole copy only; the other was written"));
	assert_int_equal(tr_log_checkpoint(m->log, 0)->number, 7);
	tr_log_close(&m->log);
	model_shell(m, "cmp root-0 ../whole/root-0");
	flip(m, "root-0", (4 << 20) + 100, 3);
	m->options.is_read_only = true; /* a look changes nothing */
	assert_int_equal(readable(m), 2);
	tr_log_close(&m->log);
	m->options.is_read_only = false;
	assert_int_equal(readable(m), 2);
	assert_int_equal(m->report.roots_damaged, 1);
	tr_log_close(&m->log);
	model_shell(m, "cmp root-0 ../whole/root-0");
	cut(m, "root-0", (4 << 20) + 10); /* the second copy had only been begun */
	assert_int_equal(readable(m), 2);
	tr_log_close(&m->log);
	assert_int_equal(readable(m), 2);
	assert_int_equal(m->report.roots_damaged, 0);
	tr_log_close(&m->log);
	flip(m, "root-0", 200, 3);
	flip(m, "root-0", (4 << 20) + 100, 3);
	assert_int_equal(readable(m), 2);
	assert_int_equal(m->report.roots_damaged, 2);
	assert_non_null(strstr(m->report.note, "newest checkpoint is lost"));
	assert_int_equal(tr_log_checkpoint(m->log, 0)->number, 6);
	tr_log_close(&m->log);
	restore(m);
	for (int i = 0; i < 4; i++)
		flip(m, i < 2 ? "root-0" : "root-1", (i & 1 ? (size_t)4 << 20 : 0) + 77, 1);
	model_shell(m, "ls -l --time-style=+ >../before");
	assert_int_equal(readable(m), -1);
	assert_non_null(strstr(m->st.message, "root-1 at byte 4194304: its check sum is wrong"));
	assert_non_null(strstr(m->st.message, "--fresh"));
	model_shell(m, "ls -l --time-style=+ | cmp - ../before");
	restore(m);
	model_shell(m, "rm root-0 root-1");
	assert_int_equal(readable(m), -1);
	restore(m);
	model_shell(m, "rm root-0");
	assert_true(readable(m) == 2);
	assert_int_equal(tr_log_checkpoint(m->log, 0)->number, 6);
	tr_log_close(&m->log);
	restore(m);
	model_shell(m, "cp root-0 root-1"); /* a copy in the wrong place is not taken */
	assert_int_equal(readable(m), 2);
	assert_int_equal(m->report.roots_damaged, 2);
	tr_log_close(&m->log);
	restore(m);
	flip(m, "root-0", 200, 3);
	flip(m, "root-0", (4 << 20) + 100, 3);
	assert_int_equal(readable(m), 2);
	model_forget(m, 6);
	goes_on(m);
	model_destroy(&m);
}

/** Makes both copies of a root say that they are of a version; with version 1 bases and extents are checkpoints. */
static void set_version(struct model *m, const char *name, uint32_t version)
{
	unsigned char root[1 << 16];
	const uint32_t zero = 0;
	uint32_t bytes, crc, counts[3]; /* of checkpoints, parts, extents */
	unsigned char *at = root + 128;
	char path[256];
	FILE *file;

	path_of(m, name, path);
	file = fopen(path, "rb");
	assert_true(fread(root, 1, sizeof(root), file) == sizeof(root));
	fclose(file);
	memcpy(&bytes, root + 24, 4);
	memcpy(counts, root + 52, sizeof(counts));
	at += counts[0] * (size_t)64;
	for (uint32_t i = 0; version == 1 && i < counts[1]; i++)
		*(uint64_t *)(void *)(at + i * (size_t)40 + 8) >>= TR_STATE_AGE_BITS;
	at += counts[1] * (size_t)40;
	for (uint32_t i = 0; version == 1 && i < counts[2]; i++) {
		*(uint64_t *)(void *)(at + i * (size_t)48 + 24) >>= TR_STATE_AGE_BITS;
		*(uint64_t *)(void *)(at + i * (size_t)48 + 32) >>= TR_STATE_AGE_BITS;
	}
	memcpy(root + 8, &version, 4);
	memcpy(root + 12, &zero, 4);
	crc = tr_crc32c_scalar(0, root, bytes);
	memcpy(root + 12, &crc, 4);
	patch(m, name, 0, root, bytes);
	patch(m, name, 4 << 20, root, bytes);
}

static void test_versions(void **state)
{
	struct model *m = make_log(8, 1 << 15, 7);

	set_version(m, "root-0", 9);
	assert_int_equal(model_open(m), TR_ERR_DATA);
	assert_non_null(strstr(m->st.message, "version 9; this program knows version 2"));
	model_destroy(&m);
}

/** A log that was written when bases were checkpoints is read, and goes on. */
static void test_version_1(void **state)
{
	struct model *m = make_log(8, 1 << 15, 7);
	const uint64_t newest = m->checkpoints[m->checkpoint_count - 1].number;

	set_version(m, "root-0", 1);
	set_version(m, "root-1", 1);
	for (uint32_t c = 0; c < m->checkpoint_count; c++)
		for (uint32_t i = 0; i < MODEL_STREAMS; i++)
			m->checkpoints[c].base[i] = tr_state_age(tr_state_age_checkpoint(m->checkpoints[c].base[i]));
	memcpy(m->base, m->checkpoints[m->checkpoint_count - 1].base, sizeof(m->base));
	model_must(m, model_open(m));
	model_check(m);
	assert_int_equal(model_commit(m, newest + 1, 5, 5000), TR_FLOW_DONE);
	model_check(m);
	model_reopen(m);
	model_check(m);
	model_destroy(&m);
}

static void test_segments(void **state)
{
	struct model *m = make_log(9, 1 << 14, 8), *other;
	char names[64][32], command[600];
	const uint32_t count = segments_of(m, names);
	const char *last = names[count - 1];

	assert_true(count >= 3);
	/* Missing. */
	snprintf(command, sizeof(command), "rm %s", last);
	model_shell(m, command);
	assert_true(readable(m) < 2);
	assert_non_null(strstr(m->st.message, "is missing"));
	tr_log_close(&m->log);
	restore(m);
	/* Doubled: one in another's place. */
	snprintf(command, sizeof(command), "cp %s %s", names[count - 2], last);
	model_shell(m, command);
	assert_true(readable(m) < 2);
	snprintf(command, sizeof(command), "this is a copy of %s", names[count - 2]);
	assert_non_null(strstr(m->st.message, command));
	tr_log_close(&m->log);
	restore(m);
	/* Foreign: of another log. */
	other = make_log(9, 1 << 14, 8);
	snprintf(command, sizeof(command), "cp %s/%s .", other->directory, last);
	model_shell(m, command);
	assert_int_equal(readable(m), 2); /* of the same job, with the same blocks: it is the same file */
	tr_log_close(&m->log);
	model_destroy(&other);
	restore(m);
	other = model_create(9, 1 << 14);
	other->options.job_id = "00000000000000000000000000000000";
	model_must(other, model_open(other));
	for (uint32_t n = 1; n <= 8; n++)
		assert_int_equal(model_commit(other, n, 6, 3000), TR_FLOW_DONE);
	snprintf(command, sizeof(command), "cp %s/%s .", other->directory, last);
	model_shell(m, command);
	assert_true(readable(m) < 2);
	assert_non_null(strstr(m->st.message, "belongs to another log"));
	tr_log_close(&m->log);
	model_destroy(&other);
	restore(m);
	/* Not a segment at all. */
	snprintf(command, sizeof(command), "head -c 100000 /dev/urandom >%s", last);
	model_shell(m, command);
	assert_true(readable(m) < 2);
	assert_non_null(strstr(m->st.message, "not the first bytes of a segment"));
	tr_log_close(&m->log);
	model_destroy(&m);
}

/** An older copy of a segment is put back: whole frames, and yet not what was written last. Both when it is shorter, and when
 * it holds what a checkpoint that was given up had written in the same place. */
static void test_old_segment(void **state)
{
	struct model *m = model_create(10, 1 << 20);
	char names[64][32], command[200];

	model_must(m, model_open(m));
	for (uint32_t n = 1; n <= 3; n++)
		assert_int_equal(model_commit(m, n, 6, 3000), TR_FLOW_DONE);
	assert_int_equal(segments_of(m, names), 1);
	tr_log_begin(m->log, 4);
	for (int i = 0; i < 5; i++)
		assert_true(model_append(m, 4, 3000));
	for (int i = 0; i < 100; i++) { /* written, not sealed */
		assert_int_equal(tr_log_step(m->log, &m->st), TR_FLOW_MORE);
		(void)tr_io_wait(m->io, 100000);
	}
	snprintf(command, sizeof(command), "cp -a %s ../old", names[0]);
	model_shell(m, command);
	tr_log_abort(m->log);
	model_forget(m, 3);
	assert_int_equal(model_settle(m), TR_FLOW_DONE);
	assert_int_equal(model_commit(m, 5, 5, 3000), TR_FLOW_DONE);
	tr_log_close(&m->log);
	snprintf(command, sizeof(command), "cp -a %s ../new && cp -a ../old %s && truncate -r ../new %s", names[0],
		 names[0], names[0]);
	model_shell(m, command);
	assert_int_equal(readable(m), 1); /* 3 can be read, 5 not */
	tr_log_close(&m->log);
	model_destroy(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tails),
		cmocka_unit_test(test_torn),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_flips),
		cmocka_unit_test(test_root_is_written_again),
		cmocka_unit_test(test_roots),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_version_1),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_old_segment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
