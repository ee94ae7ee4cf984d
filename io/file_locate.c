/* SPDX-License-Identifier: Apache-2.0
 *
 * Line numbers for error messages: nobody counts lines while all goes well, so the file is read once more, up to the
 * place of the error. A compressed file is decompressed once more. Blocking, on the worker's own queue; the job is
 * about to end anyway.
 */
#include "io/file_split.h"

#include "io/disk.h"
#include "io/memory.h"

#define LOCATE_BYTES (256 << 10)

/** Lines and characters seen so far. */
struct counter {
	int64_t offset; /* of the next byte */
	int64_t target;
	int64_t line_start; /* offset of the line's first byte */
	uint64_t line;
	uint64_t column;
};

static void count(struct counter *counter, const char *bytes, size_t length)
{
	const char *end = bytes + TR_MIN((int64_t)length, counter->target - counter->offset);
	const char *line = bytes;
	const char *found;

	while ((found = memchr(line, '\n', (size_t)(end - line))) != NULL) {
		line = found + 1;
		counter->line++;
		counter->column = 1;
		counter->line_start = counter->offset + (line - bytes);
	}
	for (; line < end; line++) /* characters, not the bytes inside of them */
		counter->column += ((unsigned char)*line & 0xc0) != 0x80;
	counter->offset += end - bytes;
}

/** Reads at `offset`; returns bytes, 0 at the end, or -errno. */
static int64_t read_blocking(struct tr_io_queue *io, struct tr_file *file, char *buffer, int64_t offset)
{
	struct tr_io_request request = {
		.op = TR_IO_READ, .file = file, .buffer = buffer, .length = LOCATE_BYTES, .offset = offset};

	tr_io_submit(io, &request);
	while (!request.is_done)
		(void)tr_io_wait(io, -1);
	return request.result;
}

static tr_code count_compressed(struct counter *counter, struct tr_decompress *decompress, const char *in,
				size_t in_length, char *out, struct tr_status *st)
{
	size_t used = 0;

	for (;;) {
		struct tr_decompress_step step = {
			.in = in + used, .in_length = in_length - used, .out = out, .out_capacity = LOCATE_BYTES};

		TR_TRY(tr_decompress_run(decompress, &step, st));
		count(counter, out, step.out_used);
		used += step.in_used;
		if (counter->offset >= counter->target || (used == in_length && step.out_used < LOCATE_BYTES))
			return TR_OK;
	}
}

/** The nearest line start before `offset` that an earlier count has found: errors met behind a wrong guess are located
 * too, and all of them together should read the file once. */
static void recall(struct tr_source *source, const struct tr_file_split *split, struct counter *counter)
{
	TR_ASSERT(pthread_mutex_lock(&source->lock) == 0);
	if (split->compression == TR_COMPRESSION_NONE && split->known_offset <= counter->target) {
		counter->offset = split->known_offset;
		counter->line_start = split->known_offset;
		counter->line = split->known_lines + 1;
	}
	TR_ASSERT(pthread_mutex_unlock(&source->lock) == 0);
}

static void remember(struct tr_source *source, struct tr_file_split *split, const struct counter *counter)
{
	TR_ASSERT(pthread_mutex_lock(&source->lock) == 0);
	if (counter->line_start > split->known_offset) {
		split->known_offset = counter->line_start;
		split->known_lines = counter->line - 1;
	}
	TR_ASSERT(pthread_mutex_unlock(&source->lock) == 0);
}

tr_code tr_file_split_locate(struct tr_source *source, struct tr_file_split *split, struct tr_io_queue *io,
			     int64_t offset, uint64_t *line, uint64_t *column, struct tr_status *st)
{
	struct counter counter = {.target = offset, .line = 1, .column = 1};
	struct tr_decompress *decompress = NULL;
	char *in = tr_io_calloc(2, LOCATE_BYTES);
	int64_t position;
	tr_code code = TR_OK;

	TR_ASSERT(split != NULL && split->file != NULL);
	recall(source, split, &counter);
	position = counter.offset;
	if (split->compression != TR_COMPRESSION_NONE)
		code = tr_decompress_create(split->compression, &decompress, st);
	while (code == TR_OK && counter.offset < offset) {
		const int64_t got = read_blocking(io, split->file, in, position);

		if (got <= 0) {
			code = tr_status_set(st, TR_ERR_IO, (int)-got, TR_WHERE, "read %s again", split->path);
			break;
		}
		position += got;
		if (decompress == NULL)
			count(&counter, in, (size_t)got);
		else
			code = count_compressed(&counter, decompress, in, (size_t)got, in + LOCATE_BYTES, st);
	}
	tr_io_wake(io); /* the worker's own wake may have been taken by the waits above */
	if (code == TR_OK && decompress == NULL)
		remember(source, split, &counter);
	tr_decompress_destroy(&decompress);
	free(in);
	*line = counter.line;
	*column = counter.column;
	return code;
}
