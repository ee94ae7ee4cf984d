/* SPDX-License-Identifier: Apache-2.0
 *
 * The YAML configuration file: nested or dotted keys, Flink's names (base/config.h has the table).
 */
#ifndef TR_SERVER_CONFIG_FILE_H
#define TR_SERVER_CONFIG_FILE_H

#include <stddef.h>

#include "base/config.h"

#define TR_CONFIG_FILE_BYTES_MAX (1u << 20)
#define TR_CONFIG_DEPTH_MAX 16

/** Reads a file into `config` as TR_ORIGIN_FILE. TR_ERR_NO_INPUT, TR_ERR_CONFIG with file:line:column. */
tr_code tr_config_file_read(struct tr_config *config, const char *path, struct tr_status *st) TR_MUST_USE;

/** The same from memory; `name` is for messages. */
tr_code tr_config_file_parse(struct tr_config *config, const char *name, const char *text, size_t length,
			     struct tr_status *st) TR_MUST_USE;

#endif
