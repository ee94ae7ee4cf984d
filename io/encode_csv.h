/* SPDX-License-Identifier: Apache-2.0
 *
 * The CSV encoder (io/encode_csv.c).
 */
#ifndef TR_IO_ENCODE_CSV_H
#define TR_IO_ENCODE_CSV_H

#include "io/format.h"

extern const struct tr_encoder_ops tr_csv_encoder;

#endif
