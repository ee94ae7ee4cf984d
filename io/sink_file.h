/* SPDX-License-Identifier: Apache-2.0
 *
 * The filesystem sink's side of the filesystem connector: its options and its functions. Internal to io/.
 */
#ifndef TR_IO_SINK_FILE_H
#define TR_IO_SINK_FILE_H

#include "io/connector.h"
#include "io/sink.h"

extern const struct tr_sink_ops tr_sink_file_ops;

/** Checks the partition columns of a table for source and sink: their number and their types (source_file.c). */
tr_code tr_source_file_check_partitions(const struct tr_table_spec *spec, struct tr_status *st) TR_MUST_USE;

#define TR_SINK_FILE_BYTES_DEFAULT "128MB"
#define TR_SINK_FILE_ROLL_DEFAULT "30 min"
#define TR_SINK_FILE_CHECK_DEFAULT "1 min"
#define TR_SINK_FILE_SUCCESS_DEFAULT "_SUCCESS"

#define TR_SINK_FILE_OPTIONS                                                                               \
	{.key = "sink.rolling-policy.file-size",                                                           \
	 .kind = TR_OPTION_MEMORY,                                                                         \
	 .default_text = TR_SINK_FILE_BYTES_DEFAULT,                                                       \
	 .doc = "A part file of this size is published, and a new one begun."},                            \
		{.key = "sink.rolling-policy.rollover-interval",                                           \
		 .kind = TR_OPTION_DURATION,                                                               \
		 .default_text = TR_SINK_FILE_ROLL_DEFAULT,                                                \
		 .doc = "A part file is open for at most this long."},                                     \
		{.key = "sink.rolling-policy.inactivity-interval",                                         \
		 .kind = TR_OPTION_DURATION,                                                               \
		 .default_text = "30 min",                                                                 \
		 .doc = "A part file without new rows for this long is published."},                       \
		{.key = "sink.rolling-policy.check-interval",                                              \
		 .kind = TR_OPTION_DURATION,                                                               \
		 .default_text = TR_SINK_FILE_CHECK_DEFAULT,                                               \
		 .doc = "How often the two intervals above are looked at."},                               \
		{.key = "sink.partition-commit.policy.kind",                                               \
		 .kind = TR_OPTION_ENUM,                                                                   \
		 .choices = "success-file",                                                                \
		 .doc = "success-file: an empty file marks a partition whose files have been published."}, \
	{                                                                                                  \
		.key = "sink.partition-commit.success-file.name", .kind = TR_OPTION_STRING,                \
		.default_text = TR_SINK_FILE_SUCCESS_DEFAULT, .doc = "The name of that file."              \
	}

#endif
