/* SPDX-License-Identifier: Apache-2.0
 *
 * Loaders: threads that put state into operators while the log is still being read.
 *
 *     reader ──push──▶ queue of pieces ──▶ thread of one loader ──fn──▶ the operators of one subtask
 *        ▲                                        │
 *        └────────────── pool of blocks ◀─────────┘
 *
 * A piece is a block of records and what the owner wants to know with it. Several loaders may hold the same block. A queue has
 * few places, all queues together hold a bounded number of bytes, and push waits for room. Blocks are used again, so that their
 * pages are touched once; but for very large ones.
 *
 * A loader whose fn has failed takes its further pieces and does nothing with them; push says so, and join tells the reason: the
 * one of the first loader, by number, that has one.
 *
 * Threads: create, push and join are the owner's; fn runs on the loader's own, one call at a time per loader.
 */
#ifndef TR_CORE_LOADER_H
#define TR_CORE_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tailrace/status.h"

#define TR_LOADER_PIECES ((size_t)64)          /* in all queues together, about; at least 2 in each */
#define TR_LOADER_BYTES_MAX ((size_t)64 << 20) /* likewise; a loader without a piece gets one however large */

struct tr_loader_block {
	struct tr_loader_block *next; /* in the pool */
	uint32_t holders;             /* under the lock */
	size_t length;
	size_t capacity;
	_Alignas(8) unsigned char bytes[];
};

struct tr_loader_piece {
	const void *of; /* the owner's */
	int which;      /* likewise: of the block's records */
	struct tr_loader_block *block;
};

typedef tr_code (*tr_loader_fn)(void *context, uint32_t loader, const struct tr_loader_piece *piece,
				struct tr_status *st);

struct tr_loaders;

/** Starts `count` threads. Where one can't be started, has_thread says no and the owner does its work. */
struct tr_loaders *tr_loaders_create(uint32_t count, tr_loader_fn fn, void *context);
bool tr_loaders_has_thread(const struct tr_loaders *loaders, uint32_t loader);

/** A block with a copy of the bytes; the caller holds it. */
struct tr_loader_block *tr_loaders_block(struct tr_loaders *loaders, const void *bytes, size_t length);
void tr_loaders_let_go(struct tr_loaders *loaders, struct tr_loader_block *block);

/** Gives a piece to a loader, who holds the block too. Waits for room. False: a loader has failed; it makes no sense to go on. */
bool tr_loaders_push(struct tr_loaders *loaders, uint32_t loader, const struct tr_loader_piece *piece);

/** Waits until all is done, or with `is_given_up` only until all threads have noticed, and frees everything. */
tr_code tr_loaders_join(struct tr_loaders **loaders, bool is_given_up, struct tr_status *st) TR_MUST_USE;

#endif
