/* SPDX-License-Identifier: Apache-2.0
 *
 * Script text: what the user wrote, and what the lexer reads after variables have been filled in.
 *
 *     original   INSERT INTO sink SELECT * FROM read_csv('${DIR}/a.csv')
 *     text       INSERT INTO sink SELECT * FROM read_csv('/data/a.csv')
 *     pieces     |-- copied ------------------------------||value||----|
 *
 * Every position in a token, a tree node or a diagnostic is a byte offset into `text`. Only when an error is shown
 * is it mapped back: tr_script_text_place says where in the file that is, and a place inside a variable's value is
 * the place of its `${NAME}`.
 *
 * `${NAME}` is replaced by the value of the variable, `${NAME:-other}` by `other` when NAME is not defined;
 * `$${` is a literal `${`. Values are not scanned again. Comments are left alone, strings are not. A `${` that no name follows
 * stays as it is. Everything is borrowed or lives in the arena; nothing here changes after it was made.
 */
#ifndef TR_SQL_SCRIPT_TEXT_H
#define TR_SQL_SCRIPT_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

#define TR_SCRIPT_BYTES_MAX (1u << 20) /* of the original, and of the text after substitution */

struct tr_diags;

/** Bytes [start, end) of a script's text. */
struct tr_span {
	uint32_t start;
	uint32_t end;
};

struct tr_variable {
	const char *name;
	const char *value;
};

/** A stretch of the text that came from one stretch of the original; it reaches to the start of the next one. */
struct tr_text_piece {
	uint32_t start; /* in text */
	uint32_t original_start;
	uint32_t original_end; /* of `${NAME}`; unused for copied pieces */
	const char *variable;  /* NAME, or NULL: copied byte by byte */
};

/** Where lines and code points stand at a byte of the original that is a multiple of TR_TEXT_MARK_BYTES. */
struct tr_text_mark {
	uint32_t line;        /* from 1 */
	uint32_t line_start;  /* byte */
	uint32_t line_points; /* code points before the line */
	uint32_t points;      /* code points before the byte */
};

#define TR_TEXT_MARK_BYTES 1024u

struct tr_script_text {
	const char *file; /* as shown in errors: "job.sql", "<stdin>" */
	const char *original;
	uint32_t original_length;
	const char *text; /* NUL-terminated; the same pointer as `original` when there was nothing to replace */
	uint32_t length;
	bool is_bad;          /* it was reported; nothing is to be parsed */
	uint32_t piece_count; /* 0: text is the original */
	const struct tr_text_piece *pieces;
	const struct tr_text_mark *marks; /* so that a place is found without reading all before it */
};

/** A place in the original file. */
struct tr_place {
	uint32_t offset;      /* byte */
	uint32_t line;        /* from 1 */
	uint32_t column;      /* from 1; counts code points, a tab is one */
	const char *variable; /* the place lies in the value of this variable, or NULL */
};

/** Fills in variables. `original` must be followed by a NUL byte and outlive the result, as must `variables`.
 * Problems (an undefined variable, a text that is too long, a NUL byte, invalid UTF-8) go to `diags`, each at its
 * place; the result is usable for showing them in any case. When a name occurs twice, the last one wins. */
struct tr_script_text *tr_script_text_make(struct tr_arena *arena, const char *file, const char *original,
					   size_t length, const struct tr_variable *variables, uint32_t variable_count,
					   struct tr_diags *diags);

/** Where byte `offset` of the text stands in the original. Accepts 0 .. length. */
struct tr_place tr_script_text_place(const struct tr_script_text *text, uint32_t offset);

#endif
