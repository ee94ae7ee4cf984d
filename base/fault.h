/* SPDX-License-Identifier: Apache-2.0
 *
 * Faults: places in the engine that a test can make fail, compiled in only with TR_FAULTS (preset `sim`).
 *
 *     if (TR_BUG("align-holds-nobody")) ...   a planted bug: false unless a test has planted exactly this one
 *     TR_FAULT_POINT("root-written");         a named moment: a test may stop the world here
 *
 * Planted bugs show that the tests would find real ones (tests/sim/README.md lists them); a fault point lets a test
 * kill the process between two steps that no random moment would hit often. Without TR_FAULTS both are nothing at all:
 * the branch is not compiled, and no symbol is left.
 *
 * The program of such a build obeys its environment (TR_FAULT_ARM, in main):
 *
 *     TAILRACE_FAULT=root-written:2           at the second hit of this point it says so on stderr and is killed (SIGKILL)
 *     TAILRACE_BUG=sink-not-synced            this bug is planted
 *     TAILRACE_SEGMENT_BYTES=65536            segments of a log end there, so that a small job fills and removes some
 *     TAILRACE_BLOCK_BYTES=256                blocks of state end there, so that small state lies in several
 *
 * Thread: the variables are set before the workers start and only read afterwards. Points are reached by any thread.
 */
#ifndef TR_BASE_FAULT_H
#define TR_BASE_FAULT_H

#include <stdbool.h>
#include <stddef.h>

#ifdef TR_FAULTS

extern const char *tr_fault_planted;                /* name of the planted bug; NULL: none */
extern void (*tr_fault_on_point)(const char *name); /* called at each fault point; NULL: nobody listens */
extern size_t tr_fault_segment_bytes;               /* 0: as always */
extern size_t tr_fault_block_bytes;                 /* 0: as always */

/** Whether the bug of this name is planted. */
bool tr_fault_is_planted(const char *name);

/** Tells the listener, if there is one. */
void tr_fault_reach(const char *name);

/** Plants and listens as the environment says. */
void tr_fault_arm(void);

#define TR_BUG(name) __builtin_expect(tr_fault_planted != NULL && tr_fault_is_planted(name), 0)
#define TR_FAULT_POINT(name) tr_fault_reach(name)
#define TR_FAULT_ARM() tr_fault_arm()
#define TR_FAULT_SIZES(segment, block) (tr_fault_segment_bytes = (segment), tr_fault_block_bytes = (block))
#define TR_FAULT_SEGMENT_BYTES(normal) (tr_fault_segment_bytes != 0 ? tr_fault_segment_bytes : (normal))
#define TR_FAULT_BLOCK_BYTES(normal) (tr_fault_block_bytes != 0 ? tr_fault_block_bytes : (normal))

#else

#define TR_BUG(name) false
#define TR_FAULT_POINT(name) ((void)0)
#define TR_FAULT_ARM() ((void)0)
#define TR_FAULT_SIZES(segment, block) ((void)0)
#define TR_FAULT_SEGMENT_BYTES(normal) (normal)
#define TR_FAULT_BLOCK_BYTES(normal) (normal)

#endif
#endif
