/* SPDX-License-Identifier: Apache-2.0
 *
 * Show: what a session knows, as the texts that Flink's client prints: SHOW TABLES, SHOW VIEWS, DESCRIBE, SET.
 */
#ifndef TR_SQL_SHOW_H
#define TR_SQL_SHOW_H

#include "sql/ast.h"
#include "sql/bind.h"
#include "sql/session.h"

/** The text of SHOW TABLES or SHOW VIEWS, in the session's arena; NULL: reported. Views are tables, too, as in Flink. */
const char *tr_show(struct tr_session *session, const struct tr_ast_show *show, struct tr_span span);

/** The text of DESCRIBE: the columns of a table, in the session's arena; NULL: reported. `relation`: the columns of a
 * view, bound by the caller; NULL for a table. */
const char *tr_show_table(struct tr_session *session, const struct tr_catalog_entry *entry,
			  const struct tr_relation *relation);

/** The text of SET without a key: all keys with what holds now. */
const char *tr_show_settings(struct tr_session *session);

#endif
