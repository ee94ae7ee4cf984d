/* SPDX-License-Identifier: Apache-2.0
 *
 * See show.h: SHOW CREATE TABLE and VIEW, in the form in which Flink writes them: every name in back-quotes and in full, a column
 * a line, options by their keys. A view's query is written as this program writes trees.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "sql/show.h"
#include "sql/unparse.h"

static void put_name(struct tr_bytes *out, const char *name)
{
	tr_bytes_append_char(out, '`');
	for (; *name != '\0'; name++) {
		if (*name == '`')
			tr_bytes_append_char(out, '`');
		tr_bytes_append_char(out, *name);
	}
	tr_bytes_append_char(out, '`');
}

static void put_text(struct tr_bytes *out, const char *text)
{
	tr_bytes_append_char(out, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			tr_bytes_append_char(out, '\'');
		tr_bytes_append_char(out, *text);
	}
	tr_bytes_append_char(out, '\'');
}

/* STRING and BYTES are short for types with a length, which Flink spells out here. */
static void put_type(struct tr_bytes *out, const char *text)
{
	static const char *const names[][2] = {{"STRING", "VARCHAR(2147483647)"}, {"BYTES", "VARBINARY(2147483647)"}};
	bool is_quoted = false;

	while (*text != '\0') {
		bool is_name = false;

		is_quoted = is_quoted != (*text == '`');
		for (int i = 0; i < 2 && !is_quoted && !is_name; i++) {
			const size_t length = strlen(names[i][0]);

			is_name = strncmp(text, names[i][0], length) == 0 && !isalnum((unsigned char)text[length]);
			if (!is_name)
				continue;
			tr_bytes_append_str(out, names[i][1]);
			text += length;
		}
		if (!is_name)
			tr_bytes_append_char(out, *text++);
	}
}

static void put_head(struct tr_bytes *out, const char *what, const char *name)
{
	tr_bytes_printf(out, "CREATE %s `default_catalog`.`default_database`.", what);
	put_name(out, name);
	tr_bytes_append_str(out, " (\n");
}

static void put_column(struct tr_bytes *out, struct tr_arena *arena, const struct tr_ast_column *ast,
		       const struct tr_table_column *column)
{
	tr_bytes_append_str(out, "  ");
	put_name(out, column->name);
	if (ast->kind == TR_AST_COLUMN_COMPUTED) {
		tr_bytes_printf(out, " AS %s", tr_unparse_quoted_expr(ast->expr, arena));
	} else {
		tr_bytes_append_char(out, ' ');
		put_type(out, tr_type_text(arena, column->type));
	}
	if (ast->kind == TR_AST_COLUMN_METADATA) {
		tr_bytes_append_str(out, " METADATA");
		if (ast->metadata_key != NULL) {
			tr_bytes_append_str(out, " FROM ");
			put_text(out, ast->metadata_key->text);
		}
		tr_bytes_append_str(out, ast->is_virtual ? " VIRTUAL" : "");
	}
	if (ast->comment != NULL) {
		tr_bytes_append_str(out, " COMMENT ");
		put_text(out, ast->comment->text);
	}
}

static void put_key(struct tr_bytes *out, const char *name, const struct tr_ast_names *columns)
{
	struct tr_bytes made = {0};

	tr_bytes_append_str(&made, "PK");
	for (uint32_t i = 0; i < columns->count; i++)
		tr_bytes_printf(&made, "_%s", columns->items[i].text);
	tr_bytes_append_char(&made, '\0');
	tr_bytes_append_str(out, ",\n  CONSTRAINT ");
	put_name(out, name != NULL ? name : made.data);
	tr_bytes_append_str(out, " PRIMARY KEY (");
	for (uint32_t i = 0; i < columns->count; i++) {
		tr_bytes_append_str(out, i > 0 ? ", " : "");
		put_name(out, columns->items[i].text);
	}
	tr_bytes_append_str(out, ") NOT ENFORCED");
	tr_bytes_deinit(&made);
}

static int compare_options(const void *a, const void *b)
{
	return strcmp(((const struct tr_ast_option *)a)->key.text, ((const struct tr_ast_option *)b)->key.text);
}

static void put_options(struct tr_bytes *out, struct tr_arena *arena, const struct tr_ast_options *with)
{
	struct tr_ast_option *sorted = TR_NEW_ARRAY(arena, with->count + 1, struct tr_ast_option);

	if (with->count > 0)
		memcpy(sorted, with->items, with->count * sizeof(*sorted));
	qsort(sorted, with->count, sizeof(*sorted), compare_options);
	tr_bytes_append_str(out, "WITH (\n");
	for (uint32_t i = 0; i < with->count; i++) {
		tr_bytes_append_str(out, i > 0 ? ",\n  " : "  ");
		put_text(out, sorted[i].key.text);
		tr_bytes_append_str(out, " = ");
		put_text(out, sorted[i].value.text);
	}
	tr_bytes_append_str(out, "\n)\n");
}

static const char *finish(struct tr_bytes *out, struct tr_arena *arena)
{
	const char *text;

	tr_bytes_append_char(out, '\0');
	text = tr_arena_strdup(arena, out->data);
	tr_bytes_deinit(out);
	return text;
}

const char *tr_show_create_table(struct tr_arena *arena, const struct tr_table *table)
{
	const struct tr_ast_create_table *ast = table->ast;
	struct tr_bytes out = {0};

	put_head(&out, ast->is_temporary ? "TEMPORARY TABLE" : "TABLE", table->name);
	for (uint32_t i = 0; i < table->column_count; i++) {
		tr_bytes_append_str(&out, i > 0 ? ",\n" : "");
		put_column(&out, arena, &ast->columns[i], &table->columns[i]);
	}
	if (table->rowtime >= 0) {
		tr_bytes_append_str(&out, ",\n  WATERMARK FOR ");
		put_name(&out, table->columns[table->rowtime].name);
		tr_bytes_printf(&out, " AS %s", tr_unparse_quoted_expr(ast->watermarks[0].expr, arena));
	}
	for (uint32_t i = 0; i < ast->column_count; i++) {
		if (ast->columns[i].is_primary_key)
			put_key(&out, NULL, &(struct tr_ast_names){.count = 1, .items = &ast->columns[i].name});
	}
	for (uint32_t i = 0; i < ast->key_count; i++)
		put_key(&out, ast->keys[i].name != NULL ? ast->keys[i].name->text : NULL, &ast->keys[i].columns);
	tr_bytes_append_str(&out, "\n)\n");
	if (ast->comment != NULL) {
		tr_bytes_append_str(&out, "COMMENT ");
		put_text(&out, ast->comment->text);
		tr_bytes_append_str(&out, "\n");
	}
	for (uint32_t i = 0; i < ast->partitioned_by.count; i++) {
		tr_bytes_append_str(&out, i > 0 ? ", " : "PARTITIONED BY (");
		put_name(&out, ast->partitioned_by.items[i].text);
	}
	tr_bytes_append_str(&out, ast->partitioned_by.count > 0 ? ")\n" : "");
	put_options(&out, arena, &ast->with);
	return finish(&out, arena);
}

const char *tr_show_create_view(struct tr_arena *arena, const struct tr_view_def *view,
				const struct tr_relation *relation)
{
	struct tr_bytes out = {0};

	put_head(&out, view->ast->is_temporary ? "TEMPORARY VIEW" : "VIEW", view->name);
	for (uint32_t i = 0; i < relation->column_count; i++) {
		tr_bytes_append_str(&out, i > 0 ? ",\n  " : "  ");
		put_name(&out, relation->columns[i].name);
	}
	tr_bytes_append_str(&out, "\n)\n");
	if (view->ast->comment != NULL) {
		tr_bytes_append_str(&out, "COMMENT ");
		put_text(&out, view->ast->comment->text);
		tr_bytes_append_str(&out, "\n");
	}
	tr_bytes_printf(&out, "AS %s\n", tr_unparse_query(view->ast->query, false, arena));
	return finish(&out, arena);
}
