/* SPDX-License-Identifier: Apache-2.0
 *
 * Topology: which core a worker is pinned to.
 *
 * Worker i gets the i-th core of the process's affinity mask (one hardware thread of each core first, then the
 * others). When there are more workers than hardware threads nobody is pinned: the kernel's scheduler then shares the
 * cores better than a fixed placement would.
 */
#ifndef TR_CORE_TOPOLOGY_H
#define TR_CORE_TOPOLOGY_H

#include <stdint.h>

/** Fills cpus[0 .. count) with the CPU numbers of `count` workers, or with -1 when they are not to be pinned. Returns
 * the number of hardware threads that the process may use. */
uint32_t tr_topology_place(int32_t *cpus, uint32_t count);

/** Pins the calling thread. A kernel that does not allow it is no failure: the thread runs unpinned. */
void tr_topology_pin(int32_t cpu);

#endif
