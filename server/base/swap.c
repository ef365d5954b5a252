// SPDX-License-Identifier: EUPL-1.2
// Reads the list of swap areas that the kernel keeps.
#include <balise/swap.h>

#include <stdio.h>

int64_t bal_swap_areas(void)
{
    FILE *list = fopen("/proc/swaps", "re");
    int64_t areas = -1; // the first line is the heading
    for (int c; list && (c = fgetc(list)) != EOF;)
        areas += c == '\n';
    if (list)
        (void)fclose(list);
    return areas;
}
