/* SPDX-License-Identifier: Apache-2.0
 *
 * Engine: runs one plan to its end on pinned workers. The second door into core.
 *
 * tr_engine_run is called by the job's process (server/) or by a test; it starts the workers, waits, and cleans up.
 * Another thread, or a signal handler by way of tr_engine_cancel's flag, may stop it; progress is read from the
 * counters at any time.
 */
#ifndef TR_CORE_ENGINE_H
#define TR_CORE_ENGINE_H

#include <stdatomic.h>

#include "base/environment.h"
#include "core/plan.h"
#include "tailrace/status.h"

struct tr_engine;

/** Totals over all subtasks, as of now. */
struct tr_engine_progress {
	uint64_t rows_in;  /* read by sources */
	uint64_t rows_out; /* handed to sinks */
	uint64_t rows_late;
	uint64_t rows_bad;   /* skipped by ignore-parse-errors */
	uint64_t fields_bad; /* set to NULL by it */
	uint64_t bytes_in;
	int64_t watermark_ms; /* lowest of the sinks' inputs */
	int64_t elapsed_ns;
	bool is_finished;
};

/** Builds stages, subtasks, rings and pools for the plan, and opens all sources and sinks. Nothing runs yet. The plan
 * and the environment must outlive the engine. */
tr_code tr_engine_create(const struct tr_plan *plan, struct tr_environment *env, struct tr_engine **engine,
			 struct tr_status *st) TR_MUST_USE;

/** Starts the workers and returns when the job has finished (TR_OK), failed, or was cancelled. */
tr_code tr_engine_run(struct tr_engine *engine, struct tr_status *st) TR_MUST_USE;

/** Any thread, and signal handlers: asks for an early end; tr_engine_run then returns TR_ERR_CANCELLED. */
void tr_engine_cancel(struct tr_engine *engine);

/** Any thread, also while running. */
void tr_engine_progress(const struct tr_engine *engine, struct tr_engine_progress *progress);

/** Closes everything. The engine must not be running. */
void tr_engine_destroy(struct tr_engine **engine);

#endif
