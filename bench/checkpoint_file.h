/* SPDX-License-Identifier: Apache-2.0
 *
 * Checkpoint file: a state writer whose records go to a file by way of a second thread, as the engine's will.
 *
 *     put ──copies──▶ block of 256 KiB ──full──▶ list ──▶ thread: pwrite         and back to the pool
 *
 * The file is begun again at its start when it has reached 2 GiB. With `is_kept` nothing is written and the blocks stay in
 * memory, in order, to be loaded from.
 *
 * Threads: one owner; the second thread is its own.
 */
#ifndef TR_BENCH_CHECKPOINT_FILE_H
#define TR_BENCH_CHECKPOINT_FILE_H

#include "base/state_record.h"
#include "tailrace/status.h"

struct tr_checkpoint_file;

tr_code tr_checkpoint_file_create(bool is_kept, struct tr_checkpoint_file **file, struct tr_status *st);
/** Waits for what is on its way. */
void tr_checkpoint_file_destroy(struct tr_checkpoint_file **file);

struct tr_state_writer *tr_checkpoint_file_writer(struct tr_checkpoint_file *file);

/** Whether the thread keeps up; if not, the owner should put nothing for a while. */
bool tr_checkpoint_file_has_room(struct tr_checkpoint_file *file);

/** Bytes of all records put so far. */
uint64_t tr_checkpoint_file_bytes(const struct tr_checkpoint_file *file);

/** Calls `load` for each record that was kept. */
tr_code tr_checkpoint_file_replay(const struct tr_checkpoint_file *file,
				  tr_code (*load)(void *context, const void *bytes, size_t length), void *context);

#endif
