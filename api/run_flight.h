/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows in flight of an async function, and what has to come in order with them: watermarks, idleness.
 *
 *     in order       the first of all, when it is done
 *     unordered      any row of the first segment that is done; then the control that ends the segment
 *
 *     row row row │ watermark 7 │ row row │ watermark 9 │ row          three segments
 *
 * Control that comes right behind other control joins it, the later over the earlier, so that there is at most one of it for each row.
 *
 * Each row may have an alarm: a time at which something is to be done about it, whichever comes first of its time limit and its next
 * attempt. They are a heap.
 *
 * Thread: one owner. Nothing here knows of requests but that a row has one.
 */
#ifndef TR_API_RUN_FLIGHT_H
#define TR_API_RUN_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tr_async_request;

struct tr_run_flight {
	bool is_row; /* else control */
	bool is_done;
	bool is_retrying;                 /* its request has come back, and it waits to be requested again */
	bool is_last;                     /* what its request is completed with counts */
	uint32_t attempts;                /* begun so far */
	uint32_t alarm;                   /* its place in the heap, from 1; 0: none */
	int64_t alarm_ms;                 /* in the heap */
	int64_t deadline_ms;              /* INT64_MAX: none */
	struct tr_async_request *request; /* of a row */
	int64_t watermark_ms;             /* of a row: in force when it came. Of control: with has_watermark */
	bool has_watermark;
	bool has_status;
	bool is_idle;
	uint64_t segment;
	struct tr_run_flight *previous, *next; /* in the order in which they came */
	struct tr_run_flight *ready;           /* the next one that is ready */
};

struct tr_run_flights {
	bool is_unordered;
	uint32_t rows;
	struct tr_run_flight *first, *last;
	struct tr_run_flight *ready_first, *ready_last; /* unordered: rows of the first segment that are done */
	uint64_t segment_first, segment_last;
	struct tr_run_flight **alarms; /* from 1 */
	uint32_t alarm_count, alarm_room;
	struct tr_run_flight *free;
};

/** All zero but `is_unordered`: empty. */
void tr_run_flights_deinit(struct tr_run_flights *flights);

struct tr_run_flight *tr_run_flights_add(struct tr_run_flights *flights, int64_t watermark_ms);
void tr_run_flights_add_watermark(struct tr_run_flights *flights, int64_t watermark_ms);
void tr_run_flights_add_status(struct tr_run_flights *flights, bool is_idle);
/** What comes from here on must not overtake what is there, nor be overtaken by it. */
void tr_run_flights_add_border(struct tr_run_flights *flights);

/** Its results are there. It has no alarm any more. */
void tr_run_flights_done(struct tr_run_flights *flights, struct tr_run_flight *flight);

/** What is to be passed on now; NULL: nothing. */
struct tr_run_flight *tr_run_flights_next(const struct tr_run_flights *flights);
/** That has been passed on. */
void tr_run_flights_remove(struct tr_run_flights *flights, struct tr_run_flight *flight);

/** Sets the alarm of a row; INT64_MAX: it has none. */
void tr_run_flights_set_alarm(struct tr_run_flights *flights, struct tr_run_flight *flight, int64_t time_ms);
/** The row whose alarm is the earliest; NULL: there is none. */
static inline struct tr_run_flight *tr_run_flights_alarm(const struct tr_run_flights *flights)
{
	return flights->alarm_count > 0 ? flights->alarms[1] : NULL;
}

#endif
