/* SPDX-License-Identifier: Apache-2.0
 *
 * savepoint, stop: verbs that speak to a running job (server/control.h).
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "server/cli.h"
#include "server/control.h"
#include "server/state_dir.h"

/* The job's working directory may be another one. Without DIR: savepoint-<time> beside the job's checkpoints. */
static const char *target_of(struct tr_cli *cli, const char *state_dir)
{
	char here[PATH_MAX], stamp[32];
	const char *wanted = cli->second;
	const time_t now = time(NULL);
	struct tm utc;

	if (wanted == NULL) {
		gmtime_r(&now, &utc);
		strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &utc);
		wanted = tr_arena_printf(&cli->arena, "%s/savepoint-%s", state_dir, stamp);
	}
	if (wanted[0] == '/' || getcwd(here, sizeof(here)) == NULL)
		return wanted;
	return tr_arena_printf(&cli->arena, "%s/%s", here, wanted);
}

static int ask_savepoint(struct tr_cli *cli, const char *mode, const char *done)
{
	const char *state_dir = tr_state_dir_find(cli, cli->argument);
	const char *target = target_of(cli, state_dir);
	struct tr_status st = {0};
	char *answer = NULL;

	if (strchr(target, '\t') != NULL || strchr(target, '\n') != NULL) {
		fprintf(stderr, "tailrace: a savepoint's path can't have tabs or line ends\n");
		return TR_ERR_USAGE;
	}
	if (tr_control_ask(state_dir, tr_arena_printf(&cli->arena, "savepoint\t%s\t%s", target, mode), &answer, &st) !=
	    TR_OK) {
		fprintf(stderr, "tailrace: %s: %s\n", cli->argument, st.message);
		if (st.code == TR_ERR_UNAVAILABLE && cli->state_dir == NULL)
			fprintf(stderr, "if its script or its command line names another place, say so here, too: "
					"-D execution.checkpointing.dir=DIR, or --state-dir DIR\n");
		return (int)st.code;
	}
	printf("%s (checkpoint %s) in %s\n", done, answer, target);
	free(answer);
	return 0;
}

/* `savepoint inspect DIR` and `savepoint verify DIR`; a job of such a name is reached by its id. */
int tr_cli_savepoint(struct tr_cli *cli)
{
	const bool is_inspect = strcmp(cli->argument, "inspect") == 0;

	if (!is_inspect && strcmp(cli->argument, "verify") != 0)
		return ask_savepoint(cli, "none", "savepoint");
	if (cli->second == NULL) {
		fprintf(stderr,
			"tailrace savepoint %s needs a directory or a job, for example:\n  tailrace savepoint %s "
			"/data/savepoints/1\n",
			cli->argument, cli->argument);
		return TR_ERR_USAGE;
	}
	return is_inspect ? tr_cli_savepoint_inspect(cli) : tr_cli_savepoint_verify(cli);
}

int tr_cli_stop(struct tr_cli *cli)
{
	return ask_savepoint(cli, cli->drains ? "drain" : "suspend", "stopped; savepoint");
}
