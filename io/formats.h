/* SPDX-License-Identifier: Apache-2.0
 *
 * The formats that io/ brings; io/registry.c lists them.
 */
#ifndef TR_IO_FORMATS_H
#define TR_IO_FORMATS_H

#include "io/format.h"

extern const struct tr_format tr_format_csv;  /* io/format_csv.c */
extern const struct tr_format tr_format_json; /* io/format_json.c */

#endif
