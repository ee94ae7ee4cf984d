/* SPDX-License-Identifier: Apache-2.0
 *
 * What tests and fuzz targets of formats share: tables made in a few lines, and a driver that feeds a decoder its input
 * in random pieces, each in memory of exactly its size (plus the padding), as a source would.
 */
#ifndef TR_FORMAT_TEST_H
#define TR_FORMAT_TEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/type.h"
#include "io/formats.h"

#define FORMAT_TEST_COLUMNS 16
#define FORMAT_TEST_OPTIONS 16

struct format_test_table {
	struct tr_arena arena;
	const char *names[FORMAT_TEST_COLUMNS];
	const struct tr_type *types[FORMAT_TEST_COLUMNS];
	struct tr_schema schema;
	struct tr_option options[FORMAT_TEST_OPTIONS];
	struct tr_need whole;
	const struct tr_need *needs[FORMAT_TEST_COLUMNS];
	struct tr_table_spec spec;
};

static inline void table_begin(struct format_test_table *t, const struct tr_format *format)
{
	memset(t, 0, sizeof(*t));
	tr_arena_init(&t->arena, 0);
	t->spec.name = "t";
	t->spec.format = format;
	t->spec.schema = &t->schema;
	t->schema.names = t->names;
	t->schema.types = t->types;
	t->spec.options.items = t->options;
	t->spec.time_zone = "UTC";
	t->whole.is_whole = true;
	for (int i = 0; i < FORMAT_TEST_COLUMNS; i++)
		t->needs[i] = &t->whole;
}

static inline void table_column(struct format_test_table *t, const char *name, const struct tr_type *type)
{
	t->names[t->schema.column_count] = name;
	t->types[t->schema.column_count++] = type;
}

static inline void table_option(struct format_test_table *t, const char *key, const char *value)
{
	t->options[t->spec.options.count++] = (struct tr_option){key, value};
}

static inline void table_end(struct format_test_table *t) { tr_arena_deinit(&t->arena); }

/** What became of an input. */
struct decoded {
	struct tr_bytes rows; /* "+I[..]\n" each */
	uint64_t row_count, rows_bad, fields_bad;
	bool is_failed;
	size_t error_offset, error_record;
	char error_field[128];
	char reason[256];
};

static inline void decoded_free(struct decoded *d)
{
	tr_bytes_deinit(&d->rows);
	memset(d, 0, sizeof(*d));
}

static inline uint64_t format_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 33;
}

/** Whether the rows are those expected. When both failed, the first objects of a failing array may have gone out. */
static inline bool decoded_has_rows(const struct decoded *d, const struct tr_bytes *expected, bool is_failed)
{
	if (d->is_failed != is_failed)
		return false;
	if (is_failed ? d->rows.length < expected->length : d->rows.length != expected->length)
		return false;
	return memcmp(d->rows.data, expected->data, expected->length) == 0;
}

static inline void decoded_batch(struct decoded *out, struct tr_batch_buffer *batch, uint32_t rows)
{
	tr_batch_buffer_seal(batch, rows);
	for (uint32_t r = 0; r < rows; r++) {
		tr_text_append_row(&out->rows, &batch->batch, r, NULL);
		tr_bytes_append_char(&out->rows, '\n');
	}
	out->row_count += rows;
}

/** Decodes all of the input with batches of `capacity` rows; `piece` bytes at a time at first (0: all at once). */
static inline void decode_all(const struct tr_table_spec *spec, const char *text, size_t length, size_t piece,
			      uint32_t capacity, uint64_t seed, struct decoded *out)
{
	struct tr_status st = {0};
	struct tr_decoder *decoder;
	struct tr_batch_buffer *batch = tr_batch_buffer_create(spec->schema, capacity);
	size_t at = 0, window = piece == 0 ? length : piece;

	memset(out, 0, sizeof(*out));
	if (spec->format->decoder->create(spec, &decoder, &st) != TR_OK) {
		fprintf(stderr, "%s\n", st.message);
		abort();
	}
	while (at < length && !out->is_failed) {
		size_t n = window < length - at ? window : length - at;
		bool is_final = at + n == length;
		char *span = malloc(n + TR_INPUT_PADDING);
		struct tr_decode_result result = {0};
		struct tr_decode_error error = {0};
		uint32_t start = 0;

		memcpy(span, text + at, n);
		memset(span + n, (int)(format_random(&seed) & 1 ? '"' : '\n'), TR_INPUT_PADDING);
		tr_batch_buffer_clear(batch);
		/* Sometimes two calls fill one batch, the first one up to a limit below its capacity. */
		for (int call = format_random(&seed) % 3 == 0 && capacity > 1 ? 0 : 1; call < 2 && !out->is_failed;
		     call++) {
			struct tr_decode_result part;
			enum tr_flow flow;

			batch->capacity = call == 0 ? 1 + (uint32_t)format_random(&seed) % (capacity - 1) : capacity;
			flow = spec->format->decoder->decode(decoder, span + result.consumed, n - result.consumed,
							     is_final, batch, start, &part, &error);
			batch->capacity = capacity;
			out->rows_bad += part.rows_bad;
			out->fields_bad += part.fields_bad;
			start += part.rows;
			if (flow == TR_FLOW_FAILED) {
				out->is_failed = true;
				out->error_offset = at + result.consumed + error.offset;
				out->error_record = at + result.consumed + error.record_offset;
				snprintf(out->error_field, sizeof(out->error_field), "%s",
					 error.field != NULL ? error.field : "");
				snprintf(out->reason, sizeof(out->reason), "%s", error.reason);
			}
			result.consumed += part.consumed;
			if (start == capacity)
				break;
		}
		decoded_batch(out, batch, start);
		if (result.consumed > n)
			abort();
		at += result.consumed;
		free(span);
		if (result.consumed == 0 && !out->is_failed) {
			if (is_final && start == 0)
				abort(); /* no progress */
			window = window * 2 + 1;
		} else if (piece != 0) {
			window = 1 + format_random(&seed) % (2 * piece);
		}
	}
	spec->format->decoder->destroy(&decoder);
	tr_batch_buffer_destroy(&batch);
	tr_bytes_append_char(&out->rows, '\0');
	out->rows.length--;
}

#endif
