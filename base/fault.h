/* SPDX-License-Identifier: Apache-2.0
 *
 * Faults: places in the engine that a test can make fail, compiled in only with TR_FAULTS (preset `sim`).
 *
 *     if (TR_BUG("barrier_no_align")) ...     a planted bug: false unless a test has planted exactly this one
 *     TR_FAULT_POINT("root_written");         a named moment: a test may stop the world here
 *
 * Planted bugs show that the simulator would find real ones (tests/sim/README.md lists them); a fault point lets a test
 * kill the process between two steps that no random moment would hit often. Without TR_FAULTS both are nothing at all:
 * the branch is not compiled, and no symbol is left.
 *
 * Thread: the two variables are set before the workers start and only read afterwards.
 */
#ifndef TR_BASE_FAULT_H
#define TR_BASE_FAULT_H

#include <stdbool.h>

#ifdef TR_FAULTS

extern const char *tr_fault_planted;                /* name of the planted bug; NULL: none */
extern void (*tr_fault_on_point)(const char *name); /* called at each fault point; NULL: nobody listens */

/** Whether the bug of this name is planted. */
bool tr_fault_is_planted(const char *name);

/** Tells the listener, if there is one. */
void tr_fault_reach(const char *name);

#define TR_BUG(name) __builtin_expect(tr_fault_planted != NULL && tr_fault_is_planted(name), 0)
#define TR_FAULT_POINT(name) tr_fault_reach(name)

#else

#define TR_BUG(name) false
#define TR_FAULT_POINT(name) ((void)0)

#endif
#endif
