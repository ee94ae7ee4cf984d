/* SPDX-License-Identifier: Apache-2.0
 *
 * See run_flight.h.
 */
#include "api/run_flight.h"

#include <stdlib.h>

#include "base/check.h"

static void free_list(struct tr_run_flight *flight)
{
	while (flight != NULL) {
		struct tr_run_flight *next = flight->next;

		free(flight);
		flight = next;
	}
}

void tr_run_flights_deinit(struct tr_run_flights *f)
{
	free_list(f->first);
	free_list(f->free);
	free(f->alarms);
	*f = (struct tr_run_flights){.is_unordered = f->is_unordered};
}

static struct tr_run_flight *add(struct tr_run_flights *f, bool is_row)
{
	struct tr_run_flight *flight = f->free;

	if (flight != NULL)
		f->free = flight->next;
	else
		flight = tr_checked(malloc(sizeof(*flight)));
	*flight = (struct tr_run_flight){.is_row = is_row, .deadline_ms = INT64_MAX, .previous = f->last};
	if (f->last != NULL)
		f->last->next = flight;
	else
		f->first = flight;
	f->last = flight;
	return flight;
}

struct tr_run_flight *tr_run_flights_add(struct tr_run_flights *f, int64_t watermark_ms)
{
	struct tr_run_flight *flight = add(f, true);

	flight->watermark_ms = watermark_ms;
	flight->attempts = 1;
	flight->segment = f->segment_last;
	f->rows++;
	return flight;
}

/** The control behind all that is there. */
static struct tr_run_flight *last_control(struct tr_run_flights *f)
{
	if (f->last != NULL && !f->last->is_row)
		return f->last;
	f->segment_last++;
	return add(f, false);
}

void tr_run_flights_add_watermark(struct tr_run_flights *f, int64_t watermark_ms)
{
	struct tr_run_flight *control = last_control(f);

	control->has_watermark = true;
	control->watermark_ms = watermark_ms;
}

void tr_run_flights_add_status(struct tr_run_flights *f, bool is_idle)
{
	struct tr_run_flight *control = last_control(f);

	control->has_status = true;
	control->is_idle = is_idle;
}

void tr_run_flights_add_border(struct tr_run_flights *f)
{
	if (f->last != NULL)
		(void)last_control(f);
}

/* Order. */

static void add_ready(struct tr_run_flights *f, struct tr_run_flight *flight)
{
	flight->ready = NULL;
	if (f->ready_first == NULL)
		f->ready_first = flight;
	else
		f->ready_last->ready = flight;
	f->ready_last = flight;
}

void tr_run_flights_done(struct tr_run_flights *f, struct tr_run_flight *flight)
{
	TR_DASSERT(flight->is_row && !flight->is_done);
	flight->is_done = true;
	tr_run_flights_set_alarm(f, flight, INT64_MAX);
	if (f->is_unordered && flight->segment == f->segment_first)
		add_ready(f, flight);
}

struct tr_run_flight *tr_run_flights_next(const struct tr_run_flights *f)
{
	if (f->ready_first != NULL)
		return f->ready_first;
	if (f->first == NULL || (f->first->is_row && (f->is_unordered || !f->first->is_done)))
		return NULL;
	return f->first;
}

/** The segment behind control that was passed on: what is done in it is ready. */
static void begin_segment(struct tr_run_flights *f)
{
	f->segment_first++;
	if (!f->is_unordered)
		return;
	for (struct tr_run_flight *flight = f->first; flight != NULL && flight->is_row; flight = flight->next)
		if (flight->is_done)
			add_ready(f, flight);
}

void tr_run_flights_remove(struct tr_run_flights *f, struct tr_run_flight *flight)
{
	TR_DASSERT(flight == tr_run_flights_next(f));
	if (flight == f->ready_first)
		f->ready_first = flight->ready;
	if (flight->previous != NULL)
		flight->previous->next = flight->next;
	else
		f->first = flight->next;
	if (flight->next != NULL)
		flight->next->previous = flight->previous;
	else
		f->last = flight->previous;
	flight->next = f->free;
	f->free = flight;
	if (flight->is_row)
		f->rows--;
	else
		begin_segment(f);
}

/* Alarms: a heap of flights that know their place in it. */

static void put(struct tr_run_flights *f, uint32_t place, struct tr_run_flight *flight)
{
	f->alarms[place] = flight;
	flight->alarm = place;
}

static void sift(struct tr_run_flights *f, struct tr_run_flight *flight, uint32_t place)
{
	for (; place > 1 && f->alarms[place / 2]->alarm_ms > flight->alarm_ms; place /= 2)
		put(f, place, f->alarms[place / 2]);
	for (uint32_t child; (child = 2 * place) <= f->alarm_count; place = child) {
		if (child < f->alarm_count && f->alarms[child + 1]->alarm_ms < f->alarms[child]->alarm_ms)
			child++;
		if (f->alarms[child]->alarm_ms >= flight->alarm_ms)
			break;
		put(f, place, f->alarms[child]);
	}
	put(f, place, flight);
}

void tr_run_flights_set_alarm(struct tr_run_flights *f, struct tr_run_flight *flight, int64_t time_ms)
{
	const uint32_t place = flight->alarm;

	if (time_ms != INT64_MAX) {
		if (place == 0 && f->alarm_count + 2 > f->alarm_room) {
			f->alarm_room = TR_MAX(64u, 2 * f->alarm_room);
			f->alarms = tr_checked(realloc(f->alarms, f->alarm_room * sizeof(struct tr_run_flight *)));
		}
		flight->alarm_ms = time_ms;
		sift(f, flight, place != 0 ? place : ++f->alarm_count);
		return;
	}
	flight->alarm = 0;
	if (place == 0)
		return;
	if (place < f->alarm_count--)
		sift(f, f->alarms[f->alarm_count + 1], place);
}
