/* SPDX-License-Identifier: Apache-2.0
 *
 * See plugin.h.
 */
#include "server/plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tailrace/plugin.h"

#define ENTRY "tr_plugin_entry"

bool tr_plugin_is(const char *path)
{
	const size_t length = strlen(path);

	return length > 3 && strcmp(path + length - 3, ".so") == 0;
}

/** Whether only the user and root can change what `stat` is of. */
static tr_code check_owner(const char *path, const struct stat *stat, bool allows_sticky, struct tr_status *st)
{
	const bool is_shared = (stat->st_mode & (S_IWGRP | S_IWOTH)) != 0;

	if (stat->st_uid != 0 && stat->st_uid != geteuid())
		TR_FAIL(st, TR_ERR_PERMISSION,
			"%s belongs to another user; a plugin runs with all your rights, so it is loaded only from "
			"files and "
			"directories that are yours or root's",
			path);
	if (is_shared && !(allows_sticky && (stat->st_mode & S_ISVTX) != 0))
		TR_FAIL(st, TR_ERR_PERMISSION,
			"others may write to %s; a plugin runs with all your rights, so it is loaded only from where "
			"nobody else "
			"can change it: chmod go-w %s",
			path, path);
	return TR_OK;
}

/** The directory of `path` and all above; `path` is cut short. */
static tr_code check_directories(char *path, struct tr_status *st)
{
	bool is_first = true;
	char *slash;

	while ((slash = strrchr(path, '/')) != NULL) {
		struct stat info;

		slash[slash == path] = '\0';
		if (lstat(path, &info) != 0)
			TR_FAIL_ERRNO(st, TR_ERR_NO_INPUT, "%s", path);
		TR_TRY(check_owner(path, &info, !is_first, st));
		is_first = false;
		if (slash == path)
			break;
	}
	return TR_OK;
}

/** Opens the file, and checks what was opened and where it lies. */
static tr_code open_checked(const char *argument, int *fd, struct tr_status *st)
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
		code = check_owner(path, &info, false, st);
	if (code == TR_OK)
		code = check_directories(path, st);
	if (code != TR_OK)
		close(*fd);
	return code;
}

static tr_code load(const char *argument, const struct tr_plugin **plugin, struct tr_status *st)
{
	char path[64];
	void *library;
	int fd;

	TR_TRY(open_checked(argument, &fd, st));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	close(fd);
	if (library == NULL) {
		const char *why = dlerror();

		TR_FAIL(st, TR_ERR_USAGE, "%s can't be loaded: %s%s", argument, why,
			strstr(why, "libtailrace") != NULL
				? "; a plugin does not link libtailrace, it uses this program's engine: leave out "
				  "`pkg-config --libs`"
				: "");
	}
	*plugin = dlsym(library, ENTRY);
	if (*plugin == NULL)
		TR_FAIL(st, TR_ERR_USAGE, "%s is no plugin: it has no symbol '%s'; write TR_PLUGIN(build) in it",
			argument, ENTRY);
	if ((*plugin)->abi_version != TR_ABI_VERSION)
		TR_FAIL(st, TR_ERR_CONFIG,
			"%s was built for version %u of the binary interface; this engine (%s) has version %d: build "
			"it again "
			"with the headers of this engine",
			argument, (*plugin)->abi_version, tr_version(), TR_ABI_VERSION);
	if ((*plugin)->build == NULL)
		TR_FAIL(st, TR_ERR_USAGE, "%s has no build function", argument);
	return TR_OK;
}

tr_code tr_plugin_build(struct tr_cli *cli, const struct tr_env_options *options, struct tr_env **env,
			struct tr_status *st)
{
	char *arguments[TR_CLI_REPEATS_MAX + 2] = {(char *)(uintptr_t)cli->argument};
	const struct tr_plugin *plugin;
	int count = 1;
	tr_code code;

	*env = NULL;
	TR_TRY(load(cli->argument, &plugin, st));
	for (uint32_t i = 0; i < cli->variable_count; i++)
		arguments[count++] =
			tr_arena_printf(&cli->arena, "%s=%s", cli->variables[i].name, cli->variables[i].value);
	TR_TRY(tr_env_create_with(options, env, st));
	code = plugin->build(*env, count, arguments, st);
	if (code == TR_OK && tr_env_plan(*env, st) == NULL)
		code = st->code;
	return code;
}
