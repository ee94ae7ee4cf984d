/* SPDX-License-Identifier: Apache-2.0
 *
 * Savepoint: a checkpoint as a log of its own, with nothing else in it. Same format, same tools, and it stands for itself.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "core/coordinator.h"

#define WAIT_NS INT64_C(10000000) /* a look now and then, in case that nothing is in flight */

struct copy {
	struct tr_log *log;
	struct tr_io_queue *io;
};

/** Steps the target until it has room. */
static tr_code wait_for_room(struct copy *copy, struct tr_state_block *block, struct tr_status *st)
{
	while (!tr_log_append(copy->log, block)) {
		if (tr_log_step(copy->log, st) == TR_FLOW_FAILED) {
			tr_state_block_destroy(&block);
			return st->code;
		}
		(void)tr_io_wait(copy->io, WAIT_NS);
	}
	return TR_OK;
}

static tr_code copy_block(void *context, const struct tr_state_stream *stream, uint64_t checkpoint, const void *bytes,
			  size_t length, struct tr_status *st)
{
	struct copy *copy = context;
	struct tr_state_block *block;

	if (TR_BUG("savepoint-misses-blocks") && stream->subtask == 1)
		return TR_OK;
	block = malloc(sizeof(*block) + length);
	TR_ASSERT(block != NULL);
	*block = (struct tr_state_block){
		.stream = *stream, .checkpoint = checkpoint, .length = length, .capacity = length};
	memcpy(block->bytes, bytes, length);
	return wait_for_room(copy, block, st);
}

tr_code tr_savepoint_copy(struct tr_log *log, struct tr_disk *disk, struct tr_io_queue *io, const char *job_name,
			  const char *directory, struct tr_status *st)
{
	const struct tr_log_options options = {
		.disk = disk, .io = io, .directory = directory, .job_name = job_name, .job_id = tr_log_job_id(log)};
	struct copy copy = {.io = io};
	const uint32_t index = TR_BUG("savepoint-of-the-one-before") && tr_log_checkpoint_count(log) > 1 ? 1 : 0;
	struct tr_log_report report;
	enum tr_flow flow;
	tr_code code = tr_log_open(&options, &copy.log, &report, st);

	if (code == TR_OK && tr_log_checkpoint_count(copy.log) > 0)
		code = tr_status_set(st, TR_ERR_CANT_CREATE, 0, TR_WHERE, "%s holds a savepoint already", directory);
	if (code == TR_OK) {
		tr_log_begin(copy.log, tr_log_checkpoint(log, index)->number);
		TR_FAULT_POINT("savepoint-before");
		code = tr_log_read(log, index, copy_block, &copy, st);
		TR_FAULT_POINT("savepoint-copied");
		if (code != TR_OK)
			tr_log_abort(copy.log);
	}
	if (code == TR_OK) {
		tr_log_seal(copy.log, tr_log_checkpoint(log, index));
		while ((flow = tr_log_step(copy.log, st)) == TR_FLOW_MORE)
			(void)tr_io_wait(io, WAIT_NS);
		code = flow == TR_FLOW_FAILED ? st->code : TR_OK;
	}
	TR_FAULT_POINT("savepoint-written");
	tr_log_close(&copy.log);
	return code == TR_OK ? TR_OK : tr_status_prefix(st, code, "savepoint %s", directory);
}
