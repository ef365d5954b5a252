// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_SWAP_H
#define BALISE_SWAP_H

#include <stdint.h>

/** How many swap areas this machine uses, by the kernel's list; -1 when it cannot be read. Any
 * thread. */
int64_t bal_swap_areas(void);

#endif
