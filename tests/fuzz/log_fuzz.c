/* SPDX-License-Identifier: Apache-2.0
 *
 * The log's reader on any bytes: a root and a segment. The first byte says what is repaired before they are read, since no
 * mutation hits a check sum: the sums of root, segment and frames, and the chain of the frames.
 *
 * The directory is opened, all retained checkpoints are read, their records gone through; and then the log goes on with a
 * checkpoint of its own. It may refuse; it may not crash.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state/log.h"
#include "state/log_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tr_environment *env;
static struct tr_io_queue *io;
static char directory[64];

static void set_up(void)
{
	setenv("TAILRACE_IO", "plain", 1);
	snprintf(directory, sizeof(directory), "%s/tr_log_fuzz.XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(directory) == NULL || tr_environment_real_create(&env, NULL) != TR_OK ||
	    env->disk->ops->queue_create(env->disk, 8, &io, NULL) != TR_OK)
		abort();
}

static void write_file(const char *name, const void *bytes, size_t length)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "wb");
	if (file == NULL || fwrite(bytes, 1, length, file) != length)
		abort();
	fclose(file);
}

/** Makes sums and places right, frame by frame, as far as lengths allow; returns the last frame's sum. */
static uint32_t repair_segment(unsigned char *bytes, size_t length)
{
	struct tr_segment_head head;
	size_t offset = sizeof(head);
	uint32_t previous = 0;

	if (length < sizeof(head))
		return 0;
	memcpy(&head, bytes, sizeof(head));
	memcpy(head.magic, TR_SEGMENT_MAGIC, sizeof(head.magic));
	head.version = TR_LOG_VERSION;
	head.number = 1;
	memset(head.log_id, 7, sizeof(head.log_id));
	head.crc = tr_log_sum(&head, sizeof(head), offsetof(struct tr_segment_head, crc));
	memcpy(bytes, &head, sizeof(head));
	while (length - offset >= sizeof(struct tr_frame_head)) {
		struct tr_frame_head frame;

		memcpy(&frame, bytes + offset, sizeof(frame));
		frame.length &= 0xfff8;
		if (frame.length > length - offset - sizeof(frame))
			break;
		frame.magic = TR_FRAME_MAGIC;
		frame.type = TR_FRAME_BLOCK;
		frame.segment = 1;
		frame.offset = offset;
		frame.previous = previous;
		memcpy(bytes + offset, &frame, sizeof(frame));
		frame.crc =
			tr_log_sum(bytes + offset, sizeof(frame) + frame.length, offsetof(struct tr_frame_head, crc));
		memcpy(bytes + offset, &frame, sizeof(frame));
		previous = frame.crc;
		offset += sizeof(frame) + frame.length;
	}
	return previous;
}

/** The root's sum; and `last` as the sum of the last frame wherever that is asked for. */
static void repair_root(unsigned char *bytes, size_t length, uint32_t last)
{
	struct tr_root_head head;
	size_t checkpoint = sizeof(head), extent;

	if (length < sizeof(head))
		return;
	memcpy(&head, bytes, sizeof(head));
	memcpy(head.magic, TR_ROOT_MAGIC, sizeof(head.magic));
	head.version = TR_LOG_VERSION;
	head.bytes = (uint32_t)length;
	head.generation &= ~UINT64_C(1);
	memset(head.log_id, 7, sizeof(head.log_id));
	memcpy(bytes, &head, sizeof(head));
	extent = checkpoint + head.checkpoint_count % 64 * sizeof(struct tr_root_checkpoint) +
		 head.part_count % 64 * sizeof(struct tr_root_part);
	if (length >= checkpoint + sizeof(struct tr_root_checkpoint))
		memcpy(bytes + checkpoint + offsetof(struct tr_root_checkpoint, end_crc), &last, 4);
	if (length >= extent + sizeof(struct tr_root_extent))
		memcpy(bytes + extent + offsetof(struct tr_root_extent, crc), &last, 4);
	head.crc = tr_log_sum(bytes, length, offsetof(struct tr_root_head, crc));
	memcpy(bytes, &head, sizeof(head));
}

static tr_code see(void *context, const struct tr_state_stream *stream, uint64_t checkpoint, const void *bytes,
		   size_t length, struct tr_status *st)
{
	struct tr_state_record record;
	size_t offset = 0;
	uint64_t *sum = context;
	tr_code code;

	while (tr_block_next(bytes, length, &offset, &record, &code, st))
		for (size_t i = 0; i < record.length; i++)
			*sum += ((const unsigned char *)record.bytes)[i];
	return code;
}

static void go_on(struct tr_log *log)
{
	const uint64_t newest = tr_log_checkpoint_count(log) > 0 ? tr_log_checkpoint(log, 0)->number : 0;
	const struct tr_log_checkpoint checkpoint = {.number = newest + 1};
	struct tr_status st;

	if (newest == UINT64_MAX)
		return;
	(void)tr_log_rewrite_before(log, 1000);
	tr_log_begin(log, newest + 1);
	tr_log_seal(log, &checkpoint);
	while (tr_log_step(log, &st) == TR_FLOW_MORE)
		(void)tr_io_wait(io, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tr_log_options options = {.directory = directory, .job_name = "", .job_id = "", .retained = 64};
	struct tr_log *log = NULL;
	struct tr_log_report report;
	struct tr_status st = {0};
	unsigned char *bytes;
	size_t root_length;
	uint64_t sum = 0;
	uint32_t last = 0;

	if (size < 4)
		return 0;
	if (env == NULL)
		set_up();
	root_length = (size_t)(data[1] | data[2] << 8) % (size - 3);
	bytes = malloc(size);
	memcpy(bytes, data, size);
	if ((data[0] & 1) != 0)
		last = repair_segment(bytes + 3 + root_length, size - 3 - root_length);
	if ((data[0] & 2) != 0)
		repair_root(bytes + 3, root_length, last);
	write_file("root-0", bytes + 3, root_length);
	write_file("root-1", "", 0);
	write_file("segment-1", bytes + 3 + root_length, size - 3 - root_length);
	free(bytes);
	options.disk = env->disk;
	options.io = io;
	options.is_read_only = (data[0] & 4) != 0;
	if (tr_log_open(&options, &log, &report, &st) == TR_OK) {
		for (uint32_t i = 0; i < tr_log_checkpoint_count(log); i++)
			(void)tr_log_read(log, i, see, &sum, &st);
		if (!options.is_read_only)
			go_on(log);
		tr_log_close(&log);
	}
	if (tr_log_remove(env->disk, directory, NULL, &st) != TR_OK || mkdir(directory, 0700) != 0)
		abort();
	return 0;
}
