/* SPDX-License-Identifier: Apache-2.0
 *
 * Spill: a file for state that memory has no room for, written once, read back by hash, and dropped.
 *
 *     owner ──put(record, buckets)──▶ extent being filled ──full──▶ written ──▶ file
 *     owner ◀──next──── reader ◀── some reads ahead ─────────────────────────── file
 *
 * A *run* is a list of records (base/state_record.h) that never changes. A record holds entries of a range of *buckets*: the
 * space of key hashes cut in 256. Within a run buckets ascend, so what a run has of some buckets lies in one stretch, and all
 * runs can be read side by side, some buckets at a time: as many as fit in memory. Nothing is ever looked up by key.
 *
 * Records lie side by side in *extents* (up to 256 KiB, or one larger record), which are written as a whole, several at a time.
 * An extent may have records of several runs, and its room in the file is given to others when all of those were dropped;
 * when no extent is left the file is cut to nothing. In memory stay 24 bytes a record: where it lies, its buckets, and its
 * CRC32C, which is checked when it comes back.
 *
 * All I/O goes through the owner's queue. Who puts records asks tr_spill_poll from time to time, and stops while that answers
 * BLOCKED: too much is on its way. A write that fails is told by all later calls, with file and reason.
 *
 * The file loses its name as soon as it is open: it goes with the process, however that ends. Nothing of it is needed after a
 * restart. Thread: one owner.
 */
#ifndef TR_STATE_SPILL_H
#define TR_STATE_SPILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/flow.h"
#include "base/hash.h"
#include "base/state_record.h"
#include "io/disk.h"

#define TR_SPILL_BUCKETS 256
#define TR_SPILL_READS_MAX 8

struct tr_spill_extent;

/** A record of a run, as memory remembers it. */
struct tr_spill_record {
	struct tr_spill_extent *extent;
	uint32_t at; /* in the extent */
	uint32_t length;
	uint32_t crc;
	uint16_t kind;
	uint8_t first, last; /* buckets */
};

struct tr_spill_run {
	struct tr_spill_record *records;
	uint32_t count;
	uint32_t capacity;
	uint64_t bytes;
};

struct tr_spill_hole {
	int64_t offset;
	int64_t length;
};

struct tr_spill {
	struct tr_disk *disk;
	struct tr_io_queue *queue;
	struct tr_file *file;
	char *path;              /* for messages */
	size_t buffer_bytes;     /* most that may be on its way */
	uint32_t extent_bytes;   /* of a usual extent */
	struct tr_status status; /* why a write failed */
	struct tr_spill_extent *open;
	struct tr_spill_extent *writing;
	size_t writing_bytes;
	char **spare; /* buffers of a usual extent */
	uint32_t spare_count;
	struct tr_spill_hole *holes; /* by offset; no two touch */
	uint32_t hole_count, hole_capacity;
	int64_t end;
	size_t index_bytes;   /* memory of runs and extents */
	uint64_t live_bytes;  /* of records of runs that are there */
	uint64_t bytes_total; /* ever put */
};

/** What to read: records `record` .. `end` - 1 of a run. */
struct tr_spill_piece {
	const struct tr_spill_run *run;
	uint32_t record, end;
	uint32_t tag;
};

struct tr_spill_read {
	struct tr_io_request request;
	char *buffer;
	size_t room;
	const struct tr_spill_record *records;
	uint32_t count;
	uint32_t tag;
	size_t length;
};

/** Reads records of several runs, in order. Zero-initialise it. */
struct tr_spill_reader {
	struct tr_spill *spill;
	struct tr_spill_piece *pieces;
	uint32_t piece_count, piece_capacity;
	uint32_t piece; /* next to be asked for */
	struct tr_spill_read reads[TR_SPILL_READS_MAX];
	uint32_t head, read_count; /* a ring */
	uint32_t taken;            /* records of the first read */
};

/** A record that has come back. */
struct tr_spill_item {
	struct tr_state_record record; /* keyed; borrowed until the next call */
	uint32_t tag;
	uint8_t first, last; /* its buckets */
};

/** The bucket of a key with this hash. Mixed once more: the upper bits alone have dealt the keys to subtasks. */
static inline uint8_t tr_spill_bucket(uint64_t hash) { return (uint8_t)(tr_hash_u64(hash) >> 56); }

/** Makes the file; its directory must exist. `buffer_bytes`: for what is on its way to the file; as much may be on its way back to each
 * reader. */
tr_code tr_spill_open(struct tr_disk *disk, struct tr_io_queue *queue, const char *path, size_t buffer_bytes,
		      struct tr_spill **spill, struct tr_status *st) TR_MUST_USE;

/** Waits for what is in flight. All runs must have been dropped, all readers cleared. */
void tr_spill_close(struct tr_spill **spill);

/** Runs are filled one at a time or several in turn. */
struct tr_spill_run *tr_spill_run_begin(struct tr_spill *spill);

/** Adds a record, which is copied: entries of buckets first .. last. Neither may be less than those of the record before. */
void tr_spill_put(struct tr_spill *spill, struct tr_spill_run *run, uint16_t kind, const void *bytes, size_t length,
		  uint8_t first, uint8_t last);

/** The run has all its records. */
void tr_spill_run_end(struct tr_spill *spill, struct tr_spill_run *run);

void tr_spill_drop(struct tr_spill *spill, struct tr_spill_run **run);

/** Begins to write what has been put and does not fill an extent. */
void tr_spill_flush(struct tr_spill *spill);

/** Notices what has been written. BLOCKED: so much is on its way that nothing more should be put. FAILED: spill->status. */
enum tr_flow tr_spill_poll(struct tr_spill *spill);

/** The same, but waits instead of BLOCKED: for those who load, before anything runs. */
tr_code tr_spill_wait(struct tr_spill *spill, struct tr_status *st) TR_MUST_USE;

/** Sleeps until something that is on its way has come or gone, for those who may wait: after BLOCKED. */
void tr_spill_await(struct tr_spill *spill);

/** Of memory, without buffers that are being read to. */
size_t tr_spill_memory(const struct tr_spill *spill);

/** Adds what a run has of buckets first .. last. `tag` comes back with its records. The run must stay until the reader is
 * cleared. */
void tr_spill_reader_add(struct tr_spill_reader *reader, struct tr_spill *spill, const struct tr_spill_run *run,
			 uint8_t first, uint8_t last, uint32_t tag);

/** The next record, in the order of adding. MORE: there it is. BLOCKED: it has not come yet. DONE: that were all. FAILED. */
enum tr_flow tr_spill_reader_next(struct tr_spill_reader *reader, struct tr_spill_item *item, struct tr_status *st);

/** Waits for what is in flight and forgets everything but its memory. */
void tr_spill_reader_clear(struct tr_spill_reader *reader);
void tr_spill_reader_deinit(struct tr_spill_reader *reader);

#endif
