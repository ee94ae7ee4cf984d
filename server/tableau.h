/* SPDX-License-Identifier: Apache-2.0
 *
 * Tableau: the sink of a bare SELECT, which prints rows on stdout as they come.
 *
 * Style "tableau" is Flink's: an op column, widths from the types (at most table.display.max-column-width), a closing
 * count; of a batch job, without the op column, and with widths from the rows. "table" is the same without op column and count; "csv" and "json" are the formats' own rows. Its options
 * (style, max-width) come from the command line, not from a WITH clause.
 */
#ifndef TR_SERVER_TABLEAU_H
#define TR_SERVER_TABLEAU_H

#include "io/connector.h"

extern const struct tr_connector tr_connector_collect;

#endif
