/* SPDX-License-Identifier: Apache-2.0
 *
 * See plugin.h.
 */
#include "server/plugin.h"

#include <string.h>

#include "io/library.h"
#include "tailrace/plugin.h"

#define ENTRY "tr_plugin_entry"

bool tr_plugin_is(const char *path)
{
	const size_t length = strlen(path);

	return length > 3 && strcmp(path + length - 3, ".so") == 0;
}

static tr_code load(const char *argument, const struct tr_plugin **plugin, struct tr_status *st)
{
	void *library;

	TR_TRY(tr_library_open(argument, "a plugin", &library, st));
	*plugin = tr_library_symbol(library, ENTRY);
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
	(*env)->is_of_a_plugin = true;
	code = plugin->build(*env, count, arguments, st);
	if (code != TR_OK && st->message[0] == '\0')
		(void)tr_status_set(st, code, 0, TR_WHERE, "the build function of %s has failed with %s and no message",
				    cli->argument, tr_code_name(code));
	if (code == TR_OK && tr_env_plan(*env, st) == NULL)
		code = st->code;
	return code;
}
