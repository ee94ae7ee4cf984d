/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. jemalloc keeps pages that nobody uses for ten seconds: with a memory limit and much coming and going that is as
 * much again as what is in use.
 */
#include "base/allocator.h"

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

extern int mallctl(const char *name, void *old, size_t *old_length, void *now, size_t now_length) __attribute__((weak));

static void set_decay(const char *arena, const char *kind)
{
	char name[64];
	ssize_t none = 0;

	(void)snprintf(name, sizeof(name), "%s.%s_decay_ms", arena, kind);
	(void)mallctl(name, NULL, NULL, &none, sizeof(none)); /* an arena that nobody uses yet refuses */
}

void tr_allocator_return_at_once(void)
{
	unsigned count = 0;
	size_t length = sizeof(count);

	if (mallctl == NULL || mallctl("arenas.narenas", &count, &length, NULL, 0) != 0)
		return;
	set_decay("arenas", "dirty"); /* of those to come */
	set_decay("arenas", "muzzy");
	for (unsigned i = 0; i < count; i++) {
		char arena[32];

		(void)snprintf(arena, sizeof(arena), "arena.%u", i);
		set_decay(arena, "dirty");
		set_decay(arena, "muzzy");
	}
}
