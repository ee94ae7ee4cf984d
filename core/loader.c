/* SPDX-License-Identifier: Apache-2.0
 *
 * Loaders; see the header. One lock for all queues: a piece is a quarter of a megabyte, so it is taken some thousand times a
 * second.
 */
#include "core/loader.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define POOLED_BYTES_MAX ((size_t)1 << 20) /* a usual block is a quarter of that */

struct loader {
	struct tr_loaders *loaders;
	uint32_t index;
	pthread_t thread;
	bool has_thread;
	pthread_cond_t wake; /* there is a piece, or all is closed */
	struct tr_loader_piece *pieces;
	uint32_t first, count;
	tr_code code;
	struct tr_status status;
};

struct tr_loaders {
	tr_loader_fn fn;
	void *context;
	struct loader *each;
	uint32_t count;
	uint32_t pieces_max; /* of a queue */
	pthread_mutex_t lock;
	/* Under the lock, with the queues: */
	pthread_cond_t room;
	struct tr_loader_block *pool;
	size_t bytes;   /* of all pieces */
	bool is_closed; /* no more pieces come */
	bool is_given_up;
	bool has_failed;
};

static void let_go(struct tr_loaders *loaders, struct tr_loader_block *block)
{
	if (--block->holders > 0)
		return;
	if (block->capacity > POOLED_BYTES_MAX) {
		free(block);
		return;
	}
	block->next = loaders->pool;
	loaders->pool = block;
}

static void *run(void *context)
{
	struct loader *loader = context;
	struct tr_loaders *loaders = loader->loaders;

	pthread_mutex_lock(&loaders->lock);
	for (;;) {
		struct tr_loader_piece piece;

		if (loader->count == 0) {
			if (loaders->is_closed)
				break;
			pthread_cond_wait(&loader->wake, &loaders->lock);
			continue;
		}
		piece = loader->pieces[loader->first];
		if (loader->code == TR_OK && !loaders->is_given_up) {
			pthread_mutex_unlock(&loaders->lock);
			loader->code = loaders->fn(loaders->context, loader->index, &piece, &loader->status);
			pthread_mutex_lock(&loaders->lock);
			loaders->has_failed |= loader->code != TR_OK;
		}
		loaders->bytes -= piece.block->length;
		let_go(loaders, piece.block);
		loader->first = (loader->first + 1) % loaders->pieces_max;
		loader->count--;
		pthread_cond_signal(&loaders->room);
	}
	pthread_mutex_unlock(&loaders->lock);
	return NULL;
}

struct tr_loaders *tr_loaders_create(uint32_t count, tr_loader_fn fn, void *context)
{
	struct tr_loaders *loaders = calloc(1, sizeof(*loaders));

	TR_ASSERT(loaders != NULL && count > 0);
	loaders->fn = fn;
	loaders->context = context;
	loaders->count = count;
	loaders->pieces_max = (uint32_t)TR_MAX(TR_LOADER_PIECES / count, 2);
	loaders->each = calloc(count, sizeof(*loaders->each));
	TR_ASSERT(loaders->each != NULL);
	TR_ASSERT(pthread_mutex_init(&loaders->lock, NULL) == 0 && pthread_cond_init(&loaders->room, NULL) == 0);
	for (uint32_t i = 0; i < count; i++) {
		struct loader *loader = &loaders->each[i];

		loader->loaders = loaders;
		loader->index = i;
		loader->pieces = calloc(loaders->pieces_max, sizeof(*loader->pieces));
		TR_ASSERT(loader->pieces != NULL && pthread_cond_init(&loader->wake, NULL) == 0);
		loader->has_thread = pthread_create(&loader->thread, NULL, run, loader) == 0;
	}
	return loaders;
}

bool tr_loaders_has_thread(const struct tr_loaders *loaders, uint32_t loader)
{
	return loaders->each[loader].has_thread;
}

struct tr_loader_block *tr_loaders_block(struct tr_loaders *loaders, const void *bytes, size_t length)
{
	struct tr_loader_block *block;

	pthread_mutex_lock(&loaders->lock);
	block = loaders->pool;
	if (block != NULL)
		loaders->pool = block->next;
	pthread_mutex_unlock(&loaders->lock);
	if (block == NULL || block->capacity < length) {
		free(block);
		block = malloc(sizeof(*block) + length);
		TR_ASSERT(block != NULL);
		block->capacity = length;
	}
	block->holders = 1;
	block->length = length;
	memcpy(block->bytes, bytes, length);
	return block;
}

void tr_loaders_let_go(struct tr_loaders *loaders, struct tr_loader_block *block)
{
	pthread_mutex_lock(&loaders->lock);
	let_go(loaders, block);
	pthread_mutex_unlock(&loaders->lock);
}

/** Whether a loader may be given a piece of so many bytes. One that has none always may, however large it is. */
static bool has_room(const struct tr_loaders *loaders, const struct loader *loader, size_t bytes)
{
	return loader->count == 0 ||
	       (loader->count < loaders->pieces_max && loaders->bytes + bytes <= TR_LOADER_BYTES_MAX);
}

bool tr_loaders_push(struct tr_loaders *loaders, uint32_t index, const struct tr_loader_piece *piece)
{
	struct loader *loader = &loaders->each[index];
	bool is_taken;

	TR_ASSERT(loader->has_thread);
	pthread_mutex_lock(&loaders->lock);
	while (!has_room(loaders, loader, piece->block->length) && !loaders->has_failed)
		pthread_cond_wait(&loaders->room, &loaders->lock);
	is_taken = !loaders->has_failed;
	if (is_taken) {
		piece->block->holders++;
		loaders->bytes += piece->block->length;
		loader->pieces[(loader->first + loader->count++) % loaders->pieces_max] = *piece;
		pthread_cond_signal(&loader->wake);
	}
	pthread_mutex_unlock(&loaders->lock);
	return is_taken;
}

tr_code tr_loaders_join(struct tr_loaders **all, bool is_given_up, struct tr_status *st)
{
	struct tr_loaders *loaders = *all;
	tr_code code = TR_OK;

	*all = NULL;
	pthread_mutex_lock(&loaders->lock);
	loaders->is_closed = true;
	loaders->is_given_up = is_given_up;
	for (uint32_t i = 0; i < loaders->count; i++)
		pthread_cond_signal(&loaders->each[i].wake);
	pthread_mutex_unlock(&loaders->lock);
	for (uint32_t i = 0; i < loaders->count; i++) {
		struct loader *loader = &loaders->each[i];

		if (loader->has_thread)
			TR_ASSERT(pthread_join(loader->thread, NULL) == 0);
		if (code == TR_OK && loader->code != TR_OK) {
			code = loader->code;
			*st = loader->status;
		}
		pthread_cond_destroy(&loader->wake);
		free(loader->pieces);
	}
	while (loaders->pool != NULL) {
		struct tr_loader_block *block = loaders->pool;

		loaders->pool = block->next;
		free(block);
	}
	pthread_cond_destroy(&loaders->room);
	pthread_mutex_destroy(&loaders->lock);
	free(loaders->each);
	free(loaders);
	return code;
}
