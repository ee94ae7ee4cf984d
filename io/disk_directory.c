/* SPDX-License-Identifier: Apache-2.0
 *
 * A directory that will still be there after a power cut.
 *
 * A new directory is an entry of the one above it, and durable only when that one has been synced; the same goes for each
 * new directory on the way. Which of them are new can't be told: a run that was killed between making one and
 * syncing the next may have left it. So all of them are synced each time, from the bottom to the root, which costs little
 * where nothing has changed. Directories that we may not open, or that do not support it, were there before us.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/disk.h"
#include "io/memory.h"

/** Cuts the last name off: "a/b/c" to "a/b", "a" to "", "/a" to "/". */
static void cut_name(char *path)
{
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		length--;
	while (length > 0 && path[length - 1] != '/')
		length--;
	while (length > 1 && path[length - 1] == '/')
		length--;
	path[length] = '\0';
}

/** The directory is not ours to sync, so that we did not make its entries either. */
static bool is_foreign(int error)
{
	return error == EACCES || error == EPERM || error == EROFS || error == EINVAL || error == ENOTSUP;
}

tr_code tr_disk_make_durable_directory(struct tr_disk *disk, const char *path, bool is_private, struct tr_status *st)
{
	char *parent = tr_io_strdup(path);
	tr_code code =
		is_private ? tr_disk_make_private_directory(disk, path, st) : disk->ops->make_directory(disk, path, st);

	while (code == TR_OK && parent[0] != '\0' && strcmp(parent, "/") != 0) {
		struct tr_status why = {0};

		cut_name(parent);
		code = disk->ops->sync_directory(disk, parent[0] != '\0' ? parent : ".", &why);
		if (code != TR_OK && is_foreign(why.sys_errno))
			code = TR_OK;
		if (code != TR_OK && st != NULL)
			*st = why;
	}
	free(parent);
	return code;
}
