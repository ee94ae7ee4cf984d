/* SPDX-License-Identifier: Apache-2.0
 *
 * File list: which files a path stands for.
 *
 *     a file        itself
 *     a directory   every regular file below it, at any depth, whose name and folders don't begin with '.' or '_'
 *     a pattern     what matches * ? and [..] in any component; directories that match are taken as above
 *
 * Names are sorted bytewise by their whole path, so that splits have the same numbers in every run. A wildcard does not
 * match a leading '.' or '_'. An existing file is never taken for a pattern. Symbolic links are followed.
 */
#ifndef TR_IO_FILE_LIST_H
#define TR_IO_FILE_LIST_H

#include <stdint.h>

#include "io/disk.h"

#define TR_FILE_LIST_MAX 10000000 /* entries of one listing */
#define TR_FILE_LIST_DEPTH_MAX 64 /* folders inside folders: ends loops of symbolic links */

/** Paths; owned. Zero-initialise to begin. */
struct tr_file_list {
	char **paths;
	uint32_t count;
	uint32_t capacity;
};

/** Takes "file:///data" or "file:/data" to "/data"; other schemes are an error that says so (TR_ERR_DATA). Leaves a
 * plain path alone. `*local` points into `path`. */
tr_code tr_file_list_local_path(const char *path, const char **local, struct tr_status *st) TR_MUST_USE;

/** Fills `list`. TR_ERR_NO_INPUT when the path does not exist or a pattern matches nothing; an empty directory is an
 * empty list. Names that vanish while the list is made are left out. */
tr_code tr_file_list_fill(struct tr_file_list *list, struct tr_disk *disk, const char *path,
			  struct tr_status *st) TR_MUST_USE;
void tr_file_list_deinit(struct tr_file_list *list);

/** Appends a copy of `path`. */
void tr_file_list_add(struct tr_file_list *list, const char *path);

#endif
