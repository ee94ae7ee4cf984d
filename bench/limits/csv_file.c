/* SPDX-License-Identifier: Apache-2.0
 *
 * A file of CSV bids from the page cache to columns, by one thread or by two.
 *
 * Each thread has its part of the file, cut at a line's start, and reads it with pread() in blocks that stay in L2. A
 * block is parsed up to its last line end; the next one begins behind that.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/harness.h"
#include "bench/limits/limits.h"

#define BLOCK ((size_t)256 << 10)
#define PADDING 64
#define ROWS_MAX ((size_t)16384)
#define WORKERS_MAX 2

struct reader {
	_Alignas(64) int fd;
	off_t from, to;
	char *block;
	struct tr_limit_bids bids;
	int64_t rows;
};

static void work(void *context, uint32_t worker, uint32_t workers)
{
	struct reader *r = (struct reader *)context + worker;

	for (off_t at = r->from; at < r->to;) {
		const size_t wanted = r->to - at < (off_t)BLOCK ? (size_t)(r->to - at) : BLOCK;
		const ssize_t got = pread(r->fd, r->block, wanted, at);
		const char *last = got > 0 ? memrchr(r->block, '\n', (size_t)got) : NULL;
		const size_t length = last != NULL ? (size_t)(last - r->block) + 1 : 0;
		const int64_t rows = length > 0 ? tr_limit_csv_bids(r->block, length, &r->bids) : -1;

		if (rows < 0) {
			r->rows = -1;
			return;
		}
		r->rows += rows;
		at += (off_t)length;
	}
}

/* The start of the line behind `at`. */
static off_t next_line(int fd, off_t at)
{
	char text[4096];
	const ssize_t got = pread(fd, text, sizeof(text), at);
	const char *end = got > 0 ? memchr(text, '\n', (size_t)got) : NULL;

	return end != NULL ? at + (end - text) + 1 : at;
}

static void reader_init(struct reader *r)
{
	r->block = tr_harness_alloc(BLOCK + PADDING);
	r->bids.capacity = ROWS_MAX;
	r->bids.auction = tr_harness_alloc(ROWS_MAX * 8);
	r->bids.bidder = tr_harness_alloc(ROWS_MAX * 8);
	r->bids.price = tr_harness_alloc(ROWS_MAX * 8);
	r->bids.time_ms = tr_harness_alloc(ROWS_MAX * 8);
	r->bids.channel = tr_harness_alloc(ROWS_MAX * sizeof(struct tr_view));
	r->bids.url = tr_harness_alloc(ROWS_MAX * sizeof(struct tr_view));
	r->bids.extra = tr_harness_alloc(ROWS_MAX * sizeof(struct tr_view));
}

static void reader_deinit(struct reader *r)
{
	tr_harness_free(r->block, BLOCK + PADDING);
	tr_harness_free(r->bids.auction, ROWS_MAX * 8);
	tr_harness_free(r->bids.bidder, ROWS_MAX * 8);
	tr_harness_free(r->bids.price, ROWS_MAX * 8);
	tr_harness_free(r->bids.time_ms, ROWS_MAX * 8);
	tr_harness_free(r->bids.channel, ROWS_MAX * sizeof(struct tr_view));
	tr_harness_free(r->bids.url, ROWS_MAX * sizeof(struct tr_view));
	tr_harness_free(r->bids.extra, ROWS_MAX * sizeof(struct tr_view));
}

double tr_limit_csv_file(uint32_t workers, const char *path, int64_t *rows)
{
	struct reader readers[WORKERS_MAX];
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat info;
	double seconds;

	*rows = -1;
	if (fd < 0 || fstat(fd, &info) != 0)
		return 0;
	memset(readers, 0, sizeof(readers));
	for (uint32_t w = 0; w < workers; w++) {
		readers[w].fd = fd;
		readers[w].from = w == 0 ? 0 : readers[w - 1].to;
		readers[w].to = w + 1 == workers ? info.st_size : next_line(fd, info.st_size / (off_t)workers);
		reader_init(&readers[w]);
	}
	seconds = tr_limit_parallel(workers, work, readers);
	*rows = 0;
	for (uint32_t w = 0; w < workers; w++) {
		*rows = *rows < 0 || readers[w].rows < 0 ? -1 : *rows + readers[w].rows;
		reader_deinit(&readers[w]);
	}
	close(fd);
	return seconds;
}
