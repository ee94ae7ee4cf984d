/* SPDX-License-Identifier: Apache-2.0
 *
 * The allocator behind malloc: jemalloc in the release build, whatever the system has else.
 */
#ifndef TR_BASE_ALLOCATOR_H
#define TR_BASE_ALLOCATOR_H

/** Memory that is freed from now on goes back to the system at once, not some seconds later: for who has promised to stay below a
 * limit. Before threads are started. */
void tr_allocator_return_at_once(void);

#endif
