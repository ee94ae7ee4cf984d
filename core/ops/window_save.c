/* SPDX-License-Identifier: Apache-2.0
 *
 * Snapshots in pieces; see the header. Records that wait are kept as
 *
 *     | length u64 | kind u16, keyed u8, padding | bytes, padded to 8 |
 */
#include "core/ops/window_save.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "core/ops/window_output.h"

#define IMAGES_MAX 512

struct record_head {
	uint64_t length;
	uint16_t kind;
	uint8_t is_keyed;
	uint8_t zero[5];
};

static size_t padded(size_t length) { return (length + 7) & ~(size_t)7; }

/** The writer of what comes between steps. */
static tr_code keep(struct tr_state_writer *writer, const struct tr_state_record *record, struct tr_status *st)
{
	struct tr_window_save *save = (struct tr_window_save *)writer;
	const struct record_head head = {.length = record->length, .kind = record->kind, .is_keyed = record->is_keyed};
	char *to = tr_bytes_reserve(&save->records, sizeof(head) + padded(record->length));

	memcpy(to, &head, sizeof(head));
	memcpy(to + sizeof(head), record->bytes, record->length);
	save->records.length += sizeof(head) + padded(record->length);
	return TR_OK;
}

void tr_window_save_init(struct tr_window_save *save, struct tr_window_op *w, tr_window_save_fn put)
{
	struct tr_window_images *images = &save->images;

	save->is_on = true;
	save->writer.put = keep;
	save->put = put;
	images->capacity = TR_MIN(tr_window_state_piece(w), IMAGES_MAX);
	images->image_bytes = 8 + w->layout.stride;
	images->memory = calloc(images->capacity, images->image_bytes);
	images->slots = calloc(images->capacity, sizeof(*images->slots));
	images->entries = calloc(images->capacity, sizeof(*images->entries));
	TR_ASSERT(images->memory != NULL && images->slots != NULL && images->entries != NULL);
	for (uint32_t i = 0; i < images->capacity; i++)
		images->entries[i] = images->memory + i * images->image_bytes + 8;
	tr_window_save_reserve(save, tr_window_state_piece(w));
}

static void images_release(struct tr_window_save *save, struct tr_window_op *w)
{
	if (w->layout.owns_memory)
		tr_agg_layout_release(&w->layout, save->images.entries, save->images.count);
	save->images.count = 0;
}

void tr_window_save_deinit(struct tr_window_save *save, struct tr_window_op *w)
{
	if (!save->is_on)
		return;
	images_release(save, w);
	tr_bytes_deinit(&save->records);
	free(save->images.memory);
	free(save->images.slots);
	free(save->images.entries);
	free(save->indexes);
	free(save->saves);
	free(save->pending);
}

void tr_window_save_reserve(struct tr_window_save *save, uint32_t count)
{
	if (count <= save->capacity)
		return;
	save->capacity = count;
	save->indexes = realloc(save->indexes, count * sizeof(*save->indexes));
	save->saves = realloc(save->saves, count * sizeof(*save->saves));
	save->pending = realloc(save->pending, count * sizeof(*save->pending));
	TR_ASSERT(save->indexes != NULL && save->saves != NULL && save->pending != NULL);
}

void tr_window_save_flip(struct tr_window_save *save, struct tr_window_op *w, const struct tr_snapshot_order *order)
{
	images_release(save, w);
	tr_bytes_clear(&save->records);
	save->records_at = 0;
	tr_marks_clock_flip(&save->clock, order);
	save->writer.age = tr_state_age(order->checkpoint);
	save->bytes_before = w->state.bytes_put;
	save->is_writing = true;
}

void tr_window_save_tell(const struct tr_window_save *save, const struct tr_window_op *w, struct tr_state_writer *writer)
{
	writer->rewritten = tr_marks_clock_old(&save->clock, w->state.bytes_put - save->bytes_before);
}

void tr_window_save_image(struct tr_window_save *save, struct tr_window_op *w, const struct tr_window_save_slice *slice,
			  int64_t key, uint32_t slot, char *entry)
{
	struct tr_window_images *images = &save->images;
	char *image;

	if (images->count == images->capacity || (images->count > 0 && images->slice.id != slice->id))
		tr_window_save_images_end(save, w);
	images->slice = *slice;
	images->slots[images->count] = slot;
	image = images->entries[images->count++];
	memcpy(image - 8, &key, 8);
	if (!w->layout.owns_memory) {
		memcpy(image, entry, w->layout.bytes);
		return;
	}
	memset(image, 0, w->layout.bytes);
	tr_agg_layout_merge(&w->layout, &image, &entry, 1);
}

void tr_window_save_images_end(struct tr_window_save *save, struct tr_window_op *w)
{
	tr_code code;

	if (save->images.count == 0)
		return;
	code = save->put(w, &save->writer, &save->images.slice, save->images.slots, save->images.entries,
			 save->images.count, NULL);
	TR_ASSERT(code == TR_OK); /* memory takes all */
	images_release(save, w);
}

tr_code tr_window_save_hand_on(struct tr_window_save *save, struct tr_window_op *w, struct tr_state_writer *writer,
			       size_t *budget, struct tr_status *st)
{
	tr_window_save_images_end(save, w);
	while (save->records_at<save->records.length && * budget> 0) {
		const char *from = save->records.data + save->records_at;
		struct tr_state_record record;
		struct record_head head;

		memcpy(&head, from, sizeof(head));
		record = (struct tr_state_record){.kind = head.kind,
						  .is_keyed = head.is_keyed != 0,
						  .bytes = from + sizeof(head),
						  .length = head.length};
		TR_TRY(writer->put(writer, &record, st));
		save->records_at += sizeof(head) + padded(head.length);
		*budget -= TR_MIN(*budget, head.length);
	}
	if (save->records_at == save->records.length) {
		tr_bytes_clear(&save->records);
		save->records_at = 0;
	}
	return TR_OK;
}
