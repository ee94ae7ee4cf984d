/* SPDX-License-Identifier: Apache-2.0
 *
 * Source: where rows come from. Splits, chunks, carries.
 *
 * A source has splits (files, partitions, one generated sequence). A split has one order and one watermark. Splits are
 * numbered from 0 in the order in which they are begun. A split is dealt to the readers (one per subtask) in chunks,
 * numbered from 0, in order; whichever reader asks next gets the next chunk of the oldest split that has any left.
 *
 *     split 0  |-- chunk 0 --|-- chunk 1 --|-- chunk 2 --| ...
 *                reader A  \    reader B  \   reader A
 *                         carry          carry
 *
 * Who reads a chunk does not know where exactly its first record starts, nor which watermark is in force there: both
 * are known when the chunk before has been decoded. So a reader guesses the start (after the first line end at the
 * border) and decodes ahead, and the subtask (core/source_task.c) holds the rows until the carry of the chunk before
 * arrives: its exact end, and the watermark after it. Was the guess wrong, the reader is told to `rewind` and decodes
 * the chunk again from there. So rows and watermarks are those of one reader that reads the split from front to back.
 * An error met while the start is still a guess waits too: it is raised only once the start is confirmed. A generator's
 * chunks have exact borders: start and end are row numbers.
 *
 * Memory: a batch filled by poll may point into the reader's input buffer. The bytes stay valid until the reader is
 * polled for its next chunk; so a chunk's batches are all released before the next chunk is asked for.
 *
 * Threads: the shared part is used by all readers and locks for itself (only when a chunk is dealt); a reader belongs
 * to its subtask's worker.
 */
#ifndef TR_IO_SOURCE_H
#define TR_IO_SOURCE_H

#include "base/batch.h"
#include "base/environment.h"
#include "base/flow.h"
#include "io/connector.h"

/** Options of a table whose source knows of watermarks (sql/bind_from.c asks for them). */
#define TR_SOURCE_WATERMARK_OPTIONS                                                                                   \
	{.key = "scan.watermark.emit.strategy",                                                                       \
	 .kind = TR_OPTION_ENUM,                                                                                      \
	 .default_text = "on-periodic",                                                                               \
	 .choices = "on-event|on-periodic",                                                                           \
	 .doc = "Emit a watermark for each row that moves it, or by 'pipeline.auto-watermark-interval'."},            \
		{.key = "scan.watermark.idle-timeout",                                                                \
		 .kind = TR_OPTION_DURATION,                                                                          \
		 .doc = "A split without rows for so long holds nobody back; unset: "                                 \
			"'table.exec.source.idle-timeout'."},                                                         \
		{.key = "scan.watermark.alignment.group",                                                             \
		 .kind = TR_OPTION_STRING,                                                                            \
		 .doc = "Tables of one group wait for one another's watermarks."},                                    \
		{.key = "scan.watermark.alignment.max-drift",                                                         \
		 .kind = TR_OPTION_DURATION,                                                                          \
		 .doc = "How far the table may be ahead of the group's least watermark."},                            \
	{                                                                                                             \
		.key = "scan.watermark.alignment.update-interval", .kind = TR_OPTION_DURATION, .default_text = "1 s", \
		.doc = "How often the table looks how far it may go."                                                 \
	}

struct tr_io_queue;
struct tr_source;        /* shared part, defined by each source */
struct tr_source_reader; /* per subtask */

/** What the batch that poll filled is a part of. */
struct tr_chunk_info {
	uint64_t split;
	uint64_t chunk;
	bool is_first;     /* first batch of the chunk */
	bool is_last;      /* last batch of the chunk (it may have 0 rows) */
	bool is_split_end; /* with is_last: the split has no further chunk */
	int64_t start;     /* where the chunk's first record starts: a guess unless chunk is 0 */
	int64_t limit;     /* the chunk's border: its records start before it; 0: it has none */
	int64_t end;       /* with is_last: one past the chunk's last record; the exact start of the next chunk */
	uint64_t rows_bad; /* rows skipped, and fields set to NULL, by ignore-parse-errors in this batch */
	uint64_t fields_bad;
	uint64_t bytes; /* input consumed by this batch, for the statistics */
	/* The split's watermark after the batch, where the source says it itself; it may be all there is to say (a chunk with 0 rows). It
	 * counts at once. 0 (and less): nothing is said. */
	int64_t watermark_ms;
	bool is_activity; /* even without rows: the split is not idle */
};

/* Positions. A checkpoint holds, per split, which chunk is dealt next and where it begins (as far as the dealer knows), and of
 * each reader the chunks in its hands, with how many of their rows have been pushed (core/source_position.h). After a restore
 * the dealer goes on with chunks in hand first, oldest first, then with the next chunk of each split. docs/decisions/0009
 * has the two rules that make this exact. All integers; a source's own data (a file's path, size, inode) is a text. */

/** A split in a checkpoint: where dealing goes on. */
struct tr_split_position {
	uint64_t split;
	uint64_t next_chunk; /* the first one that is dealt after the restore */
	int64_t next_start;  /* its start as the dealer has it: a guess for files, exact for generators */
	bool is_dealt;       /* no chunk is left to be dealt */
	const char *text;    /* the source's own: what it needs to find the split again; "" if nothing; borrowed */
};

/** A chunk that was in hand at the barrier. */
struct tr_chunk_position {
	uint64_t split;
	uint64_t chunk;
	int64_t start; /* where its first record starts; a guess unless is_confirmed */
	int64_t limit; /* as in tr_chunk_info */
	bool is_confirmed;
};

/** Takes positions. What they point to is borrowed for the call. */
struct tr_position_writer {
	void (*put_split)(struct tr_position_writer *writer, const struct tr_split_position *split);
	void (*put_chunk)(struct tr_position_writer *writer, const struct tr_chunk_position *chunk);
};

/** All positions of a source. */
struct tr_source_positions {
	const struct tr_split_position *splits; /* all that have been begun: 0 .. split_count - 1 */
	uint64_t split_count;
	const struct tr_chunk_position *chunks; /* by split, then by number; none twice */
	uint64_t chunk_count;
};

/** What a reader gets from its worker. Outlives the reader. */
struct tr_source_context {
	struct tr_environment *env;
	struct tr_io_queue *io;
	uint32_t subtask;
	uint32_t subtask_count;
	int64_t wake_at_ns; /* set by a reader that answers BLOCKED because of time (monotonic); INT64_MAX: by I/O only */
	/* Whether a split is further than others allow: who can choose among splits leaves it out. NULL: none is. */
	bool (*is_ahead)(struct tr_source_context *context, uint64_t split);
};

struct tr_source_ops {
	/* Whether the table ends by itself (a job over bounded sources ends). Only reads the spec. */
	bool (*is_bounded)(const struct tr_table_spec *spec);
	/* What can be said of the options without the world, when the table is declared; `open` says it again. NULL: nothing. */
	tr_code (*check)(const struct tr_table_spec *spec, struct tr_status *st);
	/* What to write to make a table that does not end one that does; NULL: there is none that does not. */
	const char *bounded_hint;
	/* Opens the shared part: lists files, checks what needs the world. */
	tr_code (*open)(const struct tr_table_spec *spec, struct tr_environment *env, uint32_t reader_count,
			struct tr_source **source, struct tr_status *st);
	void (*close)(struct tr_source **source);
	/* Known splits, and how many of them have been begun: while begun < known, an unread split holds the watermark
	 * at TR_WATERMARK_MIN. Any thread. */
	void (*progress)(struct tr_source *source, uint64_t *known, uint64_t *begun);
	/* The name of a split for messages ("file /data/a.csv"), static or owned by the source. Any thread. */
	const char *(*split_name)(struct tr_source *source, uint64_t split);

	tr_code (*reader_open)(struct tr_source *source, struct tr_source_context *context,
			       struct tr_source_reader **reader, struct tr_status *st);
	void (*reader_close)(struct tr_source_reader **reader); /* waits for its reads in flight */
	/* MORE: `into` (cleared by the caller, of the spec's schema) holds a sealed batch, `info` says of which chunk.
	 * BLOCKED: nothing yet. DONE: no more chunks for this reader, ever. FAILED: status set, `info` names the chunk
	 * (the caller may rewind instead of failing when the start turns out to have been wrong). */
	enum tr_flow (*poll)(struct tr_source_reader *reader, struct tr_batch_buffer *into, struct tr_chunk_info *info,
			     struct tr_status *st);
	/* The current chunk really starts at `start`: decode it again from there. NULL: starts are never guesses. */
	void (*rewind)(struct tr_source_reader *reader, int64_t start);

	/* Positions; both NULL: the source can't be restored, and a job with checkpoints over it is refused. */

	/* The reader has passed the barrier of `checkpoint` (numbers only grow): chunks that are dealt to it from now on are not
	 * before it. Puts the chunks that the reader holds and of which poll has told nothing yet. The first reader to say so
	 * for this checkpoint or a later one puts also the dealing positions of all splits that have been begun, and the
	 * restored chunks that have not been dealt yet; true: this was the first. From then on a reader whose last barrier is
	 * older is dealt nothing and begins no chunk that it holds (poll answers BLOCKED, never DONE) until it has said so, too:
	 * of what it publishes after another's barrier, only the last carry can be needed. */
	bool (*reader_barrier)(struct tr_source_reader *reader, uint64_t checkpoint, struct tr_position_writer *writer);
	/* Restoring, once, before the first poll: where dealing goes on, and the chunks that were in hand, which are dealt first.
	 * Nothing is kept of `positions`. TR_ERR_DATA, TR_ERR_NO_INPUT: the input is not the one that was read (a file is
	 * gone, is shorter or was replaced), or the positions make no sense; the message says which and how. */
	tr_code (*restore)(struct tr_source *source, const struct tr_source_positions *positions, struct tr_status *st);
};

#endif
