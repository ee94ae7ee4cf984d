/* SPDX-License-Identifier: Apache-2.0
 *
 * See env.h: the environment's life, its errors, and the plan of its graph.
 */
#include "api/env.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/user_plan.h"
#include "base/check.h"
#include "io/disk.h"

static uint32_t core_count(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (uint32_t)CPU_COUNT(&set) : 1;
}

tr_code tr_env_create_with(const struct tr_env_options *options, struct tr_env **result, struct tr_status *st)
{
	struct tr_env *env = tr_checked(calloc(1, sizeof(*env)));
	struct tr_session_options session = {0};
	tr_code code = tr_environment_real_create(&env->real, st);

	*result = NULL;
	if (code != TR_OK) {
		free(env);
		return code;
	}
	tr_arena_init(&env->config_arena, 0);
	tr_config_init(&env->config, &env->config_arena);
	if (options->config != NULL)
		env->config = *options->config;
	snprintf(env->zone, sizeof(env->zone), "%s", options->time_zone);
	session = (struct tr_session_options){
		.file = "",
		.config = &env->config,
		.core_count = options->core_count,
		.machine_time_zone = env->zone,
		.job_name = options->job_name,
		.functions = &tr_user_functions,
		.job_id_seed = {tr_environment_random(env->real), tr_environment_random(env->real)},
		.variables = options->variables,
		.variable_count = options->variable_count,
	};
	if (options->job_id_seed != NULL)
		memcpy(session.job_id_seed, options->job_id_seed, sizeof(session.job_id_seed));
	env->session = tr_session_compile(&session, "", 0);
	env->arena = &env->session->arena;
	env->session->options.job_name = tr_arena_printf(env->arena, "%s", options->job_name);
	tr_embed_init(&env->embed, env->session);
	*result = env;
	return TR_OK;
}

tr_code tr_env_create_for(uint32_t abi_version, struct tr_env **env, struct tr_status *st)
{
	const char *zone = getenv("TZ");
	const struct tr_env_options options = {
		.job_name = "job",
		.time_zone = zone != NULL && zone[0] != '\0' ? (zone[0] == ':' ? zone + 1 : zone) : "UTC",
		.core_count = core_count(),
	};

	*env = NULL;
	if (abi_version != TR_ABI_VERSION)
		TR_FAIL(st, TR_ERR_CONFIG,
			"the program was built for version %u of the binary interface; this engine (%s) has version "
			"%d: build "
			"it again with the headers of this engine",
			abi_version, tr_version(), TR_ABI_VERSION);
	return tr_env_create_with(&options, env, st);
}

void tr_env_destroy(struct tr_env **env)
{
	if (*env == NULL)
		return;
	if ((*env)->job_count > 0) {
		fprintf(stderr,
			"tailrace: tr_env_destroy: a job of the environment has not been destroyed (tr_job_destroy)\n");
		abort();
	}
	tr_collected_destroy(&(*env)->collected);
	tr_session_destroy(&(*env)->session);
	tr_arena_deinit(&(*env)->config_arena);
	tr_environment_real_destroy(&(*env)->real);
	free((*env)->uids);
	free(*env);
	*env = NULL;
}

/* Errors. */

static void keep(struct tr_env *env, const char *text)
{
	if (env->error_count < TR_ENV_ERRORS_MAX)
		env->errors[env->error_count++] = text;
}

void tr_env_fail(struct tr_env *env, const char *what, const char *format, ...)
{
	char text[TR_STATUS_MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	keep(env, tr_arena_printf(env->arena, "%s: %s", what, text));
}

bool tr_env_take_errors(struct tr_env *env, const char *what)
{
	const char *errors = tr_embed_errors(&env->embed);

	if (errors != NULL)
		keep(env, errors);
	return errors != NULL;
}

const char *tr_env_error(const struct tr_env *env, uint32_t i)
{
	return env != NULL && i < env->error_count ? env->errors[i] : NULL;
}

static tr_code told(const struct tr_env *env, struct tr_status *st)
{
	char text[TR_STATUS_MESSAGE_MAX] = "";
	size_t length = 0;

	for (uint32_t i = 0; i < env->error_count && length < sizeof(text) - 1; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s", i > 0 ? "\n" : "",
					   env->errors[i]);
	for (length = strlen(text); length > 0 && text[length - 1] == '\n'; length--)
		text[length - 1] = '\0';
	return tr_status_set(st, TR_ERR_DATA, 0, TR_WHERE, "%s", text);
}

/* Arguments. */

static void check_env(const struct tr_env *env, const char *function)
{
	if (env != NULL)
		return;
	fprintf(stderr, "tailrace: %s: the environment is NULL (has tr_env_create failed?)\n", function);
	abort();
}

struct tr_env *tr_stream_env(const struct tr_stream *stream, const char *function)
{
	if (stream == NULL) {
		fprintf(stderr, "tailrace: %s: the stream is NULL\n", function);
		abort();
	}
	return stream->env;
}

bool tr_env_given(struct tr_env *env, const char *what, const void *argument, const char *name)
{
	if (argument == NULL)
		tr_env_fail(env, what, "`%s` is NULL", name);
	return argument != NULL;
}

bool tr_env_take(struct tr_env *env, const char *what, const char *type, void *into, size_t bytes, const void *from)
{
	size_t given = 0;

	memset(into, 0, bytes);
	if (from != NULL)
		memcpy(&given, from, sizeof(given));
	if (given < sizeof(given)) {
		tr_env_fail(env, what, "a struct %s is needed, made by TR_MAKE(%s, ..)", type, type);
		return false;
	}
	for (size_t i = bytes; i < given; i++) {
		if (((const char *)from)[i] == 0)
			continue;
		tr_env_fail(env, what,
			    "its struct %s has members that this engine (%s) does not know: the program was built with "
			    "newer headers, or the struct was not made by TR_MAKE(%s, ..)",
			    type, tr_version(), type);
		return false;
	}
	memcpy(into, from, TR_MIN(given, bytes));
	return true;
}

const char *tr_env_quoted(struct tr_env *env, const char *name)
{
	const size_t length = strlen(name);
	char *text = TR_NEW_ARRAY(env->arena, 2 * length + 3, char);
	size_t at = 0;

	text[at++] = '`';
	for (; *name != '\0'; name++) {
		text[at++] = *name;
		if (*name == '`')
			text[at++] = '`';
	}
	text[at++] = '`';
	text[at] = '\0';
	return text;
}

/* Configuration. */

void tr_env_set(struct tr_env *env, const char *key, const char *value)
{
	struct tr_status st = {0};

	check_env(env, __func__);
	if (!tr_env_given(env, "configuration", key, "key") || !tr_env_given(env, key, value, "value"))
		return;
	if (tr_config_set(&env->session->config, key, value, TR_ORIGIN_SCRIPT, NULL, &st) != TR_OK)
		tr_env_fail(env, "configuration", "%s", st.message);
}

void tr_env_restore(struct tr_env *env, const char *directory, bool allows_non_restored)
{
	check_env(env, __func__);
	if (!tr_env_given(env, "restore", directory, "directory"))
		return;
	env->restore_from = tr_arena_printf(env->arena, "%s", directory);
	env->allows_non_restored = allows_non_restored;
}

void tr_env_sql(struct tr_env *env, const char *script)
{
	size_t length;

	check_env(env, __func__);
	if (!tr_env_given(env, "sql", script, "script"))
		return;
	length = strlen(script);
	tr_session_declare(env->session, "sql", tr_arena_strndup(env->arena, script, length), length);
	(void)tr_env_take_errors(env, "sql");
}

/* What streams take when they are made: changed later it would hold for some of them. */
static const char *const early_keys[] = {"engine.batch-rows", "pipeline.auto-watermark-interval",
					 "table.exec.source.idle-timeout", "table.local-time-zone"};

void tr_env_begin(struct tr_env *env)
{
	for (size_t i = 0; i < TR_COUNT_OF(early_keys); i++)
		env->early[i] = tr_arena_printf(env->arena, "%s", tr_config_text(&env->session->config, early_keys[i]));
}

static void check_early(struct tr_env *env)
{
	for (size_t i = 0; i < TR_COUNT_OF(early_keys) && env->stream_count > 0; i++)
		if (strcmp(env->early[i], tr_config_text(&env->session->config, early_keys[i])) != 0)
			tr_env_fail(env, "configuration",
				    "'%s' was changed after the first stream was made: set it before", early_keys[i]);
}

void tr_env_create_function(struct tr_env *env, const char *name, const struct tr_user_function *function)
{
	const char *what;

	check_env(env, __func__);
	if (!tr_env_given(env, "function", name, "name"))
		return;
	what = tr_arena_printf(env->arena, "function '%s'", name);
	if (!tr_env_given(env, what, function, "function"))
		return;
	tr_embed_function(&env->embed, what, tr_arena_printf(env->arena, "%s", name), function);
	(void)tr_env_take_errors(env, what);
}

/* The plan. */

struct tr_plan *tr_env_plan(struct tr_env *env, struct tr_status *st)
{
	if (env->plan != NULL && env->error_count == 0)
		return env->plan;
	if (env->error_count == 0)
		check_early(env);
	if (env->error_count == 0 && env->sink_count == 0)
		tr_env_fail(env, "job", "the graph has no sink");
	if (env->error_count == 0) {
		env->plan = tr_embed_plan(&env->embed, env->sinks, env->sink_count, &env->bound);
		(void)tr_env_take_errors(env, "job");
	}
	if (env->error_count == 0)
		return env->plan;
	(void)told(env, st);
	return NULL;
}

const char *tr_env_explain(struct tr_env *env, bool is_json, struct tr_status *st)
{
	const struct tr_plan *plan;

	check_env(env, __func__);
	plan = tr_env_plan(env, st);
	if (plan == NULL)
		return NULL;
	return (is_json ? tr_plan_json : tr_plan_text)(env->arena, env->bound, plan);
}
