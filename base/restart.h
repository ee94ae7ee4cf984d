/* SPDX-License-Identifier: Apache-2.0
 *
 * Restart strategies, as Flink has them: whether and when a failed job is started again.
 *
 *     none                never
 *     fixed-delay         at most `attempts` times, `delay` after each failure
 *     exponential-delay   backoff grows by a factor up to a maximum, with jitter; after `reset_ms` without a failure it begins anew
 *     failure-rate        as long as at most `attempts` failures lie within an interval
 *
 * Pure computation: time and chance are arguments. The terms lie in memory that the parent shares with the job's process,
 * which knows them when it has compiled the script.
 */
#ifndef TR_BASE_RESTART_H
#define TR_BASE_RESTART_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"

#define TR_RESTART_FAILURES_MAX 1024 /* that failure-rate looks back on */

enum tr_restart_kind { TR_RESTART_NONE, TR_RESTART_FIXED, TR_RESTART_EXPONENTIAL, TR_RESTART_RATE };

struct tr_restart_terms {
	enum tr_restart_kind kind;
	int64_t attempts; /* -1: any number */
	int64_t delay_ms; /* exponential: the first one */
	int64_t delay_ms_max;
	double factor;
	double jitter;
	int64_t reset_ms;         /* exponential */
	int64_t rate_interval_ms; /* failure-rate */
	_Atomic bool has_run;     /* a job was created with these terms; by the child, release */
};

struct tr_restart_state {
	int64_t restarts;                       /* since the last reset */
	int64_t delay_ms;                       /* exponential: of the next one; 0: not yet */
	int64_t failed_ms;                      /* last failure */
	int64_t times[TR_RESTART_FAILURES_MAX]; /* of failures, a ring */
	uint64_t failures;
};

/** The terms that a configuration has; `has_checkpoints` decides what default means. TR_ERR_CONFIG: a factor is no number. */
tr_code tr_restart_configure(const struct tr_config *config, bool has_checkpoints, struct tr_restart_terms *terms,
			     struct tr_status *st) TR_MUST_USE;

/** A failure at `now_ms`: after how many ms to start again; -1: not. `chance` is from [0, 1). */
int64_t tr_restart_after(const struct tr_restart_terms *terms, struct tr_restart_state *state, int64_t now_ms,
			 double chance);

/** Whether starting again can help at all: not with a wrong script, wrong data or a missing input. */
bool tr_restart_can_help(int exit_status);

#endif
