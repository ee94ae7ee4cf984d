/* SPDX-License-Identifier: Apache-2.0
 *
 * Parser: text to tree (sql/ast.h). Recursive descent with precedence climbing.
 *
 *     struct tr_diags diags;
 *     tr_diags_init(&diags, &arena, NULL);
 *     text = tr_script_text_make(&arena, "job.sql", bytes, length, variables, variable_count, &diags);
 *     script = tr_parse_script(text, &arena, &diags);
 *     TR_TRY(tr_diags_status(&diags, st));
 *
 * A statement with a syntax error is reported, left out of the tree, and parsing goes on after its `;`, so that all
 * errors of a script are seen at once. Depth, number of nodes and text are bounded (sql/ast_expr.h): any text of up
 * to a mebibyte is answered within a second, whatever it holds. Thread: no shared state.
 */
#ifndef TR_SQL_PARSE_H
#define TR_SQL_PARSE_H

#include "base/arena.h"
#include "sql/ast.h"
#include "sql/diag.h"

/** Parses a script. Never NULL; the statements that could be read, also when `diags` has errors. Tree in `arena`. */
struct tr_ast_script *tr_parse_script(const struct tr_script_text *text, struct tr_arena *arena, struct tr_diags *diags);

/** Parses one expression, one type or one query that takes up the whole text. NULL: reported in `diags`. */
struct tr_ast_expr *tr_parse_expr_text(const struct tr_script_text *text, struct tr_arena *arena,
				       struct tr_diags *diags);
struct tr_ast_type *tr_parse_type_text(const struct tr_script_text *text, struct tr_arena *arena,
				       struct tr_diags *diags);
struct tr_ast_query *tr_parse_query_text(const struct tr_script_text *text, struct tr_arena *arena,
					 struct tr_diags *diags);

#endif
