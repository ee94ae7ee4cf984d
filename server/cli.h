/* SPDX-License-Identifier: Apache-2.0
 *
 * Command line: verbs, their options, their help. One table per verb feeds parsing, help and suggestions.
 *
 * Results go to stdout, logs and errors to stderr, progress to the terminal only. Exit statuses are those of
 * include/tailrace/status.h.
 */
#ifndef TR_SERVER_CLI_H
#define TR_SERVER_CLI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/config.h"
#include "sql/script_text.h"
#include "tailrace/status.h"

#define TR_CLI_REPEATS_MAX 256

/** What the command line said, after parsing. Texts are argv's. */
struct tr_cli {
	struct tr_arena arena;
	const char *verb;
	const char *argument; /* the script, the connector's name ...; NULL: none */
	const char *second;   /* the second argument; NULL: none */
	const char *config_file;
	const char *format;       /* --format of a bare SELECT; NULL: tableau */
	const char *progress;     /* auto, tty, plain, off */
	bool is_quiet;            /* no summary */
	const char *state_dir;    /* --state-dir; NULL: server/state_dir.h decides */
	const char *savepoint;    /* -s; NULL: none */
	const char *restore;      /* explain --restore; NULL: none */
	const char *operator_uid; /* savepoint inspect */
	const char *key;
	int64_t rate_mb; /* savepoint verify; 0: as fast as it goes */
	bool is_fresh;
	bool allows_non_restored;
	bool drains;
	bool has_frames; /* inspect */
	bool is_json;
	struct tr_variable variables[TR_CLI_REPEATS_MAX];
	uint32_t variable_count;
	struct tr_config config; /* file and -D */
	char *const *rest;       /* arguments after those known: for `bench` */
	uint32_t rest_count;
};

/** The program: parses, dispatches, returns the exit status. */
int tr_cli_main(int argc, char **argv);

/** Whether to write colours to this file descriptor: a terminal, NO_COLOR unset, TERM not dumb. */
bool tr_cli_has_color(int fd);

struct tr_plan;
struct tr_environment;

/** explain --restore: what of the savepoint's state the script's first job would take. An exit status. */
int tr_cli_compare_restore(struct tr_cli *cli, const struct tr_plan *plan,
			   struct tr_environment *env); /* server/restore_view.c */

/** A JSON string to stdout. */
void tr_cli_print_json_text(const char *text); /* server/inspect.c */

/** Verbs; each returns an exit status. */
int tr_cli_run(struct tr_cli *cli); /* server/run.c */
int tr_cli_explain(struct tr_cli *cli);
int tr_cli_lint(struct tr_cli *cli);
int tr_cli_savepoint(struct tr_cli *cli); /* server/jobs.c */
int tr_cli_stop(struct tr_cli *cli);
int tr_cli_savepoint_inspect(struct tr_cli *cli); /* server/savepoint_view.c; DIR is the second argument */
int tr_cli_savepoint_verify(struct tr_cli *cli);
int tr_cli_inspect(struct tr_cli *cli);   /* server/inspect.c */
int tr_cli_functions(struct tr_cli *cli); /* server/manual.c */
int tr_cli_errors(struct tr_cli *cli);
int tr_cli_connectors(struct tr_cli *cli);
int tr_cli_config(struct tr_cli *cli);
int tr_cli_version(struct tr_cli *cli);
int tr_cli_bench(struct tr_cli *cli);

#endif
