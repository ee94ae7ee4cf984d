/* SPDX-License-Identifier: Apache-2.0
 *
 * See state_dir.h.
 */
#include "server/state_dir.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "server/control.h"

static const char *base_of(struct tr_cli *cli, const struct tr_config *config)
{
	const char *base = tr_config_text(config, "execution.checkpointing.dir");
	const char *home = getenv("XDG_STATE_HOME");

	if (base[0] != '\0')
		return strncmp(base, "file://", 7) == 0 ? base + 7 : base;
	if (home != NULL && home[0] != '\0')
		return tr_arena_printf(&cli->arena, "%s/tailrace", home);
	return ".tailrace";
}

const char *tr_state_dir(struct tr_cli *cli, const struct tr_config *config, const char *job_name)
{
	char *path, *name;

	if (cli->state_dir != NULL)
		return cli->state_dir;
	path = tr_arena_printf(&cli->arena, "%s/%s", base_of(cli, config), job_name);
	name = path + strlen(path) - strlen(job_name);
	if (name[0] == '.')
		name[0] = '_'; /* "..", and names that ls hides */
	for (; *name != '\0'; name++)
		*name = *name == '/' ? '_' : *name;
	return path;
}

static bool is_id(const char *job) { return strlen(job) == 32 && strspn(job, "0123456789abcdef") == 32; }

/* Whether the job that runs in `directory` has this id. */
static bool has_id(const char *directory, const char *id)
{
	char *text = NULL;
	const bool is_same = tr_control_ask(directory, "status", &text, NULL) == TR_OK && strncmp(text, id, 32) == 0;

	free(text);
	return is_same;
}

const char *tr_state_dir_find(struct tr_cli *cli, const char *job)
{
	const char *base = base_of(cli, &cli->config), *found = NULL;
	struct dirent *entry;
	DIR *list;

	if (cli->state_dir != NULL || !is_id(job))
		return tr_state_dir(cli, &cli->config, job);
	list = opendir(base);
	while (list != NULL && found == NULL && (entry = readdir(list)) != NULL) {
		const char *directory = tr_arena_printf(&cli->arena, "%s/%s", base, entry->d_name);

		if (entry->d_name[0] != '.' && has_id(directory, job))
			found = directory;
	}
	if (list != NULL)
		closedir(list);
	return found != NULL ? found : tr_state_dir(cli, &cli->config, job);
}
