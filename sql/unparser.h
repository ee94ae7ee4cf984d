/* SPDX-License-Identifier: Apache-2.0
 *
 * The writer shared by the unparse*.c files; nobody else includes this. Text grows in the arena; every tr_write_*
 * appends. Words are separated by the writers themselves: a clause begins with its space.
 */
#ifndef TR_SQL_UNPARSER_H
#define TR_SQL_UNPARSER_H

#include "base/arena.h"
#include "sql/ast.h"

struct tr_unparser {
	struct tr_arena *arena;
	char *text;
	size_t length;
	size_t capacity;
	bool has_all_parens;
	bool has_all_quotes;
};

void tr_write(struct tr_unparser *u, const char *text);
void tr_write_bytes(struct tr_unparser *u, const char *text, size_t length);
void tr_write_number(struct tr_unparser *u, int64_t number);
void tr_write_name(struct tr_unparser *u, const char *name);
void tr_write_names(struct tr_unparser *u, const struct tr_ast_names *names); /* (a, b) */
void tr_write_path(struct tr_unparser *u, const struct tr_ast_path *path);
void tr_write_string(struct tr_unparser *u, const char *text, size_t length);
void tr_write_ast_string(struct tr_unparser *u, const struct tr_ast_string *string);
void tr_write_hints(struct tr_unparser *u, const struct tr_ast_hints *hints); /* with a space in front */
void tr_write_type(struct tr_unparser *u, const struct tr_ast_type *type);
void tr_write_expr(struct tr_unparser *u, const struct tr_ast_expr *expr);
void tr_write_exprs(struct tr_unparser *u, struct tr_ast_exprs exprs);           /* a, b */
void tr_write_order(struct tr_unparser *u, const struct tr_ast_order *order);    /* " ORDER BY .." or nothing */
void tr_write_window(struct tr_unparser *u, const struct tr_ast_window *window); /* (..) or a name */
void tr_write_query(struct tr_unparser *u, const struct tr_ast_query *query);

#endif
