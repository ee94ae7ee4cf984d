/* SPDX-License-Identifier: Apache-2.0
 *
 * All that an operator's functions write to: its output, and a collector for each side output (core/operator.h). A side output that
 * nobody reads, or that nobody has declared, has one that drops.
 *
 *     function ──▶ main ─────────▶ readers of the output
 *              └─▶ sides["late"] ─▶ readers of that side output
 *
 * They share a gate. An operator drains all of them before it passes a control element on, and opens the gate when it is resumed.
 */
#ifndef TR_API_RUN_OUTPUTS_H
#define TR_API_RUN_OUTPUTS_H

#include "api/run_collector.h"
#include "core/operator.h"

struct tr_run_outputs {
	struct tr_run_gate gate;
	struct tr_collector main;
	const struct tr_side_output *declared;
	struct tr_collector *sides; /* as many as are declared */
	uint32_t side_count;
	struct tr_collector dropped; /* for all other tags */
};

/** For the operator `op` of `self`, whose output is `op->output`, while it is being made. `owner`: whose callbacks may write (tr_run_enter). */
void tr_run_outputs_init(struct tr_run_outputs *outputs, struct tr_op *op, const struct tr_operator *self,
			 const void *owner, const char *name);
void tr_run_outputs_deinit(struct tr_run_outputs *outputs);

/** The collector of a side output. */
struct tr_collector *tr_run_outputs_side(struct tr_run_outputs *outputs, const char *tag);

/** Emits what is queued and, with `is_all`, what is in buffers. MORE: nothing waits. BLOCKED, FAILED. */
enum tr_flow tr_run_outputs_drain(struct tr_run_outputs *outputs, bool is_all);

/** The chain goes on. */
void tr_run_outputs_resume(struct tr_run_outputs *outputs);

#endif
