// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_DISCLOSURE_H
#define BALISE_DISCLOSURE_H

/**
 * Disclosure control: what may be told of a site's day, why that is safe, and what it does not
 * protect. This page has no code; fold.h, hub.h, split.h, link.h and grid.h do what it says. They
 * are pure: no time, no I/O, the same answer for the same input.
 *
 * What is told. Let V be the site's views of one day. A *table* parts V by one dimension into
 * classes (pages, regions, blocks of hours, …), a two-dimensional one by two. A told *cell* says,
 * for a set of views S: their number, their distinct visitors rounded to 5, and for each metric a
 * histogram. Told are: the site; every one-dimensional table, folded (fold.h); by blocks of hours,
 * the site and some pages (hub.h); some cells of page x device and region x device (split.h).
 *
 * What an observer can compute. Every told count is the sum of a 0/1 function over V, a cell's,
 * restricted to a bin. An observer has all linear combinations f = sum x_c 1_c of them, with
 * positive, negative, real x. f touches the views where it is not 0. We call it a *leak* if f
 * touches somebody, but fewer than k distinct visitors: a remainder "total minus what is shown" is
 * one such f. Days share no view; ranges, quantiles, shares and histograms are functions of told
 * cells. So the guard is needed once, where cells are written, and the query layer needs none, as
 * long as it adds and never reads anything else.
 *
 * One dimension. Told cells are the shown classes, "(other)" (the rest) and the total. Every f is
 * one number on each shown class and one on "(other)". Each of these has k visitors; so f is 0, or
 * it touches k.
 *
 * Two dimensions. Rows r and columns c part V; row and column totals may be told, and some cells
 * are *shown*, the others hidden.
 *
 * Theorem (hub row). Let u be a row of which at least k visitors are hidden in every column. Let
 * the hidden part of every other row be empty or have at least k visitors, and every shown cell at
 * least k. Then every f is 0 or touches at least k visitors.
 *
 * Proof. On what is hidden, only row totals and column totals speak: f = a_r + b_c there; on a
 * shown cell f is one number s_rc, which a told cell sets freely. Only the sums count, so move a
 * constant from all b to all a such that a_u = 0. If some b_c is not 0, f is b_c on all that is
 * hidden of (u, c): k visitors. Otherwise all b are 0 and f is a_r on the hidden part of r: if a_r
 * is not 0 there, and that part is not empty, k visitors. Otherwise f is 0 wherever views are
 * hidden, and is one number on each shown cell: 0 everywhere, or not 0 on one of them, which has k
 * visitors. QED.
 *
 * The proof asks nothing of the totals: telling fewer is as safe. It holds for counts, for any sum
 * over views, and for every bin. It needs only "does this one cell have k?", and a lower bound of
 * visitors is enough for every test. What it replaces fails: that each row's and column's
 * remainder be 0 or at least k is not enough, since a combination of several rows and columns can
 * cancel all but one hidden cell.
 *
 * Two tables beside each other. Rows r are the told classes of one table, columns c those of
 * another, no cell of both is told, and every class has k visitors. So f = a_r + b_c; call a_r the
 * *level* of r and -b_c that of c: f is 0 exactly on the views whose row and column are on one
 * level. Suppose f touches fewer than k visitors. A *path* from a class to another is a view in
 * both, or two views with a third class in common. If k paths lead from a class to others that are
 * on one level, and no visitor is on two of the paths, then nobody on one of them is touched, f is
 * 0 on its views, and the class is on that level, too. Say that classes that are on one level for
 * this reason are *linked* (link.h). If all columns are, then f is one number on all of a row; if
 * it is not 0, it touches the row's k visitors: so f is 0. The same if all rows are, or if no view
 * is in classes of different links.
 *
 * Paths are counted by *witnesses*. In a list of them a visitor stands at one view alone; so paths
 * of one list share nobody, and each is the sum of numbers: min(n, m) paths of two views where n
 * witnesses stand at the first and m at the second. A table has a list of its own besides, in which
 * a rare class has more of its visitors. Paths may begin there and go on in the day's list: of k
 * that begin with different visitors, at most k of the day's witnesses are these same, so that
 * min(n, m - k) are left. Seats stand for visitors (visitors.h). A list without somebody only finds
 * fewer paths. Pages beside blocks need none of this: they have a hub. Each table is folded further
 * until every one before it is linked with it, or is not told: blocks, which are told already, then
 * page, region, device, browser, protocol, type.
 *
 * Pages by blocks of hours: columns are blocks, u is one page that is never told by block; a block
 * ends only when u has k visitors in it. A page's hidden part holds its *pool*: the day's views of
 * it before it was first told, k visitors. A page that is told by block and then folded at the
 * day's end only adds to what is hidden of "(other)", and so does u. Site blocks alone need u too:
 * beside the pages' days they are this table with nothing shown, and a block of one page and one
 * view more would betray that view.
 *
 * Page x device, region x device: u is chosen at the day's end. A row's hidden part is empty, holds
 * a cell of k, or is the row. A column in which no row has k is folded before, for nothing could
 * be shown. Columns in which u is weak are merged, but their own table tells them one by one, so b
 * may differ inside a group. Then every group must hang together by rows, each of
 * which has k visitors in two or more of its columns, be these cells hidden or told as one sum: f
 * is a number of that row plus b_c there, so where two such b differ f touches k; where none do,
 * the groups are the columns of the theorem.
 *
 * Bins. Equal bins link tables without any subtraction: a bin that one view of the day falls in
 * appears once in the page table, once in the region table, …, and puts the view together again.
 * Hence one grid of bins a site, day and metric, used in every table: no bin holds fewer than k of
 * the site's views of that day, unless it holds none (grid.h). Values of another day have no say in
 * that; they draw the bins of blocks that are told before the day is known. What one of those and
 * one of the whole day's have in common was told as a bin, or has k views.
 *
 * Who counts. A *visitor* is a keyed hash of truncated address and user agent, of one day. Below 97
 * the count is exact, and tests are at k and 5 k = 50 by default. After a restart it is the
 * greatest of the parts: a lower bound, so tests hold.
 *
 * What this does not protect, plainly.
 *
 * - The theorems are about one table and its totals, or two tables and theirs, and about linear
 *   combinations. Two tables with cells that share a margin are not covered together, nor are three
 *   tables of one dimension: there, on the days that docs/disclosure-cost.md counts, the programs
 *   in tests/attack find nothing that two of them do not betray. Told cells of different tables may
 *   differ by few views, by accident; how often, the same programs publish. Bounds that follow from
 *   counts not being negative are not excluded either.
 *
 * - A bin has k views of the day, not k visitors, and it may hold one view of a cell. Several rare
 *   classes together may still point to one of at least k views. Blocks are told on the grid of the
 *   day before: there a bin may be rarer until the day closes, and for ever in copies that somebody
 *   made meanwhile. On a site's first day that grid is of a compiled width.
 *
 * - k counts heads, not shares: of ten visitors one may have made nine views in ten (dominance);
 * all ten may have been slow (homogeneity).
 *
 * - Whoever forges k - 1 visitors, or is one of them, sees the rest. One network counts for half of
 *   k at the most (visitors.h: seats), so it takes several, as whoever has many IPv6 networks has.
 *   One person on two networks or in two browsers is two visitors; an office behind one address
 * with equal browsers is one.
 *
 * - That a class is absent says: fewer than k, or hidden for another's sake.
 *
 * - Until a day has closed, its open file and the memory hold personal data: all of this is about
 *   what is told and kept afterwards.
 *
 * Sources. Primary and secondary suppression, and its audit by linear programming: A. Hundepool et
 * al., Statistical Disclosure Control (Wiley 2012), chapter 4; M. Fischetti, J. J.
 * Salazar-González, "Solving the cell suppression problem on tabular data with linear constraints",
 * Management Science 47 (2001). Hidden cells as edges between rows and columns: D. Gusfield, "A
 * graph theoretic approach to statistical data security", SIAM J. Comput. 17 (1988). k-anonymity
 * and its limits: L. Sweeney (2002); A. Machanavajjhala et al., "l-diversity" (2007). Paths that
 * share nothing cannot be cut by few: K. Menger, "Zur allgemeinen Kurventheorie", Fund. Math. 10
 * (1927). Choosing one row as a hub for all the others, and linking tables by witnesses, with the
 * tests and the proofs above, are balise's own.
 */

#endif
