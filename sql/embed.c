/* SPDX-License-Identifier: Apache-2.0
 *
 * See embed.h. A stream stands in the catalog under its name for as long as one text is bound.
 */
#include "sql/embed.h"

#include <string.h>

#include "base/check.h"
#include "sql/job.h"
#include "sql/parse.h"
#include "sql/share.h"
#include "sql/type_name.h"
#include "sql/user_function.h"

void tr_embed_init(struct tr_embed *embed, struct tr_session *session)
{
	embed->session = session;
	embed->binder = tr_session_binder(session);
}

const char *tr_embed_errors(struct tr_embed *embed)
{
	struct tr_diags *diags = &embed->session->diags;
	const char *text = diags->error_count > 0 ? tr_diags_render(diags, false, diags->arena) : NULL;

	tr_diags_init(diags, diags->arena, NULL);
	return text;
}

/* The text that is parsed next, in the arena. */
static struct tr_script_text *begin(struct tr_embed *embed, const char *what, const char *text)
{
	struct tr_session *session = embed->session;
	const size_t length = strlen(text);

	session->diags.text =
		tr_script_text_make(&session->arena, what, tr_arena_strndup(&session->arena, text, length), length,
				    NULL, 0, &session->diags);
	/* What was set since the binder was made holds from here on. */
	embed->binder.time_zone = tr_session_time_zone(session);
	embed->binder.is_batch = tr_session_is_batch(session);
	embed->binder.query_count = 0;
	return session->diags.error_count == 0 ? (struct tr_script_text *)(uintptr_t)session->diags.text : NULL;
}

static struct tr_ast_path stream_path(struct tr_ast_name *name)
{
	*name = (struct tr_ast_name){.text = TR_EMBED_STREAM};
	return (struct tr_ast_path){.names = name, .count = 1};
}

static void show_stream(struct tr_embed *embed, const struct tr_relation *stream)
{
	if (stream != NULL)
		(void)tr_catalog_put_stream(&embed->session->catalog, TR_EMBED_STREAM, stream);
}

static void hide_stream(struct tr_embed *embed)
{
	struct tr_ast_name name;
	const struct tr_ast_path path = stream_path(&name);

	(void)tr_catalog_drop(&embed->session->catalog, &path);
}

const struct tr_schema *tr_embed_schema(struct tr_embed *embed, const char *what, const char *columns)
{
	struct tr_arena *arena = &embed->session->arena;
	struct tr_script_text *text = begin(embed, what, tr_arena_printf(arena, "ROW<%s>", columns));
	const struct tr_ast_type *ast = text != NULL ? tr_parse_type_text(text, arena, &embed->session->diags) : NULL;
	const struct tr_type *type = ast != NULL ? tr_type_name_resolve(ast, arena, &embed->session->diags) : NULL;
	struct tr_schema *schema;

	if (type == NULL)
		return NULL;
	schema = TR_NEW(arena, struct tr_schema);
	*schema = (struct tr_schema){type->child_count, type->names, type->children};
	return schema;
}

tr_code tr_embed_columns(struct tr_arena *arena, const char *columns, const struct tr_schema **schema,
			 struct tr_status *st)
{
	const char *row = tr_arena_printf(arena, "ROW<%s>", columns);
	struct tr_diags diags;
	struct tr_script_text *text;
	const struct tr_ast_type *ast;
	const struct tr_type *type;
	struct tr_schema *made;

	tr_diags_init(&diags, arena, NULL);
	text = tr_script_text_make(arena, "columns", row, strlen(row), NULL, 0, &diags);
	diags.text = text;
	ast = diags.error_count == 0 ? tr_parse_type_text(text, arena, &diags) : NULL;
	type = ast != NULL ? tr_type_name_resolve(ast, arena, &diags) : NULL;
	if (type == NULL)
		TR_FAIL(st, TR_ERR_USAGE, "%s", tr_diags_render(&diags, false, arena));
	made = TR_NEW(arena, struct tr_schema);
	*made = (struct tr_schema){type->child_count, type->names, type->children};
	*schema = made;
	return TR_OK;
}

void tr_embed_function(struct tr_embed *embed, const char *what, const char *name,
		       const struct tr_user_function *function)
{
	struct tr_status st = {0};

	if (begin(embed, what, name) != NULL && tr_user_function_declare(embed->session, name, function, &st) != TR_OK)
		tr_diag_error(&embed->session->diags, TR_E_LIBRARY, (struct tr_span){0, (uint32_t)strlen(name)}, "%s",
			      st.message);
}

/* Columns i of the relation are columns i of its node. */
static const struct tr_relation *in_order(struct tr_embed *embed, const struct tr_relation *relation)
{
	struct tr_arena *arena = &embed->session->arena;
	const uint32_t count = relation->column_count;
	const struct tr_expr **exprs = TR_NEW_ARRAY(arena, count + 1, const struct tr_expr *);
	const char **names = TR_NEW_ARRAY(arena, count + 1, const char *);
	bool is_in_order = count == relation->node->output->column_count;
	struct tr_relation *result;

	for (uint32_t i = 0; i < count; i++) {
		const struct tr_bound_column *column = &relation->columns[i];

		is_in_order = is_in_order && column->index == i &&
			      strcmp(column->name, relation->node->output->names[i]) == 0;
		exprs[i] = tr_expr_column(arena, column->index, column->type);
		names[i] = column->name;
	}
	if (is_in_order)
		return relation;
	result = tr_bind_project(&embed->binder, relation, count, exprs, names);
	for (uint32_t i = 0; i < count; i++)
		result->columns[i].role = relation->columns[i].role;
	return result;
}

const struct tr_relation *tr_embed_query(struct tr_embed *embed, const char *what, const struct tr_relation *stream,
					 const char *query)
{
	struct tr_diags *diags = &embed->session->diags;
	struct tr_script_text *text = begin(embed, what, query);
	const struct tr_ast_query *ast = text != NULL ? tr_parse_query_text(text, &embed->session->arena, diags) : NULL;
	const struct tr_relation *relation;

	if (ast == NULL)
		return NULL;
	show_stream(embed, stream);
	relation = tr_bind_query(&embed->binder, ast, NULL);
	if (relation != NULL)
		relation = tr_bind_window_columns(&embed->binder, relation, ast->span);
	hide_stream(embed);
	return relation != NULL && diags->error_count == 0 ? in_order(embed, relation) : NULL;
}

const struct tr_relation *tr_embed_where(struct tr_embed *embed, const char *what, const struct tr_relation *stream,
					 const char *condition)
{
	struct tr_diags *diags = &embed->session->diags;
	struct tr_script_text *text = begin(embed, what, condition);
	const struct tr_ast_expr *ast = text != NULL ? tr_parse_expr_text(text, &embed->session->arena, diags) : NULL;
	const struct tr_expr_scope scope = {.relation = stream, .clause = "the condition"};
	const struct tr_expr *expr = ast != NULL ? tr_bind_condition(&embed->binder, &scope, ast) : NULL;

	return expr != NULL ? tr_bind_filter(&embed->binder, stream, expr) : NULL;
}

const struct tr_node *tr_embed_insert(struct tr_embed *embed, const char *what, const struct tr_relation *stream,
				      const char *table)
{
	struct tr_diags *diags = &embed->session->diags;
	struct tr_script_text *text = begin(
		embed, what,
		tr_arena_printf(&embed->session->arena, "INSERT INTO `%s` SELECT * FROM %s", table, TR_EMBED_STREAM));
	const struct tr_ast_script *ast = text != NULL ? tr_parse_script(text, &embed->session->arena, diags) : NULL;
	const struct tr_node *sink = NULL;

	if (ast == NULL || ast->count != 1 || ast->statements[0]->kind != TR_AST_STATEMENT_INSERT)
		return NULL;
	show_stream(embed, stream);
	sink = tr_job_insert(embed->session, &embed->binder, ast->statements[0]);
	hide_stream(embed);
	return sink;
}

const struct tr_relation *tr_embed_relation(struct tr_embed *embed, const struct tr_node *node, int32_t rowtime,
					    bool is_bounded)
{
	struct tr_relation *relation = tr_bind_relation_new(&embed->binder, node, node->output->column_count);

	for (uint32_t i = 0; i < relation->column_count; i++)
		relation->columns[i] = (struct tr_bound_column){
			.qualifier = TR_EMBED_STREAM,
			.name = node->output->names[i],
			.type = node->output->types[i],
			.role = (int32_t)i == rowtime ? TR_ROLE_ROWTIME : TR_ROLE_NONE,
			.index = i,
		};
	relation->is_bounded = is_bounded;
	return relation;
}

int32_t tr_embed_rowtime(const struct tr_relation *relation)
{
	for (uint32_t i = 0; i < relation->column_count; i++)
		if (relation->columns[i].role == TR_ROLE_ROWTIME || relation->columns[i].role == TR_ROLE_ATTACHED_TIME)
			return (int32_t)i;
	return -1;
}

struct tr_plan *tr_embed_plan(struct tr_embed *embed, const struct tr_node *const *sinks, uint32_t count,
			      const struct tr_node *const **bound)
{
	struct tr_step step = {0};

	(void)begin(embed, "the job", "");
	tr_share_mark(&embed->session->arena, sinks, count);
	if (!tr_job_plan(embed->session, &embed->binder, sinks, count, &step))
		return NULL;
	*bound = step.bound;
	return step.plan;
}
