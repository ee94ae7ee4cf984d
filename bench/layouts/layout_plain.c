/* SPDX-License-Identifier: Apache-2.0
 *
 * The bar: the loop of bench/limits/group.c for large tables.
 */
#include "bench/layouts/layout.h"
#include "bench/limits/limits.h"

struct plain {
	struct tr_limit_group *group;
	size_t bytes;
};

#include <stdlib.h>

static void *create(uint64_t keys)
{
	struct plain *p = calloc(1, sizeof(*p));

	p->group = tr_limit_group_create_with(keys, true);
	for (p->bytes = 32 * 1024; p->bytes < (keys + keys / 2) * 32; p->bytes *= 2)
		;
	return p;
}

static void destroy(void *layout)
{
	struct plain *p = layout;

	tr_limit_group_destroy(&p->group);
	free(p);
}

static void update(void *layout, const int64_t *keys, const int64_t *values, uint32_t count)
{
	tr_limit_group_add(((struct plain *)layout)->group, keys, values, count);
}

static size_t bytes(const void *layout) { return ((const struct plain *)layout)->bytes; }

const struct tr_layout tr_layout_plain = {
	.name = "plain", .create = create, .destroy = destroy, .update = update, .bytes = bytes};
