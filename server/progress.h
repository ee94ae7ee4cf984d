/* SPDX-License-Identifier: Apache-2.0
 *
 * Progress: what a running job has done so far, on the terminal while it runs and as a summary at its end.
 */
#ifndef TR_SERVER_PROGRESS_H
#define TR_SERVER_PROGRESS_H

#include "core/engine.h"

struct tr_progress;

/** Starts a thread that shows the engine's counters: mode "auto" draws one line on the terminal (nothing when there is
 * none), "plain" writes a line to stderr each second, "off" nothing. NULL when there is nothing to do. */
struct tr_progress *tr_progress_start(struct tr_engine *engine, const char *mode);

/** Ends the thread and clears its line. */
void tr_progress_stop(struct tr_progress **progress);

/** Writes the summary to stderr: rows in and out, late, bad, time, rows per second, peak memory. */
void tr_progress_summary(struct tr_engine *engine, const char *job_name, const char *outcome);

#endif
