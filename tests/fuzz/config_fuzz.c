/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a YAML configuration: a result or an error with a place, never a crash.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/config_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tr_arena arena;
	struct tr_config config;
	struct tr_status st = {0};

	tr_arena_init(&arena, 0);
	tr_config_init(&config, &arena);
	if (tr_config_file_parse(&config, "f", (const char *)data, size, &st) != TR_OK &&
	    strncmp(st.message, "f:", 2) != 0)
		abort();
	tr_arena_deinit(&arena);
	return 0;
}
