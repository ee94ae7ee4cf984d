/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing a checkpoint: from begin to the durable root. See log.h for what it promises, log_state.h for the other files.
 *
 *     append: frame head into the block, one write for both ──▶ in flight ──reap──▶ the block is freed
 *
 * Each stage waits for all requests of the one before it: a sync covers only writes that had completed when it was
 * submitted. A segment that is full is synced as soon as its writes are done, so that the disk has work while more blocks come.
 *
 * What can go wrong, and what becomes of it:
 *     short write           its rest is written
 *     EINTR, EAGAIN         sent again, TR_LOG_RETRIES_MAX times
 *     ENOSPC, EDQUOT, EFBIG before the root: the checkpoint is given up, its segments go, the log goes on
 *     any other error of a write, any error of a sync, any error while the root is written: the log is broken. Of the root
 *                           nobody knows then whether it will be found, so nothing may be written over what it names.
 *
 * What is given up may still be in flight; until it has landed append takes nothing, so that an old write can't overtake
 * a new one to the same place.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/fault.h"
#include "state/log_state.h"

/* Requests. */

static void send(struct tr_log *log, struct tr_log_request *request)
{
	request->io.buffer = request->bytes != NULL ? request->bytes + request->done : NULL;
	request->io.length = request->length - request->done;
	request->io.offset = request->offset + (int64_t)request->done;
	tr_io_submit(log->io, &request->io);
}

static void start(struct tr_log *log, struct tr_log_request *request, enum tr_io_op op, struct tr_file *file)
{
	TR_ASSERT(!request->is_used && !log->is_broken);
	request->is_used = true;
	request->done = 0;
	request->retries = 0;
	request->io = (struct tr_io_request){.op = op, .file = file};
	log->in_flight++;
	send(log, request);
}

static struct tr_log_request *free_request(struct tr_log *log)
{
	for (uint32_t i = 0; i < TR_LOG_WRITES_MAX; i++)
		if (!log->writes[i].is_used)
			return &log->writes[i];
	return NULL;
}

void tr_log_write_send(struct tr_log *log, struct tr_log_open_segment *segment, struct tr_state_block *block,
		       void *bytes, size_t length, uint64_t offset)
{
	struct tr_log_request *request = free_request(log);

	TR_ASSERT(request != NULL);
	*request = (struct tr_log_request){
		.block = block, .segment = segment, .bytes = bytes, .length = length, .offset = (int64_t)offset};
	segment->writes++;
	segment->is_dirty = true;
	log->in_flight_bytes += length;
	start(log, request, TR_IO_WRITE, segment->file);
}

static void sync_segment(struct tr_log *log, struct tr_log_open_segment *segment)
{
	TR_ASSERT(segment->writes == 0);
	segment->is_dirty = false;
	segment->sync = (struct tr_log_request){.segment = segment};
	TR_FAULT_POINT("log-sync-before");
	start(log, &segment->sync, TR_IO_SYNC, segment->file);
	TR_FAULT_POINT("log-sync-submitted");
}

static bool is_space(int64_t error) { return error == ENOSPC || error == EDQUOT || error == EFBIG; }

/** Notes the first failure; `is_final` breaks the log. */
static void fail(struct tr_log *log, bool is_final, const struct tr_status *st)
{
	if (!log->has_failed || (is_final && !log->is_broken))
		log->failure = *st;
	log->has_failed = true;
	log->is_broken = log->is_broken || is_final;
}

static void fail_request(struct tr_log *log, const struct tr_log_request *request, int error)
{
	const bool is_sync = request->io.op == TR_IO_SYNC;
	const bool is_final = is_sync || request->segment == NULL || !is_space(error);
	struct tr_status st = {0};
	char path[TR_LOG_PATH_MAX];

	if (log->is_draining && !is_final) /* of what was given up */
		return;
	if (request->segment != NULL)
		tr_log_segment_path(log, request->segment->number, path);
	else
		tr_log_path(log, (log->next.generation & 1) != 0 ? "root-1" : "root-0", path);
	if (is_sync)
		(void)tr_status_set(&st, TR_ERR_IO, error, TR_WHERE,
				    "sync %s: what the disk has of it is not known any more: the process must end and "
				    "start again from the last checkpoint",
				    path);
	else
		(void)tr_status_set(&st, TR_ERR_IO, error, TR_WHERE, "checkpoint %llu: write %s at byte %lld",
				    (unsigned long long)log->checkpoint, path, (long long)request->io.offset);
	fail(log, is_final, &st);
}

static void finish(struct tr_log *log, struct tr_log_request *request)
{
	request->is_used = false;
	TR_ASSERT(log->in_flight > 0);
	log->in_flight--;
	if (request->io.op == TR_IO_SYNC) {
		TR_FAULT_POINT("log-sync-done");
		return;
	}
	if (request->segment != NULL) {
		request->segment->writes--;
		log->in_flight_bytes -= request->length;
	}
	if (request->block != NULL)
		tr_state_block_destroy(&request->block);
}

/** Looks at a request that may have been answered. */
static void reap(struct tr_log *log, struct tr_log_request *request)
{
	const int64_t result = request->io.result;

	if (!request->is_used || !request->io.is_done)
		return;
	if ((result == -EINTR || result == -EAGAIN) && request->retries < TR_LOG_RETRIES_MAX && !log->is_broken) {
		request->retries++;
		send(log, request);
		return;
	}
	if (TR_BUG("log-syncs-again") && result < 0 && request->io.op == TR_IO_SYNC && request->retries++ == 0) {
		send(log, request);
		return;
	}
	if (result < 0 || (request->io.op == TR_IO_WRITE && result == 0)) {
		fail_request(log, request, result < 0 ? (int)-result : EIO);
		finish(log, request);
		return;
	}
	request->done += request->io.op == TR_IO_WRITE ? (size_t)result : 0;
	if (request->done < request->length && !log->is_broken && !log->is_draining) {
		send(log, request);
		return;
	}
	finish(log, request);
}

static void reap_all(struct tr_log *log)
{
	(void)tr_io_poll(log->io);
	for (uint32_t i = 0; i < TR_LOG_WRITES_MAX; i++)
		reap(log, &log->writes[i]);
	for (struct tr_log_open_segment *segment = log->open; segment != NULL; segment = segment->next)
		reap(log, &segment->sync);
	reap(log, &log->root_writes[0]);
	reap(log, &log->root_writes[1]);
	reap(log, &log->root_sync);
}

void tr_log_settle(struct tr_log *log)
{
	const bool has_waited = log->in_flight > 0;

	log->is_draining = log->is_draining || has_waited;
	reap_all(log);
	while (log->in_flight > 0) {
		(void)tr_io_wait(log->io, -1);
		reap_all(log);
	}
	if (has_waited)
		tr_io_wake(log->io); /* the owner's own wake may have been taken here */
}

/* Appending. */

void tr_log_begin(struct tr_log *log, uint64_t checkpoint)
{
	TR_ASSERT(!log->is_read_only && !log->is_broken && log->stage == TR_LOG_IDLE);
	TR_ASSERT(log->root.entry_count == 0 || checkpoint > log->root.entries[0].checkpoint.number);
	log->stage = TR_LOG_WRITING;
	log->checkpoint = checkpoint;
	log->checkpoint_bytes = 0;
	log->fresh_count = 0;
	log->age = tr_state_age(checkpoint);
	log->age_bytes = 0;
	log->is_extent_ended = true;
}

uint64_t tr_log_age(const struct tr_log *log) { return log->age; }

/** When enough has been appended, what comes is a little younger, and in an extent of its own. */
static void age_frames(struct tr_log *log)
{
	if (log->checkpoint_bytes - log->age_bytes < tr_log_extent_goal(log, log->checkpoint_bytes) ||
	    tr_state_age_checkpoint(log->age + 1) != log->checkpoint)
		return;
	log->age++;
	log->age_bytes = log->checkpoint_bytes;
	log->is_extent_ended = true;
}

/** The extent to which a frame at the cursor belongs. */
static struct tr_root_extent *extent_at_cursor(struct tr_log *log)
{
	struct tr_root_extent *extent = log->fresh_count > 0 ? &log->fresh[log->fresh_count - 1] : NULL;

	if (!log->is_extent_ended && extent->segment == log->cursor.segment && extent->end == log->cursor.offset)
		return extent;
	log->is_extent_ended = false;
	log->fresh = realloc(log->fresh, (log->fresh_count + 1) * sizeof(*log->fresh));
	TR_ASSERT(log->fresh != NULL);
	extent = &log->fresh[log->fresh_count++];
	*extent = (struct tr_root_extent){.segment = log->cursor.segment,
					  .begin = log->cursor.offset,
					  .end = log->cursor.offset,
					  .first = UINT64_MAX,
					  .previous = log->cursor.crc};
	return extent;
}

static void fill_head(const struct tr_log *log, struct tr_state_block *block)
{
	struct tr_frame_head *head = (struct tr_frame_head *)(void *)block->head;

	*head = (struct tr_frame_head){.magic = TR_FRAME_MAGIC,
				       .previous = log->cursor.crc,
				       .type = TR_FRAME_BLOCK,
				       .segment = log->cursor.segment,
				       .offset = log->cursor.offset,
				       .checkpoint = block->checkpoint,
				       .operator_id = block->stream.operator_id,
				       .subtask = block->stream.subtask,
				       .subtask_count = block->stream.subtask_count,
				       .length = (uint32_t)block->length};
	head->crc = tr_log_sum(block->head, sizeof(*head) + block->length, offsetof(struct tr_frame_head, crc));
}

bool tr_log_append(struct tr_log *log, struct tr_state_block *block)
{
	const size_t length = sizeof(struct tr_frame_head) + block->length;
	const bool is_own = block->checkpoint == log->checkpoint; /* a savepoint has those of older ones, too */
	struct tr_root_extent *extent;
	struct tr_status st = {0};

	TR_ASSERT(log->stage == TR_LOG_WRITING && block->checkpoint <= log->checkpoint);
	TR_ASSERT(block->length % 8 == 0 && length <= TR_FRAME_BYTES_MAX);
	/* Two requests: the head of a new segment may be one. */
	if (log->is_draining || log->in_flight + 2 > TR_LOG_WRITES_MAX ||
	    (log->in_flight_bytes > 0 && log->in_flight_bytes + length > TR_LOG_IN_FLIGHT_MAX))
		return false;
	if (!log->has_failed && tr_log_segment_reserve(log, length, &st) != TR_OK) {
		(void)tr_status_prefix(&st, TR_ERR_IO, "checkpoint %llu", (unsigned long long)log->checkpoint);
		fail(log, false, &st);
	}
	if (log->has_failed) { /* the next step says so */
		tr_state_block_destroy(&block);
		return true;
	}
	age_frames(log);
	fill_head(log, block);
	extent = extent_at_cursor(log);
	extent->end += length;
	extent->first = TR_MIN(extent->first, is_own ? log->age : tr_state_age(block->checkpoint));
	extent->last = TR_MAX(extent->last, is_own ? log->age : tr_state_age(block->checkpoint + 1) - 1);
	extent->crc = ((const struct tr_frame_head *)(const void *)block->head)->crc;
	TR_FAULT_POINT("log-append-before");
	tr_log_write_send(log, log->current, block, block->head, length, log->cursor.offset);
	TR_FAULT_POINT("log-append-after");
	log->cursor.offset += length;
	log->cursor.crc = extent->crc;
	log->current->length = log->cursor.offset;
	tr_log_segment_find(log, log->cursor.segment)->bytes = log->cursor.offset;
	log->checkpoint_bytes += length;
	return true;
}

void tr_log_seal(struct tr_log *log, const struct tr_log_checkpoint *checkpoint)
{
	struct tr_log_entry *sealed = &log->sealed;
	const size_t bytes = (checkpoint->part_count + 1) * sizeof(*sealed->parts);

	TR_ASSERT(log->stage == TR_LOG_WRITING && checkpoint->number == log->checkpoint && sealed->parts == NULL);
	sealed->checkpoint = *checkpoint;
	sealed->checkpoint.bytes = log->checkpoint_bytes;
	sealed->parts = calloc(1, bytes);
	TR_ASSERT(sealed->parts != NULL);
	for (uint32_t i = 0; i < checkpoint->part_count; i++) {
		sealed->parts[i] = checkpoint->parts[i];
		sealed->parts[i].uid = tr_log_text(log, checkpoint->parts[i].uid);
		sealed->parts[i].fingerprint = tr_log_text(log, checkpoint->parts[i].fingerprint);
		sealed->parts[i].schema = tr_log_text(log, checkpoint->parts[i].schema);
	}
	sealed->checkpoint.parts = sealed->parts;
	log->stage = TR_LOG_SEALED;
}

/* Giving up. */

static void give_up(struct tr_log *log)
{
	free(log->sealed.parts);
	log->sealed = (struct tr_log_entry){.parts = NULL};
	free(log->next.entries);
	free(log->next.extents);
	log->next = (struct tr_log_root){.generation = 0};
	log->fresh_count = 0;
	log->stage = TR_LOG_IDLE;
	log->is_draining = true;
}

void tr_log_abort(struct tr_log *log)
{
	TR_ASSERT(log->stage < TR_LOG_ROOT_WRITING);
	if (log->stage != TR_LOG_IDLE)
		give_up(log);
	if (!log->is_broken)
		log->has_failed = false;
}

/* The root. */

/** The root with the sealed checkpoint, as bytes. */
static tr_code make_root(struct tr_log *log, struct tr_status *st)
{
	struct tr_log_root *next = &log->next;

	*next = log->root;
	next->generation++;
	next->end = log->cursor;
	next->entries = calloc(TR_LOG_RETAINED_MAX + 1, sizeof(*next->entries));
	TR_ASSERT(next->entries != NULL);
	next->entries[0] = log->sealed;
	next->entries[0].end = log->cursor;
	next->entry_count = 1;
	for (uint32_t i = 0; i < log->root.entry_count && next->entry_count < log->retained; i++)
		next->entries[next->entry_count++] = log->root.entries[i];
	tr_log_extents_build(log);
	tr_bytes_clear(&log->root_bytes);
	return tr_log_root_encode(next, &log->root_bytes, st);
}

/** Writes both copies. Until here nothing of the root has reached the disk, so that a failure costs this checkpoint only. */
static tr_code send_root(struct tr_log *log, struct tr_status *st)
{
	uint32_t pair;

	TR_TRY(make_root(log, st));
	pair = log->next.generation & 1;
	if ((int64_t)log->root_bytes.length > log->root_reserved[pair]) {
		const int64_t goal = TR_MIN(2 * (int64_t)log->root_bytes.length, (int64_t)TR_ROOT_STRIDE);

		for (int copy = 0; copy < 2; copy++)
			TR_TRY(tr_disk_allocate(log->disk, log->root_files[pair], copy * (int64_t)TR_ROOT_STRIDE, goal,
						st));
		log->root_reserved[pair] = goal;
	}
	for (int copy = 0; copy < 2; copy++) {
		log->root_writes[copy] = (struct tr_log_request){.bytes = (unsigned char *)log->root_bytes.data,
								 .length = log->root_bytes.length,
								 .offset = copy * (int64_t)TR_ROOT_STRIDE};
		start(log, &log->root_writes[copy], TR_IO_WRITE, log->root_files[pair]);
	}
	return TR_OK;
}

/** The new root is durable. */
static void adopt(struct tr_log *log)
{
	for (uint32_t i = log->next.entry_count - 1; i < log->root.entry_count; i++)
		free(log->root.entries[i].parts);
	free(log->root.entries);
	free(log->root.extents);
	log->root = log->next;
	log->next = (struct tr_log_root){.generation = 0};
	log->sealed = (struct tr_log_entry){.parts = NULL};
	log->stage = TR_LOG_IDLE;
	for (struct tr_log_open_segment *segment = log->open; segment != NULL; segment = segment->next)
		segment->is_new = false;
	log->needs_fresh_segment = log->needs_fresh_segment && log->current == NULL;
	tr_log_extents_adopt(log);
	tr_log_segments_close(log, true);
	tr_log_segments_remove(log);
}

/* Steps. */

/** Syncs what is full, or everything. True: all is synced. */
static bool sync_segments(struct tr_log *log, bool all)
{
	bool is_synced = true;

	for (struct tr_log_open_segment *segment = log->open; segment != NULL; segment = segment->next) {
		if (segment->is_dirty && segment->writes == 0 && (all || segment->is_full)) {
			/* What was reserved too much; if that fails it is only space. */
			if (segment->is_full && segment->reserved > segment->length &&
			    tr_disk_truncate(log->disk, segment->file, (int64_t)segment->length, NULL) == TR_OK)
				segment->reserved = segment->length;
			if (segment->is_full)
				TR_FAULT_POINT("segment-full");
			sync_segment(log, segment);
		}
		is_synced = is_synced && !segment->is_dirty && !segment->sync.is_used;
	}
	return is_synced;
}

static void after_sync(struct tr_log *log)
{
	struct tr_status st = {0};

	if (log->is_directory_dirty && !TR_BUG("log-directory-not-synced") &&
	    log->disk->ops->sync_directory(log->disk, log->directory, &st) != TR_OK) {
		fail(log, true, &st);
		return;
	}
	log->is_directory_dirty = false;
	log->stage = TR_LOG_ROOT_WRITING;
	TR_FAULT_POINT("root-before");
	if (send_root(log, &st) != TR_OK) {
		(void)tr_status_prefix(&st, st.code, "checkpoint %llu", (unsigned long long)log->checkpoint);
		fail(log, false, &st);
	}
}

/** Goes on as far as it can without waiting. */
static void advance(struct tr_log *log)
{
	if (log->stage == TR_LOG_WRITING)
		(void)sync_segments(log, false);
	if (log->stage == TR_LOG_SEALED) {
		for (const struct tr_log_open_segment *segment = log->open; segment != NULL; segment = segment->next)
			if (segment->writes > 0)
				return;
		log->stage = TR_LOG_SYNCING;
	}
	if (log->stage == TR_LOG_SYNCING &&
	    (TR_BUG("log-segments-not-synced") || sync_segments(log, true) || TR_BUG("log-root-too-early")))
		after_sync(log);
	if (log->has_failed)
		return;
	if (log->stage == TR_LOG_ROOT_WRITING && log->in_flight == 0 && TR_BUG("log-root-not-synced")) {
		adopt(log);
	} else if (log->stage == TR_LOG_ROOT_WRITING && log->in_flight == 0) {
		log->root_sync = (struct tr_log_request){.segment = NULL};
		TR_FAULT_POINT("root-written");
		start(log, &log->root_sync, TR_IO_SYNC, log->root_files[log->next.generation & 1]);
		log->stage = TR_LOG_ROOT_SYNCING;
	} else if (log->stage == TR_LOG_ROOT_SYNCING && log->in_flight == 0) {
		TR_FAULT_POINT("root-synced");
		adopt(log);
	}
}

/** Answers with the failure. A broken log answers so for ever. */
static enum tr_flow tell(struct tr_log *log, struct tr_status *st)
{
	if (st != NULL)
		*st = log->failure;
	if (log->stage != TR_LOG_IDLE)
		give_up(log);
	log->has_failed = log->is_broken;
	return TR_FLOW_FAILED;
}

/** One round. DONE or FAILED: as tr_log_step. */
static enum tr_flow go_on(struct tr_log *log, struct tr_status *st)
{
	reap_all(log);
	if (log->is_draining && !log->has_failed) {
		if (log->in_flight > 0)
			return TR_FLOW_MORE;
		log->is_draining = false;
		tr_log_segments_take_back(log);
	}
	if (!log->has_failed)
		advance(log);
	if (log->has_failed)
		return tell(log, st);
	return log->stage == TR_LOG_IDLE ? TR_FLOW_DONE : TR_FLOW_MORE;
}

enum tr_flow tr_log_step(struct tr_log *log, struct tr_status *st)
{
	enum tr_flow flow;

	/* The poll sends what was submitted just now; what is answered at once need not wait for the next step. */
	do {
		flow = go_on(log, st);
	} while (flow == TR_FLOW_MORE && tr_io_poll(log->io) > 0);
	return flow;
}

bool tr_log_is_broken(const struct tr_log *log) { return log->is_broken; }
