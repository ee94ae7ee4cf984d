/* SPDX-License-Identifier: Apache-2.0
 *
 * The plain loops behind the measures of single kernels (bench_kernel.c), and row loops for three queries of Nexmark: what gcc
 * makes of the obvious C. They may use what the engine uses: PCRE2, base/calendar.h.
 */
#ifndef TR_BENCH_KERNELS_H
#define TR_BENCH_KERNELS_H

#include "base/column.h"

#define TR_LIMIT_OUTPUTS_MAX 8

/** One table, no NULLs. */
struct tr_limit_input {
	uint32_t count;
	const int32_t *i, *j;    /* INT, 0 < j */
	const int64_t *a, *b;    /* BIGINT, 0 < b */
	const double *x, *y;     /* DOUBLE */
	const int64_t *p, *q;    /* DECIMAL(12, 2) */
	const int64_t *ts;       /* TIMESTAMP(3) */
	const struct tr_view *s; /* channels */
	const struct tr_view *n; /* numbers as text */
	const struct tr_view *url, *extra;
};

/** Columns without gaps. */
struct tr_limit_output {
	void *columns[TR_LIMIT_OUTPUTS_MAX];
	uint32_t rows;
};

typedef void (*tr_limit_loop)(const struct tr_limit_input *in, struct tr_limit_output *out);

struct tr_limit_kernel {
	const char *name;
	const char *sql; /* what stands behind SELECT; FROM b may be left out */
	tr_limit_loop loop;
	uint32_t output_count;
};

/** Ends with name NULL. */
extern const struct tr_limit_kernel tr_limit_kernels[];

/** nexmark.c: q14 with a character counted, q21 with a regular expression, q22 with splits. */
void tr_limit_q14(const struct tr_limit_input *in, struct tr_limit_output *output);
void tr_limit_q21(const struct tr_limit_input *in, struct tr_limit_output *output);
void tr_limit_q22(const struct tr_limit_input *in, struct tr_limit_output *output);

#endif
