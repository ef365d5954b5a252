// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_GEO_H
#define BALISE_GEO_H

#include <balise/config.h>
#include <balise/region.h>

#include <balise/privacy.h>

/**
 * From a truncated address to a region, by a list of local MaxMind DB files (MaxMind's layout:
 * country/iso_code, registered_country/iso_code, subdivisions/0/iso_code; flat layouts:
 * country_code, state1). The first database that knows the address answers. Databases of one family
 * only are skipped for the other. Nothing is ever looked up over the network.
 */
struct bal_geo;

/** No database is fine (every region is unknown). A missing, truncated or foreign file is an error
 * that names it. */
BAL_MUST_USE bal_status bal_geo_open(const struct bal_config *config, struct bal_geo **out,
                                     struct bal_error *error);
void bal_geo_close(struct bal_geo *geo); /**< accepts NULL */

/** Any thread; lock-free. Records that were decoded are remembered, addresses are not. */
bal_region bal_geo_region(const struct bal_geo *geo, struct bal_prefix prefix);

/** Build time (Unix seconds) of a database, in the order of the configuration; false behind the
 * last. */
bool bal_geo_built_s(const struct bal_geo *geo, size_t index, int64_t *out);

#endif
