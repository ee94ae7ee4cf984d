/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading published files from the simulated volume: see sim_output.h.
 */
#include "sim/sim_output.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "io/memory.h"

struct reading {
	struct tr_sim_output *output;
	const struct tr_sim_disk *disk;
	const char *job_id;
	char *undurable;
	size_t undurable_size;
};

static int compare_lines(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void add_line(struct tr_sim_output *output, const char *folder, size_t folder_length, const char *line,
		     size_t length)
{
	char *text = tr_io_calloc(folder_length + length + 2, 1);

	memcpy(text, folder, folder_length);
	text[folder_length] = '|';
	memcpy(text + folder_length + 1, line, length);
	if (output->count == output->capacity) {
		output->capacity = TR_MAX(output->capacity * 2, 64);
		output->lines = tr_io_realloc(output->lines, output->capacity * sizeof(*output->lines));
	}
	output->lines[output->count++] = text;
}

static void sort_lines(struct tr_sim_output *output)
{
	if (output->count > 1)
		qsort(output->lines, output->count, sizeof(*output->lines), compare_lines);
}

/** Whether it is a published file of the job in question. */
static bool is_published(const struct reading *reading, const char *name)
{
	if (strncmp(name, "part-", 5) != 0)
		return false;
	return reading->job_id == NULL || strncmp(name + 5, reading->job_id, strlen(reading->job_id)) == 0;
}

static void read_file(void *context, const char *path, struct tr_sim_inode *inode)
{
	struct reading *reading = context;
	struct tr_sim_output *output = reading->output;
	const char *name = strrchr(path, '/') + 1;
	const char *folder = path + strlen("/out/");
	const char *at, *end;
	const size_t length = strlen(name);
	char *bytes;

	if (name[0] == '.' && (reading->job_id == NULL || strstr(name, reading->job_id) != NULL) &&
	    (length < 10 || strcmp(name + length - 10, ".published") != 0)) {
		output->hidden++;
		snprintf(output->hidden_path, sizeof(output->hidden_path), "%s", path);
	}
	if (!is_published(reading, name))
		return;
	output->files++;
	bytes = tr_io_calloc(inode->now.length, 1);
	tr_sim_content_get(&inode->now, 0, bytes, inode->now.length);
	at = bytes;
	end = at + inode->now.length;
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));

		if (stop == NULL && !output->is_torn) {
			output->is_torn = true;
			snprintf(output->torn, sizeof(output->torn), "%s", path);
		}
		if (stop == NULL)
			stop = end;
		add_line(output, folder, (size_t)(name - folder), at, (size_t)(stop - at));
		at = stop + 1;
	}
	free(bytes);
}

void tr_sim_output_read(struct tr_sim_output *output, const struct tr_sim_disk *disk, const char *job_id)
{
	struct reading reading = {.output = output, .disk = disk, .job_id = job_id};

	*output = (struct tr_sim_output){.count = 0};
	tr_sim_volume_visit(&disk->volume, "/out", read_file, &reading);
	sort_lines(output);
}

void tr_sim_output_add(struct tr_sim_output *output, const struct tr_sim_output *more)
{
	for (uint32_t i = 0; i < more->count; i++) {
		const char *bar = strchr(more->lines[i], '|');

		add_line(output, more->lines[i], (size_t)(bar - more->lines[i]), bar + 1, strlen(bar + 1));
	}
	sort_lines(output);
}

void tr_sim_output_expand(struct tr_sim_output *output, uint32_t count_column)
{
	struct tr_sim_output expanded = {.count = 0};

	for (uint32_t i = 0; i < output->count; i++) {
		const char *bar = strchr(output->lines[i], '|');
		const char *at = bar + 1;
		const bool is_counted = strncmp(output->lines[i], "s/", 2) == 0;
		uint64_t times = 1;

		for (uint32_t c = 0; is_counted && c < count_column; c++) {
			at = strchr(at, ',');
			TR_ASSERT(at != NULL);
			at++;
		}
		if (is_counted)
			times = strtoull(at, NULL, 10);
		else
			at += strlen(at);
		for (uint64_t n = 0; n < times; n++)
			add_line(&expanded, output->lines[i], (size_t)(bar - output->lines[i]), bar + 1,
				 (size_t)(at - bar - 1));
	}
	for (uint32_t i = 0; i < output->count; i++)
		free(output->lines[i]);
	free(output->lines);
	output->lines = expanded.lines;
	output->count = expanded.count;
	output->capacity = expanded.capacity;
	sort_lines(output);
}

void tr_sim_output_deinit(struct tr_sim_output *output)
{
	for (uint32_t i = 0; i < output->count; i++)
		free(output->lines[i]);
	free(output->lines);
	*output = (struct tr_sim_output){.count = 0};
}

const char *tr_sim_output_not_in(const struct tr_sim_output *some, const struct tr_sim_output *all)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < some->count; i++) {
		while (at < all->count && strcmp(all->lines[at], some->lines[i]) < 0)
			at++;
		if (at == all->count || strcmp(all->lines[at], some->lines[i]) != 0)
			return some->lines[i];
		at++;
	}
	return NULL;
}

static void ask_durable(void *context, const char *path, struct tr_sim_inode *inode)
{
	struct reading *reading = context;

	if (reading->undurable[0] == '\0' && is_published(reading, strrchr(path, '/') + 1) &&
	    !tr_sim_volume_is_durable(&reading->disk->volume, path))
		snprintf(reading->undurable, reading->undurable_size, "%s", path);
}

void tr_sim_output_check_durable(const struct tr_sim_disk *disk, const char *job_id, char *path, size_t size)
{
	struct reading reading = {.disk = disk, .job_id = job_id, .undurable = path, .undurable_size = size};

	path[0] = '\0';
	tr_sim_volume_visit(&disk->volume, "/out", ask_durable, &reading);
}
