/* SPDX-License-Identifier: Apache-2.0
 *
 * Job: an INSERT, a SELECT or a statement set becomes one plan, ready to run.
 */
#ifndef TR_SQL_JOB_H
#define TR_SQL_JOB_H

#include "sql/bind.h"
#include "sql/session.h"

/** Binds, optimizes and parallelizes. Fills the step: its plan, whether it is bounded, and `text`, which EXPLAIN prints.
 * False: reported. */
bool tr_job_compile(struct tr_session *session, struct tr_binder *binder, const struct tr_ast_statement *statement,
		    struct tr_step *step);

/** The sink of an INSERT, bound and nothing more, for graphs that are built otherwise. NULL: reported. */
const struct tr_node *tr_job_insert(struct tr_session *session, struct tr_binder *binder,
				    const struct tr_ast_statement *statement);

/** Optimizes and parallelizes bound sinks, at most TR_PLAN_INPUTS_MAX. Fills the step's plan and `bound`. False: reported. */
bool tr_job_plan(struct tr_session *session, struct tr_binder *binder, const struct tr_node *const *sinks,
		 uint32_t count, struct tr_step *step);

#endif
