/* SPDX-License-Identifier: Apache-2.0
 *
 * `tailrace inspect DIR`: what a directory of checkpoints holds, and whether it is whole. Reads only, and takes no lock: a
 * running job is not disturbed, and what is seen may be a moment old.
 *
 * Every frame of the newest root is read and checked, one extent after the other, so that damage in one does not hide what is in
 * the next. Damage is told, and makes the exit status that of bad data. One printer a form: text for people, one JSON
 * object with --json.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "io/disk.h"
#include "server/cli.h"
#include "state/log_inspect.h"

#define DAMAGES_MAX 100 /* that are told one by one */

struct inspection {
	struct tr_cli *cli;
	struct tr_log *log;
	uint64_t frames;
	uint64_t bytes;
	uint32_t damages;
	const char *separator; /* before the next element of a JSON array */
};

void tr_cli_print_json_text(const char *text)
{
	struct tr_bytes out = {0};

	tr_text_append_json(&out, text);
	fwrite(out.data, 1, out.length, stdout);
	tr_bytes_deinit(&out);
}

static void begin_array(struct inspection *i, const char *name)
{
	printf(",\"%s\":[", name);
	i->separator = "";
}

static void begin_element(struct inspection *i)
{
	printf("%s{", i->separator);
	i->separator = ",";
}

/* Roots and checkpoints. */

static void print_roots(struct inspection *i)
{
	if (i->cli->is_json)
		begin_array(i, "roots");
	else
		printf("\nroots\n");
	for (uint32_t copy = 0; copy < 4; copy++) {
		const struct tr_log_root_view root = tr_log_view_root(i->log, copy);

		if (i->cli->is_json) {
			begin_element(i);
			printf("\"file\":\"%s\",\"offset\":%" PRIu64
			       ",\"state\":\"%s\",\"why\":\"%s\",\"generation\":%" PRIu64 ",\"bytes\":%" PRIu64
			       ",\"used\":%s}",
			       root.file, root.offset, root.state, root.why, root.generation, root.bytes,
			       root.is_used ? "true" : "false");
		} else if (root.why[0] == '\0') {
			printf("  %s at byte %-8" PRIu64 " generation %" PRIu64 ", %" PRIu64 " bytes%s\n", root.file,
			       root.offset, root.generation, root.bytes, root.is_used ? ", newest" : "");
		} else {
			printf("  %s at byte %-8" PRIu64 " %s: %s\n", root.file, root.offset, root.state, root.why);
		}
	}
	if (i->cli->is_json)
		printf("]");
}

static void print_json_part(struct inspection *i, const struct tr_log_part *part)
{
	begin_element(i);
	printf("\"uid\":");
	tr_cli_print_json_text(part->uid);
	printf(",\"operator\":\"%016" PRIx64 "\",\"subtask\":%" PRIu32 ",\"subtasks\":%" PRIu32 ",\"base\":%" PRIu64
	       ",\"finished\":%s,\"fingerprint\":",
	       part->stream.operator_id, part->stream.subtask, part->stream.subtask_count,
	       tr_state_age_checkpoint(part->base), part->is_finished ? "true" : "false");
	tr_cli_print_json_text(part->fingerprint);
	printf(",\"schema\":");
	tr_cli_print_json_text(part->schema);
	printf("}");
}

static void print_lines(const char *before, const char *text)
{
	while (*text != '\0') {
		const size_t length = strcspn(text, "\n");

		printf("%s%.*s\n", before, (int)length, text);
		text += length + (text[length] != '\0');
	}
}

static void print_part(const struct tr_log_part *part)
{
	printf("      %s, subtask %" PRIu32 " of %" PRIu32 ": from checkpoint %" PRIu64 " on%s\n", part->uid,
	       part->stream.subtask + 1, part->stream.subtask_count, tr_state_age_checkpoint(part->base),
	       part->is_finished ? ", finished" : "");
	if (part->stream.subtask == 0 && part->fingerprint[0] != '\0')
		printf("        fingerprint %s\n", part->fingerprint);
	if (part->stream.subtask == 0)
		print_lines("        schema ", part->schema);
}

static void print_checkpoints(struct inspection *i)
{
	if (i->cli->is_json)
		begin_array(i, "checkpoints");
	else
		printf("\ncheckpoints, newest first\n");
	for (uint32_t k = 0; k < tr_log_checkpoint_count(i->log); k++) {
		const struct tr_log_checkpoint *checkpoint = tr_log_checkpoint(i->log, k);
		char when[64];

		when[tr_text_put_timestamp(when, checkpoint->completed_ms, 1000, ' ', TR_CLOCK_EXACT, 3)] = '\0';
		if (i->cli->is_json) {
			begin_element(i);
			printf("\"number\":%" PRIu64 ",\"completed_ms\":%" PRId64 ",\"wall_ms\":%" PRId64
			       ",\"bytes\":%" PRIu64 ",\"final\":%s",
			       checkpoint->number, checkpoint->completed_ms, checkpoint->wall_ms, checkpoint->bytes,
			       checkpoint->is_final ? "true" : "false");
			begin_array(i, "parts");
			for (uint32_t p = 0; p < checkpoint->part_count; p++)
				print_json_part(i, &checkpoint->parts[p]);
			printf("]}");
			i->separator = ",";
			continue;
		}
		printf("  %" PRIu64 " of %s UTC, %" PRIu64 " bytes%s\n", checkpoint->number, when, checkpoint->bytes,
		       checkpoint->is_final ? ", the last one: the job has ended" : "");
		for (uint32_t p = 0; p < checkpoint->part_count; p++)
			print_part(&checkpoint->parts[p]);
	}
	if (i->cli->is_json)
		printf("]");
}

static void print_segments(struct inspection *i)
{
	struct tr_log_segment_view segment;

	if (i->cli->is_json)
		begin_array(i, "segments");
	else
		printf("\nsegments\n");
	for (uint32_t k = 0; tr_log_view_segment(i->log, k, &segment); k++) {
		if (i->cli->is_json) {
			begin_element(i);
			printf("\"number\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"needed_bytes\":%" PRIu64
			       ",\"missing\":%s}",
			       segment.number, segment.bytes, segment.needed_bytes,
			       segment.is_missing ? "true" : "false");
			continue;
		}
		printf("  segment-%" PRIu64 ": %" PRIu64 " bytes, of which %" PRIu64 " are needed%s\n", segment.number,
		       segment.bytes, segment.needed_bytes, segment.is_missing ? "; it is MISSING" : "");
	}
	if (i->cli->is_json)
		printf("]");
}

/* Frames. */

static tr_code count_frame(void *context, const struct tr_log_frame_view *frame, struct tr_status *st)
{
	struct inspection *i = context;
	uint64_t records = 0;
	size_t offset = 0;
	struct tr_state_record record;
	tr_code code;

	while (tr_block_next(frame->bytes, frame->length, &offset, &record, &code, st))
		records++;
	if (code != TR_OK)
		return tr_status_prefix(st, code, "segment-%" PRIu64 ": byte %" PRIu64, frame->segment, frame->offset);
	i->frames++;
	i->bytes += frame->length;
	if (!i->cli->has_frames)
		return TR_OK;
	if (i->cli->is_json) {
		begin_element(i);
		printf("\"segment\":%" PRIu64 ",\"offset\":%" PRIu64 ",\"checkpoint\":%" PRIu64
		       ",\"operator\":\"%016" PRIx64 "\",\"subtask\":%" PRIu32 ",\"subtasks\":%" PRIu32
		       ",\"bytes\":%zu,\"records\":%" PRIu64 "}",
		       frame->segment, frame->offset, frame->checkpoint, frame->stream.operator_id,
		       frame->stream.subtask, frame->stream.subtask_count, frame->length, records);
		return TR_OK;
	}
	printf("    byte %" PRIu64 ": checkpoint %" PRIu64 ", operator %016" PRIx64 " subtask %" PRIu32 " of %" PRIu32
	       ", %zu bytes, %" PRIu64 " records\n",
	       frame->offset, frame->checkpoint, frame->stream.operator_id, frame->stream.subtask + 1,
	       frame->stream.subtask_count, frame->length, records);
	return TR_OK;
}

/** Extents as text, each with its frames if they are wanted. */
static void print_extents(struct inspection *i)
{
	struct tr_log_extent_view extent;

	printf("\nextents\n");
	for (uint32_t k = 0; tr_log_view_extent(i->log, k, &extent); k++) {
		struct tr_status st = {0};

		printf("  segment-%" PRIu64 ", bytes %" PRIu64 " to %" PRIu64 ": checkpoints %" PRIu64 " to %" PRIu64
		       "\n",
		       extent.segment, extent.begin, extent.end, extent.first, extent.last);
		if (tr_log_view_frames(i->log, k, count_frame, i, &st) != TR_OK && i->damages++ < DAMAGES_MAX)
			printf("    DAMAGED: %s\n", st.message);
	}
	printf("\n%" PRIu64 " frames, %" PRIu64 " bytes: ", i->frames, i->bytes);
	if (i->damages == 0)
		printf("all whole\n");
	else
		printf("%" PRIu32 " extent%s damaged\n", i->damages, i->damages == 1 ? " is" : "s are");
}

static void print_json_extents(struct inspection *i)
{
	struct tr_log_extent_view extent;
	char damages[DAMAGES_MAX][TR_STATUS_MESSAGE_MAX];

	begin_array(i, "extents");
	for (uint32_t k = 0; tr_log_view_extent(i->log, k, &extent); k++) {
		begin_element(i);
		printf("\"segment\":%" PRIu64 ",\"begin\":%" PRIu64 ",\"end\":%" PRIu64 ",\"first\":%" PRIu64
		       ",\"last\":%" PRIu64 "}",
		       extent.segment, extent.begin, extent.end, extent.first, extent.last);
	}
	printf("]");
	if (i->cli->has_frames)
		begin_array(i, "frames");
	for (uint32_t k = 0; tr_log_view_extent(i->log, k, &extent); k++) {
		struct tr_status st = {0};

		if (tr_log_view_frames(i->log, k, count_frame, i, &st) != TR_OK && i->damages++ < DAMAGES_MAX)
			snprintf(damages[i->damages - 1], sizeof(damages[0]), "%s", st.message);
	}
	if (i->cli->has_frames)
		printf("]");
	printf(",\"frame_count\":%" PRIu64 ",\"frame_bytes\":%" PRIu64, i->frames, i->bytes);
	begin_array(i, "damages");
	for (uint32_t k = 0; k < TR_MIN(i->damages, DAMAGES_MAX); k++) {
		printf("%s", i->separator);
		i->separator = ",";
		tr_cli_print_json_text(damages[k]);
	}
	printf("]}\n");
}

static void print_all(struct inspection *i, const struct tr_log_report *report)
{
	if (i->cli->is_json) {
		printf("{\"directory\":");
		tr_cli_print_json_text(i->cli->argument);
		printf(",\"job\":");
		tr_cli_print_json_text(tr_log_job_name(i->log));
		printf(",\"job_id\":\"%s\",\"version\":%d,\"tail_bytes\":%" PRIu64 ",\"note\":", tr_log_job_id(i->log),
		       TR_LOG_VERSION, report->tail_bytes);
		tr_cli_print_json_text(report->note);
	} else {
		printf("%s: the job '%s', id %s\n%s%s", i->cli->argument, tr_log_job_name(i->log),
		       tr_log_job_id(i->log), report->note, report->note[0] != '\0' ? "\n" : "");
	}
	print_roots(i);
	print_checkpoints(i);
	print_segments(i);
	if (i->cli->is_json)
		print_json_extents(i);
	else
		print_extents(i);
}

static tr_code inspect(struct inspection *i, struct tr_disk *disk, struct tr_io_queue *io, struct tr_status *st)
{
	const struct tr_log_options options = {
		.disk = disk, .io = io, .directory = i->cli->argument, .is_read_only = true};
	struct tr_log_report report;

	TR_TRY(tr_log_open(&options, &i->log, &report, st));
	print_all(i, &report);
	tr_log_close(&i->log);
	return TR_OK;
}

int tr_cli_inspect(struct tr_cli *cli)
{
	struct inspection i = {.cli = cli};
	struct tr_environment *env = NULL;
	struct tr_io_queue *io = NULL;
	struct tr_status st = {0};
	tr_code code = tr_environment_real_create(&env, &st);

	if (code == TR_OK)
		code = env->disk->ops->queue_create(env->disk, 16, &io, &st);
	if (code == TR_OK) {
		code = inspect(&i, env->disk, io, &st);
		env->disk->ops->queue_destroy(env->disk, &io);
	}
	if (env != NULL)
		tr_environment_real_destroy(&env);
	if (code != TR_OK) {
		fprintf(stderr, "tailrace: %s\n", st.message);
		return (int)code;
	}
	return i.damages > 0 ? TR_ERR_DATA : 0;
}
