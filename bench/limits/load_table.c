/* SPDX-License-Identifier: Apache-2.0
 *
 * Loading a checkpoint into tables, by hand: what is written down here is one schema of one job (a BIGINT key and a row count), in
 * the bytes of docs/FORMATS.md, and nothing is checked.
 *
 *     each thread: all segments ──pread──▶ heads of frames ──its own subtask's──▶ pread of 256 KiB ──▶ keys and counts ──▶ its table
 *
 * The table is the engine's: places of 16 bytes, at most five eighths of them used, from the home that the same hash names on,
 * on huge pages. Keys are saved in that order, and so come in it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/limits/limits.h"

#define SEGMENT_HEAD 64
#define FRAME_HEAD 64
#define FRAME_MAGIC UINT32_C(0x4d415246)
#define FRAME_SUBTASK 48
#define FRAME_LENGTH 56
#define ENTRIES 3
#define COLUMN_HEAD 12
#define FLAG_PACKED 4
#define FACTOR UINT64_C(0xd6e8feb86659fd93)
#define HUGE_BYTES ((size_t)2 << 20)

struct place {
	int64_t key, count;
};

struct load {
	const char *directory;
	uint64_t keys_max; /* of a subtask */
	uint64_t keys[2];
};

static uint32_t u32_at(const unsigned char *bytes, size_t at)
{
	uint32_t value;

	memcpy(&value, bytes + at, 4);
	return value;
}

static uint64_t put(struct place *places, uint32_t bits, int64_t key, int64_t count)
{
	const uint64_t x = (uint64_t)key;
	size_t at = (size_t)(((x ^ (x >> 32)) * FACTOR) >> (64 - bits));
	uint64_t is_new;

	while (places[at].key != key && places[at].key != 0)
		at = (at + 1) & (((size_t)1 << bits) - 1);
	is_new = places[at].key == 0;
	places[at] = (struct place){key, count};
	return is_new;
}

/** Keys, then start and end of the window once, then the counts: as they are, or their difference from the least. */
static uint64_t take_entries(struct place *places, uint32_t bits, const unsigned char *bytes)
{
	const uint32_t rows = u32_at(bytes, 0);
	const unsigned char *keys = bytes + 8 + COLUMN_HEAD;
	const unsigned char *counts = keys + 8 * (size_t)rows + 2 * (COLUMN_HEAD + 8);
	const uint32_t width = (counts[1] & FLAG_PACKED) != 0 ? counts[COLUMN_HEAD + 8] : 8;
	uint64_t added = 0;
	int64_t least = 0;

	counts += COLUMN_HEAD;
	if (width < 8) {
		memcpy(&least, counts, 8);
		counts += 9;
	}
	for (uint32_t i = 0; i < rows; i++) {
		int64_t key, count = 0;

		memcpy(&key, keys + 8 * (size_t)i, 8);
		if (width == 1)
			count = counts[i];
		else
			memcpy(&count, counts + (size_t)i * width, width);
		added += put(places, bits, key, least + count);
	}
	return added;
}

static uint64_t take_segment(int fd, uint32_t subtask, struct place *places, uint32_t bits, unsigned char **buffer,
			     size_t *capacity)
{
	unsigned char head[FRAME_HEAD];
	off_t offset = SEGMENT_HEAD;
	uint64_t added = 0;

	while (pread(fd, head, sizeof(head), offset) == sizeof(head) && u32_at(head, 0) == FRAME_MAGIC) {
		const size_t length = u32_at(head, FRAME_LENGTH);

		offset += FRAME_HEAD;
		if (u32_at(head, FRAME_SUBTASK) == subtask) {
			if (length > *capacity) {
				free(*buffer);
				*capacity = length;
				*buffer = malloc(length);
			}
			if (pread(fd, *buffer, length, offset) != (ssize_t)length)
				abort();
			for (size_t at = 0; at + 8 <= length;) {
				const size_t record = u32_at(*buffer, at);

				if ((u32_at(*buffer, at + 4) & 0xffff) == ENTRIES)
					added += take_entries(places, bits, *buffer + at + 8);
				at += 8 + ((record + 7) & ~(size_t)7);
			}
		}
		offset += (off_t)length;
	}
	return added;
}

static void load(void *context, uint32_t worker, uint32_t workers)
{
	struct load *l = context;
	unsigned char *buffer = NULL;
	struct place *places;
	size_t bytes, capacity = 0;
	uint32_t bits = 8;
	char *map;

	while (((uint64_t)1 << bits) / 8 * 5 < l->keys_max)
		bits++;
	bytes = sizeof(*places) << bits;
	map = mmap(NULL, bytes + HUGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		abort();
	places = (struct place *)(void *)(map + (-(uintptr_t)map & (HUGE_BYTES - 1)));
	(void)madvise(places, bytes, MADV_HUGEPAGE);
	for (unsigned number = 1;; number++) {
		char path[512];
		int fd;

		snprintf(path, sizeof(path), "%s/segment-%u", l->directory, number);
		fd = open(path, O_RDONLY);
		if (fd < 0)
			break;
		l->keys[worker] += take_segment(fd, worker, places, bits, &buffer, &capacity);
		close(fd);
	}
	free(buffer);
	(void)munmap(map, bytes + HUGE_BYTES);
}

uint64_t tr_limit_load_table(const char *directory, uint64_t keys_max, double *seconds)
{
	struct load l = {.directory = directory, .keys_max = keys_max};

	*seconds = tr_limit_parallel(2, load, &l);
	return l.keys[0] + l.keys[1];
}
