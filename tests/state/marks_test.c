/* SPDX-License-Identifier: Apache-2.0
 *
 * Marks against a model that has a set for each checkpoint: what is written for a checkpoint that completes, together with
 * what was written for those before it from the base on, must be the newest image of every entry. The base is an age, which
 * moves on while a checkpoint is written; what is overtaken counts as written at its very beginning. Writes, barriers, steps,
 * checkpoints that are given up, growth, and entries that move come in any order.
 */
#include "base/check.h"
#include "state/marks.h"
#include "tr_test.h"

#define ENTRIES_MAX 20000
#define CHECKPOINTS_MAX 64

/** An entry's value is the number of its last write; 0: never written to. */
struct model {
	uint32_t count;
	uint32_t value[ENTRIES_MAX];
	uint32_t at_barrier[ENTRIES_MAX]; /* of the snapshot that is being written */
	bool is_saved[ENTRIES_MAX];       /* in it */
	uint32_t (*log)[ENTRIES_MAX];     /* by checkpoint: what was written; 0: nothing */
	uint64_t (*ages)[ENTRIES_MAX];    /* of that */
	uint64_t base;
};

static void save(struct model *m, uint64_t age, uint32_t entry, uint32_t value)
{
	if (value == 0)
		return;
	assert_int_equal(value, m->at_barrier[entry]); /* as it was at the barrier */
	assert_false(m->is_saved[entry]);
	m->is_saved[entry] = true;
	m->log[tr_state_age_checkpoint(age)][entry] = value;
	m->ages[tr_state_age_checkpoint(age)][entry] = age;
}

static void take_all(struct model *m, struct tr_marks *marks, uint64_t age, uint32_t max)
{
	uint32_t taken[512];
	uint32_t n;

	while (!marks->is_quiet) {
		n = tr_marks_take(marks, age, max, taken);
		for (uint32_t i = 0; i < n; i++)
			save(m, age, taken[i], taken[i] < m->count ? m->value[taken[i]] : 0);
	}
}

/** What a restore from `completed` would find, against what was there at its barrier. */
static void check_complete(const struct model *m, const bool *is_complete, uint64_t completed)
{
	for (uint32_t e = 0; e < m->count; e++) {
		uint32_t found = 0;

		for (uint64_t c = tr_state_age_checkpoint(m->base); c <= completed; c++)
			if (is_complete[c] && m->log[c][e] != 0 && m->ages[c][e] >= m->base)
				found = m->log[c][e];
		assert_int_equal(found, m->at_barrier[e]);
	}
}

/** `turns`: about so many from barrier to barrier. */
static void run_case(uint64_t seed, uint32_t count_max, uint32_t turns)
{
	struct model *m = calloc(1, sizeof(*m));
	struct tr_marks_clock clock = {0};
	struct tr_marks marks;
	bool is_complete[CHECKPOINTS_MAX] = {false}, is_writing = false, is_dense = false;
	uint64_t epoch = 0, completed = 0, age = 0;
	uint32_t version = 0;

	m->log = calloc(CHECKPOINTS_MAX, sizeof(*m->log));
	m->ages = calloc(CHECKPOINTS_MAX, sizeof(*m->ages));
	m->count = 1 + tr_test_below(&seed, count_max);
	tr_marks_init(&marks, &clock);
	tr_marks_reserve(&marks, m->count);
	for (uint32_t turn = 0; turn < 4000 && epoch + 1 < CHECKPOINTS_MAX; turn++) {
		uint32_t entries[300], saves[300], n = 1 + tr_test_below(&seed, 300), saved;
		const uint32_t range = is_dense || tr_test_below(&seed, 3) == 0 ? m->count : 1 + m->count / 50;

		for (uint32_t i = 0; i < n; i++)
			entries[i] = tr_test_below(&seed, range);
		saved = tr_marks_mark(&marks, entries, n, m->count, saves);
		for (uint32_t i = 0; i < saved; i++)
			save(m, tr_state_age(epoch), entries[saves[i]], m->value[entries[saves[i]]]);
		for (uint32_t i = 0; i < n; i++)
			m->value[entries[i]] = ++version;
		if (tr_test_below(&seed, 40) == 0 && m->count < ENTRIES_MAX) { /* grows */
			m->count = TR_MIN(m->count + 1 + m->count / 3, (uint32_t)ENTRIES_MAX);
			tr_marks_reserve(&marks, m->count);
		}
		if (tr_test_below(&seed, 60) == 0) { /* entries move; here they come to lie where they were */
			take_all(m, &marks, age, 100);
			tr_marks_fill(&marks, m->count);
		}
		if (is_writing && tr_test_below(&seed, 3) == 0) {
			uint32_t taken[512];
			const uint32_t got = tr_marks_take(&marks, age, 1 + tr_test_below(&seed, 512), taken);

			for (uint32_t i = 0; i < got; i++)
				save(m, age, taken[i], taken[i] < m->count ? m->value[taken[i]] : 0);
			age += tr_test_below(&seed, 2);
		}
		if (is_writing && marks.is_quiet && tr_test_below(&seed, 4) == 0) {
			is_complete[epoch] = true;
			completed = epoch;
			is_writing = false;
			check_complete(m, is_complete, completed);
		} else if (is_writing && tr_test_below(&seed, 30) == 0) { /* given up */
			is_writing = false;
		}
		if (turns > 100 && tr_test_below(&seed, turns * 2) == 0)
			is_dense = !is_dense;
		if (!is_writing && tr_test_below(&seed, turns) == 0) {
			clock = (struct tr_marks_clock){.epoch = ++epoch, .completed = completed};
			if (epoch > 3 && tr_test_below(&seed, 4) == 0)
				clock.rewrite_before = tr_state_age(epoch) - tr_test_below(&seed, 3) * tr_state_age(1) +
						       tr_test_below(&seed, 50);
			tr_marks_flip(&marks);
			m->base = tr_marks_base(&marks);
			age = tr_state_age(epoch);
			clock.rewrite_before = TR_MIN(clock.rewrite_before, age);
			assert_true(m->base >= clock.rewrite_before && m->base <= age);
			memcpy(m->at_barrier, m->value, sizeof(m->value));
			memset(m->is_saved, 0, sizeof(m->is_saved));
			is_writing = true;
		}
	}
	assert_true(completed > 0);
	tr_marks_deinit(&marks);
	free(m->log);
	free(m->ages);
	free(m);
}

static void against_model(void **state)
{
	for (uint64_t n = 0; n < tr_test_cases(60); n++)
		run_case(1000 + n, n % 2 ? 300 : 15000, n % 3 ? 10 : 250);
}

/** What was not written to is not taken; a given-up checkpoint's entries are due again; a full one moves the base. */
static void follows_changes(void **state)
{
	struct tr_marks_clock clock = {0};
	struct tr_marks marks;
	uint32_t entries[10000], saves[10000], taken[10001];

	for (uint32_t i = 0; i < 10000; i++)
		entries[i] = i;
	tr_marks_init(&marks, &clock);
	tr_marks_reserve(&marks, 10000);
	assert_int_equal(tr_marks_mark(&marks, entries, 10000, 10000, saves), 0);
	clock.epoch = 1;
	tr_marks_flip(&marks);
	assert_int_equal(tr_marks_base(&marks), tr_state_age(1));
	assert_int_equal(tr_marks_take(&marks, 0, 10001, taken), 10000);
	assert_true(marks.is_quiet);
	(void)tr_marks_mark(&marks, entries + 50, 7, 10000, saves);
	clock = (struct tr_marks_clock){.epoch = 2, .completed = 1};
	tr_marks_flip(&marks);
	assert_int_equal(tr_marks_base(&marks), tr_state_age(1));
	assert_int_equal(tr_marks_mark(&marks, entries + 52, 1, 10000, saves), 1);
	assert_int_equal(tr_marks_mark(&marks, entries + 52, 1, 10000, saves), 0);
	assert_int_equal(tr_marks_take(&marks, 0, 4, taken), 4); /* and is given up */
	clock = (struct tr_marks_clock){.epoch = 3, .completed = 1};
	tr_marks_flip(&marks);
	assert_int_equal(tr_marks_take(&marks, 0, 10001, taken), 7);
	for (uint32_t i = 0; i < 7; i++)
		assert_int_equal(taken[i], 50 + i);
	clock = (struct tr_marks_clock){.epoch = 4, .completed = 3};
	tr_marks_flip(&marks);
	assert_int_equal(tr_marks_take(&marks, 0, 10001, taken), 0);
	assert_int_equal(tr_marks_base(&marks), tr_state_age(1));
	clock = (struct tr_marks_clock){.epoch = 5, .completed = 4, .rewrite_before = tr_state_age(3)};
	tr_marks_flip(&marks);
	assert_int_equal(tr_marks_base(&marks), tr_state_age(5));
	assert_int_equal(tr_marks_take(&marks, 0, 10001, taken), 10000);
	tr_marks_deinit(&marks);
}

/** What one checkpoint has written is written again a part at a time: by the age at which it was taken. */
static void in_parts(void **state)
{
	enum { CHUNKS = 8, CHUNK = 1 << TR_MARKS_CHUNK_BITS, COUNT = CHUNKS * CHUNK };
	struct tr_marks_clock clock = {0};
	struct tr_marks marks;
	uint32_t *taken = malloc((COUNT + 1) * sizeof(*taken)), saves[1];
	const uint32_t changed = CHUNK + 9;

	tr_marks_init(&marks, &clock);
	tr_marks_fill(&marks, COUNT);
	clock.epoch = 1;
	tr_marks_flip(&marks);
	for (uint32_t half = 0; half < 2 * CHUNKS; half++)
		assert_int_equal(tr_marks_take(&marks, tr_state_age(1) + half, CHUNK / 2, taken), CHUNK / 2);
	assert_int_equal(tr_marks_take(&marks, tr_state_age(1) + 99, COUNT, taken), 0);
	(void)tr_marks_mark(&marks, &changed, 1, COUNT, saves);
	for (uint64_t epoch = 2; epoch < 2 + CHUNKS; epoch++) {
		const uint64_t before = tr_state_age(1) + 2 * (epoch - 1);

		clock = (struct tr_marks_clock){.epoch = epoch, .completed = epoch - 1, .rewrite_before = before};
		tr_marks_flip(&marks);
		assert_int_equal(tr_marks_base(&marks), epoch < 1 + CHUNKS ? before : tr_state_age(2));
		assert_int_equal(tr_marks_take(&marks, tr_state_age(epoch), COUNT + 1, taken), CHUNK + (epoch == 2));
		assert_int_equal(taken[0], (epoch - 2) * CHUNK);
		assert_int_equal(clock.due, CHUNK + (epoch == 2));
		assert_int_equal(clock.old, CHUNK);
		assert_true(marks.is_quiet);
	}
	tr_marks_deinit(&marks);
	free(taken);
}

/** How many are taken in all; whether `wanted` was among them. */
static uint32_t take_some(struct tr_marks *marks, uint32_t wanted, bool *is_found)
{
	uint32_t taken[512], sum = 0, n;

	*is_found = false;
	while ((n = tr_marks_take(marks, 0, 512, taken)) > 0) {
		for (uint32_t i = 0; i < n; i++)
			*is_found |= taken[i] == wanted;
		sum += n;
	}
	assert_true(marks->is_quiet);
	return sum;
}

/** Who changes all entries again and again is not marked one by one; when it stops, that costs one full snapshot. */
static void guesses(void **state)
{
	enum { COUNT = 40000, CALLS = 64 };
	struct tr_marks_clock clock = {0};
	struct tr_marks marks;
	uint32_t *entries = malloc(COUNT * sizeof(*entries)), *saves = malloc(COUNT * sizeof(*saves));
	const uint32_t added = COUNT + 8000;
	bool is_found;

	for (uint32_t i = 0; i < COUNT; i++)
		entries[i] = i;
	tr_marks_init(&marks, &clock);
	tr_marks_reserve(&marks, COUNT);
	for (uint32_t round = 0; round < 4; round++) { /* two, and two after the array has grown */
		for (uint32_t i = 0; i < CALLS; i++)
			assert_int_equal(tr_marks_mark(&marks, entries, COUNT, COUNT, saves), 0);
		assert_true(marks.is_full);
		clock = (struct tr_marks_clock){.epoch = 2 * round + 1, .completed = 2 * round};
		tr_marks_flip(&marks);
		assert_true(take_some(&marks, added, &is_found) >= COUNT);
		assert_int_equal(marks.is_guessed, round % 2);                 /* that it was full once says nothing */
		for (uint32_t part = 3; round % 2 == 0 && part >= 2; part--) { /* but a half is enough then */
			for (uint32_t i = 0; i < CALLS; i++)
				(void)tr_marks_mark(&marks, entries, COUNT / part, COUNT, saves);
			assert_int_equal(marks.is_full, part == 2);
		}
		if (round != 1)
			continue;
		tr_marks_reserve(&marks, 2 * COUNT); /* what is new is marked one by one */
		(void)tr_marks_mark(&marks, &added, 1, COUNT, saves);
		clock = (struct tr_marks_clock){.epoch = 4, .completed = 3};
		tr_marks_flip(&marks);
		(void)take_some(&marks, added, &is_found);
		assert_true(is_found && !marks.is_guessed);
	}
	(void)tr_marks_mark(&marks, entries + 5, 3, COUNT, saves);
	clock = (struct tr_marks_clock){.epoch = 8, .completed = 7};
	tr_marks_flip(&marks);
	assert_true(take_some(&marks, 6, &is_found) > COUNT * 6 / 10);
	assert_false(marks.is_guessed);
	(void)tr_marks_mark(&marks, entries + 5, 3, COUNT, saves);
	clock = (struct tr_marks_clock){.epoch = 9, .completed = 8};
	tr_marks_flip(&marks);
	assert_int_equal(take_some(&marks, 6, &is_found), 3);
	tr_marks_deinit(&marks);
	free(entries);
	free(saves);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_changes),
		cmocka_unit_test(in_parts),
		cmocka_unit_test(guesses),
		cmocka_unit_test(against_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
