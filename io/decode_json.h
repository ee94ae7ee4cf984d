/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON decoder (io/decode_json.c); rules there.
 */
#ifndef TR_IO_DECODE_JSON_H
#define TR_IO_DECODE_JSON_H

#include "io/json.h"

extern const struct tr_decoder_ops tr_json_decoder;

/** Reads the options of a table and checks its types (io/format_json.c). */
tr_code tr_json_options_read(const struct tr_table_spec *spec, struct tr_json_options *options,
			     struct tr_status *st) TR_MUST_USE;
tr_code tr_json_check_schema(const struct tr_table_spec *spec, struct tr_status *st) TR_MUST_USE;

#endif
