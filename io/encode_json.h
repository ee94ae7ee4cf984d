/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON encoder (io/encode_json.c).
 */
#ifndef TR_IO_ENCODE_JSON_H
#define TR_IO_ENCODE_JSON_H

#include "io/format.h"

extern const struct tr_encoder_ops tr_json_encoder;

#endif
