/* SPDX-License-Identifier: Apache-2.0
 *
 * The shared part of the filesystem source: files as splits, dealt in chunks (io/source.h has the rules).
 *
 *     path --file_list--> names, sorted --> split 0, split 1, ...      monitor-interval: new names become new splits
 *                                             |
 *                                   deal: next chunk of the oldest split with any left
 *                                             v
 *                      ticket {split, chunk, begin, end}: exact byte borders, not yet record borders
 *
 * A plain file is dealt in chunks of `chunk_bytes`. A compressed one is dealt once, as a whole: who gets it reads it
 * from front to back and makes the chunks itself, with exact starts.
 *
 * A bounded split has the size that its file had when it was begun; bytes appended later are not read, and a file that
 * has become shorter is an error. The descriptor is shared by the readers and closed after the last chunk.
 *
 * Threads: everything mutable is behind `lock`, taken once per chunk. A split's fields, once it has been begun, do not
 * change but for the counters that deal and done keep under the lock.
 */
#ifndef TR_IO_FILE_SPLIT_H
#define TR_IO_FILE_SPLIT_H

#include <pthread.h>

#include "io/decompress.h"
#include "io/file_list.h"
#include "io/file_partition.h"
#include "io/format.h"
#include "io/source.h"

#define TR_FILE_CHUNK_BYTES_DEFAULT (512 << 10)
#define TR_FILE_CHUNK_BYTES_MAX (1 << 30)

/* What METADATA columns can read, in the order in which the connector lists it. */
enum tr_file_metadata_key {
	TR_FILE_METADATA_PATH,
	TR_FILE_METADATA_NAME,
	TR_FILE_METADATA_SIZE,
	TR_FILE_METADATA_TIME,
	TR_FILE_METADATA_COUNT
};

struct tr_file_split {
	uint64_t number;
	char *path;
	char *name;           /* "file /data/a.csv" */
	struct tr_file *file; /* open from begin until the last chunk is done */
	int64_t size_bytes;   /* when begun; of the compressed bytes */
	enum tr_compression compression;
	struct tr_partition_value partition[TR_PARTITION_COLUMNS_MAX];
	struct tr_partition_value metadata[TR_FILE_METADATA_COUNT]; /* by key */
	uint64_t inode;
	bool is_begun;
	bool is_dealt;       /* no chunk left */
	int64_t next_offset; /* where the next chunk to be dealt begins */
	uint64_t next_chunk;
	uint32_t readers;     /* tickets out, and restored ones that wait */
	int64_t known_offset; /* a line start, with so many lines before it (file_locate.c) */
	uint64_t known_lines;
};

/** One chunk in a reader's hands. */
struct tr_file_ticket {
	struct tr_file_split *split;
	uint64_t chunk;
	int64_t begin;
	int64_t end;
	bool is_split_end;
	bool is_start_known; /* its first record starts at `start`: a restored chunk, or the rest of a compressed file */
	int64_t start;
};

struct tr_source {
	const struct tr_table_spec *spec;
	struct tr_table_spec decoder_spec; /* spec without the partition columns */
	struct tr_schema decoder_schema;
	struct tr_arena arena;     /* what decoder_spec points to */
	uint32_t *decoder_columns; /* decoder's column -> table's column */
	struct tr_environment *env;
	const char *path; /* local, within the spec */
	const char *default_partition;
	int64_t chunk_bytes;
	int64_t monitor_ms; /* 0: bounded */

	pthread_mutex_t lock; /* guards what follows, and the splits' counters */
	struct tr_file_split **splits;
	uint64_t split_count;
	uint64_t split_capacity;
	uint64_t begun;
	uint64_t oldest;          /* no split before it has a chunk left */
	struct tr_file_list seen; /* sorted: names that have become splits */
	int64_t next_scan_ns;
	uint64_t barrier;                /* newest one that a reader has passed */
	struct tr_file_ticket *restored; /* dealt first */
	uint64_t restored_count;
	uint64_t restored_next;
};

/** The next chunk, for a reader whose last barrier is `barrier`. MORE: `ticket` is filled. BLOCKED: none until
 * `*wake_at_ns` or the reader's next barrier. DONE: none ever. FAILED: the split can't be begun; `ticket->split` names it. */
enum tr_flow tr_file_split_deal(struct tr_source *source, uint64_t barrier, struct tr_file_ticket *ticket,
				int64_t *wake_at_ns, struct tr_status *st);

/** Gives a ticket back: its chunk has been read, or its reader closes. Clears it. */
void tr_file_split_done(struct tr_source *source, struct tr_file_ticket *ticket);

/** Lists the path and appends a split for each new name. Under the lock (or before any reader exists). */
tr_code tr_file_split_scan(struct tr_source *source, struct tr_status *st) TR_MUST_USE;

/** Appends a split for a path that has just been found, or that a checkpoint names. */
struct tr_file_split *tr_file_split_add(struct tr_source *source, const char *path);

/** Opens the split's file, looks at it, and reads the partition values from its path. */
tr_code tr_file_split_open(struct tr_source *source, struct tr_file_split *split, struct tr_status *st) TR_MUST_USE;

/** Closes and frees all splits. No ticket may be out. */
void tr_file_split_deinit(struct tr_source *source);

/** Counts lines: fills line and column (1-based, in characters) of byte `offset` by reading the file again from its
 * start, decompressing if need be. Blocks on `io`. TR_ERR_IO and others when that fails. */
tr_code tr_file_split_locate(struct tr_source *source, struct tr_file_split *split, struct tr_io_queue *io,
			     int64_t offset, uint64_t *line, uint64_t *column, struct tr_status *st) TR_MUST_USE;

/** Positions (file_position.c). A barrier, as io/source.h has it, but for what the reader itself holds;
 * and whether another reader has passed a later one than `barrier`. */
bool tr_file_position_barrier(struct tr_source *source, uint64_t checkpoint, struct tr_position_writer *writer);
bool tr_file_position_is_behind(struct tr_source *source, uint64_t barrier);
tr_code tr_file_position_restore(struct tr_source *source, const struct tr_source_positions *positions,
				 struct tr_status *st);

/** The readers' functions of struct tr_source_ops (file_reader.c). */
tr_code tr_file_reader_open(struct tr_source *source, struct tr_source_context *context,
			    struct tr_source_reader **reader, struct tr_status *st);
void tr_file_reader_close(struct tr_source_reader **reader);
enum tr_flow tr_file_reader_poll(struct tr_source_reader *reader, struct tr_batch_buffer *into,
				 struct tr_chunk_info *info, struct tr_status *st);
void tr_file_reader_rewind(struct tr_source_reader *reader, int64_t start);
bool tr_file_reader_barrier(struct tr_source_reader *reader, uint64_t checkpoint, struct tr_position_writer *writer);

#endif
