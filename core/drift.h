/* SPDX-License-Identifier: Apache-2.0
 *
 * Drift: sources that wait for one another (Flink's watermark alignment). A source whose watermark is ahead of the least of its group by
 * more than it may is not asked for more rows until the others have come.
 *
 *     source A  09:00 ──┐                                  A reads
 *     source B  09:40 ──┼──▶ group: least 09:00 + 30 min   B waits, at most for its update interval between two looks
 *     source C  idle  ──┘                                  does not count
 *
 * Each source tells its watermark once in its interval, and learns how far it may go; between two such turns it does not look. A source that
 * has said nothing yet has the least watermark of all. One that is idle or has ended does not count. Until its first turn a
 * source may go as far as it likes. The source with the least watermark never waits, so a group is never stuck.
 *
 * A source waits as a whole; one that can ask its splits one by one (io/source.h: is_ahead) leaves out those that are ahead. Checkpoints pass
 * through a source that waits, and the time does not count as idle. Nothing is saved.
 *
 * Threads: any subtask of a source takes its turn, under the group's lock; what it leaves is read by all of them (relaxed).
 */
#ifndef TR_CORE_DRIFT_H
#define TR_CORE_DRIFT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/plan.h"

struct tr_drift_group {
	const char *name;
	pthread_mutex_t lock;
	struct tr_drift_member *first; /* its sources */
	struct tr_drift_group *next;   /* of the graph */
};

/** A source in a group. */
struct tr_drift_member {
	struct tr_drift_group *group;
	struct tr_drift_member *next;
	int64_t max_drift_ms;
	int64_t interval_ns;
	int64_t watermark_ms;       /* as told last; TR_WATERMARK_MAX: does not count. Under the group's lock */
	uint32_t open_count;        /* subtasks that have not ended; under the group's lock */
	_Atomic int64_t next_ns;    /* its next turn; 0: has not begun */
	_Atomic int64_t allowed_ms; /* up to here it may read */
};

/** A new source of `subtask_count` subtasks in the group of that name, which is made if there is none among `groups`. In `arena`. */
struct tr_drift_member *tr_drift_join(struct tr_drift_group **groups, struct tr_arena *arena,
				      const struct tr_drift_spec *spec, uint32_t subtask_count);
void tr_drift_deinit(struct tr_drift_group **groups);

/** Whether it is time for a turn. The first call begins the first interval. */
bool tr_drift_is_due(struct tr_drift_member *member, int64_t now_ns);

/** A turn: the source has come to `watermark_ms`. True: it may go further than before. */
bool tr_drift_turn(struct tr_drift_member *member, int64_t watermark_ms, int64_t now_ns);

/** A subtask of the source has ended; when all have, the source does not count any more. */
void tr_drift_leave(struct tr_drift_member *member);

static inline bool tr_drift_is_ahead(const struct tr_drift_member *member, int64_t watermark_ms)
{
	return watermark_ms != TR_WATERMARK_MAX &&
	       watermark_ms > atomic_load_explicit(&member->allowed_ms, memory_order_relaxed);
}

#endif
