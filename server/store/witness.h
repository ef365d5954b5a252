// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STORE_WITNESS_H
#define BALISE_STORE_WITNESS_H

#include <balise/status.h>
#include <balise/view.h>
#include <balise/visitors.h>

/**
 * Witnesses: one view of each visitor, his first of the day, as the classes it is in. They say
 * which one-dimensional tables may be told beside each other (close_link.c); a visitor who is no
 * witness only costs some telling. Each table has a list of its own besides, for the sake of its
 * rare classes: again one view of a visitor, but none in a class that has enough.
 * Without visitor or value, from the day's opening to its end.
 * On a day of few views, others are noted with no visitor: they tell which classes meet. Past
 * WITNESS_MEETINGS_MAX kinds of views that is known of small tables alone.
 */
/** Times k witnesses of a class are enough, in the day's list and in its table's. */
#define WITNESS_ENOUGH 50
#define WITNESS_ENOUGH_OF_TABLE 10
#define WITNESS_MEETINGS_MAX 4096
#define WITNESS_KINDS_MAX 32768

/** Classes of the tables that are small, one after the other, and blocks by their first hour. */
enum {
    WITNESS_DEVICE = 0,
    WITNESS_BROWSER = WITNESS_DEVICE + BAL_DEVICE_COUNT,
    WITNESS_PROTOCOL = WITNESS_BROWSER + BAL_BROWSER_COUNT,
    WITNESS_TYPE = WITNESS_PROTOCOL + BAL_PROTOCOL_COUNT,
    WITNESS_BLOCK = WITNESS_TYPE + BAL_TYPE_COUNT,
    WITNESS_HOURS = 25,  /**< of the longest day */
    WITNESS_SHARDS = 32, /**< of who is in a list: sets are exact while they are small */
};

/** Lists of witnesses: the day's, and each table's own; in none is a visitor twice. */
enum witness_list {
    WITNESS_OF_DAY,
    WITNESS_OF_REGION,
    WITNESS_OF_DEVICE,
    WITNESS_OF_BROWSER,
    WITNESS_OF_PROTOCOL,
    WITNESS_OF_TYPE,
    WITNESS_OF_BLOCK,
    WITNESS_LISTS
};

/** Views of one kind: the same classes in every table. */
struct witness {
    uint32_t page, region; /**< as the day numbers them */
    uint8_t device, browser, protocol, type;
    uint8_t block; /**< the first hour of the block that was filling */
    bool dirty;    /**< changed since the last checkpoint */
    uint32_t visitors[WITNESS_LISTS];
    uint32_t earlier[WITNESS_LISTS]; /**< in the key epoch before that had most */
};

/** Witnesses of a class in this epoch, in the day's list and in its table's. */
struct witness_class {
    uint32_t of_day, of_table;
};

struct witnesses {
    struct witness *all; /**< in order of appearance */
    uint32_t count, capacity;
    uint32_t *slots; /**< open addressing: number + 1 */
    uint32_t slot_count;
    struct bal_sketch seen[WITNESS_LISTS][WITNESS_SHARDS];
    struct witness_class *regions,
        small[WITNESS_BLOCK + WITNESS_HOURS + 1]; /**< the block that is filling once all have ended
                                                     begins behind the last hour */
    uint32_t region_capacity;
    uint32_t met[WITNESS_BLOCK]; /**< bit j of i: a view in both is noted */
    bool passed_over;            /**< some view is not noted */
    bool renumbered; /**< since they were loaded: an erasure may have made two kinds one, so what
                        a checkpoint holds under a number is another's */
};

/** The lists (bit l: list l) that want a further witness of these classes. */
unsigned witnesses_want(struct witnesses *witnesses, const struct witness *one, uint32_t k);
/** Those of `lists` that surely have nobody of the visitor's seat (visitors.h), and have him now.
 */
unsigned witnesses_enter(struct witnesses *witnesses, struct bal_arena *arena, uint32_t visitor,
                         unsigned lists);
/** Notes a view, with one visitor in each of `lists`; without any, where it tells that classes
 * meet. */
void witnesses_add(struct witnesses *witnesses, const struct witness *one, unsigned lists);
/** Puts one back as it was saved; BAL_ECORRUPT when its classes are none. */
BAL_MUST_USE bal_status witnesses_load(struct witnesses *witnesses, const struct witness *one);
/** All are loaded; who comes now may be counted among them already, so he is counted apart. */
void witnesses_begin_epoch(struct witnesses *witnesses);
/** Whether the earlier epoch has more of the day's. */
bool witnesses_are_earlier(const struct witnesses *witnesses);
void witnesses_finish(struct witnesses *witnesses, struct bal_arena *arena);

#endif
