/* SPDX-License-Identifier: Apache-2.0
 *
 * CREATE, ALTER, DROP and DESCRIBE of functions: from a symbol in a library, or a struct of the program, to a name in the catalog.
 *
 * A function says its types as texts (include/tailrace/user_function.h), which are parsed here; all else about it is done by the session's
 * maker (core/ops/func_user.h). Without a maker there are no user functions.
 */
#ifndef TR_SQL_USER_FUNCTION_H
#define TR_SQL_USER_FUNCTION_H

#include "core/ops/func_user.h"
#include "sql/ast.h"
#include "sql/session.h"

/** CREATE FUNCTION and ALTER FUNCTION. What is wrong is reported. */
void tr_user_function_create(struct tr_session *session, const struct tr_ast_statement *statement);
void tr_user_function_drop(struct tr_session *session, const struct tr_ast_statement *statement);

/** The rows of DESCRIBE FUNCTION, two texts each, up to `room`; returns how many. 0: there is no such function, reported. */
uint32_t tr_user_function_describe(struct tr_session *session, const struct tr_ast_describe *describe,
				   const char *(*rows)[2], uint32_t room);

/** A function of the program under this name, before all of the catalog but as a temporary one. TR_ERR_DATA. */
tr_code tr_user_function_declare(struct tr_session *session, const char *name, const struct tr_user_function *function,
				 struct tr_status *st);

/** What a call of this name means; NULL: no user function. */
const struct tr_catalog_function *tr_user_function_find(const struct tr_catalog *catalog,
							const struct tr_ast_path *name);

#endif
