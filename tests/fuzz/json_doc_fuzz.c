/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a JSON document and a path into it (what stands before the first line end): an answer or an error, never a crash; and
 * the normal form of a document is its own normal form.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/ops/json_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *line = memchr(text, '\n', size);
	const uint32_t path_length = line != NULL ? (uint32_t)(line - text) : 0;
	struct tr_json_doc doc = {0}, again = {0};
	struct tr_bytes once = {0}, twice = {0};
	struct tr_arena arena;
	const struct tr_json_path *path;
	const char *error;
	uint32_t node;

	tr_arena_init(&arena, 0);
	path = tr_json_path_compile(&arena, text, path_length);
	text += path_length;
	if (tr_json_doc_parse(&doc, text, (uint32_t)(size - path_length), &arena)) {
		tr_json_write(&doc, 0, &once);
		if (tr_json_doc_parse(&again, once.data, (uint32_t)once.length, &arena)) {
			tr_json_write(&again, 0, &twice);
			if (once.length != twice.length || memcmp(once.data, twice.data, once.length) != 0)
				abort();
		} else if (strstr(again.error, "1,000 characters") == NULL && strstr(again.error, "exponent") == NULL) {
			abort(); /* zeros that the number did not have may make it too long */
		}
		if (tr_json_path_eval(path, &doc, &arena, &node, &error) && node != TR_JSON_PATH_NONE)
			tr_json_write(&doc, node, &once);
	}
	tr_json_doc_deinit(&doc);
	tr_json_doc_deinit(&again);
	tr_bytes_deinit(&once);
	tr_bytes_deinit(&twice);
	tr_arena_deinit(&arena);
	return 0;
}
