// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HTTP_OVERRIDES_H
#define BALISE_HTTP_OVERRIDES_H

/** Finds the library's own functions behind those that overrides.c replaces; before any loop
 * starts. */
void overrides_bind(void);

#endif
