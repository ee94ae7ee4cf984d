/* SPDX-License-Identifier: Apache-2.0
 *
 * See drift.h.
 */
#include "core/drift.h"

#include <string.h>

#include "base/check.h"

static struct tr_drift_group *find_group(struct tr_drift_group **groups, struct tr_arena *arena, const char *name)
{
	struct tr_drift_group *group = *groups;

	while (group != NULL && strcmp(group->name, name) != 0)
		group = group->next;
	if (group != NULL)
		return group;
	group = TR_NEW(arena, struct tr_drift_group);
	group->name = name;
	group->next = *groups;
	pthread_mutex_init(&group->lock, NULL);
	*groups = group;
	return group;
}

struct tr_drift_member *tr_drift_join(struct tr_drift_group **groups, struct tr_arena *arena,
				      const struct tr_drift_spec *spec, uint32_t subtask_count)
{
	struct tr_drift_member *member = TR_NEW(arena, struct tr_drift_member);

	TR_ASSERT(spec->group != NULL && subtask_count > 0);
	member->group = find_group(groups, arena, spec->group);
	member->max_drift_ms = spec->max_drift_ms;
	member->interval_ns = TR_MAX(spec->update_interval_ms, 1) * 1000000;
	member->watermark_ms = TR_WATERMARK_MIN;
	member->open_count = subtask_count;
	atomic_init(&member->next_ns, 0);
	atomic_init(&member->allowed_ms, TR_WATERMARK_MAX);
	member->next = member->group->first;
	member->group->first = member;
	return member;
}

void tr_drift_deinit(struct tr_drift_group **groups)
{
	for (struct tr_drift_group *group = *groups; group != NULL; group = group->next)
		pthread_mutex_destroy(&group->lock);
	*groups = NULL;
}

bool tr_drift_is_due(struct tr_drift_member *member, int64_t now_ns)
{
	int64_t next_ns = atomic_load_explicit(&member->next_ns, memory_order_relaxed);

	if (next_ns != 0)
		return now_ns >= next_ns;
	(void)atomic_compare_exchange_strong_explicit(&member->next_ns, &next_ns, now_ns + member->interval_ns,
						      memory_order_relaxed, memory_order_relaxed);
	return false;
}

bool tr_drift_turn(struct tr_drift_member *member, int64_t watermark_ms, int64_t now_ns)
{
	struct tr_drift_group *group = member->group;
	int64_t least_ms = TR_WATERMARK_MAX, allowed_ms;
	bool has_grown;

	pthread_mutex_lock(&group->lock);
	member->watermark_ms = member->open_count > 0 ? watermark_ms : TR_WATERMARK_MAX;
	for (const struct tr_drift_member *m = group->first; m != NULL; m = m->next)
		least_ms = TR_MIN(least_ms, m->watermark_ms);
	if (__builtin_add_overflow(least_ms, member->max_drift_ms, &allowed_ms))
		allowed_ms = TR_WATERMARK_MAX;
	has_grown = allowed_ms > atomic_load_explicit(&member->allowed_ms, memory_order_relaxed);
	atomic_store_explicit(&member->allowed_ms, allowed_ms, memory_order_relaxed);
	atomic_store_explicit(&member->next_ns, now_ns + member->interval_ns, memory_order_relaxed);
	pthread_mutex_unlock(&group->lock);
	return has_grown;
}

void tr_drift_leave(struct tr_drift_member *member)
{
	pthread_mutex_lock(&member->group->lock);
	TR_ASSERT(member->open_count > 0);
	if (--member->open_count == 0)
		member->watermark_ms = TR_WATERMARK_MAX;
	pthread_mutex_unlock(&member->group->lock);
}
