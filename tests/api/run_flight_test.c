/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows in flight against a model that keeps all of them in a list and looks through it: what may be passed on next, in order and unordered,
 * with watermarks, idleness and borders between them; and alarms, whose earliest is always told.
 */
#include "tr_test.h"

#include "api/run_flight.h"
#include "base/check.h"

#define STEPS 3000
#define MODEL_MAX 200

struct model_row {
	struct tr_run_flight *flight; /* NULL: control */
	bool is_done;
	int64_t alarm_ms;
	/* Control: */
	bool has_watermark, has_status, is_idle;
	int64_t watermark_ms;
};

struct model {
	bool is_unordered;
	struct model_row rows[MODEL_MAX];
	uint32_t count;
};

static void model_control(struct model *m, bool has_watermark, int64_t watermark_ms, bool has_status, bool is_idle)
{
	struct model_row *last;

	if (m->count == 0 || m->rows[m->count - 1].flight != NULL)
		m->rows[m->count++] = (struct model_row){.flight = NULL};
	last = &m->rows[m->count - 1];
	if (has_watermark) {
		last->has_watermark = true;
		last->watermark_ms = watermark_ms;
	}
	if (has_status) {
		last->has_status = true;
		last->is_idle = is_idle;
	}
}

/** Whether what `next` answers may be passed on; its place. */
static uint32_t model_check(const struct model *m, const struct tr_run_flight *next)
{
	bool is_any = false;
	uint32_t place = UINT32_MAX;

	for (uint32_t i = 0; i < m->count; i++) {
		const struct model_row *row = &m->rows[i];

		if (row->flight == NULL) {
			if (i == 0) {
				is_any = true;
				if (next != NULL && !next->is_row) {
					assert_int_equal(next->has_watermark, row->has_watermark);
					assert_int_equal(next->has_status, row->has_status);
					if (row->has_watermark)
						assert_int_equal(next->watermark_ms, row->watermark_ms);
					if (row->has_status)
						assert_int_equal(next->is_idle, row->is_idle);
					return 0;
				}
			}
			break; /* nothing overtakes control */
		}
		if (row->is_done && (m->is_unordered || i == 0)) {
			is_any = true;
			if (row->flight == next)
				place = i;
		}
		if (!m->is_unordered)
			break;
	}
	assert_int_equal(is_any, next != NULL);
	if (next != NULL)
		assert_int_not_equal(place, UINT32_MAX);
	return place;
}

static void check_alarm(const struct model *m, const struct tr_run_flights *flights)
{
	const struct tr_run_flight *alarm = tr_run_flights_alarm(flights);
	int64_t least = INT64_MAX;

	for (uint32_t i = 0; i < m->count; i++)
		if (m->rows[i].flight != NULL)
			least = TR_MIN(least, m->rows[i].alarm_ms);
	if (alarm == NULL)
		assert_int_equal(least, INT64_MAX);
	else
		assert_int_equal(alarm->alarm_ms, least);
}

static void pass_on(struct model *m, struct tr_run_flights *flights)
{
	struct tr_run_flight *next = tr_run_flights_next(flights);
	const uint32_t place = model_check(m, next);

	if (next == NULL)
		return;
	tr_run_flights_remove(flights, next);
	memmove(&m->rows[place], &m->rows[place + 1], (m->count - place - 1) * sizeof(m->rows[0]));
	m->count--;
}

static void any_row(struct model *m, struct tr_run_flights *flights, uint64_t *seed, bool is_done)
{
	const uint32_t from = (uint32_t)tr_test_below(seed, MODEL_MAX);

	for (uint32_t k = 0; k < m->count; k++) {
		struct model_row *row = &m->rows[(from + k) % m->count];

		if (row->flight == NULL || row->is_done)
			continue;
		if (is_done) {
			row->is_done = true;
			row->alarm_ms = INT64_MAX;
			tr_run_flights_done(flights, row->flight);
			return;
		}
		row->alarm_ms = tr_test_below(seed, 4) == 0 ? INT64_MAX : (int64_t)tr_test_below(seed, 1000);
		tr_run_flights_set_alarm(flights, row->flight, row->alarm_ms);
		return;
	}
}

static void run(bool is_unordered, uint64_t seed)
{
	struct tr_run_flights flights = {.is_unordered = is_unordered};
	struct model m = {.is_unordered = is_unordered};

	for (uint32_t step = 0; step < STEPS; step++) {
		const uint64_t what = m.count >= MODEL_MAX - 1 ? 9 : tr_test_below(&seed, 14);

		switch (what) {
		case 0:
			tr_run_flights_add_watermark(&flights, step);
			model_control(&m, true, step, false, false);
			break;
		case 1:
			tr_run_flights_add_status(&flights, step % 2);
			model_control(&m, false, 0, true, step % 2);
			break;
		case 2:
			tr_run_flights_add_border(&flights);
			if (m.count > 0)
				model_control(&m, false, 0, false, false);
			break;
		case 3:
		case 4:
		case 5:
		case 6:
			m.rows[m.count] =
				(struct model_row){.flight = tr_run_flights_add(&flights, step), .alarm_ms = INT64_MAX};
			assert_int_equal(m.rows[m.count].flight->watermark_ms, step);
			m.count++;
			break;
		case 7:
		case 8: any_row(&m, &flights, &seed, false); break;
		case 9:
		case 10:
		case 11: any_row(&m, &flights, &seed, true); break;
		default: pass_on(&m, &flights); break;
		}
		if (what == 9 && m.count >= MODEL_MAX - 1)
			for (uint32_t i = 0; i < MODEL_MAX / 2; i++)
				pass_on(&m, &flights);
		check_alarm(&m, &flights);
	}
	tr_run_flights_deinit(&flights);
}

static void test_model(void **state)
{
	for (uint64_t seed = 1; seed <= tr_test_cases(20); seed++) {
		run(false, seed);
		run(true, seed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_model)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
