/* SPDX-License-Identifier: Apache-2.0
 *
 * See show.h. All of them are small tables: a header, rows, right-aligned cells as wide as the longest one, and a count.
 */
#include "sql/show.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/text.h"
#include "base/type.h"
#include "sql/bind.h"
#include "sql/unparse.h"
#include "sql/user_function.h"

#define COLUMNS_MAX 7

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

/* ---- SHOW ---- */

/* Whether the text is like the pattern: % any characters, _ one, a backslash before either means itself. */
static bool is_like(const char *pattern, const char *text, bool ignores_case)
{
	for (; *pattern != '\0'; pattern++, text++) {
		if (*pattern == '%') {
			do {
				if (is_like(pattern + 1, text, ignores_case))
					return true;
			} while (*text++ != '\0');
			return false;
		}
		if (*text == '\0')
			return false;
		if (*pattern == '_')
			continue;
		if (*pattern == '\\' && pattern[1] != '\0')
			pattern++;
		if (ignores_case ? tolower((unsigned char)*pattern) != tolower((unsigned char)*text) : *pattern != *text)
			return false;
	}
	return *text == '\0';
}

static bool is_shown(const struct tr_ast_show *show, const char *name)
{
	return show == NULL || show->like == NULL ||
	       is_like(show->like->text, name, show->is_ilike) != show->is_not_like;
}

static const char *show_names(struct tr_session *session, const struct tr_ast_show *show, const char *header,
			      const char **names, uint32_t count)
{
	struct table table = make_table(session, 1, &header);

	qsort(names, count, sizeof(*names), compare_texts);
	for (uint32_t i = 0; i < count; i++) {
		if (is_shown(show, names[i]))
			add_row(&table, &names[i]);
	}
	return render(&table);
}

static const char *show_name(struct tr_session *session, const struct tr_ast_show *show, const char *header,
			     const char *name)
{
	return show_names(session, show, header, &name, 1);
}

/* SHOW TABLES FROM d: the one database. False: reported. */
static bool check_from(struct tr_session *session, const struct tr_ast_path *from)
{
	bool is_known = from == NULL || from->count == 1 || strcmp(from->names[0].text, "default_catalog") == 0;

	if (from == NULL || (is_known && from->count <= 2 && strcmp(tr_catalog_name(from), "default_database") == 0))
		return true;
	tr_diag_error(&session->diags, TR_E_NO_TABLE, from->span, "no database '%s'; there is default_database",
		      tr_catalog_name(from));
	return false;
}

static const char *show_tables(struct tr_session *session, const struct tr_ast_show *show)
{
	const struct tr_catalog *catalog = &session->catalog;
	const char **names = TR_NEW_ARRAY(&session->arena, catalog->count + 1, const char *);
	bool is_views = show->kind == TR_AST_SHOW_VIEWS;
	uint32_t count = 0;

	if (!check_from(session, show->from))
		return NULL;
	for (uint32_t i = 0; i < catalog->count; i++) {
		if (!is_views || catalog->entries[i].view != NULL)
			names[count++] = catalog->entries[i].name;
	}
	return show_names(session, show, is_views ? "view name" : "table name", names, count);
}

struct name_list {
	const char *names[4096];
	uint32_t count;
};

static void add_function(void *context, const struct tr_func_doc *doc)
{
	struct name_list *list = context;
	bool is_word = strchr(doc->name, ' ') == NULL && (isalnum((unsigned char)doc->name[0]) || doc->name[0] == '_');

	for (uint32_t i = 0; is_word && i < list->count; i++)
		is_word = strcasecmp(list->names[i], doc->name) != 0;
	if (is_word && list->count < TR_COUNT_OF(list->names))
		list->names[list->count++] = doc->name;
}

static const char *show_functions(struct tr_session *session, const struct tr_ast_show *show)
{
	struct name_list *list = TR_NEW(&session->arena, struct name_list);

	if (!check_from(session, show->from))
		return NULL;
	if (show->kind == TR_AST_SHOW_FUNCTIONS)
		tr_func_each(add_function, list);
	for (uint32_t i = 0; i < session->catalog.function_count; i++)
		add_function(list, &(struct tr_func_doc){.name = session->catalog.functions[i].name});
	return show_names(session, show, "function name", list->names, list->count);
}

const char *tr_show_function(struct tr_session *session, const struct tr_ast_describe *describe)
{
	static const char *const header[] = {"info name", "info value"};
	struct table table = make_table(session, 2, header);
	const char *rows[16][2];
	const uint32_t count = tr_user_function_describe(session, describe, rows, TR_COUNT_OF(rows));

	for (uint32_t i = 0; i < count; i++)
		add_row(&table, rows[i]);
	return count > 0 ? render(&table) : NULL;
}

const char *tr_show(struct tr_session *session, const struct tr_ast_show *show, struct tr_span span)
{
	static const char *const module_header[] = {"module name", "used"};
	static const char *const module[] = {"core", "TRUE"};
	struct table modules;

	switch (show->kind) {
	case TR_AST_SHOW_TABLES:
	case TR_AST_SHOW_VIEWS: return show_tables(session, show);
	case TR_AST_SHOW_FUNCTIONS:
	case TR_AST_SHOW_USER_FUNCTIONS: return show_functions(session, show);
	case TR_AST_SHOW_DATABASES:
		if (show->from != NULL && strcmp(tr_catalog_name(show->from), "default_catalog") != 0) {
			tr_diag_error(&session->diags, TR_E_NO_TABLE, show->from->span,
				      "no catalog '%s'; there is default_catalog", tr_catalog_name(show->from));
			return NULL;
		}
		return show_name(session, show, "database name", "default_database");
	case TR_AST_SHOW_CATALOGS: return show_name(session, show, "catalog name", "default_catalog");
	case TR_AST_SHOW_CURRENT_DATABASE: return show_name(session, NULL, "current database name", "default_database");
	case TR_AST_SHOW_CURRENT_CATALOG: return show_name(session, NULL, "current catalog name", "default_catalog");
	case TR_AST_SHOW_MODULES: return show_name(session, NULL, "module name", "core");
	case TR_AST_SHOW_FULL_MODULES:
		modules = make_table(session, 2, module_header);
		add_row(&modules, module);
		return render(&modules);
	case TR_AST_SHOW_MATERIALIZED_TABLES:
	case TR_AST_SHOW_MODELS: return check_from(session, show->from) ? "Empty set\n" : NULL;
	case TR_AST_SHOW_JARS: return "Empty set\n";
	default: break;
	}
	tr_diag_not_supported(&session->diags, span, "SHOW %s",
			      show->kind == TR_AST_SHOW_JOBS         ? "JOBS"
			      : show->kind == TR_AST_SHOW_PROCEDURES ? "PROCEDURES"
								     : "CONNECTIONS");
	return NULL;
}

const char *tr_show_text(struct tr_session *session, const char *text)
{
	return show_names(session, NULL, "result", &text, 1);
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
		       const char *key, const char *extras, const char *watermark, const char *comment)
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
					  watermark,
					  comment};

	add_row(table, cells);
}

static bool has_comment(const struct tr_ast_create_table *ast)
{
	bool has = false;

	for (uint32_t i = 0; i < ast->column_count; i++)
		has = has || ast->columns[i].comment != NULL;
	return has;
}

static const char *metadata_text(struct tr_arena *arena, const struct tr_ast_column *column)
{
	const char *key = column->metadata_key != NULL ? column->metadata_key->text : NULL;

	return tr_arena_printf(arena, "METADATA%s%s%s%s", key != NULL ? " FROM '" : "", key != NULL ? key : "",
			       key != NULL ? "'" : "", column->is_virtual ? " VIRTUAL" : "");
}

const char *tr_show_table(struct tr_session *session, const struct tr_catalog_entry *entry,
			  const struct tr_relation *relation, const struct tr_ast_show *show)
{
	static const char *const header[COLUMNS_MAX] = {"name",   "type",      "null",   "key",
							"extras", "watermark", "comment"};
	bool has_comments = relation == NULL && has_comment(entry->table->ast);
	struct table table = make_table(session, has_comments ? COLUMNS_MAX : COLUMNS_MAX - 1, header);
	struct tr_arena *arena = &session->arena;

	for (uint32_t i = 0; relation != NULL && i < relation->column_count; i++) {
		if (is_shown(show, relation->columns[i].name))
			add_column(&table, relation->columns[i].name, relation->columns[i].type,
				   relation->columns[i].role, "", "", "", "");
	}
	for (uint32_t i = 0; relation == NULL && i < entry->table->column_count; i++) {
		const struct tr_table_column *column = &entry->table->columns[i];
		const struct tr_ast_create_table *ast = entry->table->ast;
		bool is_rowtime = (int32_t)i == entry->table->rowtime;
		enum tr_column_role role = is_rowtime ? TR_ROLE_ROWTIME : tr_bind_role(NULL, column->expr);
		const char *extras = "",
			   *comment = ast->columns[i].comment != NULL ? ast->columns[i].comment->text : "";

		if (!is_shown(show, column->name))
			continue;
		if (ast->columns[i].kind == TR_AST_COLUMN_METADATA)
			extras = metadata_text(arena, &ast->columns[i]);
		if (ast->columns[i].kind == TR_AST_COLUMN_COMPUTED)
			extras = tr_arena_printf(arena, "AS %s", tr_unparse_quoted_expr(ast->columns[i].expr, arena));
		add_column(&table, column->name, column->type, role, key_text(arena, ast, i), extras,
			   is_rowtime ? tr_unparse_quoted_expr(ast->watermarks[0].expr, arena) : "", comment);
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
