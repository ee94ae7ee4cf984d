/* SPDX-License-Identifier: Apache-2.0
 *
 * File epoch: see io/file_epoch.h.
 */
#include "io/file_epoch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/fault.h"
#include "io/memory.h"

static char *path_of(const struct tr_file_part_owner *owner, uint64_t checkpoint)
{
	char *path;

	TR_ASSERT(asprintf(&path, "%s/.part-%s-%u-%" PRIu64 TR_FILE_EPOCH_SUFFIX, owner->directory, owner->job_id,
			   owner->subtask, checkpoint) >= 0);
	return path;
}

void tr_file_epoch_deinit(struct tr_file_epoch *epoch)
{
	tr_file_list_deinit(&epoch->former);
	*epoch = (struct tr_file_epoch){0};
}

struct search {
	struct tr_file_epoch *epoch;
	const struct tr_file_part_owner *owner;
};

/** Reads <subtask> and <checkpoint>; nothing may follow the suffix. */
static bool parse(const struct tr_file_part_owner *owner, const char *name, unsigned *subtask, uint64_t *checkpoint)
{
	char start[96];
	const int length = snprintf(start, sizeof(start), ".part-%s-", owner->job_id);
	int used = 0;

	if (length < 0 || (size_t)length >= sizeof(start) || strncmp(name, start, (size_t)length) != 0)
		return false;
	return sscanf(name + length, "%u-%" SCNu64 TR_FILE_EPOCH_SUFFIX "%n", subtask, checkpoint, &used) == 2 &&
	       used > 0 && name[length + used] == '\0';
}

static bool look(void *context, const char *name)
{
	struct search *search = context;
	const struct tr_file_part_owner *owner = search->owner;
	struct tr_file_epoch *epoch = search->epoch;
	uint64_t checkpoint;
	unsigned subtask;
	char *path;

	if (!parse(owner, name, &subtask, &checkpoint))
		return true;
	epoch->newest = TR_MAX(epoch->newest, checkpoint);
	if (subtask % owner->subtask_count != owner->subtask)
		return true;
	if (subtask == owner->subtask)
		epoch->current = TR_MAX(epoch->current, checkpoint);
	TR_ASSERT(asprintf(&path, "%s/%s", owner->directory, name) >= 0);
	tr_file_list_add(&epoch->former, path);
	free(path);
	return true;
}

tr_code tr_file_epoch_find(struct tr_file_epoch *epoch, const struct tr_file_part_owner *owner, struct tr_status *st)
{
	struct search search = {.epoch = epoch, .owner = owner};

	tr_file_epoch_deinit(epoch);
	if (owner->disk->ops->list(owner->disk, owner->directory, look, &search, st) != TR_OK)
		return tr_status_prefix(st, TR_ERR_IO, "table '%s'", owner->table);
	return TR_OK;
}

tr_code tr_file_epoch_check(const struct tr_file_epoch *epoch, const struct tr_file_part_owner *owner,
			    uint64_t checkpoint, struct tr_status *st)
{
	char from[48] = "from its beginning";

	if (epoch->newest <= checkpoint || TR_BUG("sink-epoch-unchecked"))
		return TR_OK;
	if (checkpoint > 0)
		snprintf(from, sizeof(from), "from checkpoint %" PRIu64, checkpoint);
	TR_FAIL(st, TR_ERR_DATA,
		"table '%s': output of checkpoint %" PRIu64 " has been published in %s, and going on %s would publish "
		"those rows again. Nothing was changed. Put the state directory back as it was at checkpoint %" PRIu64
		" or later; or begin anew with --fresh and an empty table; or, if rows may be there twice, remove "
		"%s/.part-%s-*" TR_FILE_EPOCH_SUFFIX " and start again",
		owner->table, epoch->newest, owner->directory, from, epoch->newest, owner->directory, owner->job_id);
}

tr_code tr_file_epoch_move(struct tr_file_epoch *epoch, const struct tr_file_part_owner *owner, uint64_t checkpoint,
			   bool is_synced, struct tr_status *st)
{
	struct tr_disk *disk = owner->disk;
	struct tr_file *file = NULL;
	struct tr_file_info info;
	struct tr_status why = {.sys_errno = ENOENT};
	tr_code code = TR_ERR_NO_INPUT;
	char *from, *to;

	if (epoch->current >= checkpoint)
		return TR_OK;
	from = path_of(owner, epoch->current);
	to = path_of(owner, checkpoint);
	/* Another sink of the job that writes to this table may have been here first: with the same name, or away from ours. */
	if (disk->ops->stat(disk, to, &info, NULL) == TR_OK)
		tr_file_list_add(&epoch->former, from);
	else if (epoch->current > 0)
		code = disk->ops->rename(disk, from, to, &why);
	if (code != TR_OK && why.sys_errno == ENOENT) {
		code = disk->ops->open(disk, to, TR_OPEN_WRITE | TR_OPEN_CREATE, &file, &why);
		disk->ops->close(disk, &file);
	}
	if (code == TR_OK && is_synced)
		code = disk->ops->sync_directory(disk, owner->directory, &why);
	free(from);
	free(to);
	if (code != TR_OK) {
		if (st != NULL)
			*st = why;
		return tr_status_prefix(st, code, "table '%s'", owner->table);
	}
	epoch->current = checkpoint;
	return TR_OK;
}

void tr_file_epoch_tidy(struct tr_file_epoch *epoch, const struct tr_file_part_owner *owner)
{
	char *current = path_of(owner, epoch->current);

	for (uint32_t i = 0; i < epoch->former.count && epoch->current > 0; i++)
		if (strcmp(epoch->former.paths[i], current) != 0)
			(void)owner->disk->ops->unlink(owner->disk, epoch->former.paths[i], NULL);
	if (epoch->current > 0)
		tr_file_list_deinit(&epoch->former);
	free(current);
}
