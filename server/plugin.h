/* SPDX-License-Identifier: Apache-2.0
 *
 * Plugins: jobs in C as shared objects (include/tailrace/plugin.h), for `tailrace run job.so`.
 *
 * A plugin is loaded only from where nobody else can have put or changed it (io/library.h).
 */
#ifndef TR_SERVER_PLUGIN_H
#define TR_SERVER_PLUGIN_H

#include <stdbool.h>

#include "api/env.h"
#include "server/cli.h"

/** Whether the argument of `run` is a plugin: "job.so". */
bool tr_plugin_is(const char *path);

/** Loads the plugin, and lets it build its graph in a new environment. It stays loaded. The codes are those of the exit status. */
tr_code tr_plugin_build(struct tr_cli *cli, const struct tr_env_options *options, struct tr_env **env,
			struct tr_status *st) TR_MUST_USE;

#endif
