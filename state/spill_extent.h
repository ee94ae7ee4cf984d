/* SPDX-License-Identifier: Apache-2.0
 *
 * Extents of a spill, for spill.c and spill_read.c only.
 */
#ifndef TR_STATE_SPILL_EXTENT_H
#define TR_STATE_SPILL_EXTENT_H

#include "state/spill.h"

struct tr_spill_extent {
	int64_t offset; /* these two: once it is full, or flushed */
	int64_t file_bytes;
	size_t length; /* of records */
	size_t room;
	uint32_t refs; /* runs that have records here, and one until it is written */
	bool is_written;
	char *buffer; /* until it is written */
	struct tr_io_request request;
	struct tr_spill_extent *next; /* of those being written */
};

#endif
