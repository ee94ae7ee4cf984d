/* SPDX-License-Identifier: Apache-2.0
 *
 * The logical types of the Flink SQL dialect, and how each is laid out in a column.
 *
 * A `struct tr_type` is immutable and is shared freely once made; who made it owns its memory (an arena, as a rule,
 * which outlives every plan, batch and state that names it). The scalar types have static instances.
 *
 * Physical layout of one value (see also base/column.h):
 *
 *   BOOLEAN                       TR_PHYS_I8    0 or 1 in a byte (a bitmap only in the Arrow export)
 *   TINYINT SMALLINT INT BIGINT   TR_PHYS_I8 .. TR_PHYS_I64
 *   FLOAT DOUBLE                  TR_PHYS_F32, TR_PHYS_F64
 *   DECIMAL(p,s)                  TR_PHYS_I64 for p <= 18, else TR_PHYS_I128: the unscaled integer
 *   CHAR VARCHAR STRING           TR_PHYS_VIEW  UTF-8
 *   BINARY VARBINARY BYTES        TR_PHYS_VIEW
 *   DATE                          TR_PHYS_I32   days since 1970-01-01
 *   TIME(p)                       TR_PHYS_I32   milliseconds of the day
 *   TIMESTAMP(p), TIMESTAMP_LTZ   TR_PHYS_I64   since 1970-01-01T00:00: ms for p <= 3, us for p <= 6, ns for p <= 9
 *   INTERVAL YEAR TO MONTH        TR_PHYS_I32   months
 *   INTERVAL DAY TO SECOND        TR_PHYS_I64   milliseconds
 *   ARRAY, MAP, MULTISET          TR_PHYS_LIST  offsets into child columns (element; key and value)
 *   ROW                           TR_PHYS_ROW   child columns of the same length
 */
#ifndef TAILRACE_TYPES_H
#define TAILRACE_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum tr_type_id {
	TR_TYPE_NULL = 0, /* the type of a bare NULL; becomes another by coercion */
	TR_TYPE_BOOLEAN,
	TR_TYPE_TINYINT,
	TR_TYPE_SMALLINT,
	TR_TYPE_INT,
	TR_TYPE_BIGINT,
	TR_TYPE_FLOAT,
	TR_TYPE_DOUBLE,
	TR_TYPE_DECIMAL,
	TR_TYPE_CHAR,
	TR_TYPE_VARCHAR, /* STRING is VARCHAR(TR_LENGTH_MAX) */
	TR_TYPE_BINARY,
	TR_TYPE_VARBINARY, /* BYTES is VARBINARY(TR_LENGTH_MAX) */
	TR_TYPE_DATE,
	TR_TYPE_TIME,
	TR_TYPE_TIMESTAMP,
	TR_TYPE_TIMESTAMP_LTZ,
	TR_TYPE_INTERVAL_MONTH,
	TR_TYPE_INTERVAL_MS,
	TR_TYPE_ARRAY,
	TR_TYPE_MAP,
	TR_TYPE_MULTISET,
	TR_TYPE_ROW,
	TR_TYPE_COUNT
};

enum tr_phys {
	TR_PHYS_NONE = 0, /* TR_TYPE_NULL: no data, all rows NULL */
	TR_PHYS_I8,
	TR_PHYS_I16,
	TR_PHYS_I32,
	TR_PHYS_I64,
	TR_PHYS_I128,
	TR_PHYS_F32,
	TR_PHYS_F64,
	TR_PHYS_VIEW,
	TR_PHYS_LIST,
	TR_PHYS_ROW,
	TR_PHYS_COUNT
};

#define TR_LENGTH_MAX 2147483647
#define TR_DECIMAL_PRECISION_MAX 38
#define TR_TIME_PRECISION_MAX 9
#define TR_COLUMNS_MAX 1024
#define TR_TYPE_DEPTH_MAX 32

/** A type. `name`s of ROW fields are NUL-terminated and owned like the type itself. */
struct tr_type {
	uint8_t id;   /* enum tr_type_id */
	uint8_t phys; /* enum tr_phys, derived from id and precision */
	bool is_nullable;
	uint8_t scale;        /* DECIMAL */
	int32_t precision;    /* DECIMAL digits; TIME and TIMESTAMP fraction digits; CHAR.. and BINARY.. length */
	uint32_t child_count; /* ARRAY, MULTISET 1; MAP 2; ROW its fields */
	const struct tr_type *const *children;
	const char *const *names; /* ROW only: child_count field names */
};

#ifdef __cplusplus
}
#endif
#endif
