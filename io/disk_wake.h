/* SPDX-License-Identifier: Apache-2.0
 *
 * Wake: how another thread ends a worker's wait. An eventfd, and one flag that keeps most wakes out of the kernel.
 *
 *     any thread   push to a ring; tr_disk_wake_raise: is_raised 0 -> 1 writes the eventfd, 1 -> 1 does nothing
 *     the owner    tr_disk_wake_lower (after the eventfd was read): is_raised -> 0; then looks at its rings
 *
 * Both sides exchange the flag with acquire-release order, so that a raise that found the flag already up is seen by
 * the owner's lower, and with it everything that the raiser had pushed before. A wake noticed by poll is kept
 * (`is_kept`) for the next wait, since the contract is that a wake ends the current or the next wait.
 */
#ifndef TR_IO_DISK_WAKE_H
#define TR_IO_DISK_WAKE_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "base/check.h"

struct tr_disk_wake {
	int fd;                            /* eventfd */
	_Alignas(64) atomic_int is_raised; /* written by all threads; alone in its cache line */
	_Alignas(64) bool is_kept;         /* the owner's: a wake was noticed and no wait has ended for it yet */
};

static inline void tr_disk_wake_raise(struct tr_disk_wake *wake)
{
	const uint64_t one = 1;

	if (atomic_exchange_explicit(&wake->is_raised, 1, memory_order_acq_rel) == 0) {
		ssize_t written;

		do {
			written = write(wake->fd, &one, sizeof(one));
		} while (written < 0 && errno == EINTR);
		TR_ASSERT(written == (ssize_t)sizeof(one));
	}
}

/** After the eventfd was read. */
static inline void tr_disk_wake_lower(struct tr_disk_wake *wake)
{
	(void)atomic_exchange_explicit(&wake->is_raised, 0, memory_order_acq_rel);
	wake->is_kept = true;
}

/** Whether a wait should return at once; consumes the wake. */
static inline bool tr_disk_wake_take(struct tr_disk_wake *wake)
{
	const bool is_kept = wake->is_kept;

	wake->is_kept = false;
	return is_kept;
}

#endif
