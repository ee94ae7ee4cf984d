/* SPDX-License-Identifier: Apache-2.0
 *
 * From a path to a sorted list of files. Breadth first with work lists, no recursion: each round lists the folders
 * that the round before has found.
 */
#include "io/file_list.h"

#include <fnmatch.h>
#include <stdio.h>

#include "io/memory.h"

void tr_file_list_add(struct tr_file_list *list, const char *path)
{
	if (list->count == list->capacity) {
		list->capacity = TR_MAX(list->capacity * 2, 16);
		list->paths = tr_io_realloc(list->paths, list->capacity * sizeof(*list->paths));
	}
	list->paths[list->count++] = tr_io_strdup(path);
}

void tr_file_list_deinit(struct tr_file_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		free(list->paths[i]);
	free(list->paths);
	*list = (struct tr_file_list){0};
}

static void add_joined(struct tr_file_list *list, const char *directory, const char *name)
{
	const size_t length = strlen(directory);
	const char *slash = length == 0 || directory[length - 1] == '/' ? "" : "/";
	char *path;

	TR_ASSERT(asprintf(&path, "%s%s%s", directory, slash, name) >= 0);
	tr_file_list_add(list, path);
	free(path);
}

static bool collect_name(void *context, const char *name)
{
	struct tr_file_list *names = context;

	tr_file_list_add(names, name);
	return names->count < TR_FILE_LIST_MAX;
}

static bool is_hidden(const char *name) { return name[0] == '.' || name[0] == '_'; }

static int compare_paths(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void sort(struct tr_file_list *list)
{
	if (list->count > 1)
		qsort(list->paths, list->count, sizeof(*list->paths), compare_paths);
}

tr_code tr_file_list_local_path(const char *path, const char **local, struct tr_status *st)
{
	const char *colon = strstr(path, ":/");
	const char *slash = strchr(path, '/');

	*local = path;
	if (colon == NULL || slash != colon + 1 || colon == path)
		return TR_OK;
	if (strncmp(path, "file:", 5) != 0)
		TR_FAIL(st, TR_ERR_DATA, "path '%s': scheme '%.*s' is not supported; give a path of this machine", path,
			(int)(colon - path), path);
	*local = colon + 1;
	if (strncmp(*local, "///", 3) == 0)
		*local += 2;
	else if (strncmp(*local, "//", 2) == 0)
		TR_FAIL(st, TR_ERR_DATA, "path '%s': a host is not supported; write file:///path", path);
	return TR_OK;
}

/** Lists one folder: files to `files`, folders to `folders`. What has just vanished is left out. */
static tr_code walk_one(struct tr_disk *disk, const char *directory, struct tr_file_list *files,
			struct tr_file_list *folders, struct tr_status *st)
{
	struct tr_file_list names = {0};
	tr_code code = disk->ops->list(disk, directory, collect_name, &names, st);

	for (uint32_t i = 0; code == TR_OK && i < names.count; i++) {
		struct tr_file_list *target = NULL;
		struct tr_file_info info;
		char *path;

		if (is_hidden(names.paths[i]))
			continue;
		TR_ASSERT(asprintf(&path, "%s/%s", strcmp(directory, "/") == 0 ? "" : directory, names.paths[i]) >= 0);
		code = disk->ops->stat(disk, path, &info, st);
		if (code == TR_OK)
			target = info.is_directory ? folders : info.is_regular ? files : NULL;
		if (target != NULL)
			tr_file_list_add(target, path);
		free(path);
		if (code == TR_ERR_NO_INPUT) {
			tr_status_clear(st);
			code = TR_OK;
		}
	}
	if (code == TR_OK && files->count >= TR_FILE_LIST_MAX)
		code = tr_status_set(st, TR_ERR_DATA, 0, TR_WHERE, "%s: more than %d files", directory,
				     TR_FILE_LIST_MAX);
	tr_file_list_deinit(&names);
	return code;
}

/** All files below the folders; consumes `folders`. */
static tr_code walk(struct tr_disk *disk, struct tr_file_list *folders, struct tr_file_list *files, struct tr_status *st)
{
	tr_code code = TR_OK;

	for (int depth = 0; code == TR_OK && folders->count > 0; depth++) {
		struct tr_file_list next = {0};

		if (depth > TR_FILE_LIST_DEPTH_MAX)
			code = tr_status_set(
				st, TR_ERR_DATA, 0, TR_WHERE,
				"%s: folders are nested deeper than %d; is there a loop of symbolic links?",
				folders->paths[0], TR_FILE_LIST_DEPTH_MAX);
		for (uint32_t i = 0; code == TR_OK && i < folders->count; i++)
			code = walk_one(disk, folders->paths[i], files, &next, st);
		tr_file_list_deinit(folders);
		*folders = next;
	}
	tr_file_list_deinit(folders);
	return code;
}

/** Extends each path of `found` by what matches one component of the pattern. */
static tr_code match_component(struct tr_disk *disk, struct tr_file_list *found, const char *component,
			       struct tr_status *st)
{
	struct tr_file_list next = {0};
	tr_code code = TR_OK;

	for (uint32_t i = 0; code == TR_OK && i < found->count; i++) {
		const char *directory = found->paths[i][0] == '\0' ? "." : found->paths[i];
		struct tr_file_list names = {0};
		struct tr_file_info info;

		if (strpbrk(component, "*?[") == NULL) {
			add_joined(&next, found->paths[i], component);
			if (disk->ops->stat(disk, next.paths[next.count - 1], &info, NULL) != TR_OK)
				free(next.paths[--next.count]);
			continue;
		}
		if (disk->ops->stat(disk, directory, &info, NULL) != TR_OK || !info.is_directory)
			continue;
		code = disk->ops->list(disk, directory, collect_name, &names, st);
		for (uint32_t n = 0; code == TR_OK && n < names.count; n++) {
			if (is_hidden(names.paths[n]) && component[0] != names.paths[n][0])
				continue;
			if (fnmatch(component, names.paths[n], 0) == 0)
				add_joined(&next, found->paths[i], names.paths[n]);
		}
		tr_file_list_deinit(&names);
	}
	tr_file_list_deinit(found);
	*found = next;
	return code;
}

static tr_code expand(struct tr_disk *disk, const char *pattern, struct tr_file_list *found, struct tr_status *st)
{
	char *copy = tr_io_strdup(pattern);
	char *rest = copy;
	char *component;
	tr_code code = TR_OK;

	tr_file_list_add(found, pattern[0] == '/' ? "/" : "");
	while (code == TR_OK && (component = strsep(&rest, "/")) != NULL) {
		if (component[0] != '\0')
			code = match_component(disk, found, component, st);
	}
	free(copy);
	if (code == TR_OK && found->count == 0)
		code = tr_status_set(st, TR_ERR_NO_INPUT, 0, TR_WHERE, "no file matches %s", pattern);
	return code;
}

tr_code tr_file_list_fill(struct tr_file_list *list, struct tr_disk *disk, const char *path, struct tr_status *st)
{
	struct tr_file_list found = {0};
	struct tr_file_list folders = {0};
	struct tr_file_info info;
	tr_code code;

	TR_ASSERT(list != NULL && path != NULL);
	TR_ASSERT(list->count == 0);
	code = disk->ops->stat(disk, path, &info, st);
	if (code == TR_OK) {
		tr_file_list_add(&found, path);
	} else if (strpbrk(path, "*?[") != NULL) {
		tr_status_clear(st);
		code = expand(disk, path, &found, st);
	}
	for (uint32_t i = 0; code == TR_OK && i < found.count; i++) {
		size_t length = strlen(found.paths[i]);

		code = disk->ops->stat(disk, found.paths[i], &info, st);
		if (code != TR_OK)
			break;
		while (length > 1 && found.paths[i][length - 1] == '/')
			found.paths[i][--length] = '\0';
		if (info.is_directory)
			tr_file_list_add(&folders, found.paths[i]);
		else if (info.is_regular)
			tr_file_list_add(list, found.paths[i]);
		else
			code = tr_status_set(st, TR_ERR_NO_INPUT, 0, TR_WHERE,
					     "%s is neither a regular file nor a directory", found.paths[i]);
	}
	if (code == TR_OK)
		code = walk(disk, &folders, list, st);
	sort(list);
	tr_file_list_deinit(&folders);
	tr_file_list_deinit(&found);
	return code;
}
