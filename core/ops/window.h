/* SPDX-License-Identifier: Apache-2.0
 *
 * Words of window aggregation that the plan (core/plan.h) and the operators share.
 */
#ifndef TR_CORE_OPS_WINDOW_H
#define TR_CORE_OPS_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

enum tr_window_kind { TR_WINDOW_TUMBLE, TR_WINDOW_HOP, TR_WINDOW_CUMULATE, TR_WINDOW_SESSION };

/** Times in ms. TUMBLE: size. HOP: size and step (slide), size % step = 0. CUMULATE: size (the maximum) and step.
 * SESSION: size is the gap. A window [start, end) fires when the watermark reaches end - 1. */
struct tr_window_spec {
	enum tr_window_kind kind;
	bool is_whole; /* one window that ends with the input: TUMBLE of TR_WINDOW_WHOLE_MS without a time column */
	int64_t size_ms;
	int64_t step_ms;
	int64_t offset_ms;
	bool is_processing_time; /* the row's time is when it arrives; fires by timer */
	bool is_local_time;      /* the time column is TIMESTAMP_LTZ: windows align to, and are printed in, time_zone */
	bool is_attached; /* each row says its window in two of its keys, and the time column is the last ms of it */
	const char *time_zone; /* session zone; never NULL */
	int32_t time_column;   /* TIMESTAMP(3) or TIMESTAMP_LTZ(3) input column; -1 with processing time, or is_whole */
};

/* The size of the window that holds all rows of a bounded input: all have the time 0, and no row's time comes near its end. */
#define TR_WINDOW_WHOLE_MS ((int64_t)1 << 59)

/** Which part of an aggregation a node does. */
enum tr_aggregate_phase {
	TR_PHASE_SINGLE, /* rows in, results out */
	TR_PHASE_LOCAL,  /* rows in, partials per (key, slice) out: before the exchange */
	TR_PHASE_GLOBAL, /* partials in, results out */
};

#endif
