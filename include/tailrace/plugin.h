/* SPDX-License-Identifier: Apache-2.0
 *
 * Plugins: a job as a shared object, for `tailrace run job.so`.
 *
 *     #include <tailrace/tailrace.h>
 *
 *     static tr_code build(struct tr_env *env, int argc, char **argv, struct tr_status *st)
 *     {
 *             ..                                     sources, operators, sinks; not execute
 *             return TR_OK;
 *     }
 *     TR_PLUGIN(build)
 *
 *     cc -shared -fPIC $(pkg-config --cflags tailrace) -o job.so job.c
 *
 * The engine is the program's: a plugin does not link it. Its file, and the directory that it lies in, must belong to the user or
 * root, and nobody else may be able to write to them. argv[0] is the file; each `-v NAME=VALUE` of the command line is one more argument,
 * "NAME=VALUE".
 */
#ifndef TAILRACE_PLUGIN_H
#define TAILRACE_PLUGIN_H

#include "tailrace/environment.h"

struct tr_plugin {
	uint32_t abi_version;
	tr_code (*build)(struct tr_env *env, int argc, char **argv, struct tr_status *st);
};

#ifdef __cplusplus
#define TR_PLUGIN_EXTERN extern "C"
#else
#define TR_PLUGIN_EXTERN
#endif

/** The symbol that the program looks for. */
#define TR_PLUGIN(build_function)                                       \
	TR_PLUGIN_EXTERN TR_API const struct tr_plugin tr_plugin_entry; \
	TR_PLUGIN_EXTERN const struct tr_plugin tr_plugin_entry = {TR_ABI_VERSION, build_function};

#endif
