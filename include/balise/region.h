// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_REGION_H
#define BALISE_REGION_H

#include <balise/buf.h>
#include <stdint.h>

/**
 * A region as one number: an ISO 3166-1 alpha-2 country ("FR") or an ISO 3166-2 subdivision
 * ("FR-IDF", "FR-20R"), its up to five letters and digits in base 37 (0 = none, A-Z = 1-26, 0-9 =
 * 27-36), first character most significant. 0 is "(unknown)".
 */
typedef uint32_t bal_region;
#define BAL_REGION_UNKNOWN ((bal_region)0)
#define BAL_REGION_TEXT_BYTES 12

/** From codes of 2 and 0…3 characters (either case); BAL_REGION_UNKNOWN when they are not of that
 * form. */
bal_region bal_region_pack(struct bal_slice country, struct bal_slice subdivision);
/** "FR-IDF", "FR" or "(unknown)", which 0 is; false (and "(unknown)") when the number is not a
 * region. */
bool bal_region_text(bal_region region, char text[BAL_REGION_TEXT_BYTES]);
bal_region bal_region_parse(struct bal_slice text); /**< the inverse; unknown when malformed */
bal_region bal_region_country(bal_region region);   /**< without its subdivision */

/** A French territory overseas, as a country of ISO 3166-1 (RE GP MQ GF YT PM BL MF WF PF NC TF) or
 * as a subdivision of France by ISO 3166-2 (FR-974, formerly FR-RE). */
bool bal_region_is_french_overseas(bal_region region);

#endif
