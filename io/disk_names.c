/* SPDX-License-Identifier: Apache-2.0
 *
 * Names on the real disk: open, stat, list, rename and the like, shared by both real disks.
 *
 * Each failure says which call on which path, and its code says what kind of trouble it is, since that becomes the
 * exit status: a missing input is 66, an output that can't be created 73, a missing right 77, all else 74.
 */
#include "io/disk_real.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/memory.h"

static tr_code code_of_errno(int error, bool is_output)
{
	switch (error) {
	case EACCES:
	case EPERM: return TR_ERR_PERMISSION;
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
	case ENAMETOOLONG: return is_output ? TR_ERR_CANT_CREATE : TR_ERR_NO_INPUT;
	case EROFS:
	case EISDIR:
	case EEXIST: return is_output ? TR_ERR_CANT_CREATE : TR_ERR_IO;
	default: return TR_ERR_IO;
	}
}

tr_code tr_disk_names_open(struct tr_disk *disk, const char *path, unsigned flags, struct tr_file **file,
			   struct tr_status *st)
{
	const bool is_output = (flags & (TR_OPEN_WRITE | TR_OPEN_CREATE)) != 0;
	struct tr_file *f;
	int mode = O_CLOEXEC;
	int fd;

	TR_ASSERT(path != NULL && file != NULL);
	TR_ASSERT((flags & (TR_OPEN_READ | TR_OPEN_WRITE)) != 0);
	*file = NULL;
	if ((flags & TR_OPEN_READ) != 0 && (flags & TR_OPEN_WRITE) != 0)
		mode |= O_RDWR;
	else
		mode |= is_output ? O_WRONLY : O_RDONLY;
	mode |= (flags & TR_OPEN_CREATE) != 0 ? O_CREAT : 0;
	mode |= (flags & TR_OPEN_EXCLUSIVE) != 0 ? O_EXCL : 0;
	mode |= (flags & TR_OPEN_TRUNCATE) != 0 ? O_TRUNC : 0;
	do {
		fd = open(path, mode, (flags & TR_OPEN_PRIVATE) != 0 ? 0600 : 0666);
	} while (fd < 0 && errno == EINTR);
	if (fd < 0)
		TR_FAIL_ERRNO(st, code_of_errno(errno, is_output), "open %s", path);
	if ((flags & TR_OPEN_LOCK) != 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
		const int error = errno;

		(void)close(fd);
		return tr_status_set(st, error == EWOULDBLOCK ? TR_ERR_UNAVAILABLE : TR_ERR_IO, error, TR_WHERE,
				     "lock %s", path);
	}
	f = tr_io_calloc(1, sizeof(*f));
	f->fd = fd;
	f->path = tr_io_strdup(path);
	*file = f;
	return TR_OK;
}

void tr_disk_names_close(struct tr_disk *disk, struct tr_file **file)
{
	TR_ASSERT(file != NULL);
	if (*file == NULL)
		return;
	TR_ASSERT((*file)->fd >= 0);
	(void)close((*file)->fd); /* what must be durable was synced; a failure here has nothing left to say */
	free((*file)->path);
	free(*file);
	*file = NULL;
}

static void info_from_stat(const struct stat *s, struct tr_file_info *info)
{
	info->size_bytes = (int64_t)s->st_size;
	info->modified_ms = (int64_t)s->st_mtim.tv_sec * 1000 + s->st_mtim.tv_nsec / 1000000;
	info->inode = (uint64_t)s->st_ino;
	info->is_directory = S_ISDIR(s->st_mode);
	info->is_regular = S_ISREG(s->st_mode);
}

tr_code tr_disk_names_stat(struct tr_disk *disk, const char *path, struct tr_file_info *info, struct tr_status *st)
{
	struct stat s;

	TR_ASSERT(path != NULL && info != NULL);
	if (stat(path, &s) != 0)
		TR_FAIL_ERRNO(st, code_of_errno(errno, false), "stat %s", path);
	info_from_stat(&s, info);
	return TR_OK;
}

tr_code tr_disk_names_file_stat(struct tr_disk *disk, struct tr_file *file, struct tr_file_info *info,
				struct tr_status *st)
{
	struct stat s;

	TR_ASSERT(file != NULL && info != NULL);
	if (fstat(file->fd, &s) != 0)
		TR_FAIL_ERRNO(st, code_of_errno(errno, false), "stat %s", file->path);
	info_from_stat(&s, info);
	return TR_OK;
}

tr_code tr_disk_names_list(struct tr_disk *disk, const char *path, tr_disk_list_fn fn, void *context,
			   struct tr_status *st)
{
	DIR *directory;
	int error;

	TR_ASSERT(path != NULL && fn != NULL);
	directory = opendir(path);
	if (directory == NULL)
		TR_FAIL_ERRNO(st, code_of_errno(errno, false), "list directory %s", path);
	for (;;) {
		const struct dirent *entry;

		errno = 0;
		entry = readdir(directory);
		if (entry == NULL)
			break;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (!fn(context, entry->d_name)) {
			errno = 0;
			break;
		}
	}
	error = errno;
	(void)closedir(directory);
	if (error != 0)
		return tr_status_set(st, code_of_errno(error, false), error, TR_WHERE, "list directory %s", path);
	return TR_OK;
}

/** Makes what is missing of a path; `last_mode` is for its last part. */
static tr_code make_directories(const char *path, mode_t last_mode, struct tr_status *st)
{
	char part[PATH_MAX];
	const size_t length = strlen(path);
	struct stat s;

	TR_ASSERT(length > 0);
	if (length >= sizeof(part))
		TR_FAIL(st, TR_ERR_CANT_CREATE, "make directory %.100s...: the path is longer than %d bytes", path,
			PATH_MAX - 1);
	memcpy(part, path, length + 1);
	for (size_t i = 1; i <= length; i++) {
		if (part[i] != '/' && part[i] != '\0')
			continue;
		if (part[i - 1] == '/')
			continue;
		part[i] = '\0';
		if (mkdir(part, i == length ? last_mode : 0777) != 0 && errno != EEXIST) {
			/* A parent that exists on a read-only or foreign file system answers EROFS or EACCES. */
			const int error = errno;

			if (stat(part, &s) != 0 || !S_ISDIR(s.st_mode))
				return tr_status_set(st, code_of_errno(error, true), error, TR_WHERE,
						     "make directory %s", part);
		}
		part[i] = i < length ? '/' : '\0';
	}
	if (stat(path, &s) != 0)
		TR_FAIL_ERRNO(st, code_of_errno(errno, true), "make directory %s", path);
	if (!S_ISDIR(s.st_mode))
		TR_FAIL(st, TR_ERR_CANT_CREATE, "make directory %s: a file of that name exists", path);
	return TR_OK;
}

tr_code tr_disk_names_make_directory(struct tr_disk *disk, const char *path, struct tr_status *st)
{
	return make_directories(path, 0777, st);
}

tr_code tr_disk_names_make_private_directory(struct tr_disk *disk, const char *path, struct tr_status *st)
{
	return make_directories(path, 0700, st);
}

tr_code tr_disk_names_remove_directory(struct tr_disk *disk, const char *path, struct tr_status *st)
{
	TR_ASSERT(path != NULL);
	if (rmdir(path) != 0)
		TR_FAIL_ERRNO(st, code_of_errno(errno, true), "remove directory %s", path);
	return TR_OK;
}

tr_code tr_disk_names_allocate(struct tr_disk *disk, struct tr_file *file, int64_t offset, int64_t length,
			       struct tr_status *st)
{
	int result;

	TR_ASSERT(file != NULL && offset >= 0 && length > 0);
	do {
		result = fallocate(file->fd, FALLOC_FL_KEEP_SIZE, offset, length);
	} while (result != 0 && errno == EINTR);
	if (result != 0 && errno != EOPNOTSUPP && errno != ENOSYS)
		TR_FAIL_ERRNO(st, TR_ERR_IO, "reserve %lld bytes for %s", (long long)length, file->path);
	return TR_OK;
}

tr_code tr_disk_names_truncate(struct tr_disk *disk, struct tr_file *file, int64_t bytes, struct tr_status *st)
{
	int result;

	TR_ASSERT(file != NULL && bytes >= 0);
	do {
		result = ftruncate(file->fd, bytes);
	} while (result != 0 && errno == EINTR);
	if (result != 0)
		TR_FAIL_ERRNO(st, TR_ERR_IO, "cut %s to %lld bytes", file->path, (long long)bytes);
	return TR_OK;
}

tr_code tr_disk_names_rename(struct tr_disk *disk, const char *from, const char *to, struct tr_status *st)
{
	TR_ASSERT(from != NULL && to != NULL);
	if (rename(from, to) != 0)
		TR_FAIL_ERRNO(st, code_of_errno(errno, true), "rename %s to %s", from, to);
	return TR_OK;
}

tr_code tr_disk_names_unlink(struct tr_disk *disk, const char *path, struct tr_status *st)
{
	TR_ASSERT(path != NULL);
	if (unlink(path) != 0)
		TR_FAIL_ERRNO(st, code_of_errno(errno, true), "remove %s", path);
	return TR_OK;
}

tr_code tr_disk_names_sync_directory(struct tr_disk *disk, const char *path, struct tr_status *st)
{
	int fd;
	int error = 0;

	TR_ASSERT(path != NULL);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		TR_FAIL_ERRNO(st, code_of_errno(errno, true), "open directory %s", path);
	if (fsync(fd) != 0)
		error = errno;
	(void)close(fd);
	if (error != 0)
		return tr_status_set(st, TR_ERR_IO, error, TR_WHERE, "sync directory %s", path);
	return TR_OK;
}
