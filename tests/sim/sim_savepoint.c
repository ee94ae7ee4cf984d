/* SPDX-License-Identifier: Apache-2.0
 *
 * Savepoints and stops in a story: see sim_story.h.
 *
 * Each savepoint has a directory of its own under /state, where damage may fall on it too. When the answer comes that it is
 * there, its files must be durable, and which files are published at this moment is noted: a job that begins with it owes the
 * rest.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "io/memory.h"
#include "sim/sim_story.h"

#define MOVES_MAX 3

/* ---- files ---- */

static void ask_durable(void *context, const char *path, struct tr_sim_inode *inode)
{
	struct tr_sim_teller *t = context;
	const char *name = strrchr(path, '/') + 1;

	if ((strncmp(name, "root-", 5) == 0 || strncmp(name, "segment-", 8) == 0) &&
	    !tr_sim_volume_is_durable(&t->disk.volume, path))
		(void)tr_sim_broken(t, "I6: a savepoint was said to be there, but %s would not survive a power cut",
				    path);
}

struct paths {
	char **items;
	uint32_t count;
	bool is_visible_only; /* without pending files */
};

static void note_path(void *context, const char *path, struct tr_sim_inode *inode)
{
	struct paths *paths = context;

	if (paths->is_visible_only && strrchr(path, '/')[1] == '.')
		return;
	paths->items = tr_io_realloc(paths->items, (paths->count + 1) * sizeof(*paths->items));
	paths->items[paths->count++] = tr_io_strdup(path);
}

static struct paths paths_below(const struct tr_sim_disk *disk, const char *directory, bool is_visible_only)
{
	struct paths paths = {.is_visible_only = is_visible_only};

	tr_sim_volume_visit(&disk->volume, directory, note_path, &paths);
	return paths;
}

static void paths_deinit(struct paths *paths)
{
	for (uint32_t i = 0; i < paths->count; i++)
		free(paths->items[i]);
	free(paths->items);
	*paths = (struct paths){.count = 0};
}

static bool has_path(const struct paths *paths, const char *path)
{
	for (uint32_t i = 0; i < paths->count; i++)
		if (strcmp(paths->items[i], path) == 0)
			return true;
	return false;
}

/** Removes all files of a directory but those. */
static void keep_only(struct tr_sim_disk *disk, const char *directory, const struct paths *kept)
{
	struct paths paths = paths_below(disk, directory, false);

	for (uint32_t i = 0; i < paths.count; i++)
		if (!has_path(kept, paths.items[i]))
			TR_ASSERT(tr_sim_volume_unlink(&disk->volume, paths.items[i], false) == 0);
	paths_deinit(&paths);
	tr_sim_volume_settle(&disk->volume);
}

void tr_sim_savepoint_forget(struct tr_sim_savepoint *savepoint)
{
	struct paths paths = {savepoint->files, savepoint->file_count, true};

	paths_deinit(&paths);
	*savepoint = (struct tr_sim_savepoint){.is_there = false};
}

/* ---- asking ---- */

/** The answer is there: the savepoint is, too. */
static void on_savepoint(void *context, uint64_t checkpoint)
{
	struct tr_sim_teller *t = context;
	struct tr_sim_savepoint *savepoint = &t->savepoint;
	struct paths files = paths_below(&t->disk, "/out", true);

	tr_sim_savepoint_forget(savepoint);
	*savepoint = (struct tr_sim_savepoint){.is_there = true,
					       .checkpoint = checkpoint,
					       .stop = t->shape.ask.stop,
					       .files = files.items,
					       .file_count = files.count};
	snprintf(savepoint->directory, sizeof(savepoint->directory), "%s", t->shape.ask.directory);
	tr_sim_volume_visit(&t->disk.volume, savepoint->directory, ask_durable, t);
	t->result->savepoints++;
}

void tr_sim_savepoint_choose(struct tr_sim_teller *t, bool is_last)
{
	struct tr_sim_ask *ask = &t->shape.ask;

	*ask = (struct tr_sim_ask){.is_wanted = false};
	t->shape.on_savepoint = on_savepoint;
	t->shape.context = t;
	if (!t->has_checkpoints || !tr_sim_chance(&t->random, t->swarm.ask_permille))
		return;
	ask->is_wanted = true;
	ask->after_checkpoints = tr_sim_below(&t->random, 4);
	ask->after_steps = tr_sim_below(&t->random, TR_SIM_PICK(&t->random, 3, 30, 300));
	if (tr_sim_chance(&t->random, 600)) { /* else it seldom comes to an answer */
		t->disk.die_at_call = 0;
		t->shape.die_after_checkpoints = 0;
	}
	ask->stop = is_last ? TR_STOP_NONE
			    : (enum tr_stop_mode)TR_SIM_PICK(&t->random, TR_STOP_NONE, TR_STOP_SUSPEND, TR_STOP_SUSPEND,
							     TR_STOP_SUSPEND, TR_STOP_DRAIN);
	if (t->job.is_never_drained && t->shape.ask.stop == TR_STOP_DRAIN)
		t->shape.ask.stop = TR_STOP_SUSPEND;
	ask->is_signal = ask->stop == TR_STOP_SUSPEND && tr_sim_chance(&t->random, 300);
	if (!ask->is_signal && tr_sim_chance(&t->random, 900))
		snprintf(ask->directory, sizeof(ask->directory), TR_SIM_STATE_FOLDER "/save-%u", ++t->ask_count);
}

bool tr_sim_savepoint_judge(struct tr_sim_teller *t, const struct tr_sim_run *run, bool may_fail)
{
	const struct tr_sim_ask *ask = &t->shape.ask;

	if (t->result->is_broken) /* found when the answer came */
		return false;
	if (run->outcome == TR_SIM_STOPPED) {
		t->result->stops++;
		if (!run->is_asked || ask->stop != TR_STOP_SUSPEND)
			return tr_sim_broken(t, "the job has stopped, but nobody asked for it");
	}
	if (run->answer.code == TR_OK || run->answer.code == TR_ERR_UNAVAILABLE || may_fail ||
	    run->outcome == TR_SIM_DIED)
		return true;
	return tr_sim_broken(t, "a savepoint was refused, but no fault was injected: %s", run->answer.message);
}

void tr_sim_savepoint_move(struct tr_sim_teller *t)
{
	if (!t->savepoint.is_there || t->savepoint.stop != TR_STOP_SUSPEND || t->move_count == MOVES_MAX ||
	    strcmp(t->savepoint.directory, t->shape.ask.directory) != 0 || !tr_sim_chance(&t->random, 500))
		return;
	snprintf(t->state_directory, sizeof(t->state_directory), TR_SIM_STATE_FOLDER "/job-%u", ++t->move_count);
	snprintf(t->restore_from, sizeof(t->restore_from), "%s", t->savepoint.directory);
	t->shape.restore_from = t->restore_from;
}

/* ---- the branch ---- */

bool tr_sim_savepoint_branch(struct tr_sim_teller *t)
{
	const bool is_damaged = t->disk.damage_count > 0;
	const struct tr_sim_savepoint *savepoint = &t->savepoint;
	const struct paths files = {savepoint->files, savepoint->file_count, true};
	struct paths own;
	struct tr_sim_run run;

	if (!savepoint->is_there || savepoint->stop == TR_STOP_DRAIN)
		return true;
	own = paths_below(&t->disk, savepoint->directory, false);
	keep_only(&t->disk, TR_SIM_STATE_FOLDER, &own);
	keep_only(&t->disk, "/out", &files);
	paths_deinit(&own);
	t->was_drain_asked = false; /* that was later */
	tr_sim_swarm_arm(&t->swarm, &t->disk, true, &t->random);
	t->shape.ask = (struct tr_sim_ask){.is_wanted = false};
	t->shape.die_after_checkpoints = 0;
	t->shape.checkpoint_timeout_ms = 0;
	t->shape.parallelism = 1 + tr_sim_below(&t->random, 8);
	t->shape.state_directory = TR_SIM_STATE_FOLDER "/branch";
	t->shape.restore_from = savepoint->directory;
	tr_sim_trace_add(&t->env, "BRANCH", savepoint->directory, (int64_t)savepoint->checkpoint, 0);
	tr_sim_run(&run, &t->job, &t->shape, &t->env, &t->random);
	t->result->steps += run.steps;
	t->result->branches++;
	if (run.outcome == TR_SIM_FAILED && is_damaged)
		return true;
	if (run.outcome != TR_SIM_DONE)
		return tr_sim_broken(t, "I9: a job that begins with %s (checkpoint %" PRIu64 ") does not end: %s",
				     savepoint->directory, savepoint->checkpoint, run.message);
	if (run.restored != savepoint->checkpoint)
		return tr_sim_broken(t, "I9: %s should hold checkpoint %" PRIu64 ", but %" PRIu64 " was restored",
				     savepoint->directory, savepoint->checkpoint, run.restored);
	return tr_sim_check_rows(t, NULL, true);
}
