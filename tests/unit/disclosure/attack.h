// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_TEST_ATTACK_H
#define BALISE_TEST_ATTACK_H

// An observer of one linked table, who knows nothing of how it was made. What is told is given as
// shown sets of visitors, and as a table of what is left hidden of each row and column, whose row
// and column totals are known. A linear combination is one label a row and one a column; it touches
// the hidden cells between different labels. Cutting the labels at a value gives two labels, and
// touches no cell more: so if any combination leaks, a cut does, and trying all cuts is a proof.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { SET_WORDS = 4, PEOPLE = 64 * SET_WORDS, ATTACK_ROWS = 64, ATTACK_COLUMNS = 24 };

struct set {
    uint64_t word[SET_WORDS];
};

static inline void set_add(struct set *s, unsigned who)
{
    s->word[who / 64] |= UINT64_C(1) << (who % 64);
}

static inline struct set set_union(struct set a, struct set b)
{
    for (unsigned w = 0; w < SET_WORDS; w++)
        a.word[w] |= b.word[w];
    return a;
}

static inline unsigned set_heads(struct set s)
{
    unsigned heads = 0;
    for (unsigned w = 0; w < SET_WORDS; w++)
        heads += (unsigned)__builtin_popcountll(s.word[w]);
    return heads;
}

struct attack {
    unsigned rows, columns;
    struct set hidden[ATTACK_ROWS][ATTACK_COLUMNS];
    bool leaks_shown; // a shown cell below k was among what is told
};

static inline void attack_show(struct attack *a, struct set cell, unsigned k)
{
    const unsigned heads = set_heads(cell);
    a->leaks_shown |= heads > 0 && heads < k;
}

static inline void attack_hide(struct attack *a, unsigned row, unsigned column, struct set cell)
{
    a->hidden[row][column] = set_union(a->hidden[row][column], cell);
}

// Labels the rows from `row` on; true when somebody, but fewer than k, is touched in the end.
static inline bool cut_rows(const struct attack *a, unsigned row, uint32_t columns,
                            struct set touched, unsigned k)
{
    if (set_heads(touched) >= k)
        return false;
    if (row == a->rows)
        return set_heads(touched) > 0;
    struct set sides[2] = {touched, touched};
    for (unsigned c = 0; c < a->columns; c++) {
        struct set *const side = &sides[columns >> c & 1U];
        *side = set_union(*side, a->hidden[row][c]);
    }
    const bool same = memcmp(&sides[0], &sides[1], sizeof sides[0]) == 0;
    return cut_rows(a, row + 1, columns, sides[0], k) ||
           (!same && cut_rows(a, row + 1, columns, sides[1], k));
}

// All cuts. Exact, for few columns.
static inline bool attack_all_cuts(const struct attack *a, unsigned k)
{
    if (a->leaks_shown)
        return true;
    for (uint32_t columns = 0; columns < UINT32_C(1) << (a->columns - 1); columns++)
        if (cut_rows(a, 0, columns, (struct set){{0}}, k))
            return true;
    return false;
}

/* ---- for large tables: least cuts by greatest flows ---- */

enum { NODES = ATTACK_ROWS + ATTACK_COLUMNS };

struct network {
    unsigned nodes;
    unsigned room[NODES][NODES];
};

// One path with room left (breadth first); what it carries, 0 if there is none.
static inline unsigned augment(struct network *n, unsigned from, unsigned to)
{
    unsigned queue[NODES];
    unsigned before[NODES];
    unsigned filled = 0;
    memset(before, 0xff, sizeof before);
    queue[filled++] = from;
    before[from] = from;
    for (unsigned at = 0; at < filled && before[to] == UINT32_MAX; at++) {
        for (unsigned next = 0; next < n->nodes; next++) {
            if (before[next] != UINT32_MAX || n->room[queue[at]][next] == 0)
                continue;
            before[next] = queue[at];
            queue[filled++] = next;
        }
    }
    if (before[to] == UINT32_MAX)
        return 0;
    unsigned least = UINT32_MAX;
    for (unsigned node = to; node != from; node = before[node])
        least = n->room[before[node]][node] < least ? n->room[before[node]][node] : least;
    for (unsigned node = to; node != from; node = before[node]) {
        n->room[before[node]][node] -= least;
        n->room[node][before[node]] += least;
    }
    return least;
}

static inline bool cut_between(const struct network *n, unsigned from, unsigned to, unsigned k)
{
    struct network rest = *n;
    unsigned flow = 0;
    for (unsigned more; flow < k && (more = augment(&rest, from, to)) > 0;)
        flow += more;
    return flow > 0 && flow < k;
}

// Counts a visitor once a cell: what it finds is a leak, what it misses may be one. Any size.
static inline bool attack_flows(const struct attack *a, unsigned k)
{
    struct network n = {.nodes = a->rows + a->columns};
    if (a->leaks_shown)
        return true;
    for (unsigned r = 0; r < a->rows; r++) {
        unsigned hidden = 0;
        for (unsigned c = 0; c < a->columns; c++) {
            const unsigned heads = set_heads(a->hidden[r][c]);
            n.room[r][a->rows + c] = heads;
            n.room[a->rows + c][r] = heads;
            hidden += heads;
        }
        if (hidden > 0 && hidden < k)
            return true;
    }
    for (unsigned c = 0; c < a->columns; c++)
        for (unsigned d = c + 1; d < a->columns; d++)
            if (cut_between(&n, a->rows + c, a->rows + d, k))
                return true;
    return false;
}

/* ---- chance ---- */

// splitmix64 (Steele, Lea, Flood 2014): the same tables in every run.
static inline uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

static inline unsigned random_below(uint64_t *state, unsigned end)
{
    return (unsigned)(random_next(state) % end);
}

#endif
