/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and decoding chunks of plain files. See io/file_reader.h for the buffers.
 *
 * A chunk is decoded in two steps. First [position, end): all records that lie wholly inside. What remains is one
 * record that starts before `end` and ends behind it; it is decoded from the bytes up to the next line end, and only if
 * that is not a whole record (a quoted line break) from all that there is, one row at a time, with more and more bytes.
 * The step to the next line end makes the chunk end exactly where the next one guesses its start.
 */
#include "io/file_reader.h"

#include <stdio.h>

#include "base/fault.h"
#include "io/memory.h"

#define PAGE_BYTES 4096
#define MARGIN_BYTES_MAX 4096 /* read beyond a chunk's end, for its last record */
#define TAIL_BYTES_MIN (64 << 10)
#define BOM_BYTES 3 /* seen by the first chunk, however short it is */

void tr_file_buffer_reserve(struct tr_file_buffer *buffer, size_t capacity)
{
	if (buffer->capacity >= capacity)
		return;
	free(buffer->block);
	buffer->block = aligned_alloc(PAGE_BYTES, (PAGE_BYTES + capacity + TR_INPUT_PADDING + PAGE_BYTES - 1) /
							  PAGE_BYTES * PAGE_BYTES);
	TR_ASSERT(buffer->block != NULL);
	memset(buffer->block, 0, PAGE_BYTES + capacity + TR_INPUT_PADDING);
	buffer->capacity = capacity;
	tr_file_buffer_align(buffer, false);
}

void tr_file_buffer_align(struct tr_file_buffer *buffer, bool has_byte_before)
{
	TR_ASSERT(buffer->block != NULL);
	buffer->data = buffer->block + PAGE_BYTES - (has_byte_before ? 1 : 0);
	buffer->length = 0;
}

void tr_file_buffer_deinit(struct tr_file_buffer *buffer)
{
	free(buffer->block);
	*buffer = (struct tr_file_buffer){.data = NULL};
}

static void fill_submit(struct tr_source_reader *reader, struct tr_file_fill *fill)
{
	struct tr_file_buffer *buffer = fill->buffer;

	TR_ASSERT(fill->goal <= buffer->capacity && buffer->length < fill->goal);
	fill->request.op = TR_IO_READ;
	fill->request.buffer = buffer->data + buffer->length;
	fill->request.length = fill->goal - buffer->length;
	fill->request.offset = buffer->base + (int64_t)buffer->length;
	fill->is_active = true;
	tr_io_submit(reader->context->io, &fill->request);
}

void tr_file_fill_start(struct tr_source_reader *reader, struct tr_file_fill *fill, struct tr_file *file,
			struct tr_file_buffer *buffer, size_t goal)
{
	TR_ASSERT(!fill->is_active);
	TR_ASSERT(file != NULL);
	fill->request.file = file;
	fill->buffer = buffer;
	fill->goal = goal;
	if (buffer->length < goal)
		fill_submit(reader, fill);
}

enum tr_flow tr_file_fill_step(struct tr_source_reader *reader, struct tr_file_fill *fill,
			       const struct tr_file_split *split, struct tr_status *st)
{
	const char *table = reader->source->spec->name;

	while (fill->is_active) {
		if (!fill->request.is_done)
			(void)tr_io_poll(reader->context->io);
		if (!fill->request.is_done)
			return TR_FLOW_BLOCKED;
		if (fill->request.result < 0) { /* is_active stays: the next step fails again */
			(void)tr_status_set(st, TR_ERR_IO, (int)-fill->request.result, TR_WHERE,
					    "table '%s': read %s at byte offset %lld", table, split->path,
					    (long long)fill->request.offset);
			return TR_FLOW_FAILED;
		}
		if (fill->request.result == 0) {
			(void)tr_status_set(st, TR_ERR_IO, 0, TR_WHERE,
					    "table '%s': %s: the file shrank while it was read: it had %lld bytes, now "
					    "it ends before byte offset %lld",
					    table, split->path, (long long)split->size_bytes,
					    (long long)fill->request.offset + 1);
			return TR_FLOW_FAILED;
		}
		fill->is_active = false;
		fill->buffer->length += TR_BUG("read-short") ? fill->request.length : (size_t)fill->request.result;
		if (fill->buffer->length < fill->goal)
			fill_submit(reader, fill);
	}
	return TR_FLOW_MORE;
}

void tr_file_fill_cancel(struct tr_source_reader *reader, struct tr_file_fill *fill)
{
	bool has_waited = false;

	while (fill->is_active && !fill->request.is_done) {
		(void)tr_io_wait(reader->context->io, -1);
		has_waited = true;
	}
	if (has_waited)
		tr_io_wake(reader->context->io); /* the worker's own wake may have been taken here */
	fill->is_active = false;
}

tr_code tr_file_reader_open(struct tr_source *source, struct tr_source_context *context,
			    struct tr_source_reader **reader, struct tr_status *st)
{
	struct tr_source_reader *r;
	tr_code code;

	TR_ASSERT(source != NULL && context != NULL && context->io != NULL);
	r = tr_io_calloc(1, sizeof(*r));
	r->source = source;
	r->context = context;
	r->ops = source->spec->format->decoder;
	if (source->spec->partition_count + source->spec->metadata_count > 0)
		r->decoder_columns = tr_io_calloc(source->decoder_schema.column_count, sizeof(*r->decoder_columns));
	code = r->ops->create(&source->decoder_spec, &r->decoder, st);
	if (code != TR_OK) {
		free(r->decoder_columns);
		free(r);
		return code;
	}
	*reader = r;
	return TR_OK;
}

void tr_file_reader_close(struct tr_source_reader **reader)
{
	struct tr_source_reader *r;

	TR_ASSERT(reader != NULL);
	r = *reader;
	if (r == NULL)
		return;
	tr_file_stream_close(r);
	tr_file_fill_cancel(r, &r->tail_fill);
	for (size_t i = 0; i < TR_COUNT_OF(r->slots); i++) {
		tr_file_fill_cancel(r, &r->slots[i].fill);
		if (r->slots[i].ticket.split != NULL)
			tr_file_split_done(r->source, &r->slots[i].ticket);
		tr_file_buffer_deinit(&r->slots[i].buffer);
	}
	tr_file_buffer_deinit(&r->tail);
	tr_file_buffer_deinit(&r->stream.in);
	tr_file_buffer_deinit(&r->stream.out);
	r->ops->destroy(&r->decoder);
	free(r->decoder_columns);
	free(r);
	*reader = NULL;
}

/* ---- one step of decoding, and its outcome ---- */

static enum tr_flow fail_record(struct tr_source_reader *r, const struct tr_decode_error *error, int64_t offset,
				struct tr_status *st)
{
	struct tr_file_split *split = r->slots[r->current].ticket.split;
	const char *field = error->field;
	uint64_t line, column;
	char place[96] = "";

	if (tr_file_split_locate(r->source, split, r->context->io, offset, &line, &column, NULL) == TR_OK)
		(void)snprintf(place, sizeof(place), "line %llu, column %llu, ", (unsigned long long)line,
			       (unsigned long long)column);
	(void)tr_status_set(st, TR_ERR_DATA, 0, TR_WHERE, "table '%s': %s: %sbyte offset %lld: %s%s%s%s",
			    r->source->spec->name, split->path, place, (long long)offset,
			    field != NULL ? "field '" : "", field != NULL ? field : "", field != NULL ? "': " : "",
			    error->reason);
	return TR_FLOW_FAILED;
}

enum tr_flow tr_file_reader_fail_long(struct tr_source_reader *r, struct tr_status *st)
{
	struct tr_decode_error error = {0};

	(void)snprintf(error.reason, sizeof(error.reason),
		       "the record that starts here is longer than %u MiB; is a quote or a line end missing?",
		       TR_RECORD_BYTES_MAX >> 20);
	return fail_record(r, &error, r->position, st);
}

/** With partition or metadata columns the decoder gets a batch of the other columns only: the same column buffers, borrowed. */
static enum tr_flow decode_without_partitions(struct tr_source_reader *r, const char *span, size_t length,
					      bool is_final, struct tr_batch_buffer *into, uint32_t at,
					      struct tr_decode_result *result, struct tr_decode_error *error)
{
	const struct tr_source *source = r->source;
	struct tr_batch_buffer some = *into;
	enum tr_flow flow;

	for (uint32_t i = 0; i < source->decoder_schema.column_count; i++)
		r->decoder_columns[i] = into->columns[source->decoder_columns[i]];
	some.columns = r->decoder_columns;
	some.batch.schema = &source->decoder_schema;
	flow = r->ops->decode(r->decoder, span, length, is_final, &some, at, result, error);
	for (uint32_t i = 0; i < source->decoder_schema.column_count; i++)
		into->columns[source->decoder_columns[i]] = r->decoder_columns[i];
	into->heap = some.heap;
	return flow;
}

enum tr_flow tr_file_reader_decode(struct tr_source_reader *r, const struct tr_file_buffer *buffer, int64_t limit,
				   bool is_final, struct tr_batch_buffer *into, uint32_t row_limit, uint32_t *rows,
				   struct tr_chunk_info *info, struct tr_status *st)
{
	const char *span = buffer->data + (r->position - buffer->base);
	const size_t length = (size_t)(limit - r->position);
	const int64_t before = r->position;
	const uint32_t capacity = into->capacity;
	struct tr_decode_result result = {0};
	struct tr_decode_error error = {0};
	enum tr_flow flow;

	TR_ASSERT(r->position >= buffer->base && limit <= buffer->base + (int64_t)buffer->length);
	TR_ASSERT(*rows < row_limit && row_limit <= capacity);
	into->capacity = row_limit;
	if (r->decoder_columns != NULL)
		flow = decode_without_partitions(r, span, length, is_final, into, *rows, &result, &error);
	else
		flow = r->ops->decode(r->decoder, span, length, is_final, into, *rows, &result, &error);
	into->capacity = capacity;
	TR_ASSERT(flow == TR_FLOW_MORE || flow == TR_FLOW_FAILED);
	TR_ASSERT(result.consumed <= length && result.rows <= row_limit - *rows);
	*rows += result.rows;
	r->position += (int64_t)result.consumed;
	info->rows_bad += result.rows_bad;
	info->fields_bad += result.fields_bad;
	if (flow == TR_FLOW_FAILED) {
		info->bytes += result.consumed;
		if (*rows > 0)
			return TR_FLOW_FAILED; /* the good rows go first; the next poll fails again, and says it */
		return fail_record(r, &error, before + (int64_t)error.offset, st);
	}
	if (is_final && *rows < row_limit)
		r->position = limit; /* nothing but white space can be left */
	info->bytes += (uint64_t)(r->position - before);
	return TR_FLOW_MORE;
}

enum tr_flow tr_file_reader_give(struct tr_source_reader *r, struct tr_batch_buffer *into, uint32_t rows, bool is_last,
				 bool is_split_end, struct tr_chunk_info *info)
{
	const struct tr_table_spec *spec = r->source->spec;
	const struct tr_file_split *split = r->slots[r->current].ticket.split;

	for (uint32_t p = 0; p < spec->partition_count; p++)
		tr_file_partition_fill(&split->partition[p], &into->columns[spec->partition_columns[p]], rows);
	for (uint32_t m = 0; m < spec->metadata_count; m++)
		tr_file_partition_fill(&split->metadata[spec->metadata_keys[m]],
				       &into->columns[spec->metadata_columns[m]], rows);
	tr_batch_buffer_seal(into, rows);
	info->is_first = r->is_first;
	info->is_last = is_last;
	info->is_split_end = is_last && is_split_end;
	info->end = is_last ? r->position : 0;
	r->is_first = false;
	r->is_over = is_last;
	return TR_FLOW_MORE;
}

/* ---- chunks of plain files ---- */

static void slot_start(struct tr_source_reader *r, struct tr_file_slot *slot)
{
	const struct tr_file_ticket *t = &slot->ticket;
	const int64_t margin = TR_MIN(r->source->chunk_bytes / 16, MARGIN_BYTES_MAX);
	const int64_t end = TR_MIN(TR_MAX(t->end + margin, BOM_BYTES), t->split->size_bytes);

	tr_file_buffer_reserve(&slot->buffer,
			       (size_t)TR_MIN(r->source->chunk_bytes, t->split->size_bytes) + MARGIN_BYTES_MAX + 1);
	tr_file_buffer_align(&slot->buffer, t->begin > 0);
	slot->buffer.base = t->begin > 0 ? t->begin - 1 : 0;
	tr_file_fill_start(r, &slot->fill, t->split->file, &slot->buffer, (size_t)(end - slot->buffer.base));
}

/** Takes the next chunk's ticket and starts its read. No news is not an error here: the real request comes later. */
static void prefetch(struct tr_source_reader *r)
{
	struct tr_file_slot *other = &r->slots[r->current ^ 1];
	struct tr_file_ticket ticket;
	int64_t wake_at_ns;

	if (other->ticket.split != NULL)
		return;
	if (tr_file_split_deal(r->source, r->barrier, &ticket, &wake_at_ns, NULL) != TR_FLOW_MORE)
		return;
	other->ticket = ticket;
	if (ticket.split->compression == TR_COMPRESSION_NONE)
		slot_start(r, other);
}

/** Where the chunk's first record starts, as far as can be told without what came before. */
static void start_plain(struct tr_source_reader *r)
{
	const struct tr_file_slot *slot = &r->slots[r->current];
	const struct tr_file_buffer *b = &slot->buffer;
	const size_t length = (size_t)(slot->ticket.end - b->base);

	r->is_started = true;
	if (r->is_start_known)
		return;
	if (slot->ticket.begin == 0)
		r->position = (int64_t)tr_file_bom_bytes(b->data, b->length);
	else
		r->position = b->base + (int64_t)r->ops->find_start(b->data, length, 1);
	r->start = r->position;
}

/** One attempt at the record that crosses the chunk's end. MORE: position has moved. BLOCKED, FAILED. */
static enum tr_flow cross(struct tr_source_reader *r, struct tr_batch_buffer *into, uint32_t *rows,
			  struct tr_chunk_info *info, struct tr_status *st)
{
	struct tr_file_slot *slot = &r->slots[r->current];
	const struct tr_file_split *split = slot->ticket.split;
	const struct tr_file_buffer *b = r->is_tail_used ? &r->tail : &slot->buffer;
	const int64_t before = r->position;
	const int64_t available = b->base + (int64_t)b->length;
	const bool is_eof = available == split->size_bytes;
	const size_t length = (size_t)(available - r->position);
	const char *span = b->data + (r->position - b->base);
	const size_t guess = r->ops->find_start(span, length, (size_t)(slot->ticket.end - r->position));
	size_t goal;

	TR_ASSERT(guess <= length && available >= slot->ticket.end);
	if (tr_file_reader_decode(r, b, r->position + (int64_t)guess, is_eof && guess == length, into, into->capacity,
				  rows, info, st) != TR_FLOW_MORE)
		return TR_FLOW_FAILED;
	if (r->position == before && guess < length &&
	    tr_file_reader_decode(r, b, available, is_eof, into, *rows + 1, rows, info, st) != TR_FLOW_MORE)
		return TR_FLOW_FAILED;
	if (r->position != before)
		return TR_FLOW_MORE;
	if (is_eof) {
		r->position = available;
		return TR_FLOW_MORE;
	}
	if (length >= TR_RECORD_BYTES_MAX)
		return tr_file_reader_fail_long(r, st);
	goal = TR_MIN(TR_MAX(length * 4, (size_t)TAIL_BYTES_MIN), (size_t)TR_RECORD_BYTES_MAX);
	goal = TR_MIN(goal, (size_t)(split->size_bytes - r->position));
	if (r->is_tail_used && goal > r->tail.capacity) {
		/* No batch points here yet: nothing has been decoded from it. */
		struct tr_file_buffer bigger = {.base = r->tail.base};

		tr_file_buffer_reserve(&bigger, goal);
		memcpy(bigger.data, r->tail.data, r->tail.length);
		bigger.length = r->tail.length;
		tr_file_buffer_deinit(&r->tail);
		r->tail = bigger;
	} else if (!r->is_tail_used) {
		tr_file_buffer_reserve(&r->tail, goal);
		memcpy(r->tail.data, span, length);
		r->tail.base = r->position;
		r->tail.length = length;
		r->is_tail_used = true;
	}
	tr_file_fill_start(r, &r->tail_fill, split->file, &r->tail, goal);
	return TR_FLOW_BLOCKED;
}

static enum tr_flow poll_plain(struct tr_source_reader *r, struct tr_batch_buffer *into, struct tr_chunk_info *info,
			       struct tr_status *st)
{
	const struct tr_file_slot *slot = &r->slots[r->current];
	const struct tr_file_ticket *t = &slot->ticket;
	uint32_t rows = 0;

	if (r->position - t->begin >= (t->end - t->begin) / 2)
		prefetch(r);
	if (r->position < t->end && !r->is_crossing) {
		const bool is_final = t->end == t->split->size_bytes;

		if (tr_file_reader_decode(r, &slot->buffer, t->end, is_final, into, into->capacity, &rows, info, st) !=
		    TR_FLOW_MORE)
			return rows > 0 ? tr_file_reader_give(r, into, rows, false, false, info) : TR_FLOW_FAILED;
		r->is_crossing = rows < into->capacity;
	}
	while (r->position < t->end) {
		enum tr_flow flow;

		if (rows == into->capacity)
			return tr_file_reader_give(r, into, rows, false, false, info);
		flow = tr_file_fill_step(r, &r->tail_fill, t->split, st);
		if (flow == TR_FLOW_MORE)
			flow = cross(r, into, &rows, info, st);
		if (flow == TR_FLOW_BLOCKED && !r->tail_fill.request.is_done && rows == 0) {
			flow = tr_file_fill_step(r, &r->tail_fill, t->split, st); /* cached: it is there at once */
			if (flow == TR_FLOW_MORE)
				continue;
		}
		if (flow != TR_FLOW_MORE)
			return rows > 0 ? tr_file_reader_give(r, into, rows, false, false, info) : flow;
	}
	return tr_file_reader_give(r, into, rows, true, t->is_split_end, info);
}

/* ---- from chunk to chunk ---- */

/** Ends the current chunk and makes the next one current. */
static enum tr_flow next_chunk(struct tr_source_reader *r, struct tr_chunk_info *info, struct tr_status *st)
{
	struct tr_file_slot *slot = &r->slots[r->current];

	/* Also for what has been dealt already: of the chunks that it holds at another reader's barrier, a reader ends one. */
	if (tr_file_position_is_behind(r->source, r->barrier))
		return TR_FLOW_BLOCKED;
	if (r->has_chunk && r->stream.decompress != NULL && !r->stream.is_ended) {
		tr_file_stream_next_chunk(r);
		r->is_told = false;
		return TR_FLOW_MORE;
	}
	if (r->has_chunk) {
		if (r->stream.decompress != NULL)
			tr_file_stream_close(r);
		tr_file_split_done(r->source, &slot->ticket);
		r->has_chunk = false;
		r->current ^= 1;
		slot = &r->slots[r->current];
		if (r->tail.capacity > 4 * (size_t)r->source->chunk_bytes + TAIL_BYTES_MIN) {
			tr_file_buffer_deinit(&r->tail);
		}
	}
	if (slot->ticket.split == NULL) {
		struct tr_file_ticket ticket;
		const enum tr_flow flow =
			tr_file_split_deal(r->source, r->barrier, &ticket, &r->context->wake_at_ns, st);

		if (flow != TR_FLOW_MORE) {
			info->split = ticket.split != NULL ? ticket.split->number : 0;
			return flow;
		}
		slot->ticket = ticket;
		if (ticket.split->compression == TR_COMPRESSION_NONE)
			slot_start(r, slot);
	}
	r->has_chunk = true;
	r->is_told = false;
	r->is_over = false;
	r->is_started = false;
	r->is_start_known = slot->ticket.is_start_known;
	r->is_first = true;
	r->is_crossing = false;
	r->is_tail_used = false;
	r->chunk = slot->ticket.chunk;
	r->start = r->is_start_known ? slot->ticket.start : slot->ticket.begin;
	r->position = r->start;
	return TR_FLOW_MORE;
}

static enum tr_flow poll_chunk(struct tr_source_reader *r, struct tr_batch_buffer *into, struct tr_chunk_info *info,
			       struct tr_status *st)
{
	struct tr_file_slot *slot = &r->slots[r->current];

	if (slot->ticket.split->compression != TR_COMPRESSION_NONE) {
		if (r->stream.decompress == NULL && tr_file_stream_open(r, st) != TR_OK)
			return TR_FLOW_FAILED;
		return tr_file_stream_poll(r, into, info, st);
	}
	if (!r->is_started) {
		const enum tr_flow flow = tr_file_fill_step(r, &slot->fill, slot->ticket.split, st);

		if (flow != TR_FLOW_MORE)
			return flow;
		start_plain(r);
	}
	info->start = r->start;
	return poll_plain(r, into, info, st);
}

enum tr_flow tr_file_reader_poll(struct tr_source_reader *r, struct tr_batch_buffer *into, struct tr_chunk_info *info,
				 struct tr_status *st)
{
	enum tr_flow flow;

	TR_ASSERT(r != NULL && into != NULL && info != NULL);
	TR_ASSERT(into->batch.schema == r->source->spec->schema ||
		  into->batch.schema->column_count == r->source->spec->schema->column_count);
	memset(info, 0, sizeof(*info));
	r->context->wake_at_ns = INT64_MAX;
	if (!r->has_chunk || r->is_over) {
		flow = next_chunk(r, info, st);
		if (flow != TR_FLOW_MORE)
			return flow;
	}
	info->split = r->slots[r->current].ticket.split->number;
	info->chunk = r->chunk;
	info->start = r->start;
	info->limit = r->slots[r->current].ticket.split->compression == TR_COMPRESSION_NONE
			      ? r->slots[r->current].ticket.end
			      : 0;
	flow = poll_chunk(r, into, info, st);
	r->is_told |= flow != TR_FLOW_BLOCKED;
	return flow;
}

void tr_file_reader_rewind(struct tr_source_reader *r, int64_t start)
{
	TR_ASSERT(r->has_chunk);
	TR_ASSERT(start >= r->slots[r->current].ticket.begin);
	if (r->stream.decompress != NULL) {
		TR_ASSERT(start == r->start); /* never a guess */
	} else {
		tr_file_fill_cancel(r, &r->tail_fill);
		r->is_tail_used = false;
		r->is_crossing = false;
	}
	r->is_start_known = true;
	r->start = start;
	r->position = start;
	r->is_first = true;
	r->is_over = false;
}

static void put_ticket(struct tr_position_writer *writer, const struct tr_file_ticket *ticket, uint64_t chunk,
		       int64_t start)
{
	const bool is_plain = ticket->split->compression == TR_COMPRESSION_NONE;

	writer->put_chunk(writer, &(struct tr_chunk_position){.split = ticket->split->number,
							      .chunk = chunk,
							      .start = start,
							      .limit = is_plain ? ticket->end : 0});
}

bool tr_file_reader_barrier(struct tr_source_reader *r, uint64_t checkpoint, struct tr_position_writer *writer)
{
	const struct tr_file_ticket *current = &r->slots[r->current].ticket;
	const struct tr_file_ticket *other = &r->slots[r->current ^ 1].ticket;
	bool is_first;

	TR_ASSERT(checkpoint > r->barrier);
	r->barrier = checkpoint;
	is_first = tr_file_position_barrier(r->source, checkpoint, writer);
	if (r->has_chunk && !r->is_told)
		put_ticket(writer, current, r->chunk, r->start);
	else if (r->has_chunk && r->is_over && r->stream.decompress != NULL && !r->stream.is_ended)
		put_ticket(writer, current, r->chunk + 1, r->position); /* it goes on by itself */
	if (other->split != NULL)
		put_ticket(writer, other, other->chunk, other->is_start_known ? other->start : other->begin);
	return is_first;
}
