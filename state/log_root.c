/* SPDX-License-Identifier: Apache-2.0
 *
 * See log_root.h. A root is hostile until everything in it has been checked: counts against bytes before anything is
 * allocated, texts for their end, extents for order and size, places for lying in an extent.
 *
 * Version 1 had checkpoints where there are ages now: the least age of each is what it meant.
 *
 * Equal texts are written once: the parts of an operator's subtasks share theirs, and checkpoints share them too.
 */
#include "state/log_root.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/hash.h"

#define TEXT_PLACES 4096 /* of the table that finds equal texts; a power of two */

uint32_t tr_log_sum(const void *bytes, size_t length, size_t field)
{
	static const unsigned char zeros[4];
	const unsigned char *p = bytes;

	TR_ASSERT(field + 4 <= length);
	return tr_crc32c(tr_crc32c(tr_crc32c(0, p, field), zeros, 4), p + field + 4, length - field - 4);
}

/* Decoding. */

struct reader {
	struct tr_root_head head;
	uint64_t age; /* of a base or an extent that is 1 */
	const char *bytes;
	struct tr_log_root *root;
	const char *why;
};

static bool bad(struct reader *r, const char *why)
{
	r->why = why;
	return false;
}

static const char *text_at(const struct reader *r, uint32_t offset)
{
	return offset < r->head.text_bytes ? r->root->texts + offset : NULL;
}

static bool read_parts(struct reader *r, struct tr_log_entry *entry, const char **at)
{
	entry->parts = calloc(entry->checkpoint.part_count + 1, sizeof(*entry->parts));
	TR_ASSERT(entry->parts != NULL);
	entry->checkpoint.parts = entry->parts;
	for (uint32_t i = 0; i < entry->checkpoint.part_count; i++, *at += sizeof(struct tr_root_part)) {
		struct tr_root_part part;

		memcpy(&part, *at, sizeof(part));
		entry->parts[i] = (struct tr_log_part){
			.stream = {part.operator_id, part.subtask, part.subtask_count},
			.uid = text_at(r, part.uid),
			.fingerprint = text_at(r, part.fingerprint),
			.schema = text_at(r, part.schema),
			.base = part.base * r->age,
			.is_finished = (part.flags & TR_ROOT_FINISHED) != 0,
		};
		if (entry->parts[i].uid == NULL || entry->parts[i].fingerprint == NULL || entry->parts[i].schema == NULL)
			return bad(r, "a text lies outside");
	}
	return true;
}

static bool read_checkpoints(struct reader *r, const char *at, const char *parts)
{
	struct tr_log_root *root = r->root;
	uint64_t part_count = 0;

	for (uint32_t i = 0; i < r->head.checkpoint_count; i++, at += sizeof(struct tr_root_checkpoint)) {
		struct tr_log_entry *entry = &root->entries[i];
		struct tr_root_checkpoint from;

		memcpy(&from, at, sizeof(from));
		part_count += from.part_count;
		if (part_count > r->head.part_count)
			return bad(r, "its checkpoints have more parts than it has");
		if (i > 0 && from.number >= entry[-1].checkpoint.number)
			return bad(r, "its checkpoints are not in order");
		if (from.number >= TR_LOG_CHECKPOINT_MAX)
			return bad(r, "a number of a checkpoint is impossible");
		entry->checkpoint = (struct tr_log_checkpoint){.number = from.number,
							       .completed_ms = from.completed_ms,
							       .wall_ms = from.wall_ms,
							       .bytes = from.bytes,
							       .is_final = (from.flags & TR_ROOT_FINAL) != 0,
							       .key_groups = from.key_groups,
							       .part_count = from.part_count};
		entry->end = (struct tr_log_place){from.end_segment, from.end_offset, from.end_crc};
		root->entry_count++;
		if (!read_parts(r, entry, &parts))
			return false;
	}
	return part_count == r->head.part_count || bad(r, "it has more parts than its checkpoints");
}

static bool read_extents(struct reader *r, const char *at)
{
	struct tr_log_root *root = r->root;

	for (uint32_t i = 0; i < r->head.extent_count; i++, at += sizeof(struct tr_root_extent)) {
		struct tr_root_extent *extent = &root->extents[i];

		memcpy(extent, at, sizeof(*extent));
		extent->first *= r->age;
		extent->last = extent->last * r->age + (r->age - 1);
		if (extent->segment == 0 || extent->begin < sizeof(struct tr_segment_head) || extent->begin % 8 != 0 ||
		    extent->end % 8 != 0 || extent->end <= extent->begin || extent->end > INT64_MAX ||
		    extent->first > extent->last)
			return bad(r, "an extent is impossible");
		if (i > 0 &&
		    tr_log_place_compare(extent[-1].segment, extent[-1].end, extent->segment, extent->begin) > 0)
			return bad(r, "its extents are not in order");
		root->extent_count++;
	}
	return true;
}

/** Whether the counts of the head fill its bytes exactly. */
static bool is_filled(const struct tr_root_head *head)
{
	if (head->checkpoint_count > TR_LOG_RETAINED_MAX || head->part_count > TR_LOG_PARTS_MAX ||
	    head->extent_count > TR_LOG_EXTENTS_MAX || head->text_bytes > TR_LOG_TEXT_BYTES_MAX)
		return false;
	return head->bytes == sizeof(*head) + head->checkpoint_count * sizeof(struct tr_root_checkpoint) +
				      head->part_count * sizeof(struct tr_root_part) +
				      head->extent_count * sizeof(struct tr_root_extent) + head->text_bytes;
}

static bool read_body(struct reader *r)
{
	struct tr_log_root *root = r->root;
	const char *checkpoints = r->bytes + sizeof(r->head);
	const char *parts = checkpoints + r->head.checkpoint_count * sizeof(struct tr_root_checkpoint);
	const char *extents = parts + r->head.part_count * sizeof(struct tr_root_part);
	const char *texts = extents + r->head.extent_count * sizeof(struct tr_root_extent);

	if (r->head.text_bytes == 0 || texts[r->head.text_bytes - 1] != '\0')
		return bad(r, "its texts do not end");
	root->generation = r->head.generation;
	memcpy(root->log_id, r->head.log_id, TR_LOG_ID_BYTES);
	root->end = (struct tr_log_place){r->head.end_segment, r->head.end_offset, r->head.end_crc};
	root->texts = malloc(r->head.text_bytes);
	root->entries = calloc(TR_LOG_RETAINED_MAX + 1, sizeof(*root->entries));
	root->extents = calloc(r->head.extent_count + 1, sizeof(*root->extents));
	TR_ASSERT(root->texts != NULL && root->entries != NULL && root->extents != NULL);
	memcpy(root->texts, texts, r->head.text_bytes);
	root->job_name = text_at(r, r->head.job_name);
	if (root->job_name == NULL)
		return bad(r, "a text lies outside");
	return read_checkpoints(r, checkpoints, parts) && read_extents(r, extents);
}

static bool is_zero(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

enum tr_root_state tr_log_root_decode(const void *bytes, size_t length, struct tr_log_root *root, const char **why,
				      uint32_t *version)
{
	struct reader r = {.bytes = bytes, .root = root};

	*root = (struct tr_log_root){.generation = 0};
	*version = 0;
	if (length < sizeof(r.head) || is_zero(bytes, sizeof(r.head))) {
		*why = "nothing is there";
		return TR_ROOT_EMPTY;
	}
	memcpy(&r.head, bytes, sizeof(r.head));
	*why = "its first bytes are not a root's";
	if (memcmp(r.head.magic, TR_ROOT_MAGIC, sizeof(r.head.magic)) != 0)
		return TR_ROOT_DAMAGED;
	*why = "its check sum is wrong";
	if (r.head.bytes < sizeof(r.head) || r.head.bytes > length ||
	    (tr_log_sum(bytes, r.head.bytes, offsetof(struct tr_root_head, crc)) != r.head.crc &&
	     !TR_BUG("log-root-sum-unchecked")))
		return TR_ROOT_DAMAGED;
	*version = r.head.version;
	*why = "it is of a version that this program does not know";
	r.age = r.head.version == 1 ? tr_state_age(1) : 1;
	if (r.head.version != TR_LOG_VERSION && r.head.version != 1)
		return TR_ROOT_NEWER;
	*why = "its counts do not fit its size";
	if (!is_filled(&r.head))
		return TR_ROOT_DAMAGED;
	if (!read_body(&r)) {
		tr_log_root_deinit(root);
		*why = r.why;
		return TR_ROOT_DAMAGED;
	}
	*why = "";
	return TR_ROOT_WHOLE;
}

void tr_log_root_deinit(struct tr_log_root *root)
{
	for (uint32_t i = 0; i < root->entry_count; i++)
		free(root->entries[i].parts);
	free(root->entries);
	free(root->extents);
	free(root->texts);
	*root = (struct tr_log_root){.generation = 0};
}

/* Encoding. */

struct writer {
	struct tr_bytes texts;
	uint32_t places[TEXT_PLACES]; /* offset + 1 of a text with that hash; 0: none */
};

/** The offset of a text; one that is there already is found unless too many share its hash. */
static uint32_t put_text(struct writer *w, const char *text)
{
	const size_t length = strlen(text != NULL ? text : "") + 1;
	uint32_t *place = &w->places[tr_hash_bytes(text != NULL ? text : "", length - 1) % TEXT_PLACES];
	const uint32_t offset = (uint32_t)w->texts.length;

	if (text == NULL)
		text = "";
	if (*place != 0 && strcmp(w->texts.data + *place - 1, text) == 0)
		return *place - 1;
	*place = offset + 1;
	tr_bytes_append(&w->texts, text, length);
	return offset;
}

static void put_parts(struct writer *w, const struct tr_log_entry *entry, struct tr_bytes *out)
{
	for (uint32_t i = 0; i < entry->checkpoint.part_count; i++) {
		const struct tr_log_part *from = &entry->parts[i];
		const struct tr_root_part part = {.operator_id = from->stream.operator_id,
						  .base = from->base,
						  .subtask = from->stream.subtask,
						  .subtask_count = from->stream.subtask_count,
						  .uid = put_text(w, from->uid),
						  .fingerprint = put_text(w, from->fingerprint),
						  .schema = put_text(w, from->schema),
						  .flags = from->is_finished ? TR_ROOT_FINISHED : 0};

		tr_bytes_append(out, (const char *)&part, sizeof(part));
	}
}

static void put_checkpoint(const struct tr_log_entry *entry, struct tr_bytes *out)
{
	const struct tr_log_checkpoint *from = &entry->checkpoint;
	const struct tr_root_checkpoint checkpoint = {.number = from->number,
						      .completed_ms = from->completed_ms,
						      .wall_ms = from->wall_ms,
						      .bytes = from->bytes,
						      .end_segment = entry->end.segment,
						      .end_offset = entry->end.offset,
						      .end_crc = entry->end.crc,
						      .part_count = from->part_count,
						      .flags = from->is_final ? TR_ROOT_FINAL : 0,
						      .key_groups = from->key_groups};

	tr_bytes_append(out, (const char *)&checkpoint, sizeof(checkpoint));
}

static tr_code encode(struct writer *w, const struct tr_log_root *root, struct tr_bytes *out, struct tr_status *st)
{
	const size_t start = out->length;
	struct tr_root_head head = {.magic = TR_ROOT_MAGIC,
				    .version = TR_LOG_VERSION,
				    .generation = root->generation,
				    .checkpoint_count = root->entry_count,
				    .extent_count = root->extent_count,
				    .end_segment = root->end.segment,
				    .end_offset = root->end.offset,
				    .end_crc = root->end.crc};

	TR_ASSERT(root->entry_count <= TR_LOG_RETAINED_MAX);
	if (root->extent_count > TR_LOG_EXTENTS_MAX)
		TR_FAIL(st, TR_ERR_DATA, "the log lies in %u pieces; at most %d are possible", root->extent_count,
			TR_LOG_EXTENTS_MAX);
	for (uint32_t i = 0; i < root->entry_count; i++)
		head.part_count += root->entries[i].checkpoint.part_count;
	if (head.part_count > TR_LOG_PARTS_MAX)
		TR_FAIL(st, TR_ERR_DATA,
			"the retained checkpoints have %u parts; at most %u are possible: retain fewer "
			"(execution.checkpointing.num-retained)",
			head.part_count, TR_LOG_PARTS_MAX);
	memcpy(head.log_id, root->log_id, TR_LOG_ID_BYTES);
	tr_bytes_append(out, (const char *)&head, sizeof(head));
	for (uint32_t i = 0; i < root->entry_count; i++)
		put_checkpoint(&root->entries[i], out);
	head.job_name = put_text(w, root->job_name);
	for (uint32_t i = 0; i < root->entry_count; i++)
		put_parts(w, &root->entries[i], out);
	tr_bytes_append(out, (const char *)root->extents, root->extent_count * sizeof(*root->extents));
	tr_bytes_append(out, w->texts.data, w->texts.length);
	if (w->texts.length > TR_LOG_TEXT_BYTES_MAX || out->length - start > TR_ROOT_STRIDE)
		TR_FAIL(st, TR_ERR_DATA,
			"the names and schemas of the retained checkpoints take %zu bytes; at most %zu are possible: "
			"retain fewer (execution.checkpointing.num-retained)",
			w->texts.length, TR_LOG_TEXT_BYTES_MAX);
	head.text_bytes = (uint32_t)w->texts.length;
	head.bytes = (uint32_t)(out->length - start);
	memcpy(out->data + start, &head, sizeof(head));
	head.crc = tr_log_sum(out->data + start, head.bytes, offsetof(struct tr_root_head, crc));
	memcpy(out->data + start, &head, sizeof(head));
	return TR_OK;
}

tr_code tr_log_root_encode(const struct tr_log_root *root, struct tr_bytes *out, struct tr_status *st)
{
	struct writer *w = calloc(1, sizeof(*w));
	tr_code code;

	TR_ASSERT(w != NULL);
	code = encode(w, root, out, st);
	tr_bytes_deinit(&w->texts);
	free(w);
	return code;
}
