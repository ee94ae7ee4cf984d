/* SPDX-License-Identifier: Apache-2.0
 *
 * Arena: blocks in a list, each twice as large as the one before (up to 1 MiB), filled front to back.
 *
 *     first -> [ used ........ ] -> [ used .. next|free .. end ] -> [ kept by reset ] -> NULL
 *                                     current
 *
 * The fast path is in the header. Here is what happens when the current block is full: the following blocks, kept by
 * an earlier reset, are tried first; then a new one is linked in after the current one. What is skipped at the end of
 * a block is lost until the next reset.
 *
 * Under AddressSanitizer everything that is not handed out is poisoned, so that a use after reset is caught.
 */
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

#define BLOCK_BYTES_MIN ((size_t)4096)
#define BLOCK_BYTES_MAX ((size_t)1 << 20) /* growth stops here; larger requests get a block of their own size */

struct tr_arena_block {
	struct tr_arena_block *next;
	size_t bytes; /* of data[] */
	_Alignas(16) char data[];
};

void tr_arena_init(struct tr_arena *arena, size_t block_bytes)
{
	TR_ASSERT(arena != NULL);
	memset(arena, 0, sizeof(*arena));
	arena->block_bytes = block_bytes != 0 ? block_bytes : BLOCK_BYTES_MIN;
}

void tr_arena_deinit(struct tr_arena *arena)
{
	struct tr_arena_block *block = arena->first;
	const size_t block_bytes = arena->block_bytes;

	while (block != NULL) {
		struct tr_arena_block *next = block->next;

		TR_ARENA_UNPOISON(block->data, block->bytes);
		free(block);
		block = next;
	}
	memset(arena, 0, sizeof(*arena));
	arena->block_bytes = block_bytes;
}

static void enter_block(struct tr_arena *arena, struct tr_arena_block *block)
{
	arena->current = block;
	arena->next = block->data;
	arena->end = block->data + block->bytes;
}

void tr_arena_reset(struct tr_arena *arena)
{
	if (arena->first == NULL)
		return;
	/* Only what the last round touched has to be poisoned again. */
	for (struct tr_arena_block *block = arena->first; block != NULL; block = block->next) {
		TR_ARENA_POISON(block->data, block->bytes);
		if (block == arena->current)
			break;
	}
	enter_block(arena, arena->first);
}

static struct tr_arena_block *add_block(struct tr_arena *arena, size_t bytes_min)
{
	const size_t bytes = TR_MAX(bytes_min, arena->block_bytes);
	struct tr_arena_block *block = malloc(sizeof(*block) + bytes);

	TR_ASSERT(block != NULL);
	block->bytes = bytes;
	TR_ARENA_POISON(block->data, bytes);
	if (arena->current != NULL) {
		block->next = arena->current->next;
		arena->current->next = block;
	} else {
		block->next = NULL;
		arena->first = block;
	}
	arena->total_bytes += bytes;
	if (arena->block_bytes < BLOCK_BYTES_MAX)
		arena->block_bytes *= 2;
	return block;
}

void *tr_arena_alloc_slow(struct tr_arena *arena, size_t size, size_t align)
{
	TR_ASSERT(align != 0 && (align & (align - 1)) == 0);
	TR_ASSERT(size < SIZE_MAX / 2 && align < SIZE_MAX / 4);
	if (arena->block_bytes == 0) /* zero-initialised memory is an empty arena, too */
		arena->block_bytes = BLOCK_BYTES_MIN;
	while (arena->current != NULL && arena->current->next != NULL) {
		char *p;

		enter_block(arena, arena->current->next);
		p = (char *)(((uintptr_t)arena->next + (align - 1)) & ~(uintptr_t)(align - 1));
		if (p <= arena->end && size <= (size_t)(arena->end - p))
			return tr_arena_alloc_aligned(arena, size, align);
	}
	enter_block(arena, add_block(arena, size + align));
	return tr_arena_alloc_aligned(arena, size, align);
}

void *tr_arena_array(struct tr_arena *arena, size_t count, size_t size)
{
	size_t bytes;

	TR_ASSERT(!__builtin_mul_overflow(count, size, &bytes));
	return tr_arena_zalloc(arena, bytes);
}

char *tr_arena_strndup(struct tr_arena *arena, const char *text, size_t length)
{
	char *copy = tr_arena_alloc_aligned(arena, length + 1, 1);

	if (length > 0)
		memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

char *tr_arena_strdup(struct tr_arena *arena, const char *text) { return tr_arena_strndup(arena, text, strlen(text)); }

char *tr_arena_vprintf(struct tr_arena *arena, const char *format, va_list args)
{
	va_list again;
	int length;
	char *text;

	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	TR_ASSERT(length >= 0);
	text = tr_arena_alloc_aligned(arena, (size_t)length + 1, 1);
	vsnprintf(text, (size_t)length + 1, format, args);
	return text;
}

char *tr_arena_printf(struct tr_arena *arena, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = tr_arena_vprintf(arena, format, args);
	va_end(args);
	return text;
}
