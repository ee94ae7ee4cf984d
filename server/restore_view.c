/* SPDX-License-Identifier: Apache-2.0
 *
 * `tailrace explain --restore DIR SCRIPT`: what `run -s DIR SCRIPT` would do with the state, operator by operator, without running
 * anything or taking the directory's lock.
 */
#include <stdio.h>

#include "core/coordinator.h"
#include "server/cli.h"
#include "server/state_dir.h"

/** True: a run would refuse it. */
static bool print_match(const struct tr_restore_match *match, bool allows_non_restored)
{
	switch (match->verdict) {
	case TR_RESTORE_KEPT: printf("  kept          %s\n", match->uid); return false;
	case TR_RESTORE_NEW: printf("  new           %s: begins empty\n", match->uid); return false;
	case TR_RESTORE_DROPPED:
		printf("  dropped       %s: the script has no such operator%s\n", match->uid,
		       allows_non_restored ? "" : "; needs --allowNonRestoredState");
		return !allows_non_restored;
	case TR_RESTORE_INCOMPATIBLE:
		printf("  incompatible  %s\n    saved:  %s\n    script: %s\n", match->uid, match->saved, match->script);
		return true;
	}
	TR_UNREACHABLE();
}

static tr_code compare(struct tr_cli *cli, const struct tr_plan *plan, struct tr_disk *disk, struct tr_io_queue *io,
		       bool *is_refused, struct tr_status *st)
{
	const struct tr_log_options options = {.disk = disk, .io = io, .directory = cli->restore, .is_read_only = true};
	const struct tr_restore_match *matches;
	struct tr_log_report report;
	struct tr_log *log = NULL;
	uint32_t count;

	TR_TRY(tr_log_open(&options, &log, &report, st));
	if (tr_log_checkpoint_count(log) == 0) {
		tr_log_close(&log);
		TR_FAIL(st, TR_ERR_DATA, "%s holds no savepoint", cli->restore);
	}
	printf("%s: checkpoint %llu; `run` with it:\n", cli->restore,
	       (unsigned long long)tr_log_checkpoint(log, 0)->number);
	tr_restore_compare(&cli->arena, plan, tr_log_checkpoint(log, 0), &matches, &count);
	for (uint32_t i = 0; i < count; i++)
		*is_refused |= print_match(&matches[i], cli->allows_non_restored);
	printf("%s\n", *is_refused ? "it would be refused" : "it would go on from there");
	tr_log_close(&log);
	return TR_OK;
}

int tr_cli_compare_restore(struct tr_cli *cli, const struct tr_plan *plan, struct tr_environment *env)
{
	struct tr_io_queue *io = NULL;
	bool is_refused = false;
	struct tr_status st = {0};
	tr_code code;

	if (plan == NULL) {
		fprintf(stderr, "tailrace: %s has no job\n", cli->argument);
		return TR_ERR_DATA;
	}
	code = env->disk->ops->queue_create(env->disk, 16, &io, &st);
	if (code == TR_OK) {
		code = compare(cli, plan, env->disk, io, &is_refused, &st);
		env->disk->ops->queue_destroy(env->disk, &io);
	}
	if (code != TR_OK) {
		fprintf(stderr, "tailrace: %s\n", st.message);
		return (int)code;
	}
	return is_refused ? TR_ERR_DATA : 0;
}
