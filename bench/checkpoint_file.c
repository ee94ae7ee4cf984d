/* SPDX-License-Identifier: Apache-2.0
 *
 * See checkpoint_file.h.
 */
#include "bench/checkpoint_file.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

#define BLOCK_BYTES ((size_t)256 << 10)
#define BLOCKS_WAITING 256
#define FILE_BYTES ((off_t)2 << 30)

struct block {
	struct block *next;
	size_t length, room;
	char bytes[];
};

struct tr_checkpoint_file {
	struct tr_state_writer writer;
	bool is_kept;
	int fd;
	off_t offset;
	uint64_t bytes;
	struct block *open;
	struct block *kept, **kept_end;
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t wake;
	struct block *waiting, **waiting_end, *pool;
	uint32_t waiting_count;
	bool is_ending;
};

static void *run(void *context)
{
	struct tr_checkpoint_file *f = context;

	pthread_mutex_lock(&f->lock);
	for (;;) {
		struct block *block = f->waiting;

		if (block == NULL) {
			if (f->is_ending)
				break;
			pthread_cond_wait(&f->wake, &f->lock);
			continue;
		}
		f->waiting = block->next;
		if (f->waiting == NULL)
			f->waiting_end = &f->waiting;
		pthread_mutex_unlock(&f->lock);
		TR_ASSERT(pwrite(f->fd, block->bytes, block->length, f->offset) == (ssize_t)block->length);
		f->offset = f->offset > FILE_BYTES ? 0 : f->offset + (off_t)block->length;
		pthread_mutex_lock(&f->lock);
		f->waiting_count--;
		block->next = f->pool;
		f->pool = block;
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

static struct block *block_get(struct tr_checkpoint_file *f, size_t room)
{
	struct block *block;

	pthread_mutex_lock(&f->lock);
	block = f->pool;
	if (block != NULL)
		f->pool = block->next;
	pthread_mutex_unlock(&f->lock);
	if (block == NULL || block->room < room) {
		free(block);
		room = TR_MAX(room, BLOCK_BYTES);
		block = malloc(sizeof(*block) + room);
		TR_ASSERT(block != NULL);
		block->room = room;
	}
	block->length = 0;
	block->next = NULL;
	return block;
}

static void hand_over(struct tr_checkpoint_file *f)
{
	if (f->is_kept) {
		*f->kept_end = f->open;
		f->kept_end = &f->open->next;
		f->open = NULL;
		return;
	}
	pthread_mutex_lock(&f->lock);
	*f->waiting_end = f->open;
	f->waiting_end = &f->open->next;
	f->waiting_count++;
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->lock);
	f->open = NULL;
}

static tr_code put(struct tr_state_writer *writer, const struct tr_state_record *record, struct tr_status *st)
{
	struct tr_checkpoint_file *f = (struct tr_checkpoint_file *)writer;
	const uint64_t length = record->length;

	if (f->open != NULL && f->open->room - f->open->length < length + 8)
		hand_over(f);
	if (f->open == NULL)
		f->open = block_get(f, length + 8);
	memcpy(f->open->bytes + f->open->length, &length, 8);
	memcpy(f->open->bytes + f->open->length + 8, record->bytes, length);
	f->open->length += length + 8;
	f->bytes += length + 8;
	return TR_OK;
}

tr_code tr_checkpoint_file_create(bool is_kept, struct tr_checkpoint_file **result, struct tr_status *st)
{
	char path[] = "/var/tmp/tailrace-checkpoint-XXXXXX";
	struct tr_checkpoint_file *f = calloc(1, sizeof(*f));

	TR_ASSERT(f != NULL);
	f->writer.put = put;
	f->is_kept = is_kept;
	f->kept_end = &f->kept;
	f->waiting_end = &f->waiting;
	f->fd = mkstemp(path);
	if (f->fd < 0) {
		free(f);
		TR_FAIL_ERRNO(st, TR_ERR_CANT_CREATE, "%s", path);
	}
	(void)unlink(path);
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->wake, NULL);
	TR_ASSERT(pthread_create(&f->thread, NULL, run, f) == 0);
	*result = f;
	return TR_OK;
}

static void free_all(struct block *block)
{
	while (block != NULL) {
		struct block *next = block->next;

		free(block);
		block = next;
	}
}

void tr_checkpoint_file_destroy(struct tr_checkpoint_file **file)
{
	struct tr_checkpoint_file *f = *file;

	if (f == NULL)
		return;
	pthread_mutex_lock(&f->lock);
	f->is_ending = true;
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->thread, NULL);
	free_all(f->kept);
	free_all(f->pool);
	free(f->open);
	(void)close(f->fd);
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->wake);
	free(f);
	*file = NULL;
}

struct tr_state_writer *tr_checkpoint_file_writer(struct tr_checkpoint_file *file) { return &file->writer; }

bool tr_checkpoint_file_has_room(struct tr_checkpoint_file *file)
{
	bool has_room;

	pthread_mutex_lock(&file->lock);
	has_room = file->waiting_count < BLOCKS_WAITING;
	pthread_mutex_unlock(&file->lock);
	return has_room;
}

uint64_t tr_checkpoint_file_bytes(const struct tr_checkpoint_file *file) { return file->bytes; }

tr_code tr_checkpoint_file_replay(const struct tr_checkpoint_file *file,
				  tr_code (*load)(void *context, const void *bytes, size_t length), void *context)
{
	for (const struct block *block = file->kept; block != NULL; block = block->next) {
		for (size_t at = 0; at < block->length;) {
			uint64_t length;

			memcpy(&length, block->bytes + at, 8);
			TR_TRY(load(context, block->bytes + at + 8, length));
			at += 8 + length;
		}
	}
	if (file->open == NULL)
		return TR_OK;
	for (size_t at = 0; at < file->open->length;) {
		uint64_t length;

		memcpy(&length, file->open->bytes + at, 8);
		TR_TRY(load(context, file->open->bytes + at + 8, length));
		at += 8 + length;
	}
	return TR_OK;
}
