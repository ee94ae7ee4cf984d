/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing queries and statements, clause by clause in the order of the grammar. A query that stands as an operand of
 * a set operation gets parentheses when it would be read differently without: it has ORDER BY or LIMIT of its own, or
 * is itself a set operation that binds more loosely, or stands on the right.
 */
#include "sql/unparse.h"

#include "base/check.h"
#include "sql/unparser.h"

static void write_statement(struct tr_unparser *u, const struct tr_ast_statement *s);

/* ---------------------------------------------------------------- table references */

static void write_ref(struct tr_unparser *u, const struct tr_ast_table_ref *ref);

static void write_query_parens(struct tr_unparser *u, const struct tr_ast_query *query)
{
	tr_write(u, "(");
	tr_write_query(u, query);
	tr_write(u, ")");
}

static void write_ref_operand(struct tr_unparser *u, const struct tr_ast_table_ref *ref, bool has_parens)
{
	tr_write(u, has_parens ? "(" : "");
	write_ref(u, ref);
	tr_write(u, has_parens ? ")" : "");
}

/* A join that has an alias carries its own parentheses. */
static bool is_bare_join(const struct tr_ast_table_ref *ref)
{
	return ref->kind == TR_AST_TABLE_JOIN && ref->alias == NULL && ref->sample == NULL;
}

static void write_join(struct tr_unparser *u, const struct tr_ast_join *join)
{
	static const char *const words[] = {", ",           " CROSS JOIN ", " JOIN ",           " LEFT JOIN ",
					    " RIGHT JOIN ", " FULL JOIN ",  " LEFT SEMI JOIN ", " LEFT ANTI JOIN "};
	bool is_comma = join->kind == TR_AST_JOIN_COMMA;
	bool is_left_comma = is_bare_join(join->left) && join->left->join.kind == TR_AST_JOIN_COMMA;
	bool is_right_comma = is_bare_join(join->right) && join->right->join.kind == TR_AST_JOIN_COMMA;

	write_ref_operand(u, join->left, is_left_comma && !is_comma);
	tr_write(u, join->is_natural ? " NATURAL" : "");
	tr_write(u, words[join->kind]);
	write_ref_operand(u, join->right, is_comma ? is_right_comma : is_bare_join(join->right));
	if (join->on != NULL) {
		tr_write(u, " ON ");
		tr_write_expr(u, join->on);
	}
	if (join->using_columns.count > 0) {
		tr_write(u, " USING ");
		tr_write_names(u, &join->using_columns);
	}
}

static void write_ref_body(struct tr_unparser *u, const struct tr_ast_table_ref *ref)
{
	switch (ref->kind) {
	case TR_AST_TABLE_NAME:
		tr_write_path(u, &ref->path);
		tr_write_hints(u, &ref->hints);
		if (ref->system_time != NULL) {
			tr_write(u, " FOR SYSTEM_TIME AS OF (");
			tr_write_expr(u, ref->system_time);
			tr_write(u, ")");
		}
		break;
	case TR_AST_TABLE_SUBQUERY: write_query_parens(u, ref->query); break;
	case TR_AST_TABLE_FUNCTION:
		tr_write(u, ref->function.is_wrapped ? "TABLE(" : "");
		tr_write_expr(u, ref->function.call);
		tr_write(u, ref->function.is_wrapped ? ")" : "");
		break;
	case TR_AST_TABLE_UNNEST:
		tr_write(u, "UNNEST(");
		tr_write_exprs(u, ref->unnest.args);
		tr_write(u, ref->unnest.has_ordinality ? ") WITH ORDINALITY" : ")");
		break;
	case TR_AST_TABLE_JOIN: write_join(u, &ref->join); break;
	case TR_AST_TABLE_MATCH:
		write_ref(u, ref->match.input);
		tr_write(u, " MATCH_RECOGNIZE (");
		tr_write_bytes(u, ref->match.text.text, ref->match.text.length);
		tr_write(u, ")");
		break;
	default: TR_UNREACHABLE();
	}
}

static void write_ref(struct tr_unparser *u, const struct tr_ast_table_ref *ref)
{
	bool has_parens = ref->kind == TR_AST_TABLE_JOIN && !is_bare_join(ref);

	tr_write(u, ref->is_lateral ? "LATERAL " : "");
	tr_write(u, has_parens ? "(" : "");
	write_ref_body(u, ref);
	tr_write(u, has_parens ? ")" : "");
	if (ref->alias != NULL) {
		tr_write(u, " AS ");
		tr_write_name(u, ref->alias->text);
	}
	if (ref->column_aliases.count > 0)
		tr_write_names(u, &ref->column_aliases);
	if (ref->sample != NULL) {
		tr_write(u, " ");
		tr_write(u, ref->sample->text);
	}
}

/* ---------------------------------------------------------------- queries */

static void write_group(struct tr_unparser *u, const struct tr_ast_group *group)
{
	static const char *const words[] = {"", "()", "(", "ROLLUP (", "CUBE (", "GROUPING SETS ("};

	tr_write(u, words[group->kind]);
	tr_write_exprs(u, group->exprs);
	for (uint32_t i = 0; i < group->child_count; i++) {
		tr_write(u, i > 0 ? ", " : "");
		write_group(u, group->children[i]);
	}
	tr_write(u, group->kind >= TR_AST_GROUP_SET ? ")" : "");
}

static void write_condition(struct tr_unparser *u, const char *word, const struct tr_ast_expr *condition)
{
	if (condition == NULL)
		return;
	tr_write(u, word);
	tr_write_expr(u, condition);
}

static void write_select(struct tr_unparser *u, const struct tr_ast_select *s)
{
	tr_write(u, "SELECT");
	tr_write_hints(u, &s->hints);
	tr_write(u, s->is_distinct ? " DISTINCT" : "");
	for (uint32_t i = 0; i < s->item_count; i++) {
		tr_write(u, i > 0 ? ", " : " ");
		tr_write_expr(u, s->items[i].expr);
		if (s->items[i].alias != NULL) {
			tr_write(u, " AS ");
			tr_write_name(u, s->items[i].alias->text);
		}
	}
	if (s->from != NULL) {
		tr_write(u, " FROM ");
		write_ref(u, s->from);
	}
	write_condition(u, " WHERE ", s->where);
	if (s->has_group_by)
		tr_write(u, s->is_group_distinct ? " GROUP BY DISTINCT " : " GROUP BY ");
	for (uint32_t i = 0; i < s->group_count; i++) {
		tr_write(u, i > 0 ? ", " : "");
		write_group(u, s->groups[i]);
	}
	write_condition(u, " HAVING ", s->having);
	for (uint32_t i = 0; i < s->window_count; i++) {
		tr_write(u, i > 0 ? ", " : " WINDOW ");
		tr_write_name(u, s->windows[i].name.text);
		tr_write(u, " AS ");
		tr_write_window(u, &s->windows[i].window);
	}
	write_condition(u, " QUALIFY ", s->qualify);
}

static void write_values(struct tr_unparser *u, const struct tr_ast_values *v)
{
	tr_write(u, "VALUES ");
	for (uint32_t row = 0; row < v->row_count; row++) {
		struct tr_ast_exprs cells = {v->width, v->cells + (size_t)row * v->width};

		tr_write(u, row > 0 ? ", (" : "(");
		tr_write_exprs(u, cells);
		tr_write(u, ")");
	}
}

static void write_set_operand(struct tr_unparser *u, const struct tr_ast_query *operand, bool is_intersect,
			      bool is_right)
{
	bool has_own = operand->cte_count > 0 || operand->order_by.count > 0 || operand->offset != NULL ||
		       operand->limit != NULL;
	bool is_looser = operand->kind == TR_AST_QUERY_SET &&
			 (is_right ? is_intersect || operand->set.op != TR_AST_SET_INTERSECT
				   : is_intersect && operand->set.op != TR_AST_SET_INTERSECT);

	if (has_own || is_looser || (u->has_all_parens && operand->kind == TR_AST_QUERY_SET))
		write_query_parens(u, operand);
	else
		tr_write_query(u, operand);
}

static void write_set(struct tr_unparser *u, const struct tr_ast_set_operation *set)
{
	static const char *const words[] = {" UNION ", " INTERSECT ", " EXCEPT "};
	bool is_intersect = set->op == TR_AST_SET_INTERSECT;

	write_set_operand(u, set->left, is_intersect, false);
	tr_write(u, words[set->op]);
	tr_write(u, set->is_all ? "ALL " : "");
	write_set_operand(u, set->right, is_intersect, true);
}

void tr_write_query(struct tr_unparser *u, const struct tr_ast_query *query)
{
	for (uint32_t i = 0; i < query->cte_count; i++) {
		tr_write(u, i > 0 ? ", " : query->is_recursive ? "WITH RECURSIVE " : "WITH ");
		tr_write_name(u, query->ctes[i].name.text);
		if (query->ctes[i].columns.count > 0) {
			tr_write(u, " ");
			tr_write_names(u, &query->ctes[i].columns);
		}
		tr_write(u, " AS ");
		write_query_parens(u, query->ctes[i].query);
	}
	tr_write(u, query->cte_count > 0 ? " " : "");
	switch (query->kind) {
	case TR_AST_QUERY_SELECT: write_select(u, &query->select); break;
	case TR_AST_QUERY_VALUES: write_values(u, &query->values); break;
	case TR_AST_QUERY_SET: write_set(u, &query->set); break;
	case TR_AST_QUERY_TABLE:
		tr_write(u, "TABLE ");
		tr_write_path(u, &query->table);
		break;
	}
	tr_write_order(u, &query->order_by);
	if (query->limit != NULL) {
		tr_write(u, " LIMIT ");
		tr_write_expr(u, query->limit);
	}
	if (query->offset != NULL) {
		tr_write(u, " OFFSET ");
		tr_write_expr(u, query->offset);
	}
}

/* ---------------------------------------------------------------- CREATE */

static void write_comment(struct tr_unparser *u, const struct tr_ast_string *comment)
{
	if (comment == NULL)
		return;
	tr_write(u, " COMMENT ");
	tr_write_ast_string(u, comment);
}

static void write_options(struct tr_unparser *u, const struct tr_ast_options *options)
{
	for (uint32_t i = 0; i < options->count; i++) {
		tr_write(u, i > 0 ? ", " : " WITH (");
		tr_write_ast_string(u, &options->items[i].key);
		tr_write(u, " = ");
		tr_write_ast_string(u, &options->items[i].value);
	}
	tr_write(u, options->count > 0 ? ")" : "");
}

static void write_column(struct tr_unparser *u, const struct tr_ast_column *column)
{
	tr_write_name(u, column->name.text);
	if (column->expr != NULL) {
		tr_write(u, " AS ");
		tr_write_expr(u, column->expr);
	} else if (column->type != NULL) {
		tr_write(u, " ");
		tr_write_type(u, column->type);
	}
	if (column->kind == TR_AST_COLUMN_METADATA) {
		tr_write(u, " METADATA");
		if (column->metadata_key != NULL) {
			tr_write(u, " FROM ");
			tr_write_ast_string(u, column->metadata_key);
		}
		tr_write(u, column->is_virtual ? " VIRTUAL" : "");
	}
	tr_write(u, column->is_primary_key ? " PRIMARY KEY NOT ENFORCED" : "");
	write_comment(u, column->comment);
}

static void write_elements(struct tr_unparser *u, const struct tr_ast_create_table *t)
{
	const char *comma = "";

	tr_write(u, " (");
	for (uint32_t i = 0; i < t->column_count; i++, comma = ", ") {
		tr_write(u, comma);
		write_column(u, &t->columns[i]);
	}
	for (uint32_t i = 0; i < t->watermark_count; i++, comma = ", ") {
		tr_write(u, comma);
		tr_write(u, "WATERMARK FOR ");
		tr_write_path(u, &t->watermarks[i].column);
		tr_write(u, " AS ");
		tr_write_expr(u, t->watermarks[i].expr);
	}
	for (uint32_t i = 0; i < t->key_count; i++, comma = ", ") {
		const struct tr_ast_key *key = &t->keys[i];

		tr_write(u, comma);
		if (key->name != NULL) {
			tr_write(u, "CONSTRAINT ");
			tr_write_name(u, key->name->text);
			tr_write(u, " ");
		}
		tr_write(u, key->is_unique ? "UNIQUE " : "PRIMARY KEY ");
		tr_write_names(u, &key->columns);
		tr_write(u, key->is_not_enforced ? " NOT ENFORCED" : "");
	}
	tr_write(u, ")");
}

static void write_distribution(struct tr_unparser *u, const struct tr_ast_distribution *d)
{
	tr_write(u, " DISTRIBUTED");
	if (d->columns.count > 0) {
		tr_write(u, d->kind == TR_AST_DISTRIBUTION_HASH    ? " BY HASH "
			    : d->kind == TR_AST_DISTRIBUTION_RANGE ? " BY RANGE "
								   : " BY ");
		tr_write_names(u, &d->columns);
	}
	if (d->bucket_count > 0 || d->columns.count == 0) {
		tr_write(u, " INTO ");
		tr_write_number(u, d->bucket_count);
		tr_write(u, " BUCKETS");
	}
}

static void write_like(struct tr_unparser *u, const struct tr_ast_like *like)
{
	static const char *const modes[] = {"INCLUDING", "EXCLUDING", "OVERWRITING"};
	static const char *const features[] = {" ALL",      " CONSTRAINTS", " DISTRIBUTION", " GENERATED",
					       " METADATA", " OPTIONS",     " PARTITIONS",   " WATERMARKS"};

	tr_write(u, " LIKE ");
	tr_write_path(u, &like->table);
	for (uint32_t i = 0; i < like->option_count; i++) {
		tr_write(u, i > 0 ? " " : " (");
		tr_write(u, modes[like->options[i].mode]);
		tr_write(u, features[like->options[i].feature]);
	}
	tr_write(u, like->option_count > 0 ? ")" : "");
}

static void write_create(struct tr_unparser *u, bool is_replace, bool is_temporary, const char *what,
			 bool if_not_exists, const struct tr_ast_path *name)
{
	tr_write(u, is_replace ? "CREATE OR REPLACE " : "CREATE ");
	tr_write(u, is_temporary ? "TEMPORARY " : "");
	tr_write(u, what);
	tr_write(u, if_not_exists ? " IF NOT EXISTS " : " ");
	tr_write_path(u, name);
}

static void write_create_table(struct tr_unparser *u, const struct tr_ast_create_table *t)
{
	write_create(u, t->is_replace, t->is_temporary, "TABLE", t->if_not_exists, &t->name);
	if (t->has_columns)
		write_elements(u, t);
	write_comment(u, t->comment);
	if (t->distribution != NULL)
		write_distribution(u, t->distribution);
	if (t->partitioned_by.count > 0) {
		tr_write(u, " PARTITIONED BY ");
		tr_write_names(u, &t->partitioned_by);
	}
	write_options(u, &t->with);
	if (t->like != NULL)
		write_like(u, t->like);
	if (t->query != NULL) {
		tr_write(u, " AS ");
		tr_write_query(u, t->query);
	}
}

static void write_create_view(struct tr_unparser *u, const struct tr_ast_create_view *v)
{
	write_create(u, v->is_replace, v->is_temporary, "VIEW", v->if_not_exists, &v->name);
	if (v->columns.count > 0) {
		tr_write(u, " ");
		tr_write_names(u, &v->columns);
	}
	write_comment(u, v->comment);
	tr_write(u, " AS ");
	tr_write_query(u, v->query);
}

static void write_create_function(struct tr_unparser *u, const struct tr_ast_create_function *f)
{
	static const char *const words[] = {"JAR ", "ARTIFACT ", "LIBRARY "};

	if (f->is_alter) {
		tr_write(u, f->if_exists ? "ALTER FUNCTION IF EXISTS " : "ALTER FUNCTION ");
		tr_write_path(u, &f->name);
	} else {
		write_create(u, false, f->is_temporary, f->is_system ? "SYSTEM FUNCTION" : "FUNCTION", f->if_not_exists,
			     &f->name);
	}
	tr_write(u, " AS ");
	tr_write_ast_string(u, &f->class_name);
	if (f->language != NULL) {
		tr_write(u, " LANGUAGE ");
		tr_write(u, f->language->text);
	}
	for (uint32_t i = 0; i < f->resource_count; i++) {
		tr_write(u, i > 0 ? ", " : " USING ");
		tr_write(u, words[f->resources[i].kind]);
		tr_write_ast_string(u, &f->resources[i].path);
	}
}

/* ---------------------------------------------------------------- other statements */

static const char *object_text(enum tr_ast_object_kind object)
{
	static const char *const words[] = {"TABLE",   "VIEW",  "FUNCTION",           "DATABASE",
					    "CATALOG", "MODEL", "MATERIALIZED TABLE", "CONNECTION",
					    "MODULE",  "JOB"};

	return words[object];
}

static void write_insert(struct tr_unparser *u, const struct tr_ast_insert *insert)
{
	static const char *const conflicts[] = {"", " ON CONFLICT DO NOTHING", " ON CONFLICT DO ERROR",
						" ON CONFLICT DO DEDUPLICATE"};

	tr_write(u, insert->is_overwrite ? "INSERT OVERWRITE " : "INSERT INTO ");
	tr_write_path(u, &insert->table);
	tr_write_hints(u, &insert->hints);
	for (uint32_t i = 0; i < insert->partition_count; i++) {
		tr_write(u, i > 0 ? ", " : " PARTITION (");
		tr_write_name(u, insert->partitions[i].column.text);
		if (insert->partitions[i].value != NULL) {
			tr_write(u, " = (");
			tr_write_expr(u, insert->partitions[i].value);
			tr_write(u, ")");
		}
	}
	tr_write(u, insert->partition_count > 0 ? ") " : " ");
	if (insert->columns.count > 0) {
		tr_write_names(u, &insert->columns);
		tr_write(u, " ");
	}
	tr_write_query(u, insert->query);
	tr_write(u, conflicts[insert->conflict]);
}

static void write_show(struct tr_unparser *u, const struct tr_ast_show *show)
{
	static const char *const words[] = {
		"TABLES",
		"VIEWS",
		"FUNCTIONS",
		"USER FUNCTIONS",
		"CATALOGS",
		"DATABASES",
		"COLUMNS",
		"PARTITIONS",
		"CREATE ",
		"JARS",
		"JOBS",
		"MODULES",
		"FULL MODULES",
		"CURRENT CATALOG",
		"CURRENT DATABASE",
		"MODELS",
		"PROCEDURES",
		"CONNECTIONS",
		"MATERIALIZED TABLES",
	};
	bool is_bare = show->kind == TR_AST_SHOW_CREATE || show->kind == TR_AST_SHOW_PARTITIONS;

	tr_write(u, "SHOW ");
	tr_write(u, words[show->kind]);
	if (show->kind == TR_AST_SHOW_CREATE)
		tr_write(u, object_text(show->object));
	if (show->from != NULL) {
		tr_write(u, is_bare ? " " : " FROM ");
		tr_write_path(u, show->from);
	}
	if (show->like != NULL) {
		tr_write(u, show->is_not_like ? " NOT" : "");
		tr_write(u, show->is_ilike ? " ILIKE " : " LIKE ");
		tr_write_ast_string(u, show->like);
	}
}

static void write_explain(struct tr_unparser *u, const struct tr_ast_explain *explain)
{
	static const char *const details[] = {"ESTIMATED_COST", "CHANGELOG_MODE", "JSON_EXECUTION_PLAN", "PLAN_ADVICE"};
	const char *separator = " ";

	tr_write(u, explain->has_plan_for ? "EXPLAIN PLAN FOR" : "EXPLAIN");
	for (uint32_t i = 0; i < TR_COUNT_OF(details); i++) {
		if ((explain->details & (1u << i)) == 0)
			continue;
		tr_write(u, separator);
		tr_write(u, details[i]);
		separator = ", ";
	}
	tr_write(u, " ");
	write_statement(u, explain->statement);
}

static void write_use(struct tr_unparser *u, const struct tr_ast_use *use)
{
	tr_write(u, use->is_modules ? "USE MODULES" : use->is_catalog ? "USE CATALOG " : "USE ");
	if (!use->is_modules)
		tr_write_path(u, &use->name);
	for (uint32_t i = 0; i < use->modules.count; i++) {
		tr_write(u, i > 0 ? ", " : " ");
		tr_write_name(u, use->modules.items[i].text);
	}
}

static void write_small(struct tr_unparser *u, const struct tr_ast_statement *s)
{
	switch (s->kind) {
	case TR_AST_STATEMENT_DROP:
		tr_write(u, s->drop.is_temporary ? "DROP TEMPORARY " : "DROP ");
		tr_write(u, s->drop.is_system ? "SYSTEM " : "");
		tr_write(u, object_text(s->drop.object));
		tr_write(u, s->drop.if_exists ? " IF EXISTS " : " ");
		tr_write_path(u, &s->drop.name);
		tr_write(u, s->drop.is_cascade ? " CASCADE" : "");
		break;
	case TR_AST_STATEMENT_SET:
	case TR_AST_STATEMENT_RESET:
		tr_write(u, s->kind == TR_AST_STATEMENT_SET ? "SET" : "RESET");
		if (!s->set.has_key)
			break;
		tr_write(u, " ");
		tr_write_ast_string(u, &s->set.option.key);
		if (s->kind == TR_AST_STATEMENT_SET) {
			tr_write(u, " = ");
			tr_write_ast_string(u, &s->set.option.value);
		}
		break;
	case TR_AST_STATEMENT_DESCRIBE:
		tr_write(u, "DESCRIBE ");
		if (s->describe.object != TR_AST_OBJECT_TABLE) {
			tr_write(u, object_text(s->describe.object));
			tr_write(u, " ");
		}
		tr_write(u, s->describe.is_extended ? "EXTENDED " : "");
		if (s->describe.job != NULL)
			tr_write_ast_string(u, s->describe.job);
		else
			tr_write_path(u, &s->describe.name);
		break;
	default: TR_UNREACHABLE();
	}
}

static void write_statement(struct tr_unparser *u, const struct tr_ast_statement *s)
{
	switch (s->kind) {
	case TR_AST_STATEMENT_CREATE_TABLE: write_create_table(u, &s->create_table); break;
	case TR_AST_STATEMENT_CREATE_VIEW: write_create_view(u, &s->create_view); break;
	case TR_AST_STATEMENT_CREATE_FUNCTION: write_create_function(u, &s->create_function); break;
	case TR_AST_STATEMENT_CREATE_NAMESPACE:
		write_create(u, false, false, s->create_namespace.is_catalog ? "CATALOG" : "DATABASE",
			     s->create_namespace.if_not_exists, &s->create_namespace.name);
		write_comment(u, s->create_namespace.comment);
		write_options(u, &s->create_namespace.with);
		break;
	case TR_AST_STATEMENT_USE: write_use(u, &s->use); break;
	case TR_AST_STATEMENT_SHOW: write_show(u, &s->show); break;
	case TR_AST_STATEMENT_INSERT: write_insert(u, &s->insert); break;
	case TR_AST_STATEMENT_STATEMENT_SET:
		tr_write(u, "EXECUTE STATEMENT SET BEGIN ");
		for (uint32_t i = 0; i < s->statement_set.count; i++) {
			write_statement(u, s->statement_set.statements[i]);
			tr_write(u, "; ");
		}
		tr_write(u, "END");
		break;
	case TR_AST_STATEMENT_EXPLAIN: write_explain(u, &s->explain); break;
	case TR_AST_STATEMENT_QUERY: tr_write_query(u, s->query); break;
	case TR_AST_STATEMENT_OTHER: tr_write(u, s->other.text.text); break;
	default: write_small(u, s); break;
	}
}

/* ---------------------------------------------------------------- entrances */

const char *tr_unparse_statement(const struct tr_ast_statement *statement, bool has_all_parens, struct tr_arena *arena)
{
	struct tr_unparser u = {.arena = arena, .has_all_parens = has_all_parens};

	tr_write(&u, "");
	write_statement(&u, statement);
	return u.text;
}

const char *tr_unparse_query(const struct tr_ast_query *query, bool has_all_parens, struct tr_arena *arena)
{
	struct tr_unparser u = {.arena = arena, .has_all_parens = has_all_parens};

	tr_write(&u, "");
	tr_write_query(&u, query);
	return u.text;
}
