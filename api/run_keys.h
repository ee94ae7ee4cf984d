/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys of a keyed operator on one subtask: those of a batch, made once for all its states, and the current one.
 *
 *     one column of whole numbers    ints[i], sign-extended; as bytes: those eight
 *     anything else                  bytes of core/ops/window_codec.h
 *
 * In both cases the hash is that by which the exchange has dealt the row, so tables own the right key groups.
 */
#ifndef TR_API_RUN_KEYS_H
#define TR_API_RUN_KEYS_H

#include "base/batch.h"
#include "base/bytes.h"
#include "core/operator.h"
#include "state/table.h"
#include "tailrace/batch.h"

struct tr_run_key {
	int64_t integer; /* of integer keys */
	struct tr_table_key bytes;
};

struct tr_run_keys {
	const struct tr_schema *input;
	const uint32_t *columns;
	uint32_t column_count;
	bool is_integer;
	/* Of the selected rows of the batch at hand. */
	uint32_t count, room;
	int64_t *ints;
	struct tr_table_key *keys;
	uint64_t *hashes;
	struct tr_bytes text;
	uint32_t *offsets;
	struct tr_column *views; /* key columns of that batch */
	struct tr_batch view;
	/* A single key, of a timer. */
	struct tr_schema schema; /* of the key columns */
	struct tr_batch_buffer *single;
	char *single_bytes;
	struct tr_run_key timer_key;
};

void tr_run_keys_init(struct tr_run_keys *keys, const struct tr_schema *input, const struct tr_key_columns *columns);
void tr_run_keys_deinit(struct tr_run_keys *keys);

/** The keys of a batch. TR_ERR_DATA: one is NULL. */
tr_code tr_run_keys_take(struct tr_run_keys *keys, const struct tr_batch *batch, struct tr_status *st) TR_MUST_USE;

/** That of the i-th selected row; of integer keys `bytes` point to ints[i]. */
static inline struct tr_run_key tr_run_keys_of(const struct tr_run_keys *keys, uint32_t i)
{
	return (struct tr_run_key){keys->is_integer ? keys->ints[i] : 0, keys->keys[i]};
}

/** Makes a key of its bytes the single one, copied. */
const struct tr_run_key *tr_run_keys_set_single(struct tr_run_keys *keys, const struct tr_table_key *key);

/** The key columns of a row of the batch at hand, or of the single key. */
struct tr_row tr_run_keys_row(struct tr_run_keys *keys, bool is_single, uint32_t row);

#endif
