// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HUB_H
#define BALISE_HUB_H

#include <balise/buf.h>

/**
 * Pages by blocks of hours (theory: disclosure.h). One page, the *hub*, is never told by block, and
 * blocks end only when it has k visitors. Every other page is told in a block only if its *pool* is
 * full: if before that block k visitors had seen it without any of it being told. State that must
 * survive a restart, together with the open day: the hub's page (or none), a pool bit a page, the
 * bounds of blocks. Decisions are final. Any thread, no memory of its own.
 *
 * - Start of the day: hub = bal_hub_choose(yesterday's told page table). Without one (the first day
 *   of a site) it may be chosen at the end of any hour of today's pages so far, as long as no block
 *   has ended; then it stays.
 *
 * - Each hour's end: if there is a hub and bal_block_ends(visitors of the hub in the block, k), the
 *   block ends here. The day's first block is kept back whole. Of every other one the site's cell
 *   is told, and, where pages are told by block at all, those that bal_block_decide says. Call it
 *   for *every* block that ends, the first too: it fills pools.
 *
 * - End of the day: a last block that does not end (hub below k) joins the kept-back first one; the
 *   two are told as one cell of the site alone. Without a first block nothing is told by block.
 */

/** A page of yesterday's told table. */
struct bal_hub_page {
    struct bal_slice text;
    uint64_t views;
    uint32_t visitors;
};
#define BAL_HUB_NONE SIZE_MAX

/**
 * The index of today's hub. Of the pages with at least 40 k visitors, the largest that has at most
 * 3 % of the site's views; where each of them has more, the smallest; where there are none, the
 * largest page that has k, so that blocks end at all; else BAL_HUB_NONE: no block ends, neither of
 * the site nor of pages. "(other)" is never it. Larger is by visitors, then views, then text. Not a
 * test of safety: stale or wrong numbers cost blocks, no privacy.
 */
size_t bal_hub_choose(const struct bal_hub_page *pages, size_t count, uint64_t site_views,
                      uint32_t k);

/** Whether a block may end: the hub has k in it. `visitors` is a lower bound. */
bool bal_block_ends(uint32_t visitors, uint32_t k);

/** A page when a block ends. Visitors are lower bounds. */
struct bal_block_page {
    uint32_t visitors;     /**< in: of the page in this block */
    uint32_t day_visitors; /**< in: of the page today, this block included */
    bool pool; /**< in: as bal_block_decide left it at the day's last block, false before; out: from
                  now on */
    bool is_hub;   /**< in */
    bool is_other; /**< in: unmatched or past the cap; never told by block */
    bool tell;     /**< out: write the cell (page, block) */
};

/** Which pages this block tells, and whose pool is full from the next one on. The day's `first`
 * block tells no page. */
void bal_block_decide(struct bal_block_page *pages, size_t count, uint32_t k, bool first);

#endif
