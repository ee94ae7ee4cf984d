/* SPDX-License-Identifier: Apache-2.0
 *
 * Partitions of a filesystem table: directories named key=value, as Hive and Flink write them.
 *
 *     /data/orders/dt=2024-05-01/hr=07/part-0.csv
 *
 * A value is the text of CAST(x AS STRING) with every byte that a path or Hive gives a meaning to written as %XX. NULL
 * and the empty text are the default partition name (`partition.default-name`, __DEFAULT_PARTITION__).
 */
#ifndef TR_IO_FILE_PARTITION_H
#define TR_IO_FILE_PARTITION_H

#include <stdbool.h>

#include "base/batch.h"
#include "base/bytes.h"
#include "io/connector.h"

#define TR_PARTITION_DEFAULT_NAME "__DEFAULT_PARTITION__"
#define TR_PARTITION_COLUMNS_MAX 16

/** A partition column's value, typed and ready to be stored. */
struct tr_partition_value {
	bool is_null;
	char *text; /* unescaped; owned; what a view points to */
	uint32_t length;
	union {
		int8_t i8;
		int16_t i16;
		int32_t i32;
		int64_t i64;
		tr_i128 i128;
		float f32;
		double f64;
	};
};

/** Whether a column of this type may be in PARTITIONED BY: scalars only. */
bool tr_file_partition_is_supported(const struct tr_type *type);

/** Appends "key=value/" for each partition column of the row. The inverse of the next one. */
void tr_file_partition_append(struct tr_bytes *out, const struct tr_table_spec *spec, const struct tr_batch *batch,
			      uint32_t row, const char *default_name);

/** Reads the partition columns' values from the folders of `path`. TR_ERR_DATA when a folder is missing or its value
 * is not of the column's type. `values` has room for spec->partition_count; free with ..._deinit in any case. */
tr_code tr_file_partition_read(const struct tr_table_spec *spec, const char *path, const char *default_name,
			       struct tr_partition_value *values, struct tr_status *st) TR_MUST_USE;
void tr_file_partition_deinit(struct tr_partition_value *values, uint32_t count);

/** Writes the value to rows [0, count) of a column. Texts are borrowed from `value`. */
void tr_file_partition_fill(const struct tr_partition_value *value, struct tr_column_buffer *column, uint32_t count);

#endif
