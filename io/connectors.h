/* SPDX-License-Identifier: Apache-2.0
 *
 * The connectors and formats that are built in, for the registry. Each is defined in its own file.
 */
#ifndef TR_IO_CONNECTORS_H
#define TR_IO_CONNECTORS_H

#include "io/connector.h"

extern const struct tr_connector tr_connector_blackhole;  /* sink_blackhole.c */
extern const struct tr_connector tr_connector_datagen;    /* source_datagen.c */
extern const struct tr_connector tr_connector_filesystem; /* source_file.c */
extern const struct tr_connector tr_connector_print;      /* sink_print.c */
extern const struct tr_connector tr_connector_nexmark;    /* source_nexmark.c */

#endif
