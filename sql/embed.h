/* SPDX-License-Identifier: Apache-2.0
 *
 * SQL for graphs that are built otherwise: expressions, types and whole queries over streams that exist as plan nodes already.
 *
 *     stream (a relation) ──"SELECT .. FROM stream"──▶ relation ──▶ .. ──▶ sinks ──▶ plan
 *
 * A text is bound by the same parser and binder as a script's, so it means the same and runs on the same nodes. What is wrong is
 * reported in the session's diagnostics, with the place in the text; `what` stands there in the place of a file's name. The
 * caller takes them from there (tr_embed_errors).
 *
 * All that is made lives in the session's arena. Thread: one owner.
 */
#ifndef TR_SQL_EMBED_H
#define TR_SQL_EMBED_H

#include "sql/bind.h"
#include "sql/session.h"

/** The name under which a query knows the stream that it reads. */
#define TR_EMBED_STREAM "input"

struct tr_embed {
	struct tr_session *session;
	struct tr_binder binder; /* one for all: its job id is that of all tables */
};

void tr_embed_init(struct tr_embed *embed, struct tr_session *session);

/** What was reported since the last call, as text; NULL: nothing. Warnings are dropped. */
const char *tr_embed_errors(struct tr_embed *embed);

/** "a INT, b STRING NOT NULL": NULL: reported. */
const struct tr_schema *tr_embed_schema(struct tr_embed *embed, const char *what, const char *columns);

/** The same for who has no session: all that is made lies in `arena`. Any thread. */
tr_code tr_embed_columns(struct tr_arena *arena, const char *columns, const struct tr_schema **schema,
			 struct tr_status *st) TR_MUST_USE;

/** A query over `stream` (which it calls TR_EMBED_STREAM; NULL: none) and the session's tables. Its columns are those of its node, in
 * their order. NULL: reported. */
const struct tr_relation *tr_embed_query(struct tr_embed *embed, const char *what, const struct tr_relation *stream,
					 const char *query);

/** The rows of which a condition holds. NULL: reported. */
const struct tr_relation *tr_embed_where(struct tr_embed *embed, const char *what, const struct tr_relation *stream,
					 const char *condition);

/** A function of the program, for all texts from here on. What is wrong is reported. */
void tr_embed_function(struct tr_embed *embed, const char *what, const char *name,
		       const struct tr_user_function *function);

/** A sink that writes the stream to a table. NULL: reported. */
const struct tr_node *tr_embed_insert(struct tr_embed *embed, const char *what, const struct tr_relation *stream,
				      const char *table);

/** A relation over a node whose columns it names; `rowtime` is the one that is event time, or -1. */
const struct tr_relation *tr_embed_relation(struct tr_embed *embed, const struct tr_node *node, int32_t rowtime,
					    bool is_bounded);

/** The column that is event time: a row time, or the window_time of an aggregation; -1: there is none. */
int32_t tr_embed_rowtime(const struct tr_relation *relation);

/** The plan of these sinks. NULL: reported. `bound` becomes the trees as they were built. */
struct tr_plan *tr_embed_plan(struct tr_embed *embed, const struct tr_node *const *sinks, uint32_t count,
			      const struct tr_node *const **bound);

#endif
