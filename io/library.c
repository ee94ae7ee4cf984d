/* SPDX-License-Identifier: Apache-2.0
 *
 * See library.h.
 */
#include "io/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** Whether only the user and root can change what `stat` is of. */
static tr_code check_owner(const char *path, const char *noun, const struct stat *stat, bool allows_sticky,
			   struct tr_status *st)
{
	const bool is_shared = (stat->st_mode & (S_IWGRP | S_IWOTH)) != 0;

	if (stat->st_uid != 0 && stat->st_uid != geteuid())
		TR_FAIL(st, TR_ERR_PERMISSION,
			"%s belongs to another user; %s runs with all your rights, so it is loaded only from files "
			"and directories that are yours or root's",
			path, noun);
	if (is_shared && !(allows_sticky && (stat->st_mode & S_ISVTX) != 0))
		TR_FAIL(st, TR_ERR_PERMISSION,
			"others may write to %s; %s runs with all your rights, so it is loaded only from where "
			"nobody else can change it: chmod go-w %s",
			path, noun, path);
	return TR_OK;
}

/** The directory of `path` and all above; `path` is cut short. */
static tr_code check_directories(char *path, const char *noun, struct tr_status *st)
{
	bool is_first = true;
	char *slash;

	while ((slash = strrchr(path, '/')) != NULL) {
		struct stat info;

		slash[slash == path] = '\0';
		if (lstat(path, &info) != 0)
			TR_FAIL_ERRNO(st, TR_ERR_NO_INPUT, "%s", path);
		TR_TRY(check_owner(path, noun, &info, !is_first, st));
		is_first = false;
		if (slash == path)
			break;
	}
	return TR_OK;
}

/** Opens the file, and checks what was opened and where it lies. */
static tr_code open_checked(const char *argument, const char *noun, int *fd, struct tr_status *st)
{
	char path[PATH_MAX];
	struct stat info;
	tr_code code = TR_OK;

	if (realpath(argument, path) == NULL)
		TR_FAIL_ERRNO(st, errno == EACCES ? TR_ERR_PERMISSION : TR_ERR_NO_INPUT, "%s", argument);
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (*fd < 0)
		TR_FAIL_ERRNO(st, errno == EACCES ? TR_ERR_PERMISSION : TR_ERR_NO_INPUT, "%s", argument);
	if (fstat(*fd, &info) != 0 || !S_ISREG(info.st_mode))
		code = tr_status_set(st, TR_ERR_NO_INPUT, 0, TR_WHERE, "%s is no file", argument);
	if (code == TR_OK)
		code = check_owner(path, noun, &info, false, st);
	if (code == TR_OK)
		code = check_directories(path, noun, st);
	if (code != TR_OK)
		close(*fd);
	return code;
}

/** "/proc/self" and slashes and dots that mean nothing to the kernel, but spell out which file it is: the loader takes a name that it has seen
 * for the library that had it, and numbers of descriptors come again. */
static tr_code name_of(int fd, char *name, size_t room, struct tr_status *st)
{
	size_t at = (size_t)snprintf(name, room, "/proc/self");
	struct stat info;
	uint64_t words[3];

	if (fstat(fd, &info) != 0)
		TR_FAIL_ERRNO(st, TR_ERR_NO_INPUT, "a library");
	words[0] = info.st_ino;
	words[1] = info.st_dev;
	words[2] = (uint64_t)info.st_mtim.tv_sec * UINT64_C(1000000000) + (uint64_t)info.st_mtim.tv_nsec;
	for (uint32_t bit = 0; bit < 64 * 3; bit++)
		at += (size_t)snprintf(name + at, room - at, (words[bit / 64] >> bit % 64 & 1) != 0 ? "/." : "/");
	snprintf(name + at, room - at, "/fd/%d", fd);
	return TR_OK;
}

tr_code tr_library_open(const char *path, const char *noun, void **library, struct tr_status *st)
{
	char name[512];
	tr_code code;
	int fd;

	TR_TRY(open_checked(path, noun, &fd, st));
	code = name_of(fd, name, sizeof(name), st);
	*library = code == TR_OK ? dlopen(name, RTLD_NOW | RTLD_LOCAL) : NULL;
	close(fd);
	if (code == TR_OK && *library == NULL) {
		const char *why = dlerror();
		const size_t length = strlen(name);

		if (strncmp(why, name, length) == 0 && strncmp(why + length, ": ", 2) == 0)
			why += length + 2;
		TR_FAIL(st, TR_ERR_USAGE, "%s can't be loaded: %s%s", path, why,
			strstr(why, "libtailrace") != NULL
				? "; it must not link libtailrace, as it uses this program's engine: leave out "
				  "`pkg-config --libs`"
				: "");
	}
	return code;
}

const void *tr_library_symbol(void *library, const char *name) { return dlsym(library, name); }
