/* SPDX-License-Identifier: Apache-2.0
 *
 * The codes of errors and warnings, each with what it means, a script that gets it and the same script put right: for
 * `tailrace errors`, `tailrace explain E0202` and docs/errors.md. The scripts are run by tests/run_docs.
 */
#ifndef TR_SQL_DIAG_CODE_H
#define TR_SQL_DIAG_CODE_H

#include <stdint.h>

/** Fields are static texts. */
struct tr_diag_code {
	const char *code;  /* "E0202" */
	const char *title; /* a few words: "no such column" */
	const char *doc;   /* sentences: why, and what to do */
	const char *wrong; /* a script whose first diagnostic has the code; NULL: it can't be shown in a few lines */
	const char *right; /* the same without it; NULL: there is none */
};

/** All codes in order; *count is how many. */
const struct tr_diag_code *tr_diag_codes(uint32_t *count);

/** In any case: "e0202" is E0202. NULL: there is no such code. */
const struct tr_diag_code *tr_diag_code_find(const char *code);

#endif
