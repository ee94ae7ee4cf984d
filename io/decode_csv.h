/* SPDX-License-Identifier: Apache-2.0
 *
 * The CSV decoder (io/decode_csv.c); rules and drawing there.
 */
#ifndef TR_IO_DECODE_CSV_H
#define TR_IO_DECODE_CSV_H

#include "io/format.h"

extern const struct tr_decoder_ops tr_csv_decoder;

#endif
