/* SPDX-License-Identifier: Apache-2.0
 *
 * Control: how another process reaches a running job. A socket in the job's state directory, with one question and one
 * answer per connection, each a line of fields with tabs between:
 *
 *     status                                   ok <job id> <newest checkpoint> <completed> <failed>
 *     savepoint <directory> none|suspend|drain ok <checkpoint>          once it is there (and the job is stopping)
 *     anything                                 error <status> <message>
 *
 * The socket is for the job's owner only (0600 in a directory of 0700). A stale one, of a killed job, is replaced: the
 * log's lock is what keeps two jobs apart.
 *
 * Thread: the listener is a thread of its own, which asks the engine.
 */
#ifndef TR_SERVER_CONTROL_H
#define TR_SERVER_CONTROL_H

#include "core/engine.h"

struct tr_control;

/** Listens in `directory`/control.sock. TR_ERR_CANT_CREATE. The engine must outlive it. */
tr_code tr_control_start(const char *directory, struct tr_engine *engine, const char *job_id,
			 struct tr_control **control, struct tr_status *st) TR_MUST_USE;

/** Stops listening, removes the socket. An answer under way is waited for. */
void tr_control_stop(struct tr_control **control);

/** Asks the job in `directory`; *answer (freed by the caller) is what stands behind "ok". TR_ERR_UNAVAILABLE: no job listens there;
 * other codes and messages are the job's. */
tr_code tr_control_ask(const char *directory, const char *question, char **answer, struct tr_status *st) TR_MUST_USE;

#endif
