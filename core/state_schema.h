/* SPDX-License-Identifier: Apache-2.0
 *
 * State schema: what an operator's state records hold, as a text that a checkpoint keeps, so that they can be read without the
 * script. A line for each kind of record:
 *
 *     1 operator: `watermark` BIGINT, `forwarded_watermark` BIGINT, `mark` BIGINT
 *     3 entries keyed 2: `auction` BIGINT, `bidder` BIGINT, `agg0_0` BIGINT NOT NULL, ..
 *     7 blob                                   bytes of the operator's own
 *     16 total keyed 1 table value 16 struct: `user` BIGINT, `cents` BIGINT, `n` INT
 *
 * that is: number, name, for a keyed kind how many of the first columns are the key, for records of a table what its entries are and how
 * large, and the columns with Flink's types. In a name between backticks a backtick is written twice.
 *
 * What is parsed comes from a file: whatever is wrong with it is TR_ERR_DATA. Threads: none here.
 */
#ifndef TR_CORE_STATE_SCHEMA_H
#define TR_CORE_STATE_SCHEMA_H

#include "core/ops/op.h"

#define TR_STATE_SCHEMA_BYTES_MAX \
	((size_t)32 << 10) /* of one operator; a longer one is left out (the root has a limit) */
#define TR_STATE_KINDS_MAX 2048

/** The text, in `arena`; "" if it would be too long. */
const char *tr_state_schema_text(struct tr_arena *arena, const struct tr_state_kind *kinds, uint32_t count);

/** The kinds that a text describes, in `arena`. */
tr_code tr_state_schema_parse(struct tr_arena *arena, const char *text, const struct tr_state_kind **kinds,
			      uint32_t *count, struct tr_status *st) TR_MUST_USE;

#endif
