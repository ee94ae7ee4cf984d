/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the SQL front end share: a script in memory, parsed, with its diagnostics as text.
 */
#ifndef TR_TESTS_SQL_TEST_H
#define TR_TESTS_SQL_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/check.h"
#include "sql/parse.h"

struct parsed {
	struct tr_arena arena;
	struct tr_diags diags;
	struct tr_script_text *text;
	struct tr_ast_script *script;
};

static inline void parse_with(struct parsed *out, const char *sql, size_t length, const struct tr_variable *variables,
			      uint32_t count)
{
	tr_arena_init(&out->arena, 0);
	tr_diags_init(&out->diags, &out->arena, NULL);
	out->text = tr_script_text_make(&out->arena, "job.sql", sql, length, variables, count, &out->diags);
	out->script = tr_parse_script(out->text, &out->arena, &out->diags);
}

static inline void parse(struct parsed *out, const char *sql) { parse_with(out, sql, strlen(sql), NULL, 0); }

static inline void done(struct parsed *p) { tr_arena_deinit(&p->arena); }

/* Fails with the shown errors when there are any. */
static inline void assert_parses(const char *sql)
{
	struct parsed p;

	parse(&p, sql);
	if (p.diags.error_count > 0)
		fail_msg("%s\n%s", sql, tr_diags_render(&p.diags, false, &p.arena));
	assert_true(p.script->count > 0);
	done(&p);
}

static inline void assert_shown(const char *sql, const char *expected)
{
	struct parsed p;
	const char *shown;

	parse(&p, sql);
	shown = tr_diags_render(&p.diags, false, &p.arena);
	if (strcmp(shown, expected) != 0)
		fail_msg("got:\n%s\nexpected:\n%s", shown, expected);
	done(&p);
}

#endif
