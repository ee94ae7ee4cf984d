/* SPDX-License-Identifier: Apache-2.0
 *
 * Flow: the answer of a step. Neither success nor failure: what to do next.
 *
 * BLOCKED means: "I took what you gave me and could not finish (no credit, a read in flight, a full pipe). Leave it
 * untouched and call my resume until it says something else." FAILED means that a status was recorded.
 */
#ifndef TR_BASE_FLOW_H
#define TR_BASE_FLOW_H

enum tr_flow {
	TR_FLOW_MORE = 0, /* done with this; give me more, or ask me again */
	TR_FLOW_BLOCKED,  /* parked; resume me */
	TR_FLOW_DONE,     /* finished for good: a source at its end, a limit reached */
	TR_FLOW_FAILED,   /* see the status */
};

#endif
