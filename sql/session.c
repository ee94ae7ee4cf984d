/* SPDX-License-Identifier: Apache-2.0
 *
 * See session.h: statement by statement. The statements' own work is done by the binder (bind_*.c) and by job.c.
 */
#include "sql/session.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/timezone.h"
#include "sql/bind.h"
#include "sql/job.h"
#include "sql/parse.h"
#include "sql/show.h"
#include "sql/user_function.h"

struct compiler {
	struct tr_session *session;
	struct tr_span unbounded; /* of the job that never ends, if there is one */
	bool has_unbounded;
};

static void add_step(struct tr_session *session, struct tr_step step)
{
	if (session->step_count == session->step_capacity) {
		uint32_t capacity = TR_MAX(16, session->step_capacity * 2);
		struct tr_step *grown = TR_NEW_ARRAY(&session->arena, capacity, struct tr_step);

		if (session->step_count > 0)
			memcpy(grown, session->steps, session->step_count * sizeof(*grown));
		session->steps = grown;
		session->step_capacity = capacity;
	}
	session->steps[session->step_count++] = step;
}

/* The session zone: the setting, or the machine's. */
const char *tr_session_time_zone(struct tr_session *session)
{
	const char *zone = tr_config_text(&session->config, "table.local-time-zone");

	return strcmp(zone, "default") == 0 ? session->options.machine_time_zone : zone;
}

static char *next_job_id(struct tr_session *session)
{
	uint64_t number = session->job_count++;

	return tr_arena_printf(&session->arena, "%016llx%016llx", (unsigned long long)session->options.job_id_seed[0],
			       (unsigned long long)(session->options.job_id_seed[1] + number));
}

bool tr_session_is_batch(struct tr_session *session)
{
	return strcasecmp(tr_config_text(&session->config, "execution.runtime-mode"), "batch") == 0;
}

struct tr_binder tr_session_binder(struct tr_session *session)
{
	return (struct tr_binder){.arena = &session->arena,
				  .diags = &session->diags,
				  .catalog = &session->catalog,
				  .config = &session->config,
				  .time_zone = tr_session_time_zone(session),
				  .job_id = next_job_id(session),
				  .is_batch = tr_session_is_batch(session)};
}

/* ---- SET, SHOW, DROP, CREATE VIEW ---- */

static void add_text(struct tr_session *session, const char *text)
{
	if (text != NULL)
		add_step(session, (struct tr_step){.kind = TR_STEP_TEXT, .text = text});
}

/* A table, or a view with its columns. False: reported. */
static bool find_shown(struct tr_session *session, const struct tr_ast_path *name,
		       const struct tr_catalog_entry **entry, const struct tr_relation **relation)
{
	struct tr_binder binder = tr_session_binder(session);

	*entry = tr_catalog_find(&session->catalog, name);
	*relation = NULL;
	if (*entry == NULL || (*entry)->table == NULL) {
		*relation = tr_bind_named_table(&binder, name, NULL, NULL); /* reports an unknown name */
		return *relation != NULL;
	}
	return true;
}

/* EXTENDED says no more in Flink either. */
static void describe(struct tr_session *session, const struct tr_ast_statement *statement)
{
	const struct tr_ast_describe *ast = &statement->describe;
	const struct tr_catalog_entry *entry;
	const struct tr_relation *relation;

	if (ast->object == TR_AST_OBJECT_FUNCTION) {
		add_text(session, tr_show_function(session, ast));
		return;
	}
	if (ast->object != TR_AST_OBJECT_TABLE && ast->object != TR_AST_OBJECT_VIEW) {
		tr_diag_not_supported(&session->diags, statement->word_span, "DESCRIBE %s",
				      tr_ast_object_text(ast->object));
		return;
	}
	if (find_shown(session, &ast->name, &entry, &relation))
		add_text(session, tr_show_table(session, entry, relation, NULL));
}

static void show_create(struct tr_session *session, const struct tr_ast_statement *statement)
{
	const struct tr_ast_show *ast = &statement->show;
	bool is_view = ast->object == TR_AST_OBJECT_VIEW;
	const struct tr_catalog_entry *entry;
	const struct tr_relation *relation;

	if (!is_view && ast->object != TR_AST_OBJECT_TABLE) {
		tr_diag_not_supported(&session->diags, statement->word_span, "SHOW CREATE %s",
				      tr_ast_object_text(ast->object));
		return;
	}
	if (!find_shown(session, ast->from, &entry, &relation))
		return;
	if (is_view != (entry->view != NULL)) {
		tr_diag_error(&session->diags, TR_E_NO_TABLE, ast->from->span, "'%s' is a %s: SHOW CREATE %s",
			      entry->name, is_view ? "table" : "view", is_view ? "TABLE" : "VIEW");
		return;
	}
	add_text(session, tr_show_text(session, is_view ? tr_show_create_view(&session->arena, entry->view, relation)
							: tr_show_create_table(&session->arena, entry->table)));
}

/* As Flink's catalog of one session: it knows those only that ALTER TABLE has added. */
static void show_partitions(struct tr_session *session, const struct tr_ast_path *name)
{
	const struct tr_catalog_entry *entry;
	const struct tr_relation *relation;

	if (!find_shown(session, name, &entry, &relation))
		return;
	if (entry->table == NULL || entry->table->partition_count == 0)
		tr_diag_error(&session->diags, TR_E_TABLE, name->span, "'%s' has no PARTITIONED BY", entry->name);
	else
		add_text(session, "Empty set\n");
}

static void show(struct tr_session *session, const struct tr_ast_statement *statement)
{
	const struct tr_ast_show *ast = &statement->show;
	const struct tr_catalog_entry *entry;
	const struct tr_relation *relation;

	if (ast->kind == TR_AST_SHOW_CREATE)
		show_create(session, statement);
	else if (ast->kind == TR_AST_SHOW_PARTITIONS)
		show_partitions(session, ast->from);
	else if (ast->kind != TR_AST_SHOW_COLUMNS)
		add_text(session, tr_show(session, ast, statement->word_span));
	else if (find_shown(session, ast->from, &entry, &relation))
		add_text(session, tr_show_table(session, entry, relation, ast));
}

/* There is one catalog with one database, which are in use already. */
static void use(struct tr_session *session, const struct tr_ast_statement *statement)
{
	const struct tr_ast_use *ast = &statement->use;
	const char *name = ast->is_modules ? "" : tr_catalog_name(&ast->name);
	bool is_known = !ast->is_modules && ast->name.count <= 2;

	if (ast->is_modules) {
		tr_diag_not_supported(&session->diags, statement->word_span, "USE MODULES");
		return;
	}
	if (ast->is_catalog)
		is_known = is_known && ast->name.count == 1 && strcmp(name, "default_catalog") == 0;
	else
		is_known = is_known && strcmp(name, "default_database") == 0 &&
			   (ast->name.count == 1 || strcmp(ast->name.names[0].text, "default_catalog") == 0);
	if (!is_known)
		tr_diag_error(&session->diags, TR_E_NO_TABLE, ast->name.span, "no %s '%s'; there is %s",
			      ast->is_catalog ? "catalog" : "database", name,
			      ast->is_catalog ? "default_catalog" : "default_database");
}

/* RESET goes back to what held before the script: the file's value, else the default. */
static void reset(struct tr_session *session, const char *key)
{
	const struct tr_config_key *keys = tr_config_keys();

	for (uint32_t i = 0; keys[i].name != NULL; i++) {
		if (key != NULL && strcmp(keys[i].name, key) != 0)
			continue;
		session->config.values[i] = session->options.config->values[i];
		session->config.origins[i] = session->options.config->origins[i];
	}
}

static void set_option(struct tr_session *session, const struct tr_ast_statement *statement)
{
	const struct tr_ast_set *set = &statement->set;
	bool is_reset = statement->kind == TR_AST_STATEMENT_RESET, has_effect = true;
	const char *value = is_reset ? NULL : set->option.value.text;
	struct tr_timezone *zone = NULL;
	struct tr_status st = {0};

	if (!set->has_key) {
		if (is_reset)
			reset(session, NULL);
		else
			add_text(session, tr_show_settings(session));
		return;
	}
	if (tr_config_set(&session->config, set->option.key.text, value, TR_ORIGIN_SCRIPT, &has_effect, &st) != TR_OK) {
		tr_diag_error(&session->diags, TR_E_SETTING, set->option.key.span, "%s", st.message);
		return;
	}
	if (is_reset)
		reset(session, set->option.key.text);
	if (!has_effect)
		tr_diag_warning(&session->diags, TR_W_NO_EFFECT, set->option.key.span,
				"'%s' has no effect on one machine", set->option.key.text);
	if (tr_timezone_create(tr_session_time_zone(session), &zone, &st) != TR_OK)
		tr_diag_error(&session->diags, TR_E_SETTING, set->option.key.span, "%s", st.message);
	tr_timezone_destroy(&zone);
}

/* What can't have been created needs no dropping where IF EXISTS stands. */
static void drop_other(struct tr_session *session, const struct tr_ast_statement *statement)
{
	const struct tr_ast_drop *ast = &statement->drop;
	const char *name = tr_catalog_name(&ast->name);
	bool is_there = (ast->object == TR_AST_OBJECT_DATABASE && strcmp(name, "default_database") == 0) ||
			(ast->object == TR_AST_OBJECT_CATALOG && strcmp(name, "default_catalog") == 0);

	if (is_there || ast->object == TR_AST_OBJECT_MODULE || ast->object == TR_AST_OBJECT_CONNECTION)
		tr_diag_not_supported(&session->diags, statement->word_span, "DROP %s", tr_ast_object_text(ast->object));
	else if (!ast->if_exists)
		tr_diag_error(&session->diags, TR_E_NO_TABLE, ast->name.span, "there is no %s '%s' to drop",
			      tr_ast_object_text(ast->object), name);
}

static void drop(struct tr_session *session, const struct tr_ast_statement *statement)
{
	const struct tr_ast_drop *ast = &statement->drop;

	if (ast->object == TR_AST_OBJECT_FUNCTION) {
		tr_user_function_drop(session, statement);
		return;
	}
	if (ast->object != TR_AST_OBJECT_TABLE && ast->object != TR_AST_OBJECT_VIEW) {
		drop_other(session, statement);
		return;
	}
	if (!tr_catalog_drop(&session->catalog, &ast->name) && !ast->if_exists) {
		tr_diag_error(&session->diags, TR_E_NO_TABLE, ast->name.span, "no table or view '%s'",
			      tr_catalog_name(&ast->name));
		tr_diag_hint_nearest(&session->diags, tr_catalog_name(&ast->name),
				     tr_catalog_names(&session->catalog, &session->arena), session->catalog.count);
	}
}

/* The query is bound once to find its errors here, and anew where the view is used. */
static void create_view(struct tr_session *session, const struct tr_ast_statement *statement)
{
	const struct tr_ast_create_view *ast = &statement->create_view;
	const struct tr_catalog_entry *existing = tr_catalog_find(&session->catalog, &ast->name);
	struct tr_binder binder = tr_session_binder(session);
	const struct tr_relation *relation;
	struct tr_view_def *view;

	if (existing != NULL && !ast->is_replace) {
		if (!ast->if_not_exists)
			tr_diag_error(&session->diags, TR_E_EXISTS, ast->name.span,
				      "there is a table or view '%s' already", existing->name);
		return;
	}
	relation = tr_bind_query(&binder, ast->query, NULL);
	if (relation == NULL) {
		(void)tr_catalog_put(&session->catalog, tr_catalog_name(&ast->name), NULL, NULL);
		return;
	}
	if (ast->columns.count > 0 && ast->columns.count != relation->column_count) {
		tr_diag_error(&session->diags, TR_E_TYPE, ast->name.span,
			      "view '%s' names %u columns, its query has %u", tr_catalog_name(&ast->name),
			      ast->columns.count, relation->column_count);
		return;
	}
	view = TR_NEW(&session->arena, struct tr_view_def);
	*view = (struct tr_view_def){.name = tr_catalog_name(&ast->name), .ast = ast, .text = session->diags.text};
	if (!tr_catalog_put(&session->catalog, view->name, NULL, view))
		tr_diag_error(&session->diags, TR_E_LIMIT, ast->name.span, "more than %d tables and views",
			      TR_CATALOG_ENTRIES_MAX);
}

/* ---- jobs ---- */

static bool check_reachable(struct compiler *compiler, const struct tr_ast_statement *statement)
{
	struct tr_diags *diags = &compiler->session->diags;

	if (!compiler->has_unbounded)
		return true;
	tr_diag_error(diags, TR_E_UNBOUNDED, statement->word_span,
		      "this is never reached: the statement in line %u reads an unbounded table and does not end",
		      tr_script_text_place(diags->text, compiler->unbounded.start).line);
	tr_diag_hint(diags, "put the statements between EXECUTE STATEMENT SET BEGIN and END; to run them as one job");
	return false;
}

static void add_job(struct compiler *compiler, const struct tr_ast_statement *statement)
{
	struct tr_session *session = compiler->session;
	struct tr_binder binder = tr_session_binder(session);
	struct tr_step step = {.kind = TR_STEP_JOB};

	if (!check_reachable(compiler, statement) || !tr_job_compile(session, &binder, statement, &step))
		return;
	add_step(session, step);
	session->job_count_planned++;
	if (!step.is_bounded) {
		compiler->has_unbounded = true;
		compiler->unbounded = statement->span;
	}
}

/* CREATE TABLE .. AS as the INSERT that fills the table, which is in the catalog now; NULL: there is nothing to fill. */
static const struct tr_ast_statement *create_and_fill(struct tr_session *session, struct tr_binder *binder,
						      const struct tr_ast_statement *statement)
{
	const struct tr_ast_insert *insert = tr_bind_create_table(binder, &statement->create_table, statement->span);
	struct tr_ast_statement *fill;

	if (insert == NULL)
		return NULL;
	fill = TR_NEW(&session->arena, struct tr_ast_statement);
	*fill = (struct tr_ast_statement){.kind = TR_AST_STATEMENT_INSERT,
					  .span = statement->span,
					  .word_span = statement->word_span,
					  .insert = *insert};
	return fill;
}

static void create_table(struct compiler *compiler, const struct tr_ast_statement *statement)
{
	struct tr_binder binder = tr_session_binder(compiler->session);
	const struct tr_ast_statement *fill = create_and_fill(compiler->session, &binder, statement);

	if (fill != NULL)
		add_job(compiler, fill);
}

/* Compiles CREATE TABLE .. AS, and has the catalog as it was before. False: reported. */
static bool compile_create_as(struct tr_session *session, struct tr_binder *binder,
			      const struct tr_ast_statement *statement, struct tr_step *job)
{
	const struct tr_ast_path *name = &statement->create_table.name;
	const struct tr_catalog_entry *entry = tr_catalog_find(&session->catalog, name);
	struct tr_catalog_entry before = {0};
	const struct tr_ast_statement *fill;
	bool is_good;

	if (statement->kind != TR_AST_STATEMENT_CREATE_TABLE || statement->create_table.query == NULL) {
		tr_diag_error(&session->diags, TR_E_SYNTAX, statement->word_span,
			      "EXPLAIN of CREATE is there for CREATE TABLE .. AS only");
		return false;
	}
	if (entry != NULL)
		before = *entry;
	fill = create_and_fill(session, binder, statement);
	is_good = fill != NULL && tr_job_compile(session, binder, fill, job);
	if (entry != NULL)
		(void)tr_catalog_put(&session->catalog, before.name, before.table, before.view);
	else
		(void)tr_catalog_drop(&session->catalog, name);
	return is_good;
}

static void explain(struct compiler *compiler, const struct tr_ast_statement *statement)
{
	struct tr_session *session = compiler->session;
	struct tr_binder binder = tr_session_binder(session);
	struct tr_step step = {.kind = TR_STEP_TEXT};
	struct tr_step job = {.kind = TR_STEP_JOB};
	const struct tr_ast_statement *inner = statement->explain.statement;
	const uint32_t details = statement->explain.details;
	const bool is_json = (details & TR_AST_EXPLAIN_JSON_EXECUTION_PLAN) != 0;
	const bool has_advice = (details & TR_AST_EXPLAIN_PLAN_ADVICE) != 0;
	bool is_create = inner->kind == TR_AST_STATEMENT_CREATE_TABLE || inner->kind == TR_AST_STATEMENT_CREATE_VIEW;

	if ((details & TR_AST_EXPLAIN_ESTIMATED_COST) != 0)
		tr_diag_not_supported(&session->diags, statement->word_span, "EXPLAIN ESTIMATED_COST");
	if (has_advice && is_json)
		tr_diag_not_supported(&session->diags, statement->word_span,
				      "EXPLAIN PLAN_ADVICE with JSON_EXECUTION_PLAN");
	if (is_create ? !compile_create_as(session, &binder, inner, &job)
		      : !tr_job_compile(session, &binder, inner, &job))
		return;
	job.plan->shows_changes = (details & TR_AST_EXPLAIN_CHANGELOG_MODE) != 0;
	step.text = tr_session_explain(session, &job, is_json);
	/* Flink's advice is on aggregation without windows and on changelogs, and no plan has those. */
	if (has_advice)
		step.text = tr_arena_printf(&session->arena, "%s\n== Advice ==\nNo available advice...\n", step.text);
	add_step(session, step);
}

/* A statement that is known by its tree, and can't be run. */
static const char *unsupported_words(const struct tr_ast_statement *statement)
{
	switch (statement->kind) {
	case TR_AST_STATEMENT_CREATE_NAMESPACE:
		return statement->create_namespace.is_catalog ? "CREATE CATALOG" : "CREATE DATABASE";
	case TR_AST_STATEMENT_OTHER: return statement->other.words;
	default: TR_UNREACHABLE();
	}
}

static void compile_statement(struct compiler *compiler, const struct tr_ast_statement *statement)
{
	struct tr_session *session = compiler->session;

	switch (statement->kind) {
	case TR_AST_STATEMENT_CREATE_TABLE: create_table(compiler, statement); break;
	case TR_AST_STATEMENT_CREATE_VIEW: create_view(session, statement); break;
	case TR_AST_STATEMENT_SET:
	case TR_AST_STATEMENT_RESET: set_option(session, statement); break;
	case TR_AST_STATEMENT_SHOW: show(session, statement); break;
	case TR_AST_STATEMENT_USE: use(session, statement); break;
	case TR_AST_STATEMENT_DESCRIBE: describe(session, statement); break;
	case TR_AST_STATEMENT_DROP: drop(session, statement); break;
	case TR_AST_STATEMENT_INSERT:
	case TR_AST_STATEMENT_QUERY:
	case TR_AST_STATEMENT_STATEMENT_SET: add_job(compiler, statement); break;
	case TR_AST_STATEMENT_EXPLAIN: explain(compiler, statement); break;
	case TR_AST_STATEMENT_CREATE_FUNCTION: tr_user_function_create(session, statement); break;
	case TR_AST_STATEMENT_CREATE_NAMESPACE:
	case TR_AST_STATEMENT_OTHER:
		tr_diag_not_supported(&session->diags, statement->word_span, "%s", unsupported_words(statement));
		break;
	case TR_AST_STATEMENT_KIND_COUNT: TR_UNREACHABLE();
	}
}

struct tr_session *tr_session_compile(const struct tr_session_options *options, const char *script, size_t length)
{
	struct tr_session *session = calloc(1, sizeof(*session));
	struct compiler compiler = {.session = session};
	struct tr_script_text *text;
	struct tr_ast_script *ast;

	TR_ASSERT(session != NULL);
	session->options = *options;
	tr_arena_init(&session->arena, 64 << 10);
	tr_catalog_init(&session->catalog, &session->arena);
	session->config = *options->config;
	session->config.arena = &session->arena;
	tr_diags_init(&session->diags, &session->arena, NULL);
	text = tr_script_text_make(&session->arena, options->file, script, length, options->variables,
				   options->variable_count, &session->diags);
	session->diags.text = text;
	if (session->diags.error_count > 0)
		return session;
	ast = tr_parse_script(text, &session->arena, &session->diags);
	for (uint32_t i = 0; i < ast->count; i++)
		compile_statement(&compiler, ast->statements[i]);
	if (session->diags.error_count > 0)
		session->step_count = 0;
	return session;
}

void tr_session_declare(struct tr_session *session, const char *file, const char *script, size_t length)
{
	struct compiler compiler = {.session = session};
	struct tr_script_text *text =
		tr_script_text_make(&session->arena, file, script, length, session->options.variables,
				    session->options.variable_count, &session->diags);
	struct tr_ast_script *ast;

	session->diags.text = text;
	if (session->diags.error_count > 0)
		return;
	ast = tr_parse_script(text, &session->arena, &session->diags);
	for (uint32_t i = 0; i < ast->count; i++) {
		const struct tr_ast_statement *statement = ast->statements[i];

		switch (statement->kind) {
		case TR_AST_STATEMENT_INSERT:
		case TR_AST_STATEMENT_QUERY:
		case TR_AST_STATEMENT_STATEMENT_SET:
		case TR_AST_STATEMENT_EXPLAIN:
			tr_diag_not_supported(
				&session->diags, statement->word_span,
				"a job among declarations (streams are inserted by tr_stream_insert_into)");
			break;
		default: compile_statement(&compiler, statement); break;
		}
	}
}

void tr_session_destroy(struct tr_session **session)
{
	if (*session == NULL)
		return;
	tr_arena_deinit(&(*session)->arena);
	free(*session);
	*session = NULL;
}

tr_code tr_session_code(const struct tr_session *session)
{
	const struct tr_diags *diags = &session->diags;

	if (diags->error_count == 0)
		return TR_OK;
	for (uint32_t i = 0; i < diags->count; i++)
		if (diags->items[i].severity == TR_SEVERITY_ERROR && strcmp(diags->items[i].code, TR_E_SETTING) != 0)
			return TR_ERR_DATA;
	return TR_ERR_CONFIG;
}

const char *tr_session_explain(struct tr_session *session, const struct tr_step *step, bool is_json)
{
	if (step->kind == TR_STEP_TEXT)
		return step->text;
	return (is_json ? tr_plan_json : tr_plan_text)(&session->arena, step->bound, step->plan);
}
