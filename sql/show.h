/* SPDX-License-Identifier: Apache-2.0
 *
 * Show: what a session knows, as the texts that Flink's client prints: SHOW, DESCRIBE, SET.
 */
#ifndef TR_SQL_SHOW_H
#define TR_SQL_SHOW_H

#include "sql/ast.h"
#include "sql/bind.h"
#include "sql/session.h"

/** The text of SHOW, but for SHOW COLUMNS and SHOW CREATE, in the session's arena; NULL: reported. Views are tables, too, as in
 * Flink. There is one catalog with one database. */
const char *tr_show(struct tr_session *session, const struct tr_ast_show *show, struct tr_span span);

/** One cell of text, as SHOW CREATE is shown. */
const char *tr_show_text(struct tr_session *session, const char *text);
const char *tr_show_create_table(struct tr_arena *arena, const struct tr_table *table);
const char *tr_show_create_view(struct tr_arena *arena, const struct tr_view_def *view,
				const struct tr_relation *relation);

/** The text of DESCRIBE and SHOW COLUMNS: the columns of a table, in the session's arena. `relation`: the columns of a view,
 * bound by the caller; NULL for a table. `show`: which columns, by LIKE; NULL: all. */
const char *tr_show_table(struct tr_session *session, const struct tr_catalog_entry *entry,
			  const struct tr_relation *relation, const struct tr_ast_show *show);

/** The text of DESCRIBE FUNCTION; NULL: reported. */
const char *tr_show_function(struct tr_session *session, const struct tr_ast_describe *describe);

/** The text of SET without a key: all keys with what holds now. */
const char *tr_show_settings(struct tr_session *session);

#endif
