/* SPDX-License-Identifier: Apache-2.0
 *
 * Tailrace in C: all of it. Flink's DataStream API, where rows are columns and functions may take them by the thousand. Read in
 * this order:
 *
 *     status.h       what went wrong                    types.h      SQL's types, and how they lie in memory
 *     batch.h        rows as columns; Arrow             version.h    the binary interface
 *     function.h     functions, context, collector      state.h, timer.h   what they remember
 *     watermark.h    event time                         window.h     windows
 *     trigger.h, window_function.h    what fires them, and what they make
 *     source.h, sink.h     sources and sinks in C
 *     stream.h       the graph                          connect.h, broadcast.h, join.h    two streams in one operator
 *     async.h        look-ups outside                   environment.h      running it
 *     plugin.h       a job as a shared object           user_function.h     functions of SQL
 */
#ifndef TAILRACE_H
#define TAILRACE_H

#include "tailrace/async.h"
#include "tailrace/batch.h"
#include "tailrace/broadcast.h"
#include "tailrace/connect.h"
#include "tailrace/environment.h"
#include "tailrace/function.h"
#include "tailrace/join.h"
#include "tailrace/plugin.h"
#include "tailrace/sink.h"
#include "tailrace/source.h"
#include "tailrace/state.h"
#include "tailrace/status.h"
#include "tailrace/stream.h"
#include "tailrace/timer.h"
#include "tailrace/trigger.h"
#include "tailrace/types.h"
#include "tailrace/user_function.h"
#include "tailrace/version.h"
#include "tailrace/watermark.h"
#include "tailrace/window.h"
#include "tailrace/window_function.h"

#endif
