/* SPDX-License-Identifier: Apache-2.0
 *
 * Entries of a table's records (state/table_read.h) as rows for people: the columns of the key, and what the schema of their kind says
 * that they are: members of a struct, a number of bytes or elements, a time. The bytes come from a file: what is wrong with them is
 * TR_ERR_DATA. Thread: one owner.
 */
#ifndef TR_SERVER_ENTRY_VIEW_H
#define TR_SERVER_ENTRY_VIEW_H

#include "base/batch.h"
#include "core/ops/op.h"
#include "state/table_read.h"

/** Whether the entry is one to people: not a part of a list or map, nor a value that is none. */
bool tr_entry_is_one(const struct tr_state_kind *kind, const struct tr_table_entry *entry);

/** The entry as the only row of `row` (made here if NULL; the caller destroys it). */
tr_code tr_entry_show(const struct tr_state_kind *kind, bool has_byte_keys, const struct tr_table_entry *entry,
		      struct tr_batch_buffer **row, struct tr_status *st) TR_MUST_USE;

/** That all entries of a record can be shown; adds how many to *entries. */
tr_code tr_entry_check(const struct tr_state_kind *kind, const struct tr_state_record *record, uint64_t *entries,
		       struct tr_status *st) TR_MUST_USE;

#endif
