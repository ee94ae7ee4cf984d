/* SPDX-License-Identifier: Apache-2.0
 *
 * Encoding what a JSON text says: the rows of a table come from its decoder, so that tests write them as text.
 */
#ifndef TR_ENCODE_TEST_H
#define TR_ENCODE_TEST_H

#include "format_test.h"

/** Decodes `json` (at most 64 rows) and encodes the rows with `format`, all or only those in `rows`. */
static inline tr_code encode_text(struct format_test_table *t, const struct tr_format *format, const char *json,
				  const uint32_t *rows, uint32_t count, struct tr_bytes *out, struct tr_status *st)
{
	struct tr_table_spec from = t->spec, to = t->spec;
	struct tr_batch_buffer *batch = tr_batch_buffer_create(&t->schema, 64);
	const size_t length = strlen(json);
	char *span = calloc(1, length + TR_INPUT_PADDING);
	struct tr_decode_result result;
	struct tr_decode_error error;
	struct tr_decoder *decoder;
	struct tr_encoder *encoder;
	tr_code code;

	from.options.count = 0;
	from.format = &tr_format_json;
	to.format = format;
	memcpy(span, json, length);
	if (tr_format_json.decoder->create(&from, &decoder, st) != TR_OK)
		abort();
	if (tr_format_json.decoder->decode(decoder, span, length, true, batch, 0, &result, &error) != TR_FLOW_MORE) {
		fprintf(stderr, "%s\n", error.reason);
		abort();
	}
	tr_batch_buffer_seal(batch, result.rows);
	memset(out, 0, sizeof(*out));
	code = format->encoder->create(&to, &encoder, st);
	if (code == TR_OK) {
		code = format->encoder->encode(encoder, &batch->batch, rows, rows != NULL ? count : result.rows, out,
					       st);
		format->encoder->destroy(&encoder);
	}
	tr_bytes_append_char(out, '\0');
	out->length--;
	tr_format_json.decoder->destroy(&decoder);
	tr_batch_buffer_destroy(&batch);
	free(span);
	return code;
}

#endif
