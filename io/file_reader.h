/* SPDX-License-Identifier: Apache-2.0
 *
 * A reader of the filesystem source: the state that file_reader.c (plain files) and file_stream.c (compressed ones)
 * work on. Internal to them.
 *
 *     plain     slots[current]  |b| begin ........ chunk ........ end | margin |     read in one go; b: the byte before
 *               slots[other]    the next chunk, whose read starts when half of the current one has been decoded
 *               tail            a record that runs on beyond the margin is copied here, and the buffer grows
 *     stream    in --decompress--> out: what the last chunk left over, then new bytes
 *
 * A chunk owns the records that start in [begin, end). So its last record may end behind `end`, and it takes no record
 * that starts there. Batches point into these buffers: a buffer that any batch of the chunk may point into is never
 * moved before the reader is polled for its next chunk.
 *
 * The next chunk's ticket is taken at half time, not at the start: were it taken at the start, a reader would hold two
 * neighbouring chunks, and since chunks are confirmed in order, all other readers would wait for its second one.
 */
#ifndef TR_IO_FILE_READER_H
#define TR_IO_FILE_READER_H

#include "io/disk.h"
#include "io/file_split.h"

/** Bytes of a file, or of a decompressed stream. TR_INPUT_PADDING more bytes than `capacity` are allocated. `data` is
 * on a page border, or a byte before it (see tr_file_buffer_align). */
struct tr_file_buffer {
	char *block; /* what was allocated */
	char *data;
	size_t capacity;
	size_t length;
	int64_t base; /* offset of data[0] */
};

/** A read that fills a buffer up to `goal` bytes, however short the pieces are. */
struct tr_file_fill {
	struct tr_io_request request;
	struct tr_file_buffer *buffer;
	size_t goal;
	bool is_active; /* a request is in flight, or its result has not been looked at */
};

struct tr_file_slot {
	struct tr_file_ticket ticket; /* split NULL: empty */
	struct tr_file_buffer buffer;
	struct tr_file_fill fill;
};

struct tr_file_stream {
	struct tr_decompress *decompress; /* NULL: no compressed split is being read */
	struct tr_file_buffer in;
	struct tr_file_fill in_fill;
	size_t in_used;
	struct tr_file_buffer out;
	size_t goal;               /* bytes wanted in `out` before decoding */
	bool is_skipping;          /* a restored split: what comes before `position` is thrown away */
	bool is_ended;             /* `out` holds the last byte */
	struct tr_status *failure; /* damage found; owned */
};

struct tr_source_reader {
	struct tr_source *source;
	struct tr_source_context *context;
	const struct tr_decoder_ops *ops;
	struct tr_decoder *decoder;
	struct tr_column_buffer *decoder_columns; /* scratch, when there are partition columns */

	struct tr_file_slot slots[2];
	uint32_t current;
	uint64_t barrier;    /* the last one passed */
	bool has_chunk;      /* slots[current] is being read */
	bool is_told;        /* poll has answered MORE or FAILED for it */
	bool is_started;     /* its bytes are there, and `position` is set */
	bool is_start_known; /* rewind has said where it starts */
	bool is_first;       /* no batch of it has been given */
	bool is_over;        /* its last batch has been given */
	bool is_crossing;    /* only the record that crosses the end is left */
	uint64_t chunk;      /* number */
	int64_t start;       /* of the chunk's first record */
	int64_t position;    /* of the next record */
	struct tr_file_buffer tail;
	struct tr_file_fill tail_fill;
	bool is_tail_used;
	struct tr_file_stream stream;
};

/** Allocates (forgetting the content) when smaller than `capacity`. */
void tr_file_buffer_reserve(struct tr_file_buffer *buffer, size_t capacity);

void tr_file_buffer_deinit(struct tr_file_buffer *buffer);

/** Places `data` so that file offsets and addresses agree within a page: the kernel copies three times slower when they
 * differ by a byte. Forgets the content. */
void tr_file_buffer_align(struct tr_file_buffer *buffer, bool has_byte_before);

/** Starts reading until the buffer holds `goal` bytes. */
void tr_file_fill_start(struct tr_source_reader *reader, struct tr_file_fill *fill, struct tr_file *file,
			struct tr_file_buffer *buffer, size_t goal);
/** MORE: the goal is reached. BLOCKED, FAILED. */
enum tr_flow tr_file_fill_step(struct tr_source_reader *reader, struct tr_file_fill *fill,
			       const struct tr_file_split *split, struct tr_status *st);
/** Waits until nothing is in flight; forgets the result. */
void tr_file_fill_cancel(struct tr_source_reader *reader, struct tr_file_fill *fill);

/** Decodes whole records of [position, limit) to rows from *rows up to `row_limit`; moves position and *rows. After a
 * final span that left room nothing remains. FAILED: the status tells file, place and reason. */
enum tr_flow tr_file_reader_decode(struct tr_source_reader *reader, const struct tr_file_buffer *buffer, int64_t limit,
				   bool is_final, struct tr_batch_buffer *into, uint32_t row_limit, uint32_t *rows,
				   struct tr_chunk_info *info, struct tr_status *st);
/** Hands out the batch. */
enum tr_flow tr_file_reader_give(struct tr_source_reader *reader, struct tr_batch_buffer *into, uint32_t rows,
				 bool is_last, bool is_split_end, struct tr_chunk_info *info);
enum tr_flow tr_file_reader_fail_long(struct tr_source_reader *reader, struct tr_status *st);

/** Compressed splits (file_stream.c). */
tr_code tr_file_stream_open(struct tr_source_reader *reader, struct tr_status *st) TR_MUST_USE;
void tr_file_stream_close(struct tr_source_reader *reader);
void tr_file_stream_next_chunk(struct tr_source_reader *reader);
enum tr_flow tr_file_stream_poll(struct tr_source_reader *reader, struct tr_batch_buffer *into,
				 struct tr_chunk_info *info, struct tr_status *st);

/** Length of a UTF-8 byte order mark at the start of the text, or 0. */
static inline size_t tr_file_bom_bytes(const char *text, size_t length)
{
	return length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

#endif
