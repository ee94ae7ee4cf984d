/* SPDX-License-Identifier: Apache-2.0
 *
 * Marks; see the header. A chunk that has missed several barriers catches up in one step: had any of the checkpoints
 * between been completed, the chunk would have been gone through for it.
 */
#include "state/marks.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "state/huge.h"

#define WORDS 64 /* of a chunk */
#define CHUNK_BYTES(array) (WORDS * sizeof(*(array)))
#define CALLS_BETWEEN_LOOKS 64
#define SAMPLED 16 /* with a guess one chunk of so many is looked at */
#define GUESS_CHUNKS_MIN 2
#define PREFETCH 32      /* entries ahead, */
#define CACHED_CHUNKS 64 /* where there are more chunks than these */

void tr_marks_init(struct tr_marks *marks, struct tr_marks_clock *clock)
{
	memset(marks, 0, sizeof(*marks));
	marks->clock = clock;
	marks->is_quiet = true;
}

void tr_marks_deinit(struct tr_marks *marks)
{
	if (marks->chunk_count > 0) {
		tr_huge_unmap(marks->words, marks->chunk_count * CHUNK_BYTES(marks->words));
		tr_huge_unmap(marks->rests, marks->chunk_count * CHUNK_BYTES(marks->rests));
	}
	free(marks->heads);
	memset(marks, 0, sizeof(*marks));
}

size_t tr_marks_bytes(const struct tr_marks *marks)
{
	return sizeof(*marks) +
	       marks->chunk_count * (WORDS * (sizeof(*marks->words) + sizeof(*marks->rests)) + sizeof(*marks->heads));
}

static void clear_chunks(struct tr_marks *marks, uint32_t from)
{
	const size_t first = (size_t)from * WORDS, count = (size_t)(marks->chunk_count - from) * WORDS;

	memset(marks->words + first, 0, count * sizeof(*marks->words));
	memset(marks->rests + first, 0, count * sizeof(*marks->rests));
	for (uint32_t c = from; c < marks->chunk_count; c++)
		marks->heads[c] = (struct tr_marks_head){
			.epoch = marks->clock->epoch, .base = UINT64_MAX, .base_next = UINT64_MAX};
}

void tr_marks_clear(struct tr_marks *marks)
{
	marks->is_quiet = true;
	marks->is_full = marks->was_full = marks->will_guess = marks->is_guessed = false;
	marks->calls = 0;
	if (marks->chunk_count > 0)
		clear_chunks(marks, 0);
}

void tr_marks_reserve(struct tr_marks *marks, uint32_t count)
{
	const uint32_t old = marks->chunk_count;
	const uint32_t need = (uint32_t)(((uint64_t)count + (1u << TR_MARKS_CHUNK_BITS) - 1) >> TR_MARKS_CHUNK_BITS);

	if (need <= old)
		return;
	marks->chunk_count = TR_MAX(need, old + old / 2);
	marks->words = /* marking is random access: on huge pages */
		tr_huge_grow(marks->words, old * CHUNK_BYTES(marks->words),
			     marks->chunk_count * CHUNK_BYTES(marks->words));
	marks->rests = tr_huge_grow(marks->rests, old * CHUNK_BYTES(marks->rests),
				    marks->chunk_count * CHUNK_BYTES(marks->rests));
	marks->heads = realloc(marks->heads, marks->chunk_count * sizeof(*marks->heads));
	TR_ASSERT(marks->heads != NULL);
	clear_chunks(marks, old);
	marks->is_full = marks->was_full = marks->will_guess = marks->is_guessed = false;
}

/** Entries 0 .. count - 1 are changed. */
static void change_all(struct tr_marks *marks, uint64_t count)
{
	for (uint64_t w = 0; w < count / 64; w++)
		marks->words[w].changed = ~UINT64_C(0);
	if (count % 64 != 0)
		marks->words[count / 64].changed |= (UINT64_C(1) << count % 64) - 1;
}

void tr_marks_fill(struct tr_marks *marks, uint32_t count)
{
	TR_ASSERT(marks->is_quiet);
	tr_marks_reserve(marks, count);
	tr_marks_clear(marks);
	change_all(marks, count);
}

void tr_marks_flip(struct tr_marks *marks)
{
	marks->is_quiet = marks->chunk_count == 0;
	marks->will_guess = marks->is_full && marks->was_full;
	marks->was_full = marks->is_full;
	marks->is_full = marks->is_guessed = false;
	marks->cursor = marks->begun = 0;
	marks->calls = 0;
}

static bool is_complete(const struct tr_marks *marks, const struct tr_marks_head *head)
{
	return head->epoch <= marks->clock->completed;
}

uint64_t tr_marks_base(const struct tr_marks *marks)
{
	const struct tr_marks_clock *clock = marks->clock;
	uint64_t least = tr_state_age(clock->epoch);

	for (uint32_t c = 0; c < marks->chunk_count; c++) {
		const struct tr_marks_head *head = &marks->heads[c];
		const uint64_t base = is_complete(marks, head) ? head->base_next : head->base;

		if (base >= clock->rewrite_before)
			least = TR_MIN(least, base);
	}
	return least;
}

static void catch_up(struct tr_marks *marks, uint32_t c)
{
	struct tr_marks_clock *clock = marks->clock;
	struct tr_marks_head *head = &marks->heads[c];
	const uint64_t given_up = is_complete(marks, head) ? 0 : ~UINT64_C(0);
	const uint64_t base = given_up == 0 ? head->base_next : head->base;
	const uint64_t all = base < clock->rewrite_before ? ~UINT64_C(0) : 0;
	uint64_t left = 0, any = 0, pending = 0, old = 0;

	for (size_t w = (size_t)c * WORDS; w < (size_t)(c + 1) * WORDS; w++) {
		struct tr_marks_word *word = &marks->words[w];
		struct tr_marks_rest *rest = &marks->rests[w];
		uint64_t bits = word->changed | (rest->due & given_up);

		rest->known |= bits;
		old += (uint64_t)__builtin_popcountll(rest->known & all & ~bits);
		bits |= rest->known & all;
		pending += (uint64_t)__builtin_popcountll(bits);
		word->pending = rest->due = bits;
		word->changed = 0;
		left |= rest->known & ~bits;
		any |= bits;
	}
	*head = (struct tr_marks_head){.epoch = clock->epoch,
				       .base = base,
				       .base_next = any != 0 && left == 0 ? tr_state_age(clock->epoch) : base};
	clock->due += pending;
	clock->old += old;
}

/** When three quarters of the entries are changed, all are; a half will do where it was so before the barrier. */
static void look(struct tr_marks *marks, uint32_t held)
{
	const uint32_t step = marks->is_guessed ? SAMPLED : 1;
	const uint64_t looked = (marks->chunk_count + step - 1) / step;
	uint64_t changed = 0;

	marks->calls = 0;
	for (uint32_t c = 0; c < marks->chunk_count; c += step)
		for (size_t w = (size_t)c * WORDS; w < (size_t)(c + 1) * WORDS; w++)
			changed += (uint64_t)__builtin_popcountll(marks->words[w].changed);
	if (changed * marks->chunk_count / looked * 4 < (uint64_t)held * (marks->was_full ? 2 : 3))
		return;
	change_all(marks, (uint64_t)marks->chunk_count << TR_MARKS_CHUNK_BITS);
	marks->is_full = true;
}

/** The array has become quiet: what has been changed since the barrier is marked already, the rest is guessed. */
static void guess(struct tr_marks *marks)
{
	if (!marks->will_guess || marks->chunk_count < GUESS_CHUNKS_MIN)
		return;
	marks->is_guessed = true;
	for (uint32_t c = 0; c < marks->chunk_count; c++)
		if (c % SAMPLED != 0)
			for (size_t w = (size_t)c * WORDS; w < (size_t)(c + 1) * WORDS; w++)
				marks->words[w].changed = ~UINT64_C(0);
}

/** `ahead`: how many entries; count: nothing is fetched. */
static void mark_changed(struct tr_marks_word *words, const uint32_t *entries, uint32_t count, uint32_t ahead)
{
	uint32_t i = 0;

	for (; i + ahead < count; i++) {
		__builtin_prefetch(&words[entries[i + ahead] / 64], 1, 3);
		words[entries[i] / 64].changed |= UINT64_C(1) << entries[i] % 64;
	}
	for (; i < count; i++)
		words[entries[i] / 64].changed |= UINT64_C(1) << entries[i] % 64;
}

static void mark_sampled(struct tr_marks_word *words, const uint32_t *entries, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if ((entries[i] >> TR_MARKS_CHUNK_BITS) % SAMPLED == 0)
			words[entries[i] / 64].changed |= UINT64_C(1) << entries[i] % 64;
}

uint32_t tr_marks_mark(struct tr_marks *marks, const uint32_t *entries, uint32_t count, uint32_t held, uint32_t *saves)
{
	struct tr_marks_word *words = marks->words;
	uint32_t n = 0;

	if (marks->is_full)
		return 0;
	if (marks->is_quiet) {
		if (marks->is_guessed)
			mark_sampled(words, entries, count);
		else
			mark_changed(words, entries, count, marks->chunk_count > CACHED_CHUNKS ? PREFETCH : count);
		if (++marks->calls == CALLS_BETWEEN_LOOKS)
			look(marks, held);
		return 0;
	}
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t c = entries[i] >> TR_MARKS_CHUNK_BITS;
		const uint64_t bit = UINT64_C(1) << entries[i] % 64;
		struct tr_marks_word *word = &words[entries[i] / 64];

		__builtin_prefetch(&words[entries[TR_MIN(i + PREFETCH, count - 1)] / 64], 1, 3);
		if (TR_UNLIKELY(marks->heads[c].epoch != marks->clock->epoch))
			catch_up(marks, c);
		saves[n] = i;
		n += (word->pending & bit) != 0;
		word->pending &= ~bit;
		word->changed |= bit;
	}
	return n;
}

/** Takes bits of a word. */
static uint32_t take_word(struct tr_marks *marks, size_t w, uint32_t max, uint32_t *entries)
{
	struct tr_marks_word *word = &marks->words[w];
	uint64_t bits = word->pending;
	uint32_t n = 0;

	if (bits == ~UINT64_C(0) && max >= 64) {
		for (uint32_t i = 0; i < 64; i++)
			entries[i] = (uint32_t)w * 64 + i;
		word->pending = 0;
		return 64;
	}
	for (; bits != 0 && n < max; bits &= bits - 1)
		entries[n++] = (uint32_t)w * 64 + (uint32_t)__builtin_ctzll(bits);
	word->pending = bits;
	return n;
}

/** Before the first of a chunk's entries is taken. */
static void begin_chunk(struct tr_marks *marks, uint32_t c, uint64_t age)
{
	struct tr_marks_head *head = &marks->heads[c];

	if (head->epoch != marks->clock->epoch)
		catch_up(marks, c);
	if (head->base_next != UINT64_MAX && tr_state_age_checkpoint(head->base_next) == head->epoch)
		head->base_next = TR_MAX(head->base_next, age);
	marks->begun = c + 1;
}

uint32_t tr_marks_take(struct tr_marks *marks, uint64_t age, uint32_t max, uint32_t *entries)
{
	uint32_t n = 0;

	for (; marks->cursor < marks->chunk_count; marks->cursor++) {
		const size_t first = (size_t)marks->cursor * WORDS;

		if (marks->cursor == marks->begun)
			begin_chunk(marks, marks->cursor, age);
		for (size_t w = first; w < first + WORDS; w++) {
			if (marks->words[w].pending == 0)
				continue;
			n += take_word(marks, w, max - n, entries + n);
			if (n == max)
				return n;
		}
	}
	marks->is_quiet = true;
	guess(marks);
	return n;
}
