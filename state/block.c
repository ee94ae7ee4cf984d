/* SPDX-License-Identifier: Apache-2.0
 *
 * See block.h.
 */
#include "state/block.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/fault.h"

#define FLAG_KEYED 1

struct record_head {
	uint32_t length;
	uint16_t kind;
	uint16_t flags;
};
_Static_assert(sizeof(struct record_head) == 8, "as docs/FORMATS.md says");

static size_t padded(size_t length) { return (length + 7) & ~(size_t)7; }

static struct tr_state_block *block_create(const struct tr_block_writer *writer, size_t capacity)
{
	struct tr_state_block *block = malloc(sizeof(*block) + capacity);

	TR_ASSERT(block != NULL);
	*block = (struct tr_state_block){
		.stream = writer->stream, .checkpoint = writer->checkpoint, .capacity = capacity};
	return block;
}

static tr_code put(struct tr_state_writer *base, const struct tr_state_record *record, struct tr_status *st)
{
	struct tr_block_writer *writer = (struct tr_block_writer *)base;
	const size_t need = sizeof(struct record_head) + padded(record->length);
	struct tr_state_block *block = writer->last;
	unsigned char *to;

	if (record->length > TR_STATE_RECORD_BYTES_MAX)
		TR_FAIL(st, TR_ERR_NO_MEMORY, "a state record of %zu bytes; at most %zu are possible", record->length,
			TR_STATE_RECORD_BYTES_MAX);
	if (block == NULL || block->capacity - block->length < need) {
		block = block_create(writer, TR_MAX(need, TR_FAULT_BLOCK_BYTES(TR_STATE_BLOCK_BYTES)));
		if (writer->last != NULL)
			writer->last->next = block;
		else
			writer->first = block;
		writer->last = block;
	}
	to = block->bytes + block->length;
	*(struct record_head *)(void *)to = (struct record_head){
		.length = (uint32_t)record->length, .kind = record->kind, .flags = record->is_keyed ? FLAG_KEYED : 0};
	memcpy(to + sizeof(struct record_head), record->bytes, record->length);
	memset(to + sizeof(struct record_head) + record->length, 0, padded(record->length) - record->length);
	block->length += need;
	block->record_count++;
	writer->bytes += need;
	return TR_OK;
}

void tr_block_writer_begin(struct tr_block_writer *writer, const struct tr_state_stream *stream, uint64_t checkpoint)
{
	TR_ASSERT(writer->first == NULL);
	writer->writer = (struct tr_state_writer){.put = put, .age = tr_state_age(checkpoint)};
	writer->stream = *stream;
	writer->checkpoint = checkpoint;
	writer->bytes = 0;
}

struct tr_state_block *tr_block_writer_take(struct tr_block_writer *writer, bool only_full)
{
	struct tr_state_block *taken = writer->first, *before = NULL;

	if (!only_full) {
		writer->first = writer->last = NULL;
		writer->bytes = 0;
		return taken;
	}
	if (taken == writer->last)
		return NULL;
	for (before = taken; before->next != writer->last; before = before->next)
		;
	before->next = NULL;
	writer->first = writer->last;
	writer->bytes = writer->last->length;
	return taken;
}

void tr_block_writer_deinit(struct tr_block_writer *writer)
{
	while (writer->first != NULL) {
		struct tr_state_block *block = writer->first;

		writer->first = block->next;
		tr_state_block_destroy(&block);
	}
	writer->last = NULL;
}

void tr_state_block_destroy(struct tr_state_block **block)
{
	free(*block);
	*block = NULL;
}

bool tr_block_next(const void *bytes, size_t length, size_t *offset, struct tr_state_record *record, tr_code *code,
		   struct tr_status *st)
{
	struct record_head head;
	const size_t left = length - *offset;

	*code = TR_OK;
	if (left == 0)
		return false;
	if (left >= sizeof(head)) {
		memcpy(&head, (const char *)bytes + *offset, sizeof(head));
		if (head.length <= TR_STATE_RECORD_BYTES_MAX && (head.flags & ~FLAG_KEYED) == 0 &&
		    padded(head.length) <= left - sizeof(head)) {
			*record = (struct tr_state_record){
				.kind = head.kind,
				.is_keyed = (head.flags & FLAG_KEYED) != 0,
				.bytes = (const char *)bytes + *offset + sizeof(head),
				.length = head.length,
			};
			*offset += sizeof(head) + padded(head.length);
			return true;
		}
	}
	*code = tr_status_set(st, TR_ERR_DATA, 0, TR_WHERE, "byte %zu of the block is no state record", *offset);
	return false;
}
