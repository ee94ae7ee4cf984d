/* SPDX-License-Identifier: Apache-2.0
 *
 * Unparse: tree to canonical SQL text, for EXPLAIN, messages and the round-trip test.
 *
 * Keywords are upper case, names are back-quoted only where they must be, everything stands on one line with single
 * spaces. Parentheses are as few as the precedences allow; with `has_all_parens` every operator gets its own, which
 * shows the shape of the tree. Parsing the text again gives the same tree (spans apart).
 */
#ifndef TR_SQL_UNPARSE_H
#define TR_SQL_UNPARSE_H

#include <stdbool.h>

#include "base/arena.h"
#include "sql/ast.h"

/** Texts in `arena`. */
const char *tr_unparse_statement(const struct tr_ast_statement *statement, bool has_all_parens, struct tr_arena *arena);
const char *tr_unparse_query(const struct tr_ast_query *query, bool has_all_parens, struct tr_arena *arena);
const char *tr_unparse_expr(const struct tr_ast_expr *expr, bool has_all_parens, struct tr_arena *arena);

/** As DESCRIBE shows an expression: every name in back-quotes. */
const char *tr_unparse_quoted_expr(const struct tr_ast_expr *expr, struct tr_arena *arena);

const char *tr_unparse_type(const struct tr_ast_type *type, struct tr_arena *arena);

/** An identifier, back-quoted where it must be. */
const char *tr_unparse_name(const char *name, struct tr_arena *arena);

#endif
