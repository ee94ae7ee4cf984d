/* SPDX-License-Identifier: Apache-2.0
 *
 * Loaders: each gets its pieces in the order in which they were pushed, and all of them; what fails is told, by the first
 * loader that has failed; nobody hangs. The model is a number that each piece carries.
 */
#include "tr_test.h"

#include <stdatomic.h>
#include <string.h>

#include "core/loader.h"

#define LOADERS 5
#define PIECES 3000

struct world {
	uint32_t seen[LOADERS]; /* each its loader's own */
	uint64_t bytes[LOADERS];
	bool is_out_of_order[LOADERS];
	uint32_t fails_at[LOADERS]; /* 0: never */
	_Atomic uint32_t calls;
};

static tr_code take(void *context, uint32_t loader, const struct tr_loader_piece *piece, struct tr_status *st)
{
	struct world *w = context;
	uint32_t number;

	atomic_fetch_add_explicit(&w->calls, 1, memory_order_relaxed);
	memcpy(&number, piece->block->bytes, sizeof(number));
	w->is_out_of_order[loader] |= number != w->seen[loader] || piece->of != w || piece->which != (int)(number % 3);
	w->seen[loader]++;
	w->bytes[loader] += piece->block->length;
	if (w->fails_at[loader] != 0 && number >= w->fails_at[loader])
		return tr_status_set(st, TR_ERR_DATA, 0, NULL, "loader %u has failed", loader);
	return TR_OK;
}

/** Pushes each piece to all. Returns how many went to everyone. */
static uint32_t push_all(struct tr_loaders *loaders, struct world *w, uint64_t *bytes)
{
	static char text[5000];
	uint64_t seed = 5;

	for (uint32_t n = 0; n < PIECES; n++) {
		const size_t length = 4 + tr_test_below(&seed, sizeof(text) - 4);
		struct tr_loader_block *block;
		bool is_taken = true;

		memcpy(text, &n, sizeof(n));
		block = tr_loaders_block(loaders, text, length);
		for (uint32_t i = 0; i < LOADERS && is_taken; i++)
			is_taken = tr_loaders_push(
				loaders, i, &(struct tr_loader_piece){.of = w, .which = (int)(n % 3), .block = block});
		tr_loaders_let_go(loaders, block);
		if (!is_taken)
			return n;
		*bytes += length;
	}
	return PIECES;
}

static void test_order(void **state)
{
	struct world w = {.seen = {0}};
	struct tr_loaders *loaders = tr_loaders_create(LOADERS, take, &w);
	struct tr_status st;
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < LOADERS; i++)
		assert_true(tr_loaders_has_thread(loaders, i));
	assert_int_equal(push_all(loaders, &w, &bytes), PIECES);
	assert_int_equal(tr_loaders_join(&loaders, false, &st), TR_OK);
	assert_null(loaders);
	for (uint32_t i = 0; i < LOADERS; i++) {
		assert_int_equal(w.seen[i], PIECES);
		assert_int_equal(w.bytes[i], bytes);
		assert_false(w.is_out_of_order[i]);
	}
}

static void test_failure(void **state)
{
	for (uint32_t first = 1; first < PIECES; first += 371) {
		struct world w = {.fails_at = {0, 0, first, 0, first}};
		struct tr_loaders *loaders = tr_loaders_create(LOADERS, take, &w);
		struct tr_status st = {0};
		uint64_t bytes = 0;
		const uint32_t pushed = push_all(loaders, &w, &bytes);

		assert_true(pushed == PIECES || pushed >= first);
		assert_int_equal(tr_loaders_join(&loaders, pushed < PIECES, &st), TR_ERR_DATA);
		assert_true(strcmp(st.message, "loader 2 has failed") == 0 ||
			    strcmp(st.message, "loader 4 has failed") == 0);
		/* Nothing is called after a failure. */
		assert_true(w.seen[2] <= first + 1 && w.seen[4] <= first + 1);
	}
}

/** The owner gives up: what is in the queues is not loaded any more. */
static void test_given_up(void **state)
{
	for (uint32_t i = 0; i < 50; i++) {
		struct world w = {.seen = {0}};
		struct tr_loaders *loaders = tr_loaders_create(LOADERS, take, &w);
		struct tr_loader_block *block = tr_loaders_block(loaders, "\0\0\0", 4);
		struct tr_status st;

		for (uint32_t k = 0; k < i && tr_loaders_push(loaders, k % LOADERS,
							      &(struct tr_loader_piece){.of = &w, .block = block});
		     k++)
			;
		tr_loaders_let_go(loaders, block);
		assert_int_equal(tr_loaders_join(&loaders, true, &st), TR_OK);
		assert_true(atomic_load(&w.calls) <= i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_failure),
		cmocka_unit_test(test_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
