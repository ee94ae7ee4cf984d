/* SPDX-License-Identifier: Apache-2.0
 *
 * See show.h. All of them are small tables: a header, rows, right-aligned cells as wide as the longest one, and a count.
 */
#include "sql/show.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "base/type.h"
#include "sql/bind.h"
#include "sql/unparse.h"

#define COLUMNS_MAX 6

struct table {
	struct tr_arena *arena;
	uint32_t columns;
	uint32_t rows; /* the header is one */
	uint32_t capacity;
	const char **cells;
};

static void add_row(struct table *table, const char *const *cells)
{
	if (table->rows == table->capacity) {
		uint32_t capacity = TR_MAX(16, table->capacity * 2);
		const char **grown = TR_NEW_ARRAY(table->arena, (size_t)capacity * table->columns, const char *);

		if (table->rows > 0)
			memcpy(grown, table->cells, (size_t)table->rows * table->columns * sizeof(*grown));
		table->cells = grown;
		table->capacity = capacity;
	}
	memcpy(table->cells + (size_t)table->rows++ * table->columns, cells, table->columns * sizeof(*cells));
}

static struct table make_table(struct tr_session *session, uint32_t columns, const char *const *header)
{
	struct table table = {.arena = &session->arena, .columns = columns};

	TR_ASSERT(columns <= COLUMNS_MAX);
	add_row(&table, header);
	return table;
}

static void put_rule(struct tr_bytes *out, const struct table *table, const size_t *widths)
{
	for (uint32_t c = 0; c < table->columns; c++) {
		tr_bytes_append_char(out, '+');
		for (size_t i = 0; i < widths[c] + 2; i++)
			tr_bytes_append_char(out, '-');
	}
	tr_bytes_append_str(out, "+\n");
}

static const char *render(const struct table *table)
{
	size_t widths[COLUMNS_MAX] = {0};
	struct tr_bytes out = {0};
	const char *text;

	if (table->rows == 1)
		return "Empty set\n";
	for (uint32_t i = 0; i < table->rows * table->columns; i++) {
		size_t width = tr_text_display_width(table->cells[i], strlen(table->cells[i]));

		widths[i % table->columns] = TR_MAX(widths[i % table->columns], width);
	}
	put_rule(&out, table, widths);
	for (uint32_t r = 0; r < table->rows; r++) {
		tr_bytes_append_char(&out, '|');
		for (uint32_t c = 0; c < table->columns; c++) {
			const char *cell = table->cells[r * table->columns + c];

			tr_bytes_append_char(&out, ' ');
			for (size_t pad = tr_text_display_width(cell, strlen(cell)); pad < widths[c]; pad++)
				tr_bytes_append_char(&out, ' ');
			tr_bytes_append_str(&out, cell);
			tr_bytes_append_str(&out, " |");
		}
		tr_bytes_append_char(&out, '\n');
		if (r == 0)
			put_rule(&out, table, widths);
	}
	put_rule(&out, table, widths);
	tr_bytes_printf(&out, "%u row%s in set\n", table->rows - 1, table->rows == 2 ? "" : "s");
	tr_bytes_append_char(&out, '\0');
	text = tr_arena_strdup(table->arena, out.data);
	tr_bytes_deinit(&out);
	return text;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *tr_show(struct tr_session *session, const struct tr_ast_show *show, struct tr_span span)
{
	const struct tr_catalog *catalog = &session->catalog;
	const char *header = show->kind == TR_AST_SHOW_VIEWS ? "view name" : "table name";
	const char **names = TR_NEW_ARRAY(&session->arena, catalog->count + 1, const char *);
	struct table table = make_table(session, 1, &header);
	uint32_t count = 0;

	if ((show->kind != TR_AST_SHOW_TABLES && show->kind != TR_AST_SHOW_VIEWS) || show->from != NULL ||
	    show->like != NULL) {
		tr_diag_not_supported(&session->diags, span, "SHOW of other than all TABLES or VIEWS");
		return NULL;
	}
	for (uint32_t i = 0; i < catalog->count; i++) {
		if (show->kind == TR_AST_SHOW_TABLES || catalog->entries[i].view != NULL)
			names[count++] = catalog->entries[i].name;
	}
	qsort(names, count, sizeof(*names), compare_texts);
	for (uint32_t i = 0; i < count; i++)
		add_row(&table, &names[i]);
	return render(&table);
}

/* ---- DESCRIBE ---- */

/* "PRI(a, b)" if the column is one of the primary key's. */
static const char *key_text(struct tr_arena *arena, const struct tr_ast_create_table *ast, uint32_t column)
{
	const char *name = ast->columns[column].name.text, *list = "";
	bool is_in = false;

	if (ast->columns[column].is_primary_key)
		return tr_arena_printf(arena, "PRI(%s)", name);
	for (uint32_t i = 0; ast->key_count > 0 && i < ast->keys[0].columns.count; i++) {
		const char *part = ast->keys[0].columns.items[i].text;

		is_in = is_in || strcmp(part, name) == 0;
		list = tr_arena_printf(arena, "%s%s%s", list, i > 0 ? ", " : "", part);
	}
	return is_in ? tr_arena_printf(arena, "PRI(%s)", list) : "";
}

static void add_column(struct table *table, const char *name, const struct tr_type *type, enum tr_column_role role,
		       const char *key, const char *extras, const char *watermark)
{
	const char *mark = role == TR_ROLE_ROWTIME || role == TR_ROLE_ATTACHED_TIME ? " *ROWTIME*"
			   : role == TR_ROLE_PROCTIME                               ? " *PROCTIME*"
										    : "";
	const struct tr_type *bare = tr_type_with_nullable(table->arena, type, true);
	const char *cells[COLUMNS_MAX] = {name,
					  tr_arena_printf(table->arena, "%s%s", tr_type_text(table->arena, bare), mark),
					  type->is_nullable ? "TRUE" : "FALSE",
					  key,
					  extras,
					  watermark};

	add_row(table, cells);
}

const char *tr_show_table(struct tr_session *session, const struct tr_catalog_entry *entry,
			  const struct tr_relation *relation)
{
	static const char *const header[COLUMNS_MAX] = {"name", "type", "null", "key", "extras", "watermark"};
	struct table table = make_table(session, COLUMNS_MAX, header);
	struct tr_arena *arena = &session->arena;

	for (uint32_t i = 0; relation != NULL && i < relation->column_count; i++)
		add_column(&table, relation->columns[i].name, relation->columns[i].type, relation->columns[i].role, "",
			   "", "");
	for (uint32_t i = 0; relation == NULL && i < entry->table->column_count; i++) {
		const struct tr_table_column *column = &entry->table->columns[i];
		const struct tr_ast_create_table *ast = entry->table->ast;
		bool is_rowtime = (int32_t)i == entry->table->rowtime;
		enum tr_column_role role = is_rowtime ? TR_ROLE_ROWTIME : tr_bind_role(NULL, column->expr);
		const char *extras = "";

		if (column->physical < 0)
			extras = tr_arena_printf(arena, "AS %s", tr_unparse_quoted_expr(ast->columns[i].expr, arena));
		add_column(&table, column->name, column->type, role, key_text(arena, ast, i), extras,
			   is_rowtime ? tr_unparse_quoted_expr(ast->watermarks[0].expr, arena) : "");
	}
	return render(&table);
}

const char *tr_show_settings(struct tr_session *session)
{
	static const char *const header[] = {"key", "value"};
	struct table table = make_table(session, 2, header);
	const struct tr_config_key *keys = tr_config_keys();
	const char *names[TR_CONFIG_KEYS_MAX];
	uint32_t count = 0;

	while (keys[count].name != NULL) {
		names[count] = keys[count].name;
		count++;
	}
	qsort(names, count, sizeof(*names), compare_texts);
	for (uint32_t i = 0; i < count; i++) {
		const char *cells[] = {names[i], tr_config_text(&session->config, names[i])};

		add_row(&table, cells);
	}
	return render(&table);
}
