/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of a datagen field, shared by the compiler (io/datagen_compile.c) and the filler (io/datagen_fill.c).
 */
#ifndef TR_IO_DATAGEN_FIELD_DEF_H
#define TR_IO_DATAGEN_FIELD_DEF_H

#include "io/datagen_field.h"

struct tr_datagen_field {
	const struct tr_type *type;
	const char *path;    /* "a", "r.a", "m.key" */
	uint64_t salt;       /* hash of the path */
	uint64_t null_below; /* NULL when 32 random bits are below: rate * 2^32 */
	bool is_sequence;
	bool is_var_len;
	int64_t low;    /* integers, intervals; sequence: start */
	int64_t high;   /* inclusive; sequence: end */
	tr_i128 low128; /* DECIMAL, unscaled */
	tr_i128 high128;
	double low_f64; /* FLOAT, DOUBLE */
	double high_f64;
	uint32_t length; /* characters, bytes, elements */
	int64_t max_past_ms;
	uint32_t child_count;
	const struct tr_datagen_field *const *children;
};

#endif
