/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading runs of a spill back. Records that lie side by side are read at once; several reads are on their way while the first
 * one's records are handed out.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "state/spill_extent.h"

#define READ_BYTES_MAX ((size_t)128 << 10)

void tr_spill_reader_add(struct tr_spill_reader *reader, struct tr_spill *spill, const struct tr_spill_run *run,
			 uint8_t first, uint8_t last, uint32_t tag)
{
	uint32_t from = 0, to;

	reader->spill = spill;
	while (from < run->count && run->records[from].last < first)
		from++;
	for (to = from; to < run->count && run->records[to].first <= last;)
		to++;
	if (from == to)
		return;
	if (reader->piece_count == reader->piece_capacity) {
		reader->piece_capacity = TR_MAX(reader->piece_capacity * 2, 16u);
		reader->pieces = realloc(reader->pieces, reader->piece_capacity * sizeof(*reader->pieces));
		TR_ASSERT(reader->pieces != NULL);
	}
	reader->pieces[reader->piece_count++] =
		(struct tr_spill_piece){.run = run, .record = from, .end = to, .tag = tag};
}

static void submit(struct tr_spill_reader *reader, struct tr_spill_read *read, size_t done)
{
	read->request = (struct tr_io_request){
		.op = TR_IO_READ,
		.file = reader->spill->file,
		.buffer = read->buffer + done,
		.length = read->length - done,
		.offset = read->records[0].extent->offset + read->records[0].at + (int64_t)done,
	};
	tr_io_submit(reader->spill->queue, &read->request);
}

/** Where a record begins in what was read with it. */
static size_t place_in(const struct tr_spill_read *read, uint32_t record)
{
	return read->records[record].at - read->records[0].at;
}

/** Asks for the next records of a piece: those that lie in one extent, as many as one read may have. */
static void begin_read(struct tr_spill_reader *reader, struct tr_spill_piece *piece, size_t bytes_max)
{
	struct tr_spill_read *read = &reader->reads[(reader->head + reader->read_count) % TR_SPILL_READS_MAX];
	const struct tr_spill_record *records = piece->run->records + piece->record;
	const uint32_t left = piece->end - piece->record;
	uint32_t count = 1;

	while (count < left && records[count].extent == records[0].extent &&
	       records[count].at + records[count].length - records[0].at <= bytes_max)
		count++;
	read->records = records;
	read->count = count;
	read->tag = piece->tag;
	read->length = place_in(read, count - 1) + records[count - 1].length;
	if (read->room < read->length) {
		free(read->buffer);
		read->room = TR_MAX(read->length, bytes_max);
		read->buffer = malloc(read->room);
		TR_ASSERT(read->buffer != NULL);
	}
	piece->record += count;
	reader->read_count++;
	submit(reader, read, 0);
}

static void read_ahead(struct tr_spill_reader *reader)
{
	struct tr_spill *spill = reader->spill;
	const size_t bytes_max = TR_MIN(spill->buffer_bytes / TR_SPILL_READS_MAX, READ_BYTES_MAX);

	while (reader->read_count < TR_SPILL_READS_MAX && reader->piece < reader->piece_count) {
		struct tr_spill_piece *piece = &reader->pieces[reader->piece];
		const struct tr_spill_extent *extent;

		if (piece->record == piece->end) {
			reader->piece++;
			continue;
		}
		extent = piece->run->records[piece->record].extent;
		if (extent == spill->open)
			tr_spill_flush(spill);
		if (!extent->is_written)
			return;
		begin_read(reader, piece, bytes_max);
	}
}

/** Whether the first read is there, all of it. */
static enum tr_flow first_read(struct tr_spill_reader *reader, struct tr_status *st)
{
	struct tr_spill_read *read = &reader->reads[reader->head];
	const struct tr_io_request *request = &read->request;
	size_t done = (size_t)((char *)request->buffer - read->buffer);

	if (!request->is_done)
		return TR_FLOW_BLOCKED;
	if (request->result <= 0 && request->result != -EINTR && request->result != -EAGAIN) {
		(void)tr_status_set(st, TR_ERR_IO, (int)(request->result < 0 ? -request->result : EIO), TR_WHERE,
				    "%s: reading %zu bytes of state at %lld", reader->spill->path, request->length,
				    (long long)request->offset);
		return TR_FLOW_FAILED;
	}
	done += (size_t)TR_MAX(request->result, 0);
	if (done == read->length)
		return TR_FLOW_MORE;
	submit(reader, read, done);
	return TR_FLOW_BLOCKED;
}

/** Forgets the first read. */
static void end_read(struct tr_spill_reader *reader)
{
	reader->head = (reader->head + 1) % TR_SPILL_READS_MAX;
	reader->read_count--;
	reader->taken = 0;
}

static enum tr_flow take(struct tr_spill_reader *reader, struct tr_spill_item *item, struct tr_status *st)
{
	const struct tr_spill_read *read = &reader->reads[reader->head];
	const struct tr_spill_record *record = &read->records[reader->taken];
	const char *bytes = read->buffer + place_in(read, reader->taken);

	if (tr_crc32c(0, bytes, record->length) != record->crc) {
		(void)tr_status_set(st, TR_ERR_IO, EIO, TR_WHERE,
				    "%s: %u bytes of state at %lld are not what was written", reader->spill->path,
				    record->length, (long long)(record->extent->offset + record->at));
		return TR_FLOW_FAILED;
	}
	reader->taken++;
	*item = (struct tr_spill_item){
		.record = {.kind = record->kind, .is_keyed = true, .bytes = bytes, .length = record->length},
		.tag = read->tag,
		.first = record->first,
		.last = record->last,
	};
	return TR_FLOW_MORE;
}

enum tr_flow tr_spill_reader_next(struct tr_spill_reader *reader, struct tr_spill_item *item, struct tr_status *st)
{
	enum tr_flow flow;

	if (reader->spill == NULL)
		return TR_FLOW_DONE;
	if (reader->read_count > 0 && reader->taken == reader->reads[reader->head].count)
		end_read(reader);
	if (tr_spill_poll(reader->spill) == TR_FLOW_FAILED) {
		*st = reader->spill->status;
		return TR_FLOW_FAILED;
	}
	read_ahead(reader);
	if (reader->read_count == 0)
		return reader->piece < reader->piece_count ? TR_FLOW_BLOCKED : TR_FLOW_DONE;
	if (reader->taken == 0) {
		flow = first_read(reader, st);
		if (flow != TR_FLOW_MORE)
			return flow;
	}
	return take(reader, item, st);
}

void tr_spill_reader_clear(struct tr_spill_reader *reader)
{
	for (; reader->read_count > 0; end_read(reader))
		while (!reader->reads[reader->head].request.is_done)
			(void)tr_io_wait(reader->spill->queue, -1);
	reader->piece_count = reader->piece = 0;
	reader->taken = 0;
}

void tr_spill_reader_deinit(struct tr_spill_reader *reader)
{
	tr_spill_reader_clear(reader);
	for (uint32_t i = 0; i < TR_SPILL_READS_MAX; i++)
		free(reader->reads[i].buffer);
	free(reader->pieces);
	memset(reader, 0, sizeof(*reader));
}
