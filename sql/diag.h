/* SPDX-License-Identifier: Apache-2.0
 *
 * Diagnostics: what is wrong with a script, where, and what to do about it.
 *
 * Lexer, parser, binder and planner add to one list and go on where they can, so that a user sees all errors of a
 * script at once. Shown like this:
 *
 *     error E0101: expected a table name after FROM, found 'WHERE'
 *       --> job.sql:3:15
 *        |
 *      3 | SELECT * FROM WHERE x > 1
 *        |               ^^^^^
 *        = hint: ...
 *
 * A message is one sentence without a full stop, begins in lower case, and quotes what the user wrote in '...'. A
 * hint is a sentence that says what to do. Codes are stable: E00 text and tokens, E01 syntax, E02 names, E03 types,
 * E04 tables and options, E05 planning, W.. warnings. E09 is for what Flink has and Tailrace does not have yet.
 * Thread: one owner.
 */
#ifndef TR_SQL_DIAG_H
#define TR_SQL_DIAG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "sql/script_text.h"
#include "tailrace/status.h"

#define TR_DIAG_ERRORS_MAX 20 /* more are counted, not kept */
#define TR_DIAG_WARNINGS_MAX 50
#define TR_DIAG_LINE_COLUMNS_MAX 100 /* of a source line that is shown; longer ones are cut around the caret */

enum tr_severity { TR_SEVERITY_ERROR, TR_SEVERITY_WARNING };

/* Codes of the first half; binder and planner add theirs in their own headers. */
#define TR_E_TEXT_TOO_LONG "E0001"
#define TR_E_TEXT_BYTE "E0002"     /* NUL byte or invalid UTF-8 */
#define TR_E_VARIABLE "E0003"      /* undefined or malformed ${NAME} */
#define TR_E_CHARACTER "E0004"     /* a character that no token begins with */
#define TR_E_UNTERMINATED "E0005"  /* string, quoted identifier or comment without its end */
#define TR_E_LITERAL "E0006"       /* malformed string, number or escape */
#define TR_E_SYNTAX "E0101"        /* expected X, found Y */
#define TR_E_RESERVED "E0102"      /* a reserved word where a name must stand */
#define TR_E_LIMIT "E0103"         /* too deep, too many columns, nodes, ... */
#define TR_E_TYPE_NAME "E0104"     /* unknown type or a bad precision */
#define TR_E_DUPLICATE "E0105"     /* a clause or option given twice */
#define TR_E_NOT_SUPPORTED "E0901" /* not supported yet: ... */

struct tr_diag {
	enum tr_severity severity;
	const char *code; /* static */
	const struct tr_script_text *text;
	struct tr_span span;   /* in text->text */
	struct tr_place place; /* of span.start */
	const char *message;
	const char *hint; /* or NULL */
};

struct tr_diags {
	struct tr_arena *arena;
	const struct tr_script_text *text; /* what spans refer to; may be set later than init, may be NULL */
	struct tr_diag *items;             /* in the order of being added */
	uint32_t count;
	uint32_t capacity;
	uint32_t error_count; /* all that were reported, also those not kept */
	uint32_t warning_count;
	bool has_last; /* the last report was kept: a hint goes to it */
};

/** An empty list whose texts live in `arena`. Nothing to deinit. */
void tr_diags_init(struct tr_diags *diags, struct tr_arena *arena, const struct tr_script_text *text);

/** Adds an error or a warning at `span`. A second error at the same place with the same code is dropped. */
void tr_diag_error(struct tr_diags *diags, const char *code, struct tr_span span, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void tr_diag_warning(struct tr_diags *diags, const char *code, struct tr_span span, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/** Sets the hint of the diagnostic that was added last (also when that one was dropped: then nothing happens). */
void tr_diag_hint(struct tr_diags *diags, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Sets "did you mean 'x'?" as hint of the last diagnostic, when one of `names` is near enough to `name`. */
void tr_diag_hint_nearest(struct tr_diags *diags, const char *name, const char *const *names, uint32_t count);

/** "not supported yet: WHAT" at `span`: for what parses and no later part can do. */
void tr_diag_not_supported(struct tr_diags *diags, struct tr_span span, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** One diagnostic as text (several lines, ending with a newline); `has_color` adds ANSI colours. In `arena`. */
const char *tr_diag_render(const struct tr_diag *diag, bool has_color, struct tr_arena *arena);

/** All of them in the order of their places, a blank line between two, and "... and N more errors" if so. */
const char *tr_diags_render(const struct tr_diags *diags, bool has_color, struct tr_arena *arena);

/** TR_OK without errors; else TR_ERR_DATA with "file:line:column: CODE: message" of the first error in `st`. */
tr_code tr_diags_status(const struct tr_diags *diags, struct tr_status *st);

#endif
