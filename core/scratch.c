/* SPDX-License-Identifier: Apache-2.0
 *
 * See scratch.h.
 */
#include "core/scratch.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define BASE_DEFAULT "/var/tmp"

static bool note_name(void *context, const char *name)
{
	tr_bytes_append(context, name, strlen(name) + 1);
	return true;
}

static tr_code remove_files(struct tr_disk *disk, const char *path, struct tr_status *st)
{
	struct tr_bytes names = {0}, file = {0};
	tr_code code = disk->ops->list(disk, path, note_name, &names, st);

	for (size_t at = 0; code == TR_OK && at < names.length; at += strlen(names.data + at) + 1) {
		tr_bytes_clear(&file);
		tr_bytes_printf(&file, "%s/%s", path, names.data + at);
		tr_bytes_append_char(&file, '\0');
		code = disk->ops->unlink(disk, file.data, st);
	}
	tr_bytes_deinit(&names);
	tr_bytes_deinit(&file);
	return code;
}

tr_code tr_scratch_create(const struct tr_plan *plan, struct tr_disk *disk, struct tr_arena *arena, const char **path,
			  struct tr_status *st)
{
	const char *base = plan->scratch != NULL && plan->scratch[0] != '\0' ? plan->scratch : BASE_DEFAULT;
	struct tr_file_info info = {0};

	*path = plan->checkpoint.directory != NULL ? tr_arena_printf(arena, "%s.scratch", plan->checkpoint.directory)
						   : tr_arena_printf(arena, "%s/tailrace-%s", base, plan->job_id);
	if (plan->checkpoint.directory == NULL &&
	    (disk->ops->stat(disk, base, &info, NULL) != TR_OK || !info.is_directory))
		TR_FAIL(st, TR_ERR_CANT_CREATE,
			"'%s' is not a directory; state beyond memory was to go there ($TMPDIR)", base);
	TR_TRY(tr_disk_make_private_directory(disk, *path, st));
	return remove_files(disk, *path, st);
}

void tr_scratch_remove(struct tr_disk *disk, const char *path)
{
	struct tr_status st = {0};

	if (remove_files(disk, path, &st) == TR_OK)
		(void)tr_disk_remove_directory(disk, path, &st);
}
