/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of planted bugs.
 */
#include "sim/sim_bug.h"

#include "base/check.h"

static const struct tr_sim_bug bugs[] = {
	/* rows and barriers on their way */
	{"read-short", "a short read counts as a whole one"},
	{"channel-credit-wakes-nobody", "who gives a credit back does not wake the worker that waits for it"},
	{"channel-barrier-overtakes", "a barrier goes before the rows of the packet that it joins"},
	{"align-holds-nobody", "an input that has delivered the barrier goes on"},
	{"align-last-watermark", "the watermark is that of the last input, not the least of all"},
	{"local-keeps-partials", "pre-aggregated rows are not pushed out at the barrier, and are not saved either"},
	/* what is saved and restored */
	{"source-one-row-off", "a position counts one row too many"},
	{"source-watermark-forgotten", "the event time that a chunk in hand has come to is not saved", "hop_late"},
	{"window-late-again", "a restored slice takes its late rows for the windows, too, that they came too late for",
	 "hop_late"},
	{"window-waiting-twice", "rows that wait for their watermark are saved twice", "session"},
	{"snapshot-given-up-counts", "what changed before a checkpoint that was given up does not join the next one"},
	{"window-fired-lost", "a restored window operator has forgotten which windows it has fired"},
	{"restore-deals-wrong", "with another number of subtasks keys are dealt by another rule than rows"},
	{"restore-old-records", "of a stream's records without key also those of older checkpoints are loaded"},
	/* who says that a checkpoint is complete */
	{"coordinator-misses-one", "one subtask is not waited for"},
	{"coordinator-tells-early", "sinks hear of a checkpoint before it is durable"},
	{"stop-holds-nobody", "sources go on behind the barrier of a stop"},
	{"savepoint-misses-blocks", "what a savepoint copies is not all"},
	{"savepoint-of-the-one-before",
	 "a savepoint holds the checkpoint before: what has been published since comes twice"},
	/* the log */
	{"log-segments-not-synced", "the root is written though the blocks were never synced"},
	{"log-root-too-early", "the root is written while the blocks are still being synced"},
	{"log-root-not-synced", "a checkpoint is complete when its root is written, not when it is synced"},
	{"log-directory-not-synced", "a new segment's name is not made durable"},
	{"log-syncs-again", "a sync that has failed is tried again, and the second answer is believed"},
	{"log-sum-unchecked", "check sums of blocks are not looked at"},
	{"log-root-sum-unchecked", "check sums of roots are not looked at"},
	{"log-damage-is-the-end", "a damaged block inside a checkpoint is taken for its end"},
	/* published files */
	{"sink-not-synced", "a part file is published, or prepared, without having been synced"},
	{"sink-name-not-synced", "a part file is renamed, but its folder is not synced"},
	{"sink-folder-not-synced", "a new partition folder is not made durable in the one above it"},
	{"sink-pending-name-not-synced", "the name of a prepared file is not made durable", "many_files"},
	{"sink-syncs-again", "a sync that has failed is tried again, and the second answer is believed"},
	{"sink-short-write", "a short write counts as a whole one"},
	{"sink-keeps-pending", "pending files of a killed run are never removed"},
	{"sink-commits-unasked", "files are published when they are prepared"},
	{"sink-given-up-lost", "what was prepared for a checkpoint that was given up is forgotten"},
	{"sink-epoch-unchecked", "a sink goes on from a checkpoint older than what it has published"},
	{"sink-recovers-nothing", "what the restored checkpoint had prepared is not published"},
};

uint32_t tr_sim_bug_count(void) { return TR_COUNT_OF(bugs); }

const struct tr_sim_bug *tr_sim_bug(uint32_t index)
{
	TR_ASSERT(index < TR_COUNT_OF(bugs));
	return &bugs[index];
}
