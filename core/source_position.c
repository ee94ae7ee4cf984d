/* SPDX-License-Identifier: Apache-2.0
 *
 * Source position: items to bytes and back, and putting them in order. core/source_position.h has the rules.
 */
#include "core/source_position.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "core/source_task.h"

enum item_kind { ITEM_SPLIT = 1, ITEM_HAND, ITEM_CARRY, ITEM_SELF };

#define ITEM_HEAD_BYTES 5
#define ITEM_NUMBERS_MAX 16

/* Writing. */

static void put_item(struct tr_bytes *items, enum item_kind kind, const uint64_t *numbers, uint32_t count,
		     const char *text)
{
	const uint32_t number_bytes = count * (uint32_t)sizeof(*numbers);
	const size_t text_bytes = text != NULL ? strlen(text) : 0;
	const uint32_t length = number_bytes + (uint32_t)text_bytes;

	tr_bytes_append_char(items, (char)kind);
	tr_bytes_append(items, (const char *)&length, sizeof(length));
	tr_bytes_append(items, (const char *)numbers, number_bytes);
	tr_bytes_append(items, text, text_bytes);
}

void tr_source_position_put_split(struct tr_bytes *items, const struct tr_split_position *split)
{
	const uint64_t numbers[] = {split->split, split->next_chunk, (uint64_t)split->next_start, split->is_dealt};

	put_item(items, ITEM_SPLIT, numbers, TR_COUNT_OF(numbers), split->text);
}

void tr_source_position_put_hand(struct tr_bytes *items, const struct tr_source_hand *hand)
{
	const struct tr_chunk_position *p = &hand->position;
	const uint64_t numbers[] = {
		p->split,
		p->chunk,
		(uint64_t)p->start,
		(uint64_t)p->limit,
		p->is_confirmed,
		(uint64_t)hand->stamp.current_ms,
		(uint64_t)hand->stamp.last_ms,
		hand->rows_before,
		hand->rows_pushed,
		hand->counted.rows_bad,
		hand->counted.fields_bad,
		hand->counted.bytes,
	};

	put_item(items, ITEM_HAND, numbers, TR_COUNT_OF(numbers), NULL);
}

void tr_source_position_put_carry(struct tr_bytes *items, const struct tr_source_carry *carry)
{
	const uint64_t numbers[] = {
		carry->split,
		carry->chunks_done,
		(uint64_t)carry->end,
		(uint64_t)carry->stamp.current_ms,
		(uint64_t)carry->stamp.last_ms,
		carry->rows,
	};

	put_item(items, ITEM_CARRY, numbers, TR_COUNT_OF(numbers), NULL);
}

void tr_source_position_put_self(struct tr_bytes *items, const struct tr_source_self *self)
{
	const uint64_t numbers[] = {
		(uint64_t)self->emitted_ms, (uint64_t)self->finished_ms, self->counters.rows,
		self->counters.rows_bad,    self->counters.fields_bad,   self->counters.bytes,
	};

	put_item(items, ITEM_SELF, numbers, TR_COUNT_OF(numbers), NULL);
}

static size_t item_bytes(const char *item)
{
	uint32_t length;

	memcpy(&length, item + 1, sizeof(length));
	return ITEM_HEAD_BYTES + (size_t)length;
}

tr_code tr_source_position_write(const struct tr_bytes *items, struct tr_state_writer *writer, struct tr_status *st)
{
	size_t from = 0, to = 0;

	while (to < items->length) {
		to += item_bytes(items->data + to);
		if (to - from >= TR_STATE_RECORD_BYTES || to == items->length) {
			const struct tr_state_record record = {
				.kind = TR_SOURCE_RECORD_KIND, .bytes = items->data + from, .length = to - from};

			TR_TRY(writer->put(writer, &record, st));
			from = to;
		}
	}
	return TR_OK;
}

/* Reading. */

static void *grown(void *array, size_t count, size_t size)
{
	if ((count & (count - 1)) == 0) { /* full at each power of two */
		array = realloc(array, (count == 0 ? 1 : count * 2) * size);
		TR_ASSERT(array != NULL);
	}
	return array;
}

static tr_code fail_item(struct tr_status *st) { TR_FAIL(st, TR_ERR_DATA, "a saved position of a source is damaged"); }

static bool is_stamp(const struct tr_stamp *stamp)
{
	return stamp->last_ms >= 0 && stamp->current_ms >= stamp->last_ms;
}

static tr_code take_split(struct tr_source_saved *saved, const uint64_t *n, const char *text, size_t length,
			  struct tr_status *st)
{
	if (n[3] > 1 || memchr(text, '\0', length) != NULL)
		return fail_item(st);
	saved->splits = grown(saved->splits, saved->split_count, sizeof(*saved->splits));
	saved->splits[saved->split_count++] = (struct tr_split_position){
		.split = n[0],
		.next_chunk = n[1],
		.next_start = (int64_t)n[2],
		.is_dealt = n[3] != 0,
		.text = tr_arena_strndup(saved->arena, text, length),
	};
	return TR_OK;
}

static tr_code take_hand(struct tr_source_saved *saved, const uint64_t *n, struct tr_status *st)
{
	const struct tr_source_hand hand = {
		.position = {n[0], n[1], (int64_t)n[2], (int64_t)n[3], n[4] != 0},
		.stamp = {(int64_t)n[5], (int64_t)n[6]},
		.rows_before = n[7],
		.rows_pushed = n[8],
		.counted = {.rows_bad = n[9], .fields_bad = n[10], .bytes = n[11]},
	};

	if (n[4] > 1 || !is_stamp(&hand.stamp) || n[1] >= INT64_MAX || (n[4] == 0 && n[8] != 0))
		return fail_item(st);
	saved->hands = grown(saved->hands, saved->hand_count, sizeof(*saved->hands));
	saved->hands[saved->hand_count++] = hand;
	return TR_OK;
}

static tr_code take_carry(struct tr_source_saved *saved, const uint64_t *n, struct tr_status *st)
{
	const struct tr_source_carry carry = {
		.split = n[0],
		.chunks_done = n[1],
		.end = (int64_t)n[2],
		.stamp = {(int64_t)n[3], (int64_t)n[4]},
		.rows = n[5],
	};

	if (!is_stamp(&carry.stamp) || n[1] == 0)
		return fail_item(st);
	saved->carries = grown(saved->carries, saved->carry_count, sizeof(*saved->carries));
	saved->carries[saved->carry_count++] = carry;
	return TR_OK;
}

static void take_self(struct tr_source_saved *saved, const uint64_t *n, struct tr_source_self *self)
{
	*self = (struct tr_source_self){
		.emitted_ms = (int64_t)n[0],
		.finished_ms = (int64_t)n[1],
		.counters = {n[2], n[3], n[4], n[5]},
	};
	saved->emitted_ms = saved->self_count == 0 ? self->emitted_ms : TR_MIN(saved->emitted_ms, self->emitted_ms);
	saved->finished_ms = TR_MAX(saved->finished_ms, self->finished_ms);
	saved->self_count++;
}

static uint32_t number_count(uint8_t kind)
{
	switch (kind) {
	case ITEM_SPLIT: return 4;
	case ITEM_HAND: return 12;
	case ITEM_CARRY: return 6;
	case ITEM_SELF: return 6;
	default: return 0;
	}
}

static tr_code take_item(struct tr_source_saved *saved, uint8_t kind, const char *bytes, size_t length,
			 struct tr_source_self *self, struct tr_status *st)
{
	const size_t number_bytes = number_count(kind) * sizeof(uint64_t);
	uint64_t numbers[ITEM_NUMBERS_MAX] = {0};

	if (number_bytes == 0 || length < number_bytes || (kind != ITEM_SPLIT && length != number_bytes))
		return fail_item(st);
	memcpy(numbers, bytes, number_bytes);
	if (kind == ITEM_SELF) {
		take_self(saved, numbers, self);
		return TR_OK;
	}
	if (saved->arena == NULL)
		return TR_OK;
	if (kind == ITEM_SPLIT)
		return take_split(saved, numbers, bytes + number_bytes, length - number_bytes, st);
	return kind == ITEM_HAND ? take_hand(saved, numbers, st) : take_carry(saved, numbers, st);
}

tr_code tr_source_saved_take(struct tr_source_saved *saved, const struct tr_state_record *record,
			     struct tr_source_self *self, struct tr_status *st)
{
	const char *bytes = record->bytes;
	size_t left = record->length;

	if (record->kind != TR_SOURCE_RECORD_KIND || record->is_keyed)
		return fail_item(st);
	while (left > 0) {
		if (left < ITEM_HEAD_BYTES || left < item_bytes(bytes))
			return fail_item(st);
		TR_TRY(take_item(saved, (uint8_t)bytes[0], bytes + ITEM_HEAD_BYTES, item_bytes(bytes) - ITEM_HEAD_BYTES,
				 self, st));
		left -= item_bytes(bytes);
		bytes += item_bytes(bytes);
	}
	return TR_OK;
}

void tr_source_saved_deinit(struct tr_source_saved *saved)
{
	free(saved->splits);
	free(saved->hands);
	free(saved->carries);
	*saved = (struct tr_source_saved){0};
}

/* Putting in order. */

static int compare(uint64_t a, uint64_t b) { return (a > b) - (a < b); }

static int compare_splits(const void *a, const void *b)
{
	return compare(((const struct tr_split_position *)a)->split, ((const struct tr_split_position *)b)->split);
}

static int compare_hands(const void *a, const void *b)
{
	const struct tr_chunk_position *x = &((const struct tr_source_hand *)a)->position;
	const struct tr_chunk_position *y = &((const struct tr_source_hand *)b)->position;
	const int order = compare(x->split, y->split);

	return order != 0 ? order : compare(x->chunk, y->chunk);
}

static int compare_carries(const void *a, const void *b)
{
	const struct tr_source_carry *x = a, *y = b;
	const int order = compare(x->split, y->split);

	return order != 0 ? order : compare(x->chunks_done, y->chunks_done);
}

static void sort(void *array, size_t count, size_t size, int (*order)(const void *, const void *))
{
	if (count > 1)
		qsort(array, count, size, order);
}

const struct tr_source_hand *tr_source_hand_find(const struct tr_carries *carries, uint64_t split, uint64_t chunk)
{
	const struct tr_source_hand key = {.position = {.split = split, .chunk = chunk}};

	if (carries->hand_count == 0)
		return NULL;
	return bsearch(&key, carries->hands, carries->hand_count, sizeof(key), compare_hands);
}

/** The items of one split. */
struct split_items {
	const struct tr_split_position *position;
	struct tr_source_hand *hands;
	size_t hand_count;
	const struct tr_source_carry *carries;
	size_t carry_count;
};

static tr_code fail_hole(const struct split_items *s, uint64_t chunk, struct tr_status *st)
{
	TR_FAIL(st, TR_ERR_DATA,
		"the saved positions do not fit together: of split %" PRIu64 " (%s) the border before chunk %" PRIu64
		" is missing",
		s->position->split, s->position->text, chunk);
}

/** A chunk that waits is confirmed if its carry was saved. */
static tr_code confirm_hand(const struct split_items *s, size_t index, struct tr_status *st)
{
	struct tr_source_hand *hand = &s->hands[index];
	struct tr_chunk_position *p = &hand->position;

	if (index > 0 && hand[-1].position.chunk == p->chunk)
		TR_FAIL(st, TR_ERR_DATA, "chunk %" PRIu64 " of split %" PRIu64 " was saved twice", p->chunk, p->split);
	for (size_t i = 0; i < s->carry_count && !p->is_confirmed; i++) {
		if (s->carries[i].chunks_done != p->chunk)
			continue;
		p->start = s->carries[i].end;
		p->is_confirmed = true;
		hand->stamp = s->carries[i].stamp;
		hand->rows_before = s->carries[i].rows;
	}
	if (!p->is_confirmed && p->chunk > 0 && (index == 0 || hand[-1].position.chunk + 1 != p->chunk))
		return fail_hole(s, p->chunk, st);
	return TR_OK;
}

static struct tr_source_carry carry_at(const struct tr_source_hand *hand)
{
	return (struct tr_source_carry){
		.split = hand->position.split,
		.chunks_done = hand->position.chunk,
		.end = hand->position.start,
		.stamp = hand->stamp,
		.rows = hand->rows_before,
	};
}

/** What a chunk in hand publishes when what comes behind it is done already. */
static void link_hand(const struct split_items *s, size_t index)
{
	struct tr_source_hand *hand = &s->hands[index];
	const uint64_t after = hand->position.chunk + 1;

	if (index + 1 < s->hand_count) {
		hand->is_jump = hand[1].position.chunk != after;
		hand->jump = carry_at(&hand[1]);
	} else if (s->position->is_dealt && hand->position.limit != 0) {
		hand->is_split_end = true;
	} else if (s->carry_count > 0 && s->carries[s->carry_count - 1].chunks_done > after) {
		hand->is_jump = true;
		hand->jump = s->carries[s->carry_count - 1];
	}
}

static void set_slot(struct tr_carry_slot *slot, const struct tr_source_carry *carry)
{
	atomic_store_explicit(&slot->end, carry->end, memory_order_relaxed);
	atomic_store_explicit(&slot->current_ms, carry->stamp.current_ms, memory_order_relaxed);
	atomic_store_explicit(&slot->last_ms, carry->stamp.last_ms, memory_order_relaxed);
	atomic_store_explicit(&slot->rows, carry->rows, memory_order_relaxed);
	atomic_store_explicit(&slot->chunks_done, carry->chunks_done, memory_order_release);
}

static int64_t least_of_hands(const struct split_items *s)
{
	int64_t least_ms = TR_WATERMARK_MAX;

	for (size_t i = 0; i < s->hand_count; i++)
		least_ms = TR_MIN(least_ms, tr_carry_watermark(s->hands[i].stamp.last_ms));
	return least_ms;
}

static tr_code restore_split(const struct split_items *s, struct tr_carry_slot *slot, int64_t now_ns,
			     struct tr_status *st)
{
	const struct tr_source_carry *newest = s->carry_count > 0 ? &s->carries[s->carry_count - 1] : NULL;
	const struct tr_source_hand *last = s->hand_count > 0 ? &s->hands[s->hand_count - 1] : NULL;
	const uint64_t next = s->position->next_chunk;

	for (size_t i = 0; i < s->hand_count; i++)
		TR_TRY(confirm_hand(s, i, st));
	for (size_t i = 0; i < s->hand_count; i++)
		link_hand(s, i);
	if (!s->position->is_dealt && next > 0 && (last == NULL || last->position.chunk + 1 != next) &&
	    (newest == NULL || newest->chunks_done != next))
		return fail_hole(s, next, st);
	atomic_store_explicit(&slot->active_ns, now_ns, memory_order_relaxed);
	if (last != NULL) {
		const struct tr_source_carry oldest = carry_at(&s->hands[0]);

		set_slot(slot, &oldest);
		atomic_store_explicit(&slot->restored_ms, least_of_hands(s), memory_order_relaxed);
		atomic_store_explicit(&slot->restored_left, (uint32_t)s->hand_count, memory_order_release);
	} else if (s->position->is_dealt) {
		atomic_store_explicit(&slot->is_finished, true, memory_order_release);
	} else if (newest != NULL) {
		set_slot(slot, newest);
	}
	return TR_OK;
}

static tr_code restore_splits(struct tr_source_saved *saved, struct tr_carries *carries, int64_t now_ns,
			      struct tr_status *st)
{
	size_t h = 0, c = 0;

	if (saved->split_count > (size_t)TR_CARRY_BLOCK_SLOTS * TR_CARRY_BLOCKS_MAX)
		TR_FAIL(st, TR_ERR_DATA, "too many splits were saved: %zu", saved->split_count);
	for (size_t i = 0; i < saved->split_count; i++) {
		struct split_items s = {
			.position = &saved->splits[i], .hands = saved->hands + h, .carries = saved->carries + c};

		if (s.position->split != i)
			TR_FAIL(st, TR_ERR_DATA, "split %zu was not saved, or twice", i);
		for (; h < saved->hand_count && saved->hands[h].position.split == i; h++)
			s.hand_count++;
		for (; c < saved->carry_count && saved->carries[c].split == i; c++)
			s.carry_count++;
		TR_TRY(restore_split(&s, tr_carries_slot(carries, i), now_ns, st));
	}
	if (h != saved->hand_count || c != saved->carry_count)
		TR_FAIL(st, TR_ERR_DATA, "a chunk was saved of a split that was not");
	return TR_OK;
}

/** Of each split that goes on, the newest carry: until somebody publishes the next one it has to be saved again. */
static void keep_newest(struct tr_source_saved *saved, struct tr_carries *carries)
{
	size_t kept = 0;

	for (size_t i = 0; i < saved->carry_count; i++) {
		const struct tr_source_carry *carry = &saved->carries[i];
		const bool is_last = i + 1 == saved->carry_count || carry[1].split != carry->split;
		const struct tr_carry_slot *slot = tr_carries_slot(carries, carry->split);

		if (is_last && !atomic_load_explicit(&slot->is_finished, memory_order_relaxed))
			saved->carries[kept++] = *carry;
	}
	saved->carry_count = kept;
	free(saved->splits);
	saved->splits = NULL;
	saved->split_count = 0;
}

tr_code tr_source_saved_restore(struct tr_source_saved *saved, const struct tr_source_plan *plan, int64_t now_ns,
				struct tr_status *st)
{
	struct tr_carries *carries = plan->carries;
	struct tr_source_positions positions = {.split_count = saved->split_count, .chunk_count = saved->hand_count};
	struct tr_chunk_position *chunks = calloc(saved->hand_count + 1, sizeof(*chunks));
	tr_code code;

	TR_ASSERT(chunks != NULL && carries->hands == NULL);
	sort(saved->splits, saved->split_count, sizeof(*saved->splits), compare_splits);
	sort(saved->hands, saved->hand_count, sizeof(*saved->hands), compare_hands);
	sort(saved->carries, saved->carry_count, sizeof(*saved->carries), compare_carries);
	code = restore_splits(saved, carries, now_ns, st);
	for (size_t i = 0; i < saved->hand_count; i++)
		chunks[i] = saved->hands[i].position;
	positions.splits = saved->splits;
	positions.chunks = chunks;
	if (code == TR_OK)
		code = plan->ops->restore(plan->source, &positions, st);
	free(chunks);
	TR_TRY(code);
	keep_newest(saved, carries);
	carries->hands = saved->hands;
	carries->hand_count = saved->hand_count;
	saved->hands = NULL;
	saved->hand_count = 0;
	return TR_OK;
}
