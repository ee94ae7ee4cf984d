/* SPDX-License-Identifier: Apache-2.0
 *
 * See cli.h. Parsing is getopt-like but by our own table, for the sake of its errors: an unknown option or verb names the
 * nearest one. Options may stand before or after the argument; `--key=value` and `--key value` are the same.
 */
#include "server/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/suggest.h"
#include "server/config_file.h"

enum option_id {
	OPT_DEFINE,
	OPT_CONFIG,
	OPT_PARALLELISM,
	OPT_VARIABLE,
	OPT_FORMAT,
	OPT_PROGRESS,
	OPT_QUIET,
	OPT_STATE_DIR,
	OPT_SAVEPOINT,
	OPT_FRESH,
	OPT_RESTORE,
	OPT_OPERATOR,
	OPT_KEY,
	OPT_RATE,
	OPT_NON_RESTORED,
	OPT_DRAIN,
	OPT_FRAMES,
	OPT_JSON,
	OPT_HELP
};

struct option {
	enum option_id id;
	char letter;
	const char *name;
	const char *value; /* what it takes, for the help; NULL: nothing */
	const char *verbs; /* that take it */
	const char *doc;
};

#define COMPILING "run explain lint"
#define CONFIGURED COMPILING " savepoint stop inspect config"

static const struct option options[] = {
	{OPT_PARALLELISM, 'p', "parallelism", "N", COMPILING, "subtasks per stage; by default the number of cores"},
	{OPT_DEFINE, 'D', "define", "KEY=VALUE", CONFIGURED, "sets a configuration key (`tailrace config` lists them)"},
	{OPT_CONFIG, 'c', "config", "FILE", CONFIGURED, "reads a YAML configuration"},
	{OPT_VARIABLE, 'v', "variable", "NAME=VALUE", COMPILING, "fills ${NAME} in the script"},
	{OPT_FORMAT, 0, "format", "tableau|table|csv|json", COMPILING, "how a bare SELECT prints its rows"},
	{OPT_PROGRESS, 0, "progress", "auto|plain|off", "run", "progress line: on a terminal, as lines, or none"},
	{OPT_QUIET, 'q', "quiet", NULL, "run", "no summary at the end"},
	{OPT_STATE_DIR, 0, "state-dir", "DIR", "run savepoint stop",
	 "where the job keeps its checkpoints; by default .tailrace/JOB"},
	{OPT_SAVEPOINT, 's', "fromSavepoint", "DIR", "run", "begins with the state of a savepoint"},
	{OPT_NON_RESTORED, 'n', "allowNonRestoredState", NULL, "run explain",
	 "leaves out state that the script does not want"},
	{OPT_FRESH, 0, "fresh", NULL, "run", "begins anew; checkpoints of an earlier run are removed, its output stays"},
	{OPT_DRAIN, 'd', "drain", NULL, "stop", "fires all windows first, as at the end of the input"},
	{OPT_FRAMES, 0, "frames", NULL, "inspect", "each frame, too"},
	{OPT_JSON, 0, "json", NULL, "explain inspect savepoint functions errors", "as JSON (savepoint: of inspect)"},
	{OPT_RESTORE, 0, "restore", "DIR", "explain", "what of a savepoint's state the script would take"},
	{OPT_OPERATOR, 0, "operator", "UID", "savepoint", "inspect: prints the entries of this operator"},
	{OPT_KEY, 0, "key", "TEXT", "savepoint", "inspect: prints the entries of this key, as in \"apple, 17\""},
	{OPT_RATE, 0, "rate", "MB", "savepoint", "verify: reads so many megabytes a second; beside a running job, too"},
	{OPT_HELP, 'h', "help", NULL, NULL, "this help"},
};

struct verb {
	const char *name;
	const char *argument; /* for the help */
	bool needs_argument;
	bool takes_second;
	bool takes_rest;
	int (*run)(struct tr_cli *cli);
	const char *doc;
	const char *example;
};

static const struct verb verbs[] = {
	{"run", "SCRIPT", true, false, false, tr_cli_run, "runs a Flink SQL script ('-' reads it from stdin)",
	 "tailrace run job.sql --parallelism 4 -D pipeline.name=flights -v DIR=/data"},
	{"explain", "SCRIPT", true, false, false, tr_cli_explain,
	 "prints what would run, or tells about an error, as in `tailrace explain E0202`", "tailrace explain job.sql"},
	{"lint", "SCRIPT", true, false, false, tr_cli_lint, "finds the errors of a script without running it",
	 "tailrace lint job.sql"},
	{"savepoint", "JOB [DIR]", true, true, false, tr_cli_savepoint,
	 "has a running job write a savepoint (JOB: name or id); `savepoint inspect DIR` shows one, `savepoint verify "
	 "DIR` "
	 "checks it",
	 "tailrace savepoint flights /data/savepoints/1"},
	{"stop", "JOB [DIR]", true, true, false, tr_cli_stop, "stops a running job behind a savepoint",
	 "tailrace stop flights --drain"},
	{"inspect", "DIR", true, false, false, tr_cli_inspect,
	 "shows and checks a directory of checkpoints or a savepoint", "tailrace inspect .tailrace/flights/1 --frames"},
	{"functions", "[NAME]", false, false, false, tr_cli_functions, "lists the functions, or tells about one",
	 "tailrace functions SUBSTRING"},
	{"errors", "[CODE]", false, false, false, tr_cli_errors, "lists the codes of errors, or tells about one",
	 "tailrace errors E0202"},
	{"connectors", "[NAME]", false, false, false, tr_cli_connectors,
	 "lists connectors and formats, or one with its options", "tailrace connectors filesystem"},
	{"config", "[KEY]", false, false, false, tr_cli_config, "lists the configuration keys", "tailrace config"},
	{"bench", "[ARGUMENTS]", false, false, true, tr_cli_bench, "runs the bundled benchmarks",
	 "tailrace bench --list"},
	{"version", "", false, false, false, tr_cli_version, "prints the version and what this machine offers",
	 "tailrace version"},
};

bool tr_cli_has_color(int fd)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fd) && (no_color == NULL || no_color[0] == '\0') && (term == NULL || strcmp(term, "dumb") != 0);
}

static void print_help(FILE *out)
{
	fprintf(out, "tailrace: Flink SQL on one machine\n\n"
		     "  tailrace run job.sql                 run a script\n"
		     "  echo \"SELECT 1\" | tailrace run -     run what stdin says\n\nVerbs\n");
	for (size_t i = 0; i < TR_COUNT_OF(verbs); i++)
		fprintf(out, "  %-11s %-12s %s\n", verbs[i].name, verbs[i].argument, verbs[i].doc);
	fprintf(out,
		"\n`tailrace VERB --help` tells more. Exit status: 0 finished, 1 the job failed, 64 usage, 65 SQL or\n"
		"data, 66 no input, 69 unavailable, 70 internal, 71 memory limit, 73 can't create, 74 I/O, 77 "
		"permission,\n"
		"78 configuration, 130 cancelled.\n");
}

/* Whether `name` is one of the words of the list. */
static bool is_word_of(const char *name, const char *words)
{
	const size_t length = strlen(name);

	for (const char *at = strstr(words, name); at != NULL; at = strstr(at + 1, name))
		if ((at == words || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
			return true;
	return false;
}

static bool takes(const struct verb *verb, const struct option *option)
{
	return option->verbs == NULL || is_word_of(verb->name, option->verbs);
}

static void print_verb_help(const struct verb *verb)
{
	printf("tailrace %s %s: %s\n\n  %s\n", verb->name, verb->argument, verb->doc, verb->example);
	if (verb->takes_rest)
		return;
	printf("\nOptions\n");
	for (size_t i = 0; i < TR_COUNT_OF(options); i++) {
		char left[64];

		if (!takes(verb, &options[i]))
			continue;
		snprintf(left, sizeof(left), "%c%c%s--%s %s", options[i].letter != 0 ? '-' : ' ',
			 options[i].letter != 0 ? options[i].letter : ' ', options[i].letter != 0 ? ", " : "  ",
			 options[i].name, options[i].value != NULL ? options[i].value : "");
		printf("  %-36s %s\n", left, options[i].doc);
	}
}

static const struct verb *find_verb(const char *name)
{
	const char *names[TR_COUNT_OF(verbs)];
	const char *nearest;

	for (size_t i = 0; i < TR_COUNT_OF(verbs); i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
		names[i] = verbs[i].name;
	}
	nearest = tr_suggest_nearest(name, names, TR_COUNT_OF(verbs));
	fprintf(stderr, "tailrace: no verb '%s'", name);
	if (nearest != NULL)
		fprintf(stderr, "; did you mean '%s'?", nearest);
	fprintf(stderr, "\n`tailrace --help` lists them.\n");
	return NULL;
}

/* The option that `text` ("--name", "--name=value", "-x", "-xVALUE") names; *value is what stands behind it, or NULL. */
static const struct option *find_option(const char *text, const char **value)
{
	const char *names[TR_COUNT_OF(options)];
	const char *equal = strchr(text, '=');
	char name[64];
	const char *nearest;

	*value = NULL;
	for (size_t i = 0; i < TR_COUNT_OF(options); i++) {
		const struct option *option = &options[i];

		names[i] = option->name;
		if (text[1] != '-' && option->letter != 0 && text[1] == option->letter) {
			*value = text[2] != '\0' ? text + 2 : NULL;
			return option;
		}
	}
	snprintf(name, sizeof(name), "%.*s", (int)(equal != NULL ? equal - text : (long)strlen(text)), text);
	for (size_t i = 0; text[1] == '-' && i < TR_COUNT_OF(options); i++) {
		if (strcmp(name + 2, options[i].name) == 0) {
			*value = equal != NULL ? equal + 1 : NULL;
			return &options[i];
		}
	}
	nearest = text[1] == '-' ? tr_suggest_nearest(name + 2, names, TR_COUNT_OF(options)) : NULL;
	fprintf(stderr, "tailrace: no option '%s'", name);
	if (nearest != NULL)
		fprintf(stderr, "; did you mean '--%s'?", nearest);
	fprintf(stderr, "\n");
	return NULL;
}

/* Splits KEY=VALUE; NULL and a message if there is no '='. */
static const char *split_pair(struct tr_cli *cli, const struct option *option, const char *value, const char **key)
{
	const char *equal = strchr(value, '=');

	if (equal == NULL || equal == value) {
		fprintf(stderr, "tailrace: --%s takes %s, not '%s'\n", option->name, option->value, value);
		return NULL;
	}
	*key = tr_arena_strndup(&cli->arena, value, (size_t)(equal - value));
	return equal + 1;
}

static int report(const struct tr_status *st)
{
	fprintf(stderr, "tailrace: %s\n", st->message);
	return (int)st->code;
}

static int apply_option(struct tr_cli *cli, const struct option *option, const char *value)
{
	struct tr_status st = {0};
	const char *key = NULL;
	char *end;

	switch (option->id) {
	case OPT_PARALLELISM:
		if (tr_config_set(&cli->config, "parallelism.default", value, TR_ORIGIN_COMMAND, NULL, &st) != TR_OK) {
			fprintf(stderr, "tailrace: --parallelism: %s\n", st.message);
			return TR_ERR_USAGE;
		}
		return 0;
	case OPT_DEFINE:
		value = split_pair(cli, option, value, &key);
		if (value == NULL)
			return TR_ERR_USAGE;
		return tr_config_set(&cli->config, key, value, TR_ORIGIN_COMMAND, NULL, &st) == TR_OK ? 0 : report(&st);
	case OPT_VARIABLE:
		value = split_pair(cli, option, value, &key);
		if (value == NULL)
			return TR_ERR_USAGE;
		if (cli->variable_count == TR_CLI_REPEATS_MAX) {
			fprintf(stderr, "tailrace: more than %d variables\n", TR_CLI_REPEATS_MAX);
			return TR_ERR_USAGE;
		}
		cli->variables[cli->variable_count++] = (struct tr_variable){.name = key, .value = value};
		return 0;
	case OPT_CONFIG: cli->config_file = value; return 0;
	case OPT_FORMAT:
	case OPT_PROGRESS:
		if (strstr(option->value, value) == NULL || value[0] == '\0' || strchr(value, '|') != NULL) {
			fprintf(stderr, "tailrace: --%s takes %s, not '%s'\n", option->name, option->value, value);
			return TR_ERR_USAGE;
		}
		*(option->id == OPT_FORMAT ? &cli->format : &cli->progress) = value;
		return 0;
	case OPT_QUIET: cli->is_quiet = true; return 0;
	case OPT_STATE_DIR: cli->state_dir = value; return 0;
	case OPT_SAVEPOINT: cli->savepoint = value; return 0;
	case OPT_FRESH: cli->is_fresh = true; return 0;
	case OPT_NON_RESTORED: cli->allows_non_restored = true; return 0;
	case OPT_RESTORE: cli->restore = value; return 0;
	case OPT_OPERATOR: cli->operator_uid = value; return 0;
	case OPT_KEY: cli->key = value; return 0;
	case OPT_RATE:
		cli->rate_mb = strtoll(value, &end, 10);
		if (end == value || *end != '\0' || cli->rate_mb <= 0 || cli->rate_mb > 1000000) {
			fprintf(stderr, "tailrace: --rate takes a number of megabytes a second, not '%s'\n", value);
			return TR_ERR_USAGE;
		}
		return 0;
	case OPT_DRAIN: cli->drains = true; return 0;
	case OPT_FRAMES: cli->has_frames = true; return 0;
	case OPT_JSON: cli->is_json = true; return 0;
	case OPT_HELP: return 0;
	}
	TR_UNREACHABLE();
}

/* -1: go on; else the exit status. */
static int parse(struct tr_cli *cli, const struct verb *verb, int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		const struct option *option;
		const char *value;
		int code;

		if (argv[i][0] != '-' || argv[i][1] == '\0') {
			if (cli->argument == NULL) {
				cli->argument = argv[i];
			} else if (verb->takes_second && cli->second == NULL) {
				cli->second = argv[i];
			} else {
				fprintf(stderr, "tailrace %s: %s enough: '%s'\n", verb->name,
					verb->takes_second ? "two arguments are" : "one argument is", argv[i]);
				return TR_ERR_USAGE;
			}
			continue;
		}
		option = find_option(argv[i], &value);
		if (option == NULL)
			return TR_ERR_USAGE;
		if (!takes(verb, option)) {
			fprintf(stderr, "tailrace %s does not take --%s; it is for: %s\n", verb->name, option->name,
				option->verbs);
			return TR_ERR_USAGE;
		}
		if (option->id == OPT_HELP) {
			print_verb_help(verb);
			return 0;
		}
		if (option->value != NULL && value == NULL)
			value = i + 1 < argc ? argv[++i] : NULL;
		if (option->value != NULL && value == NULL) {
			fprintf(stderr, "tailrace: --%s needs %s\n", option->name, option->value);
			return TR_ERR_USAGE;
		}
		code = apply_option(cli, option, value);
		if (code != 0)
			return code;
	}
	if (verb->needs_argument && cli->argument == NULL) {
		fprintf(stderr, "tailrace %s needs %s, for example:\n  %s\n", verb->name, verb->argument, verb->example);
		return TR_ERR_USAGE;
	}
	return -1;
}

int tr_cli_main(int argc, char **argv)
{
	struct tr_cli cli = {.progress = "auto"};
	const struct verb *verb;
	struct tr_status st = {0};
	int code;

	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		print_help(argc < 2 ? stderr : stdout);
		return argc < 2 ? TR_ERR_USAGE : 0;
	}
	verb = find_verb(strcmp(argv[1], "--version") == 0 ? "version" : argv[1]);
	if (verb == NULL)
		return TR_ERR_USAGE;
	tr_arena_init(&cli.arena, 0);
	tr_config_init(&cli.config, &cli.arena);
	cli.verb = verb->name;
	cli.rest = argv + 2;
	cli.rest_count = (uint32_t)argc - 2;
	code = verb->takes_rest ? -1 : parse(&cli, verb, argc, argv);
	if (code < 0 && cli.config_file != NULL && tr_config_file_read(&cli.config, cli.config_file, &st) != TR_OK)
		code = report(&st);
	if (code < 0)
		code = verb->run(&cli);
	tr_arena_deinit(&cli.arena);
	return code;
}
