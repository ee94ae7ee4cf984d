/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading compressed files: one reader, front to back, chunk after chunk. See io/file_reader.h.
 *
 * Each chunk begins with what the last one left over (the start of a record), so starts are exact and nobody rewinds.
 * A chunk ends when its bytes hold no further whole record. If they hold none at all, the buffer grows until they do;
 * that is safe since no batch points into a chunk from which nothing has been decoded.
 */
#include "io/file_reader.h"

#include "io/memory.h"

#define IN_BYTES (128 << 10)

tr_code tr_file_stream_open(struct tr_source_reader *r, struct tr_status *st)
{
	struct tr_file_stream *s = &r->stream;
	const struct tr_file_ticket *t = &r->slots[r->current].ticket;

	TR_ASSERT(s->decompress == NULL && t->begin == 0 && r->position == (t->is_start_known ? t->start : 0));
	TR_TRY(tr_decompress_create(t->split->compression, &s->decompress, st));
	tr_file_buffer_reserve(&s->in, IN_BYTES);
	s->in.base = 0;
	s->in.length = 0;
	s->in_used = 0;
	s->out.base = 0;
	s->out.length = 0;
	s->is_ended = false;
	s->goal = (size_t)r->source->chunk_bytes;
	s->is_skipping = r->position > 0;
	return TR_OK;
}

void tr_file_stream_close(struct tr_source_reader *r)
{
	tr_file_fill_cancel(r, &r->stream.in_fill);
	tr_decompress_destroy(&r->stream.decompress);
	free(r->stream.failure);
	r->stream.failure = NULL;
}

/** Keeps [position, end of out) and gives `out` room for `goal` bytes. */
static void make_room(struct tr_source_reader *r)
{
	struct tr_file_stream *s = &r->stream;
	const size_t done = (size_t)(r->position - s->out.base);
	const size_t rest = s->out.length - done;

	TR_ASSERT(done <= s->out.length);
	if (s->goal > s->out.capacity || s->out.capacity > 8 * TR_MAX(s->goal, (size_t)IN_BYTES)) {
		struct tr_file_buffer other = {0};

		tr_file_buffer_reserve(&other, s->goal);
		if (rest > 0)
			memcpy(other.data, s->out.data + done, rest);
		tr_file_buffer_deinit(&s->out);
		s->out = other;
	} else if (done > 0) {
		memmove(s->out.data, s->out.data + done, rest);
	}
	s->out.base = r->position;
	s->out.length = rest;
}

void tr_file_stream_next_chunk(struct tr_source_reader *r)
{
	struct tr_file_stream *s = &r->stream;
	const size_t rest = s->out.length - (size_t)(r->position - s->out.base);

	s->goal = TR_MAX((size_t)r->source->chunk_bytes, rest + 1);
	r->chunk++;
	r->start = r->position;
	r->is_started = false;
	r->is_first = true;
	r->is_over = false;
}

static enum tr_flow fail_damaged(struct tr_source_reader *r, struct tr_status *st)
{
	const struct tr_file_stream *s = &r->stream;

	if (st != NULL)
		*st = *s->failure;
	return TR_FLOW_FAILED;
}

/** Decompresses until `out` holds `goal` bytes or the stream ends. */
static enum tr_flow fill_out(struct tr_source_reader *r, struct tr_status *st)
{
	struct tr_file_stream *s = &r->stream;
	const struct tr_file_split *split = r->slots[r->current].ticket.split;

	if (s->failure != NULL)
		return fail_damaged(r, st);
	while (s->out.length < s->goal && !s->is_ended) {
		struct tr_decompress_step step;
		enum tr_flow flow = tr_file_fill_step(r, &s->in_fill, split, st);

		if (flow != TR_FLOW_MORE)
			return flow;
		step = (struct tr_decompress_step){.in = s->in.data + s->in_used,
						   .in_length = s->in.length - s->in_used,
						   .out = s->out.data + s->out.length,
						   .out_capacity = s->goal - s->out.length,
						   .is_in_end = s->in.base + (int64_t)s->in.length == split->size_bytes};
		s->failure = tr_io_calloc(1, sizeof(*s->failure));
		if (tr_decompress_run(s->decompress, &step, s->failure) != TR_OK) {
			(void)tr_status_prefix(
				s->failure, s->failure->code, "table '%s': %s: at or after compressed byte offset %lld",
				r->source->spec->name, split->path, (long long)(s->in.base + (int64_t)s->in_used));
			return fail_damaged(r, st);
		}
		free(s->failure);
		s->failure = NULL;
		s->in_used += step.in_used;
		s->out.length += step.out_used;
		s->is_ended = step.is_out_end;
		if (s->in_used == s->in.length && !step.is_in_end && s->out.length < s->goal) {
			s->in.base += (int64_t)s->in.length;
			s->in.length = 0;
			s->in_used = 0;
			tr_file_fill_start(r, &s->in_fill, split->file, &s->in,
					   (size_t)TR_MIN((int64_t)IN_BYTES, split->size_bytes - s->in.base));
		}
	}
	return TR_FLOW_MORE;
}

/** Decompresses up to where a restored split goes on. */
static enum tr_flow skip(struct tr_source_reader *r, struct tr_status *st)
{
	struct tr_file_stream *s = &r->stream;

	tr_file_buffer_reserve(&s->out, s->goal);
	for (;;) {
		const enum tr_flow flow = fill_out(r, st);

		if (flow != TR_FLOW_MORE)
			return flow;
		if (s->out.base + (int64_t)s->out.length >= r->position)
			break;
		if (s->is_ended) {
			(void)tr_status_set(st, TR_ERR_DATA, 0, TR_WHERE,
					    "table '%s': %s: decompressed it has %lld bytes, but %lld had been read "
					    "when the checkpoint was taken; the file has been replaced",
					    r->source->spec->name, r->slots[r->current].ticket.split->path,
					    (long long)(s->out.base + (int64_t)s->out.length), (long long)r->position);
			return TR_FLOW_FAILED;
		}
		s->out.base += (int64_t)s->out.length;
		s->out.length = 0;
	}
	s->is_skipping = false;
	return TR_FLOW_MORE;
}

enum tr_flow tr_file_stream_poll(struct tr_source_reader *r, struct tr_batch_buffer *into, struct tr_chunk_info *info,
				 struct tr_status *st)
{
	struct tr_file_stream *s = &r->stream;
	uint32_t rows = 0;

	for (;;) {
		int64_t limit;
		enum tr_flow flow;

		if (s->is_skipping && (flow = skip(r, st)) != TR_FLOW_MORE)
			return flow;
		if (!r->is_started) {
			make_room(r);
			r->is_started = true;
		}
		flow = fill_out(r, st);
		if (flow != TR_FLOW_MORE)
			return flow;
		if (r->position == 0) {
			r->position = (int64_t)tr_file_bom_bytes(s->out.data, s->out.length);
			r->start = r->position;
			info->start = r->start;
		}
		limit = s->out.base + (int64_t)s->out.length;
		if (tr_file_reader_decode(r, &s->out, limit, s->is_ended, into, into->capacity, &rows, info, st) !=
		    TR_FLOW_MORE)
			return rows > 0 ? tr_file_reader_give(r, into, rows, false, false, info) : TR_FLOW_FAILED;
		if (rows == into->capacity && r->position < limit)
			return tr_file_reader_give(r, into, rows, false, false, info);
		if (r->position > r->start || s->is_ended)
			return tr_file_reader_give(r, into, rows, true, s->is_ended, info);
		if (s->out.length >= TR_RECORD_BYTES_MAX)
			return tr_file_reader_fail_long(r, st);
		s->goal = TR_MIN(TR_MAX(s->out.length * 4, (size_t)(64 << 10)), (size_t)TR_RECORD_BYTES_MAX);
		r->is_started = false;
	}
}
