/* SPDX-License-Identifier: Apache-2.0
 *
 * Decompress: gzip and zstd as a stream, fed and drained by the caller.
 *
 * Several gzip members or zstd frames, one after another, are one stream, as the tools that write them define it. Zero
 * bytes after a gzip member are padding; anything else there is damage. A stream that stops in the middle of a member
 * or frame is an error, never a short file.
 */
#ifndef TR_IO_DECOMPRESS_H
#define TR_IO_DECOMPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tailrace/status.h"

enum tr_compression {
	TR_COMPRESSION_NONE = 0,
	TR_COMPRESSION_GZIP, /* .gz, .gzip */
	TR_COMPRESSION_ZSTD, /* .zst, .zstd */
};

struct tr_decompress;

/** One step's bytes. */
struct tr_decompress_step {
	const char *in;
	size_t in_length;
	size_t in_used; /* set: consumed of `in` */
	char *out;
	size_t out_capacity;
	size_t out_used; /* set: written to `out` */
	bool is_in_end;  /* nothing follows after `in` */
	bool is_out_end; /* set: the stream is complete and all of it has been given out */
};

/** By the file's suffix. A suffix of a compression that is not supported (.bz2, .xz, ...) is TR_ERR_DATA. */
tr_code tr_decompress_kind_of(const char *path, enum tr_compression *kind, struct tr_status *st) TR_MUST_USE;
const char *tr_decompress_kind_name(enum tr_compression kind);

tr_code tr_decompress_create(enum tr_compression kind, struct tr_decompress **decompress,
			     struct tr_status *st) TR_MUST_USE;
void tr_decompress_destroy(struct tr_decompress **decompress);

/** Makes what progress it can: until `in` is used up, `out` is full, or the stream ends. TR_ERR_DATA: damaged; the
 * message says how, without the file's name. After a failure only destroy may follow. */
tr_code tr_decompress_run(struct tr_decompress *decompress, struct tr_decompress_step *step,
			  struct tr_status *st) TR_MUST_USE;

#endif
