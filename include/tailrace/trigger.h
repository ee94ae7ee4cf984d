/* SPDX-License-Identifier: Apache-2.0
 *
 * Triggers and evictors: when a window fires, and which of its rows are left out.
 *
 * A trigger is asked after each row that came into a window, and at the timers that it has set. It answers whether the window function is
 * to see the rows that the window has (FIRE), whether these are then forgotten (PURGE), both, or neither. What is purged are the
 * rows (or their aggregate) only: the trigger's state and the window's own stay until the window ends.
 *
 * An own trigger is a struct of callbacks, as the built-in ones are:
 *
 *     static enum tr_trigger_result on_row(struct tr_trigger_call *call, const struct tr_row *row)
 *     {
 *             return tr_row_i64(row, 1) > 100 ? TR_TRIGGER_FIRE : TR_TRIGGER_CONTINUE;
 *     }
 *
 * Thread: as for all callbacks (function.h).
 */
#ifndef TAILRACE_TRIGGER_H
#define TAILRACE_TRIGGER_H

#include "tailrace/function.h"
#include "tailrace/window.h"

#ifdef __cplusplus
extern "C" {
#endif

enum tr_trigger_result {
	TR_TRIGGER_CONTINUE = 0,
	TR_TRIGGER_FIRE = 1,
	TR_TRIGGER_PURGE = 2,
	TR_TRIGGER_FIRE_AND_PURGE = 3,
};

/** What a trigger's callbacks are given: it holds for the call. */
struct tr_trigger_call {
	struct tr_context *context; /* for the key, the watermark and the clock */
	struct tr_window window;
	void *user;
	int64_t parameter;
	void *state; /* of this key and window, state_bytes of it, aligned to 8; zeros at first */
};

struct tr_trigger {
	size_t struct_size;
	void *user;
	int64_t parameter;    /* of the call */
	uint32_t state_bytes; /* up to 4,096 */
	bool is_purging;      /* each FIRE is a FIRE_AND_PURGE */
	/* Not NULL. */
	enum tr_trigger_result (*on_row)(struct tr_trigger_call *call, const struct tr_row *row);
	/* A timer that it has set. NULL: CONTINUE. */
	enum tr_trigger_result (*on_event_time)(struct tr_trigger_call *call, int64_t time_ms);
	enum tr_trigger_result (*on_processing_time)(struct tr_trigger_call *call, int64_t time_ms);
	/* Sessions have become one, the call's: `states` are theirs. The call's own are zeros, and timers have to be set anew. Then `clear`
	 * is called for each of the former windows. NULL: it is not for sessions. */
	void (*on_merge)(struct tr_trigger_call *call, const void *const *states, uint32_t count);
	/* The window ends, or has become another: timers that are still set are to be deleted. Its state goes by itself. */
	void (*clear)(struct tr_trigger_call *call);
};

/** Of this key and window; on_event_time or on_processing_time is called at or after this time, once. */
TR_API void tr_trigger_set_event_time(struct tr_trigger_call *call, int64_t time_ms);
TR_API void tr_trigger_set_processing_time(struct tr_trigger_call *call, int64_t time_ms);
TR_API void tr_trigger_delete_event_time(struct tr_trigger_call *call, int64_t time_ms);
TR_API void tr_trigger_delete_processing_time(struct tr_trigger_call *call, int64_t time_ms);

/** When the watermark passes the window's end; and at once for each row that comes later, but is not late yet. What windows of event time
 * have by themselves. */
TR_API struct tr_trigger tr_trigger_event_time(void);
/** When the clock passes the window's end. What windows of processing time have by themselves. */
TR_API struct tr_trigger tr_trigger_processing_time(void);
/** Never. What the global window has by itself. */
TR_API struct tr_trigger tr_trigger_never(void);
/** Whenever `count` rows have come. It does not fire at the end of the window. */
TR_API struct tr_trigger tr_trigger_count(int64_t count);
/** At multiples of the interval behind a window's first row, and at its end. */
TR_API struct tr_trigger tr_trigger_continuous_event_time(int64_t interval_ms);
/** The same by the clock, up to the end of the window. */
TR_API struct tr_trigger tr_trigger_continuous_processing_time(int64_t interval_ms);
/** The same trigger, and what has fired is forgotten. */
static inline struct tr_trigger tr_trigger_purging(struct tr_trigger trigger)
{
	trigger.is_purging = true;
	return trigger;
}

/** Which rows of a window are left out, before the window function is called, after it, or both. A callback sets is_evicted[row], by
 * physical row, of the selected rows of `rows`, which are in the order in which they came; times_ms has their event times
 * (TR_WATERMARK_MIN: none). What is evicted is gone for the firings to come, too. With an evictor all rows of a window are kept, even where an
 * aggregate would do. */
struct tr_evictor;
typedef void (*tr_evict_fn)(const struct tr_evictor *evictor, const struct tr_window *window,
			    const struct tr_batch *rows, const int64_t *times_ms, bool *is_evicted);

struct tr_evictor {
	size_t struct_size;
	void *user;
	int64_t parameter;
	double threshold;
	double (*delta)(void *user, const struct tr_row *row, const struct tr_row *last);
	tr_evict_fn before;
	tr_evict_fn after;
};

/** Keeps the last `count` rows. */
TR_API struct tr_evictor tr_evictor_count(int64_t count);
/** Keeps the rows whose times are less than `keep_ms` before the greatest. */
TR_API struct tr_evictor tr_evictor_time(int64_t keep_ms);
/** Keeps the rows whose delta to the last row is less than the threshold. */
TR_API struct tr_evictor tr_evictor_delta(
	double threshold, double (*delta)(void *user, const struct tr_row *row, const struct tr_row *last), void *user);
/** The same after the window function instead of before it. */
static inline struct tr_evictor tr_evictor_after(struct tr_evictor evictor)
{
	evictor.after = evictor.before;
	evictor.before = NULL;
	return evictor;
}

#ifdef __cplusplus
}
#endif
#endif
