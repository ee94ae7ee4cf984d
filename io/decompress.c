/* SPDX-License-Identifier: Apache-2.0
 *
 * zlib and zstd behind one verb. `is_between` is true where the stream may end: before the first member, and after
 * each whole one. An empty file is therefore an empty stream, which is what `zcat` says too.
 */
#include "io/decompress.h"

#include <limits.h>
#include <strings.h>
#include <zlib.h>
#include <zstd.h>

#include "io/memory.h"

struct tr_decompress {
	enum tr_compression kind;
	bool is_between; /* members or frames */
	z_stream gzip;
	ZSTD_DStream *zstd;
};

static bool has_suffix(const char *path, const char *suffix)
{
	const size_t length = strlen(path);
	const size_t suffix_length = strlen(suffix);

	return length > suffix_length && strcasecmp(path + length - suffix_length, suffix) == 0;
}

tr_code tr_decompress_kind_of(const char *path, enum tr_compression *kind, struct tr_status *st)
{
	static const char *const foreign[] = {".bz2", ".xz", ".deflate", ".lz4", ".snappy",
					      ".zip", ".br", ".lzo",     ".z"};

	TR_ASSERT(path != NULL && kind != NULL);
	*kind = TR_COMPRESSION_NONE;
	if (has_suffix(path, ".gz") || has_suffix(path, ".gzip"))
		*kind = TR_COMPRESSION_GZIP;
	else if (has_suffix(path, ".zst") || has_suffix(path, ".zstd"))
		*kind = TR_COMPRESSION_ZSTD;
	for (size_t i = 0; i < TR_COUNT_OF(foreign); i++) {
		if (has_suffix(path, foreign[i]))
			TR_FAIL(st, TR_ERR_DATA, "%s: compression '%s' is not supported; use .gz or .zst", path,
				foreign[i] + 1);
	}
	return TR_OK;
}

const char *tr_decompress_kind_name(enum tr_compression kind)
{
	return kind == TR_COMPRESSION_GZIP ? "gzip" : kind == TR_COMPRESSION_ZSTD ? "zstd" : "none";
}

tr_code tr_decompress_create(enum tr_compression kind, struct tr_decompress **decompress, struct tr_status *st)
{
	struct tr_decompress *d = tr_io_calloc(1, sizeof(*d));
	bool is_made;

	TR_ASSERT(kind == TR_COMPRESSION_GZIP || kind == TR_COMPRESSION_ZSTD);
	d->kind = kind;
	d->is_between = true;
	if (kind == TR_COMPRESSION_GZIP) {
		is_made = inflateInit2(&d->gzip, 15 + 16) == Z_OK; /* window of 32 KiB, gzip wrapping only */
	} else {
		d->zstd = ZSTD_createDStream();
		is_made = d->zstd != NULL;
	}
	if (!is_made) {
		free(d);
		TR_FAIL(st, TR_ERR_NO_MEMORY, "no memory for the %s decoder", tr_decompress_kind_name(kind));
	}
	*decompress = d;
	return TR_OK;
}

void tr_decompress_destroy(struct tr_decompress **decompress)
{
	struct tr_decompress *d = *decompress;

	if (d == NULL)
		return;
	if (d->kind == TR_COMPRESSION_GZIP)
		(void)inflateEnd(&d->gzip);
	else
		(void)ZSTD_freeDStream(d->zstd);
	free(d);
	*decompress = NULL;
}

static tr_code run_gzip(struct tr_decompress *d, struct tr_decompress_step *step, struct tr_status *st)
{
	z_stream *z = &d->gzip;
	int result;

	while (step->in_used < step->in_length && step->out_used < step->out_capacity) {
		const size_t in_left = TR_MIN(step->in_length - step->in_used, (size_t)UINT_MAX);
		const size_t out_left = TR_MIN(step->out_capacity - step->out_used, (size_t)UINT_MAX);

		if (d->is_between && z->total_in > 0) { /* after a member: padding, or another one */
			if (step->in[step->in_used] == '\0') {
				step->in_used++;
				continue;
			}
			TR_ASSERT(inflateReset(z) == Z_OK);
		}
		z->next_in = (Bytef *)(uintptr_t)(step->in + step->in_used);
		z->avail_in = (uInt)in_left;
		z->next_out = (Bytef *)step->out + step->out_used;
		z->avail_out = (uInt)out_left;
		result = inflate(z, Z_NO_FLUSH);
		step->in_used += in_left - z->avail_in;
		step->out_used += out_left - z->avail_out;
		if (result == Z_STREAM_END) {
			d->is_between = true;
		} else if (result == Z_OK || result == Z_BUF_ERROR) {
			d->is_between = false;
		} else {
			TR_FAIL(st, TR_ERR_DATA, "damaged gzip data: %s", z->msg != NULL ? z->msg : zError(result));
		}
	}
	return TR_OK;
}

/** zlib keeps up to 32 KiB inside: it may have output left although all input is used. */
static tr_code drain_gzip(struct tr_decompress *d, struct tr_decompress_step *step, struct tr_status *st)
{
	z_stream *z = &d->gzip;
	const size_t out_left = TR_MIN(step->out_capacity - step->out_used, (size_t)UINT_MAX);
	int result;

	if (d->is_between || out_left == 0)
		return TR_OK;
	z->next_in = NULL;
	z->avail_in = 0;
	z->next_out = (Bytef *)step->out + step->out_used;
	z->avail_out = (uInt)out_left;
	result = inflate(z, Z_NO_FLUSH);
	step->out_used += out_left - z->avail_out;
	if (result == Z_STREAM_END)
		d->is_between = true;
	else if (result != Z_OK && result != Z_BUF_ERROR)
		TR_FAIL(st, TR_ERR_DATA, "damaged gzip data: %s", z->msg != NULL ? z->msg : zError(result));
	return TR_OK;
}

static tr_code run_zstd(struct tr_decompress *d, struct tr_decompress_step *step, struct tr_status *st)
{
	ZSTD_inBuffer in = {.src = step->in, .size = step->in_length, .pos = 0};
	ZSTD_outBuffer out = {.dst = step->out, .size = step->out_capacity, .pos = 0};

	while (out.pos < out.size && (in.pos < in.size || !d->is_between)) {
		const size_t in_before = in.pos;
		const size_t out_before = out.pos;
		const size_t result = ZSTD_decompressStream(d->zstd, &out, &in);

		if (ZSTD_isError(result)) {
			step->in_used = in.pos;
			step->out_used = out.pos;
			TR_FAIL(st, TR_ERR_DATA, "damaged zstd data: %s", ZSTD_getErrorName(result));
		}
		d->is_between = result == 0;
		if (in.pos == in_before && out.pos == out_before)
			break;
	}
	step->in_used = in.pos;
	step->out_used = out.pos;
	return TR_OK;
}

tr_code tr_decompress_run(struct tr_decompress *d, struct tr_decompress_step *step, struct tr_status *st)
{
	TR_ASSERT(d != NULL && step != NULL);
	TR_ASSERT(step->out_capacity > 0);
	step->in_used = 0;
	step->out_used = 0;
	step->is_out_end = false;
	if (d->kind == TR_COMPRESSION_GZIP) {
		TR_TRY(run_gzip(d, step, st));
		if (step->in_used == step->in_length)
			TR_TRY(drain_gzip(d, step, st));
	} else {
		TR_TRY(run_zstd(d, step, st));
	}
	if (step->is_in_end && step->in_used == step->in_length && step->out_used < step->out_capacity) {
		if (!d->is_between)
			TR_FAIL(st, TR_ERR_DATA, "the %s data ends in the middle: the file was cut short",
				tr_decompress_kind_name(d->kind));
		step->is_out_end = true;
	}
	return TR_OK;
}
