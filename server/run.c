/* SPDX-License-Identifier: Apache-2.0
 *
 * run, explain, lint: a script, or a job in C (server/plugin.h), from its file to its end.
 *
 * `run` is a small parent and a job child. The child compiles the script and runs its jobs one after the other; the
 * parent waits and turns the way in which the child ended into an exit status, so that a crash of the engine is told
 * plainly instead of taking the shell's word for it. A child that failed is started again if the job's restart strategy
 * says so (base/restart.h): it finds the last checkpoint and goes on from there. CTRL-C reaches both: the child stops the job,
 * behind a checkpoint if it makes any, the parent waits for it; a second one does not wait for the checkpoint. A SIGTERM to
 * the parent is passed on; a parent that dies takes the child with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "api/user_plan.h"
#include "base/check.h"
#include "base/timezone.h"
#include "core/engine.h"
#include "io/disk.h"
#include "server/cli.h"
#include "server/control.h"
#include "server/plugin.h"
#include "server/progress.h"
#include "base/restart.h"
#include "server/state_dir.h"
#include "server/tableau.h"
#include "sql/diag_code.h"
#include "sql/session.h"

#define SAME_SIGNAL_MS 300
#define TR_STOPPED (-1) /* as was asked by `tailrace stop`: the script goes no further, and all is well */

/* The engine that a signal stops. Written by the job's main thread, read by the signal handler of the same process. */
static _Atomic(struct tr_engine *) running_engine;
static volatile sig_atomic_t was_interrupted;
static volatile sig_atomic_t child_pid;
/* Shared by parent and child: how a failed job is started again. Written by the child, before has_run is set. */
static struct tr_restart_terms *restart_terms;

/* ---- reading and compiling ---- */

struct script {
	char *text;
	size_t length;
	struct tr_option collect[2];
	char max_width[16];
	char zone[PATH_MAX];
	char name[256];
};

static int read_script(const char *path, struct script *script)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(path, "rb");
	size_t room = TR_SCRIPT_BYTES_MAX + 2; /* one more than allowed, so that too much is noticed, and a NUL */

	if (file == NULL) {
		fprintf(stderr, "tailrace: %s: %s\n", path, strerror(errno));
		return errno == EACCES ? TR_ERR_PERMISSION : TR_ERR_NO_INPUT;
	}
	script->text = malloc(room);
	TR_ASSERT(script->text != NULL);
	script->length = fread(script->text, 1, room - 1, file);
	script->text[script->length] = '\0';
	if (ferror(file)) {
		fprintf(stderr, "tailrace: %s: %s\n", path, strerror(errno));
		if (!is_stdin)
			fclose(file);
		return TR_ERR_NO_INPUT;
	}
	if (!is_stdin)
		fclose(file);
	return 0;
}

/* "dir/flights.sql" -> "flights" */
static void default_job_name(const char *path, char *out, size_t room)
{
	const char *base = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
	size_t length = strlen(base);

	if (strcmp(path, "-") == 0) {
		snprintf(out, room, "stdin");
		return;
	}
	if (length > 4 && strcmp(base + length - 4, ".sql") == 0)
		length -= 4;
	else if (length > 3 && strcmp(base + length - 3, ".so") == 0)
		length -= 3;
	snprintf(out, room, "%.*s", (int)length, base);
}

/* $TZ, else what /etc/localtime points to, else UTC. */
static void machine_time_zone(char *out, size_t room)
{
	const char *tz = getenv("TZ"), *zoneinfo;
	char target[PATH_MAX];
	ssize_t length = readlink("/etc/localtime", target, sizeof(target) - 1);

	if (tz != NULL && tz[0] != '\0') {
		snprintf(out, room, "%s", tz[0] == ':' ? tz + 1 : tz);
		return;
	}
	target[length > 0 ? length : 0] = '\0';
	zoneinfo = strstr(target, "/zoneinfo/");
	snprintf(out, room, "%s", zoneinfo != NULL ? zoneinfo + strlen("/zoneinfo/") : "UTC");
}

static uint32_t core_count(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (uint32_t)CPU_COUNT(&set) : 1;
}

/* The zone of the file or the command line; SET in the script is checked where it stands. */
static int check_time_zone(const struct tr_cli *cli)
{
	const char *id = tr_config_text(&cli->config, "table.local-time-zone");
	struct tr_timezone *zone = NULL;
	struct tr_status st = {0};

	if (strcmp(id, "default") == 0 || tr_timezone_create(id, &zone, &st) == TR_OK) {
		tr_timezone_destroy(&zone);
		return 0;
	}
	fprintf(stderr, "tailrace: table.local-time-zone: %s\n", st.message);
	return TR_ERR_CONFIG;
}

static struct tr_session *compile(struct tr_cli *cli, struct script *script, struct tr_environment *env)
{
	struct tr_session_options options = {
		.file = strcmp(cli->argument, "-") == 0 ? "<stdin>" : cli->argument,
		.variables = cli->variables,
		.variable_count = cli->variable_count,
		.config = &cli->config,
		.core_count = core_count(),
		.machine_time_zone = script->zone,
		.job_name = script->name,
		.functions = &tr_user_functions,
		.job_id_seed = {tr_environment_random(env), tr_environment_random(env)},
		.collect = &tr_connector_collect,
		.collect_options = script->collect,
		.collect_option_count = 2,
	};
	struct tr_session *session;

	default_job_name(cli->argument, script->name, sizeof(script->name));
	machine_time_zone(script->zone, sizeof(script->zone));
	snprintf(script->max_width, sizeof(script->max_width), "%lld",
		 (long long)tr_config_integer(&cli->config, "table.display.max-column-width"));
	script->collect[0] = (struct tr_option){"style", cli->format != NULL ? cli->format : "tableau"};
	script->collect[1] = (struct tr_option){"max-width", script->max_width};
	session = tr_session_compile(&options, script->text, script->length);
	if (session->diags.count > 0)
		fputs(tr_diags_render(&session->diags, tr_cli_has_color(STDERR_FILENO), &session->arena), stderr);
	return session;
}

/* ---- running ---- */

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The first one stops, a later one cancels. A terminal and a parent tell the same thing twice, within a moment. */
static void on_signal(int number)
{
	static volatile int64_t first_ms;
	struct tr_engine *engine = atomic_load_explicit(&running_engine, memory_order_acquire);

	if (was_interrupted && monotonic_ms() - first_ms < SAME_SIGNAL_MS)
		return;
	if (!was_interrupted)
		first_ms = monotonic_ms();
	was_interrupted = 1;
	if (engine != NULL)
		tr_engine_stop(engine);
}

static void on_event(void *context, const char *text)
{
	fprintf(stderr, "tailrace: job '%s': %s\n", (const char *)context, text);
}

/* Whether the job makes checkpoints; says where. */
static bool choose_state_dir(struct tr_cli *cli, const struct tr_session *session, struct tr_plan *plan, uint32_t job)
{
	const char *directory;

	plan->scratch = getenv("TMPDIR");
	if (plan->is_batch) {
		if (plan->checkpoint.interval_ms != 0 || cli->state_dir != NULL)
			fprintf(stderr,
				"tailrace: job '%s': batch mode makes no checkpoints; a job that fails begins anew\n",
				plan->job_name);
		return false;
	}
	if (plan->checkpoint.interval_ms == 0 && cli->state_dir == NULL && cli->savepoint == NULL)
		return false;
	directory = tr_state_dir(cli, &session->config, plan->job_name);
	plan->checkpoint.directory = tr_arena_printf(&cli->arena, "%s/%u", directory, job);
	plan->checkpoint.restore_from = job == 1 ? cli->savepoint : NULL;
	plan->checkpoint.is_fresh = cli->is_fresh;
	plan->checkpoint.allows_non_restored = cli->allows_non_restored;
	return true;
}

static int start_restarts(const struct tr_session *session, bool has_checkpoints)
{
	struct tr_status st = {0};

	if (tr_restart_configure(&session->config, has_checkpoints, restart_terms, &st) != TR_OK) {
		fprintf(stderr, "tailrace: %s\n", st.message);
		return (int)st.code;
	}
	/* Release pairs with the parent's acquire, which comes after the child has ended anyway. */
	atomic_store_explicit(&restart_terms->has_run, true, memory_order_release);
	return 0;
}

/* A word as a shell takes it. */
static void print_word(const char *word)
{
	if (word[0] != '\0' && strcspn(word, " \t\n'\"$\\;&|<>*?()`#~!{}[]") == strlen(word)) {
		fprintf(stderr, " %s", word);
		return;
	}
	fputs(" '", stderr);
	for (; *word != '\0'; word++) {
		if (*word == '\'')
			fputs("'\\''", stderr);
		else
			fputc(*word, stderr);
	}
	fputc('\'', stderr);
}

/* "tailrace run .." as it was called, without what holds for the first run only. */
static void print_resume(const struct tr_cli *cli)
{
	fputs("  tailrace run", stderr);
	for (uint32_t i = 0; i < cli->rest_count; i++) {
		const char *word = cli->rest[i];

		if (strcmp(word, "--fresh") == 0 || strncmp(word, "--fromSavepoint=", 16) == 0)
			continue;
		if (strcmp(word, "-s") == 0 || strcmp(word, "--fromSavepoint") == 0) {
			i++;
			continue;
		}
		print_word(word);
	}
	fputs("\n", stderr);
}

/* Says how the job ended; returns the exit status. */
static int report_end(struct tr_cli *cli, struct tr_engine *engine, const struct tr_plan *plan, tr_code code,
		      const struct tr_status *st)
{
	const bool is_stopped = engine != NULL && tr_engine_outcome(engine) == TR_OUTCOME_STOPPED;
	struct tr_checkpoint_stats stats = {0};

	if (code != TR_OK && st->sys_errno == EPIPE)
		code = TR_ERR_CANCELLED; /* who read our output has had enough: `| head` */
	else if (code != TR_OK && code != TR_ERR_CANCELLED)
		fprintf(stderr, "tailrace: job '%s' failed: %s\n", plan->job_name, st->message);
	if (engine != NULL && !cli->is_quiet)
		tr_progress_summary(engine, plan->job_name,
				    is_stopped                 ? "stopped"
				    : code == TR_OK            ? "finished"
				    : code == TR_ERR_CANCELLED ? "cancelled"
							       : "failed");
	if (is_stopped && tr_engine_checkpoints(engine, &stats)) {
		fprintf(stderr, "tailrace: %s checkpoint %llu in %s%s\n",
			stats.is_final ? "came to its end, with all windows fired, with" : "stopped behind",
			(unsigned long long)stats.last, plan->checkpoint.directory,
			stats.is_final ? "" : "; to go on:");
		if (!stats.is_final)
			print_resume(cli);
		return was_interrupted ? (int)TR_ERR_CANCELLED : TR_STOPPED;
	}
	return (int)code;
}

static int run_job(struct tr_cli *cli, const struct tr_session *session, const struct tr_step *step,
		   struct tr_environment *env, uint32_t job)
{
	const bool has_checkpoints = choose_state_dir(cli, session, step->plan, job);
	struct tr_engine *engine = NULL;
	struct tr_control *control = NULL;
	struct tr_checkpoint_stats stats = {0};
	struct tr_progress *progress;
	struct tr_status st = {0};
	tr_code code;
	int status;

	if (step->plan->is_batch && cli->savepoint != NULL) {
		fprintf(stderr, "tailrace: job '%s': batch mode can't begin with a savepoint\n", step->plan->job_name);
		return (int)TR_ERR_USAGE;
	}
	code = tr_engine_create(step->plan, env, &engine, &st);
	if (code == TR_OK) {
		status = start_restarts(session, has_checkpoints);
		if (status != 0) {
			tr_engine_destroy(&engine);
			return status;
		}
		if (has_checkpoints)
			code = tr_control_start(tr_state_dir(cli, &session->config, step->plan->job_name), engine,
						step->plan->job_id, &control, &st);
	}
	if (code == TR_OK) {
		tr_engine_on_event(engine, on_event, (void *)(uintptr_t)step->plan->job_name);
		if (tr_engine_checkpoints(engine, &stats) && stats.removed_bytes != 0)
			fprintf(stderr,
				"tailrace: job '%s': --fresh has removed the checkpoints of an earlier run (%.1f mb in "
				"%s); what that run has written to its sinks stays\n",
				step->plan->job_name, (double)stats.removed_bytes / (1 << 20),
				step->plan->checkpoint.directory);
		if (stats.was_finished)
			fprintf(stderr,
				"tailrace: job '%s' has finished before, and all of its output is there; to run it "
				"again, say --fresh\n",
				step->plan->job_name);
		else if (stats.restored != 0)
			fprintf(stderr, "tailrace: job '%s' goes on from checkpoint %llu\n", step->plan->job_name,
				(unsigned long long)stats.restored);
		atomic_store_explicit(&running_engine, engine, memory_order_release); /* read by on_signal */
		if (was_interrupted)
			tr_engine_stop(engine);
		progress = tr_progress_start(engine, step->is_select ? "off" : cli->progress);
		code = tr_engine_run(engine, &st);
		tr_progress_stop(&progress);
		atomic_store_explicit(&running_engine, NULL, memory_order_release);
	}
	status = report_end(cli, engine, step->plan, code, &st);
	tr_control_stop(&control);
	tr_engine_destroy(&engine);
	return status;
}

static int run_steps(struct tr_cli *cli, const struct tr_session *session, struct tr_environment *env)
{
	uint32_t job = 0;

	for (uint32_t i = 0; i < session->step_count; i++) {
		const struct tr_step *step = &session->steps[i];
		int code;

		if (step->kind == TR_STEP_TEXT) {
			fputs(step->text, stdout);
			fflush(stdout);
			continue;
		}
		code = run_job(cli, session, step, env, ++job);
		if (code == TR_STOPPED)
			return 0;
		if (code != 0)
			return code;
	}
	return 0;
}

/* The graph that a plugin builds. NULL: told; *code is the exit status. */
static struct tr_env *build_plugin(struct tr_cli *cli, struct script *script, int *code)
{
	struct tr_env_options options = {
		.config = &cli->config,
		.job_name = script->name,
		.time_zone = script->zone,
		.core_count = core_count(),
	};
	struct tr_status st = {0};
	struct tr_env *env = NULL;

	default_job_name(cli->argument, script->name, sizeof(script->name));
	machine_time_zone(script->zone, sizeof(script->zone));
	*code = (int)tr_plugin_build(cli, &options, &env, &st);
	if (*code == 0)
		return env;
	for (uint32_t i = 0; env != NULL && tr_env_error(env, i) != NULL; i++)
		fprintf(stderr, "tailrace: %s\n", tr_env_error(env, i));
	if (env == NULL || tr_env_error(env, 0) == NULL)
		fprintf(stderr, "tailrace: %s\n", st.message);
	tr_env_destroy(&env);
	return NULL;
}

static int run_plugin(struct tr_cli *cli)
{
	struct script script = {0};
	int code = check_time_zone(cli);
	struct tr_env *env = code == 0 ? build_plugin(cli, &script, &code) : NULL;

	if (env != NULL) {
		const struct tr_step step = {.kind = TR_STEP_JOB, .plan = env->plan, .bound = env->bound};

		code = run_job(cli, env->session, &step, env->real, 1);
		code = code == TR_STOPPED ? 0 : code;
	}
	tr_env_destroy(&env);
	return code;
}

static int explain_plugin(struct tr_cli *cli)
{
	struct script script = {0};
	int code = check_time_zone(cli);
	struct tr_env *env = code == 0 ? build_plugin(cli, &script, &code) : NULL;

	if (env != NULL && cli->restore != NULL)
		code = tr_cli_compare_restore(cli, env->plan, env->real);
	else if (env != NULL)
		fputs(tr_env_explain(env, cli->is_json, NULL), stdout);
	tr_env_destroy(&env);
	return code;
}

/** Of the first job; NULL: there is none. */
static const struct tr_plan *first_plan(const struct tr_session *session)
{
	for (uint32_t i = 0; i < session->step_count; i++)
		if (session->steps[i].kind == TR_STEP_JOB)
			return session->steps[i].plan;
	return NULL;
}

static int run_text(struct tr_cli *cli)
{
	struct tr_environment *env = NULL;
	struct script script = {0};
	struct tr_session *session = NULL;
	struct tr_status st = {0};
	int code = check_time_zone(cli);

	if (code == 0)
		code = read_script(cli->argument, &script);
	if (code == 0 && tr_environment_real_create(&env, &st) != TR_OK) {
		fprintf(stderr, "tailrace: %s\n", st.message);
		code = (int)st.code;
	}
	if (code == 0) {
		session = compile(cli, &script, env);
		code = (int)tr_session_code(session);
		if (code == 0)
			code = run_steps(cli, session, env);
	}
	tr_session_destroy(&session);
	tr_environment_real_destroy(&env);
	free(script.text);
	return code;
}

/* What the child does. */
static int run_script(struct tr_cli *cli) { return tr_plugin_is(cli->argument) ? run_plugin(cli) : run_text(cli); }

static void handle(int number, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

	sigemptyset(&action.sa_mask);
	sigaction(number, &action, NULL);
}

static void pass_on(int number)
{
	was_interrupted = 1;
	if (child_pid > 0)
		kill((pid_t)child_pid, number == SIGHUP ? SIGTERM : number);
}

static int wait_for(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return TR_ERR_INTERNAL;
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	fprintf(stderr, "tailrace: the job's process was ended by signal %d (%s)\n", WTERMSIG(status),
		strsignal(WTERMSIG(status)));
	return TR_ERR_INTERNAL;
}

/* Forks the child and waits for it. */
static int run_child(struct tr_cli *cli)
{
	pid_t parent = getpid(), child;

	fflush(NULL);
	child = fork();
	if (child < 0) {
		fprintf(stderr, "tailrace: fork: %s\n", strerror(errno));
		return TR_ERR_UNAVAILABLE;
	}
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent)
			_exit(TR_ERR_CANCELLED);
		handle(SIGINT, on_signal);
		handle(SIGTERM, on_signal);
		handle(SIGHUP, SIG_DFL);
		handle(SIGPIPE, SIG_IGN);
		_exit(run_script(cli));
	}
	child_pid = child;
	if (was_interrupted) /* it came before there was anyone to pass it on to */
		kill(child, SIGTERM);
	return wait_for(child);
}

/* False: interrupted. */
static bool sleep_ms(int64_t ms)
{
	const int64_t until_ms = monotonic_ms() + ms;

	for (int64_t left; !was_interrupted && (left = until_ms - monotonic_ms()) > 0;)
		usleep((useconds_t)TR_MIN(left, 100) * 1000);
	return !was_interrupted;
}

int tr_cli_run(struct tr_cli *cli)
{
	struct tr_restart_state state = {0};
	unsigned short chance[3] = {(unsigned short)getpid(), (unsigned short)monotonic_ms(), 1};

	restart_terms = mmap(NULL, sizeof(*restart_terms), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	TR_ASSERT(restart_terms != MAP_FAILED);
	handle(SIGINT, pass_on);
	handle(SIGTERM, pass_on);
	handle(SIGHUP, pass_on);
	for (;;) {
		const int status = run_child(cli);
		int64_t delay_ms = -1;

		child_pid = 0;
		if (was_interrupted || !tr_restart_can_help(status) ||
		    !atomic_load_explicit(&restart_terms->has_run, memory_order_acquire))
			return status;
		delay_ms = tr_restart_after(restart_terms, &state, monotonic_ms(), erand48(chance));
		if (delay_ms < 0)
			return status;
		fprintf(stderr, "tailrace: starting the job again in %.1f s (failure %llu)\n", (double)delay_ms / 1000,
			(unsigned long long)state.failures);
		if (!sleep_ms(delay_ms))
			return TR_ERR_CANCELLED;
		cli->is_fresh = false;
	}
}

/* ---- explain and lint ---- */

/* As JSON: an array with an object for each job. */
static void print_plans(const struct tr_cli *cli, struct tr_session *session)
{
	const char *separator = "";

	fputs(cli->is_json ? "[" : "", stdout);
	for (uint32_t i = 0; i < session->step_count; i++) {
		if (cli->is_json && session->steps[i].kind != TR_STEP_JOB)
			continue;
		printf("%s%s", separator, tr_session_explain(session, &session->steps[i], cli->is_json));
		separator = cli->is_json ? "," : "\n";
	}
	fputs(cli->is_json ? "]\n" : "", stdout);
}

static int compile_only(struct tr_cli *cli, bool prints_plans)
{
	struct tr_environment *env = NULL;
	struct script script = {0};
	struct tr_session *session;
	struct tr_status st = {0};
	int code = check_time_zone(cli);

	if (code == 0)
		code = read_script(cli->argument, &script);
	if (code == 0 && tr_environment_real_create(&env, &st) != TR_OK)
		code = (int)st.code;
	if (code != 0) {
		free(script.text);
		return code;
	}
	session = compile(cli, &script, env);
	code = (int)tr_session_code(session);
	if (code == 0 && prints_plans && cli->restore != NULL) {
		code = tr_cli_compare_restore(cli, first_plan(session), env);
		prints_plans = false;
	}
	if (prints_plans && code == 0)
		print_plans(cli, session);
	if (!prints_plans && code == 0 && cli->restore == NULL)
		printf("%s: no errors, %u job%s\n", cli->argument, session->job_count_planned,
		       session->job_count_planned == 1 ? "" : "s");
	tr_session_destroy(&session);
	tr_environment_real_destroy(&env);
	free(script.text);
	return code;
}

int tr_cli_explain(struct tr_cli *cli)
{
	if (tr_diag_code_find(cli->argument) != NULL && access(cli->argument, F_OK) != 0)
		return tr_cli_errors(cli);
	return tr_plugin_is(cli->argument) ? explain_plugin(cli) : compile_only(cli, true);
}

int tr_cli_lint(struct tr_cli *cli) { return compile_only(cli, false); }
