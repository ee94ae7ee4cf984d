/* SPDX-License-Identifier: Apache-2.0
 *
 * Format: bytes to columns and back.
 *
 * A decoder turns a span of bytes into rows of a batch buffer; strings may be views into the span (only escaped ones
 * are copied to the batch's heap). At least TR_INPUT_PADDING bytes after the span are readable (their content does not
 * matter), so that vector loads need no care at the end.
 *
 * decode() consumes whole records only and stops when the batch is full or no whole record is left; with `is_final` the
 * last record needs no line end. FAILED fills `error`; the caller knows the file and where the span lies in it, and
 * builds the message.
 */
#ifndef TR_IO_FORMAT_H
#define TR_IO_FORMAT_H

#include "base/batch.h"
#include "base/bytes.h"
#include "base/flow.h"
#include "io/connector.h"

#define TR_INPUT_PADDING 64
#define TR_RECORD_BYTES_MAX (64u << 20) /* a longer record is an error that says so */
#define TR_NESTING_MAX 128

struct tr_decoder;
struct tr_encoder;

/** Where and why a record could not be read. */
struct tr_decode_error {
	size_t offset;        /* byte in the span at which it was noticed */
	size_t record_offset; /* start of the record */
	const char *field;    /* column or field path, or NULL; valid until the next decode */
	char reason[256];
};

/** What decode did. */
struct tr_decode_result {
	size_t consumed;     /* bytes of whole records */
	uint32_t rows;       /* rows appended */
	uint64_t rows_bad;   /* skipped by ignore-parse-errors */
	uint64_t fields_bad; /* set to NULL by ignore-parse-errors */
};

struct tr_decoder_ops {
	tr_code (*create)(const struct tr_table_spec *spec, struct tr_decoder **decoder, struct tr_status *st);
	void (*destroy)(struct tr_decoder **decoder);
	/* Appends rows to `into` from row `at` up to its capacity. Does not seal. MORE or FAILED. On FAILED, `result`
	 * counts the good records before the bad one. */
	enum tr_flow (*decode)(struct tr_decoder *decoder, const char *span, size_t length, bool is_final,
			       struct tr_batch_buffer *into, uint32_t at, struct tr_decode_result *result,
			       struct tr_decode_error *error);
	/* The offset of the first record that starts at or after `from`, guessed without knowing what came before `span`:
	 * just after the first line end at or after from - 1 (from > 0). `length` if there is none. */
	size_t (*find_start)(const char *span, size_t length, size_t from);
};

struct tr_encoder_ops {
	tr_code (*create)(const struct tr_table_spec *spec, struct tr_encoder **encoder, struct tr_status *st);
	void (*destroy)(struct tr_encoder **encoder);
	/* Appends the rows that `rows` lists (physical indexes; NULL: 0 .. count - 1), each with its line end. */
	tr_code (*encode)(struct tr_encoder *encoder, const struct tr_batch *batch, const uint32_t *rows,
			  uint32_t count, struct tr_bytes *out, struct tr_status *st);
};

#endif
