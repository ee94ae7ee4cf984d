/* SPDX-License-Identifier: Apache-2.0
 *
 * Arena: bump allocation with one release for all.
 *
 * For what lives as long as its owner (a script's tree, a plan, an operator's constants) and for scratch that is
 * reset after each batch. Blocks grow geometrically and are kept by reset, so a warm arena does not call malloc.
 * Allocation never fails: when the system is out of memory the process ends (memory budgets are enforced above).
 * Thread: one owner, no locks.
 */
#ifndef TR_BASE_ARENA_H
#define TR_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* AddressSanitizer sees inside an arena: what is not handed out is poisoned (base/arena.c). */
#if defined(__SANITIZE_ADDRESS__)
#define TR_ARENA_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TR_ARENA_SANITIZED 1
#endif
#endif
#ifdef TR_ARENA_SANITIZED
#include <sanitizer/asan_interface.h>
#define TR_ARENA_POISON(p, bytes) __asan_poison_memory_region((p), (bytes))
#define TR_ARENA_UNPOISON(p, bytes) __asan_unpoison_memory_region((p), (bytes))
#else
#define TR_ARENA_POISON(p, bytes) ((void)(p), (void)(bytes))
#define TR_ARENA_UNPOISON(p, bytes) ((void)(p), (void)(bytes))
#endif

struct tr_arena_block;

struct tr_arena {
	char *next; /* first free byte of the current block */
	char *end;
	struct tr_arena_block *first; /* oldest block */
	struct tr_arena_block *current;
	size_t block_bytes; /* size of the next block to be allocated */
	size_t total_bytes; /* of all blocks */
};

/** Makes an empty arena in the caller's memory. The first block of `block_bytes` (0: 4 KiB) comes on demand. */
void tr_arena_init(struct tr_arena *arena, size_t block_bytes);

/** Frees all blocks. The arena may be used again. */
void tr_arena_deinit(struct tr_arena *arena);

/** Makes all memory available again; keeps the blocks. Everything allocated before becomes invalid. */
void tr_arena_reset(struct tr_arena *arena);

void *tr_arena_alloc_slow(struct tr_arena *arena, size_t size, size_t align);

/** `size` uninitialised bytes, aligned to `align` (a power of two). Valid until reset or deinit. */
static inline void *tr_arena_alloc_aligned(struct tr_arena *arena, size_t size, size_t align)
{
	char *p = (char *)(((uintptr_t)arena->next + (align - 1)) & ~(uintptr_t)(align - 1));

	if (arena->next != NULL && p <= arena->end && size <= (size_t)(arena->end - p)) {
		arena->next = p + size;
		TR_ARENA_UNPOISON(p, size);
		return p;
	}
	return tr_arena_alloc_slow(arena, size, align);
}

static inline void *tr_arena_alloc(struct tr_arena *arena, size_t size)
{
	return tr_arena_alloc_aligned(arena, size, 16);
}

/** `size` zeroed bytes. */
static inline void *tr_arena_zalloc(struct tr_arena *arena, size_t size)
{
	return memset(tr_arena_alloc(arena, size), 0, size);
}

/** Zeroed array of `count` elements of `size` bytes; aborts when the product overflows. */
void *tr_arena_array(struct tr_arena *arena, size_t count, size_t size);

#define TR_NEW(arena, type) ((type *)tr_arena_zalloc((arena), sizeof(type)))
#define TR_NEW_ARRAY(arena, count, type) ((type *)tr_arena_array((arena), (count), sizeof(type)))

/** Copies `length` bytes and adds a NUL. */
char *tr_arena_strndup(struct tr_arena *arena, const char *text, size_t length);
char *tr_arena_strdup(struct tr_arena *arena, const char *text);

/** printf into the arena. */
char *tr_arena_printf(struct tr_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *tr_arena_vprintf(struct tr_arena *arena, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

#endif
