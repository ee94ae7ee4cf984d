/* SPDX-License-Identifier: Apache-2.0
 *
 * Session: a script becomes a list of steps to carry out in order: jobs to run, texts to print.
 *
 * The whole script is compiled before anything runs, so that all its errors are known at once and nothing has happened
 * when there are any. SET acts on what follows it; each job takes its settings along in its plan. Each INSERT or SELECT
 * outside a statement set is a job of its own.
 *
 *     struct tr_session *session = tr_session_compile(&options, bytes, length);
 *     if (session->diags.error_count > 0) print(tr_diags_render(&session->diags, ...));
 *     for each step: TR_STEP_JOB: tr_engine_create(step->plan, ...); TR_STEP_TEXT: puts(step->text);
 *     tr_session_destroy(&session);
 */
#ifndef TR_SQL_SESSION_H
#define TR_SQL_SESSION_H

#include "base/config.h"
#include "core/plan.h"
#include "sql/catalog.h"
#include "sql/diag.h"

struct tr_func_maker; /* core/ops/func_user.h */

struct tr_session_options {
	const char *file;                    /* for messages: "job.sql", "<stdin>" */
	const struct tr_variable *variables; /* ${NAME} */
	uint32_t variable_count;
	const struct tr_config *config;          /* file and command line; copied */
	uint32_t core_count;                     /* default parallelism */
	const char *machine_time_zone;           /* for table.local-time-zone = default */
	const char *job_name;                    /* default of pipeline.name */
	uint64_t job_id_seed[2];                 /* random; the job ids are made of it */
	const struct tr_func_maker *functions;   /* of users, in C; NULL: there are none */
	const struct tr_connector *collect;      /* sink of a bare SELECT */
	const struct tr_option *collect_options; /* its WITH clause */
	uint32_t collect_option_count;
};

struct tr_binder; /* sql/bind.h */

enum tr_step_kind { TR_STEP_JOB, TR_STEP_TEXT };

struct tr_step {
	enum tr_step_kind kind;
	struct tr_plan *plan;               /* JOB */
	const struct tr_node *const *bound; /* JOB: the trees of its sinks as they were bound, for EXPLAIN */
	bool is_bounded;                    /* JOB: ends by itself */
	bool is_select;                     /* JOB: prints its result */
	const char *text;                   /* TEXT: what EXPLAIN, SHOW, DESCRIBE, SET print */
};

struct tr_session {
	struct tr_arena arena; /* everything below lives here */
	struct tr_catalog catalog;
	struct tr_config config;
	struct tr_diags diags;
	struct tr_step *steps;
	uint32_t step_count;
	uint32_t step_capacity;
	uint32_t job_count;         /* ids given out */
	uint32_t job_count_planned; /* steps that are jobs */
	struct tr_session_options options;
};

/** Compiles a script. Never NULL. With errors in `diags` there are no steps to carry out. `script` (followed by a NUL)
 * and what `options` points to must outlive the session. */
struct tr_session *tr_session_compile(const struct tr_session_options *options, const char *script, size_t length);
void tr_session_destroy(struct tr_session **session);

/** A binder over what the session has declared so far, with a job id of its own. */
struct tr_binder tr_session_binder(struct tr_session *session);

/** The zone in force. */
const char *tr_session_time_zone(struct tr_session *session);

/** Whether batch mode is in force. */
bool tr_session_is_batch(struct tr_session *session);

/** One more script, of statements that declare; jobs are refused. `script` (followed by a NUL) and `file` must outlive the session. What is
 * wrong is in `diags`. */
void tr_session_declare(struct tr_session *session, const char *file, const char *script, size_t length);

/** What EXPLAIN prints of a JOB, as text or as JSON; the text of a TEXT. Lives as long as the session. */
const char *tr_session_explain(struct tr_session *session, const struct tr_step *step, bool is_json);

/** Whether the script was found right: TR_OK; TR_ERR_CONFIG if settings only are wrong; else TR_ERR_DATA. */
tr_code tr_session_code(const struct tr_session *session);

#endif
