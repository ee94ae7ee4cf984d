/* SPDX-License-Identifier: Apache-2.0
 *
 * What the two real disks share: the file handle, the plain calls on names, and the kernel's answer put into words.
 *
 * Internal to io/: everybody else sees struct tr_disk_ops (io/disk.h). A real file is a descriptor and its path (for
 * messages). Name operations block; they happen when a file begins or ends, never per batch.
 */
#ifndef TR_IO_DISK_REAL_H
#define TR_IO_DISK_REAL_H

#include "io/disk.h"

struct tr_file {
	int fd;
	char *path; /* as it was opened; owned */
};

/** The name operations of struct tr_disk_ops; see there. Any thread. */
tr_code tr_disk_names_open(struct tr_disk *disk, const char *path, unsigned flags, struct tr_file **file,
			   struct tr_status *st);
void tr_disk_names_close(struct tr_disk *disk, struct tr_file **file);
tr_code tr_disk_names_stat(struct tr_disk *disk, const char *path, struct tr_file_info *info, struct tr_status *st);
tr_code tr_disk_names_file_stat(struct tr_disk *disk, struct tr_file *file, struct tr_file_info *info,
				struct tr_status *st);
tr_code tr_disk_names_list(struct tr_disk *disk, const char *path, tr_disk_list_fn fn, void *context,
			   struct tr_status *st);
tr_code tr_disk_names_make_directory(struct tr_disk *disk, const char *path, struct tr_status *st);
tr_code tr_disk_names_rename(struct tr_disk *disk, const char *from, const char *to, struct tr_status *st);
tr_code tr_disk_names_unlink(struct tr_disk *disk, const char *path, struct tr_status *st);
tr_code tr_disk_names_sync_directory(struct tr_disk *disk, const char *path, struct tr_status *st);
tr_code tr_disk_names_allocate(struct tr_disk *disk, struct tr_file *file, int64_t offset, int64_t length,
			       struct tr_status *st);
tr_code tr_disk_names_truncate(struct tr_disk *disk, struct tr_file *file, int64_t bytes, struct tr_status *st);
tr_code tr_disk_names_make_private_directory(struct tr_disk *disk, const char *path, struct tr_status *st);
tr_code tr_disk_names_remove_directory(struct tr_disk *disk, const char *path, struct tr_status *st);

/** The disk on pread and pwrite. Always works; a static instance without state. */
struct tr_disk *tr_disk_plain(void);

/** The disk on io_uring, or NULL where the kernel or its policy does not allow it (`*reason_errno` says why). Static
 * instance without state. A queue that the kernel refuses later (locked-memory limit) is quietly a plain one. */
struct tr_disk *tr_disk_uring(int *reason_errno);

#endif
