/* SPDX-License-Identifier: Apache-2.0
 *
 * The log: a checkpoint of 64 MB appended and committed, against write() and fdatasync() of as many bytes into one file; and a
 * checkpoint of 256 MB read back and checked, from the page cache, against read() of the same files.
 *
 * Both sides of the first write to $TMPDIR, so it is the disk that is measured for the most part. Blocks are made before the
 * clock starts: they come from the operators.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "bench/bench.h"
#include "state/log.h"

#define BLOCK_BYTES TR_STATE_BLOCK_BYTES
#define APPEND_BLOCKS 256
#define LOAD_BLOCKS 1024
#define READ_BYTES ((size_t)1 << 20)
#define PATH_BYTES 512

struct data {
	struct tr_environment *env;
	struct tr_io_queue *io;
	struct tr_log *log;
	char directory[PATH_BYTES - 32];
	char path[PATH_BYTES]; /* the bar's file */
	unsigned char *bytes;  /* what all blocks hold */
	unsigned char *read;
	uint64_t checkpoint;
	uint64_t sum;
};

static struct tr_state_block *make_blocks(const struct data *d, uint64_t checkpoint, uint32_t count)
{
	struct tr_state_block *first = NULL;

	for (uint32_t i = 0; i < count; i++) {
		struct tr_state_block *block = malloc(sizeof(*block) + BLOCK_BYTES);

		TR_ASSERT(block != NULL);
		*block = (struct tr_state_block){.next = first,
						 .stream = {1, 0, 1},
						 .checkpoint = checkpoint,
						 .length = BLOCK_BYTES,
						 .capacity = BLOCK_BYTES};
		memcpy(block->bytes, d->bytes, BLOCK_BYTES);
		first = block;
	}
	return first;
}

static void step(struct data *d)
{
	struct tr_status st = {0};

	if (tr_log_step(d->log, &st) == TR_FLOW_FAILED) {
		fprintf(stderr, "%s\n", st.message);
		abort();
	}
}

static void commit(struct data *d, struct tr_state_block *blocks)
{
	const struct tr_log_part part = {.stream = {1, 0, 1}, .uid = "bench", .base = d->checkpoint};
	const struct tr_log_checkpoint checkpoint = {.number = d->checkpoint, .parts = &part, .part_count = 1};
	struct tr_status st = {0};
	enum tr_flow flow;

	tr_log_begin(d->log, d->checkpoint);
	while (blocks != NULL) {
		struct tr_state_block *block = blocks;

		blocks = block->next;
		while (!tr_log_append(d->log, block)) {
			step(d);
			(void)tr_io_wait(d->io, 1000000);
		}
		step(d);
	}
	tr_log_seal(d->log, &checkpoint);
	while ((flow = tr_log_step(d->log, &st)) == TR_FLOW_MORE)
		(void)tr_io_wait(d->io, 1000000);
	TR_ASSERT(flow == TR_FLOW_DONE);
}

static uint64_t append_ours(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	*seconds = 0;
	for (uint32_t r = 0; r < repeat; r++) {
		struct tr_state_block *blocks = make_blocks(d, ++d->checkpoint, APPEND_BLOCKS);
		const double began = tr_harness_seconds();

		commit(d, blocks);
		*seconds += tr_harness_seconds() - began;
	}
	return (uint64_t)repeat * APPEND_BLOCKS * BLOCK_BYTES;
}

static uint64_t append_bar(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;

	*seconds = 0;
	for (uint32_t r = 0; r < repeat; r++) {
		struct tr_state_block *blocks = make_blocks(d, 1, APPEND_BLOCKS), *next;
		const double began = tr_harness_seconds();
		const int fd = open(d->path, O_WRONLY | O_CREAT | O_EXCL, 0600);

		TR_ASSERT(fd >= 0);
		for (const struct tr_state_block *block = blocks; block != NULL; block = block->next)
			TR_ASSERT(write(fd, block->bytes, BLOCK_BYTES) == (ssize_t)BLOCK_BYTES);
		TR_ASSERT(fdatasync(fd) == 0);
		(void)close(fd);
		(void)unlink(d->path);
		*seconds += tr_harness_seconds() - began;
		for (; blocks != NULL; blocks = next) {
			next = blocks->next;
			free(blocks);
		}
	}
	return (uint64_t)repeat * APPEND_BLOCKS * BLOCK_BYTES;
}

static tr_code count(void *context, const struct tr_state_stream *stream, uint64_t checkpoint, const void *bytes,
		     size_t length, struct tr_status *st)
{
	*(uint64_t *)context += length;
	return TR_OK;
}

static uint64_t load_ours(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;
	uint64_t bytes = 0;

	for (uint32_t r = 0; r < repeat; r++)
		TR_ASSERT(tr_log_read(d->log, 0, count, &bytes, NULL) == TR_OK);
	TR_ASSERT(bytes == (uint64_t)repeat * LOAD_BLOCKS * BLOCK_BYTES);
	return bytes;
}

/** read() of the log's own files: how fast the kernel copies depends on how a file was written. */
static uint64_t load_bar(void *context, uint32_t repeat, double *seconds)
{
	struct data *d = context;
	uint64_t bytes = 0;

	for (uint32_t r = 0; r < repeat; r++) {
		DIR *directory = opendir(d->directory);
		struct dirent *entry;

		TR_ASSERT(directory != NULL);
		while ((entry = readdir(directory)) != NULL) {
			const int fd = openat(dirfd(directory), entry->d_name, O_RDONLY);
			ssize_t length;

			if (strncmp(entry->d_name, "segment-", 8) == 0)
				while ((length = read(fd, d->read, READ_BYTES)) > 0)
					bytes += (uint64_t)length;
			(void)close(fd);
		}
		(void)closedir(directory);
	}
	return bytes;
}

static void data_close(struct tr_bench_pair *pair)
{
	struct data *d = pair->data;

	if (d == NULL)
		return;
	tr_log_close(&d->log);
	if (d->env != NULL && d->directory[0] != '\0') {
		(void)unlink(d->path);
		if (tr_log_remove(d->env->disk, d->directory, NULL, NULL) != TR_OK)
			fprintf(stderr, "%s stays\n", d->directory);
	}
	if (d->io != NULL)
		d->env->disk->ops->queue_destroy(d->env->disk, &d->io);
	if (d->env != NULL)
		tr_environment_real_destroy(&d->env);
	free(d->bytes);
	free(d->read);
	free(d);
}

static tr_code data_open(struct tr_bench_pair *pair, struct tr_status *st)
{
	struct data *d = calloc(1, sizeof(*d));
	const char *tmp = getenv("TMPDIR");
	struct tr_log_report report;
	struct tr_log_options options = {.job_name = "bench", .job_id = "00000000000000000000000000000000"};

	TR_ASSERT(d != NULL);
	pair->data = d;
	d->bytes = malloc(BLOCK_BYTES);
	d->read = aligned_alloc(4096, READ_BYTES);
	TR_ASSERT(d->bytes != NULL && d->read != NULL);
	for (size_t i = 0; i < BLOCK_BYTES; i++)
		d->bytes[i] = (unsigned char)(i * 31 + i / 251);
	TR_TRY(tr_environment_real_create(&d->env, st));
	TR_TRY(d->env->disk->ops->queue_create(d->env->disk, 64, &d->io, st));
	snprintf(d->directory, sizeof(d->directory), "%s/tailrace-bench-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(d->directory) == NULL)
		TR_FAIL_ERRNO(st, TR_ERR_CANT_CREATE, "%s", d->directory);
	snprintf(d->path, sizeof(d->path), "%s/plain", d->directory);
	options.disk = d->env->disk;
	options.io = d->io;
	options.directory = d->directory;
	return tr_log_open(&options, &d->log, &report, st);
}

static tr_code open_append(struct tr_bench_pair *pair, struct tr_status *st)
{
	TR_TRY(data_open(pair, st));
	pair->ours = (struct tr_harness_side){append_ours, pair->data};
	pair->bar = (struct tr_harness_side){append_bar, pair->data};
	snprintf(pair->note, sizeof(pair->note), "bytes/s; 64 MB a checkpoint, blocks of 256 KiB");
	return TR_OK;
}

static tr_code open_load(struct tr_bench_pair *pair, struct tr_status *st)
{
	struct data *d;

	TR_TRY(data_open(pair, st));
	d = pair->data;
	d->checkpoint = 1;
	commit(d, make_blocks(d, 1, LOAD_BLOCKS));
	pair->ours = (struct tr_harness_side){load_ours, d};
	pair->bar = (struct tr_harness_side){load_bar, d};
	snprintf(pair->note, sizeof(pair->note), "bytes/s; 256 MB in the page cache, check sums included");
	return TR_OK;
}

const struct tr_bench_case tr_bench_log_cases[] = {
	{.name = "log-append",
	 .work = "a checkpoint of 64 MB to disk, committed, against write() and fdatasync()",
	 .unit = "bytes",
	 .must_ratio = 0.8,
	 .side_ms = 400,
	 .open = open_append,
	 .close = data_close},
	{.name = "log-load",
	 .work = "a checkpoint of 256 MB read back, against read()",
	 .unit = "bytes",
	 .must_ratio = 0.5,
	 .side_ms = 200,
	 .open = open_load,
	 .close = data_close},
	{.name = NULL},
};
