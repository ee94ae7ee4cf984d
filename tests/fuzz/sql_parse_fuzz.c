/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes are a script: the parser answers with a tree or with errors that can be shown, and what it understood
 * says the same when it is written out and read again.
 */
#include <stdlib.h>
#include <string.h>

#include "sql/parse.h"
#include "sql/unparse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Whether an error is that of a character that no token begins with: a statement that is only known by its first word keeps it. */
static bool has_no_token(const struct tr_diags *diags)
{
	for (uint32_t i = 0; i < diags->count; i++)
		if (strcmp(diags->items[i].code, TR_E_CHARACTER) == 0)
			return true;
	return false;
}

static void check_round_trip(const struct tr_ast_script *script, const struct tr_diags *said, struct tr_arena *arena)
{
	for (uint32_t i = 0; i < script->count; i++) {
		const char *once = tr_unparse_statement(script->statements[i], false, arena);
		const char *shape = tr_unparse_statement(script->statements[i], true, arena);
		struct tr_diags diags;
		const struct tr_ast_script *again;

		if (strlen(once) > TR_SCRIPT_BYTES_MAX / 2 || strstr(once, "${") != NULL)
			continue;
		tr_diags_init(&diags, arena, NULL);
		again = tr_parse_script(tr_script_text_make(arena, "again", once, strlen(once), NULL, 0, &diags), arena,
					&diags);
		if (diags.error_count > 0) {
			if (strcmp(diags.items[0].code, TR_E_LIMIT) == 0 ||
			    strcmp(diags.items[0].code, TR_E_VARIABLE) == 0 ||
			    (has_no_token(said) && has_no_token(&diags)))
				continue;
			abort();
		}
		if (again->count != 1 || strcmp(tr_unparse_statement(again->statements[0], true, arena), shape) != 0)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tr_variable variables[] = {{"A", "SELECT 1"}, {"B", ""}};
	struct tr_arena arena;
	struct tr_diags diags;
	const struct tr_ast_script *script;
	struct tr_script_text *text;
	char *copy = malloc(size + 1);

	memcpy(copy, data, size);
	copy[size] = '\0';
	tr_arena_init(&arena, 0);
	tr_diags_init(&diags, &arena, NULL);
	text = tr_script_text_make(&arena, "fuzz", copy, size, variables, 2, &diags);
	script = tr_parse_script(text, &arena, &diags);
	check_round_trip(script, &diags, &arena);
	tr_diags_render(&diags, true, &arena);
	tr_arena_deinit(&arena);
	free(copy);
	return 0;
}
