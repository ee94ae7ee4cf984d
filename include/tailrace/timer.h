/* SPDX-License-Identifier: Apache-2.0
 *
 * Timers of process functions on keyed streams: on_timer is called with the current key at or after a time. They are state: a
 * restored job has them.
 *
 * A timer of event time comes when the watermark reaches its time, one of processing time when the clock does; those of a time
 * that has passed come with the next watermark or at once. Of the same key and time there is one timer of each sort, however
 * often it was set. Timers of one sort come in the order of their times. At the end of the input all timers of event time come; those
 * of processing time that are still to come do not. A timer of event time on a stream that has neither event time nor watermarks
 * fails the job.
 *
 * Times are milliseconds since 1970. Thread: as for all that callbacks are given (function.h).
 */
#ifndef TAILRACE_TIMER_H
#define TAILRACE_TIMER_H

#include "tailrace/function.h"

#ifdef __cplusplus
extern "C" {
#endif

TR_API void tr_timer_set_event_time(struct tr_context *context, int64_t time_ms);
TR_API void tr_timer_set_processing_time(struct tr_context *context, int64_t time_ms);
/** If there is none, nothing happens. */
TR_API void tr_timer_delete_event_time(struct tr_context *context, int64_t time_ms);
TR_API void tr_timer_delete_processing_time(struct tr_context *context, int64_t time_ms);

#ifdef __cplusplus
}
#endif
#endif
