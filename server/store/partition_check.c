// SPDX-License-Identifier: EUPL-1.2
// LMDB's pages looked at from outside (format of LMDB 0.9, words of the machine as LMDB writes
// them). Its own names are kept where they help to read on in lmdb's mdb.c: a page has a head of 16
// bytes, then offsets of its nodes, which lie at its end; a node has a head of 8.
#include "partition_check.h"

#include <balise/buf.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* For whoever writes to the file to come to an end: a closing takes seconds. */
enum { PAUSE_MS = 200, WAIT_MS = 30000 };
enum {
    METAS = 2,
    MAGIC = (int)0xBEEFC0DE,
    DATA_VERSION = 1,
    PAGE_HEAD = 16,
    NODE_HEAD = 8,
    PAGE_LEAST = 512,
    PAGE_MOST = 65536,
    DEPTH_MOST = 32,
    P_BRANCH = 1,
    P_LEAF = 2,
    P_OVERFLOW = 4,
    P_META = 8,
    F_BIGDATA = 1,
    TREE_FLAGS = 0xff
};
#define NO_PAGE UINT64_MAX

struct tree {
    uint32_t pad;
    uint16_t flags, depth;
    uint64_t branches, leaves, overflows, entries, root;
};

struct meta {
    uint32_t magic, version;
    uint64_t address, map_bytes;
    struct tree tree[2]; /* free pages, records */
    uint64_t last_page, txn;
};
_Static_assert(sizeof(struct meta) == 136, "as LMDB lays it out on 64-bit machines");

struct check {
    int fd, code;
    uint32_t page_bytes;
    uint64_t txn;     /* that the file was looked at as of */
    uint64_t pages;   /* of the file */
    uint8_t *seen;    /* a bit a page: none is reached twice */
    uint64_t entries; /* of the tree being walked */
    bool by_number;   /* its keys are numbers */
    unsigned depth;
    struct bal_buf last; /* key */
};

static bool corrupt(struct check *check)
{
    if (!check->code)
        check->code = MDB_CORRUPTED;
    return false;
}

static uint16_t u16_at(const uint8_t *bytes)
{
    uint16_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static uint64_t u64_at(const uint8_t *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static bool read_at(struct check *check, void *into, size_t bytes, uint64_t at)
{
    size_t done = 0;
    while (done < bytes) {
        const ssize_t got = pread(check->fd, (char *)into + done, bytes - done, (off_t)(at + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            check->code = errno;
            return false;
        }
        if (got == 0)
            return corrupt(check);
        done += (size_t)got;
    }
    return true;
}

/* A page is in the file and reached once. */
static bool take(struct check *check, uint64_t page)
{
    if (page < METAS || page >= check->pages || (check->seen[page / 8] >> page % 8) & 1)
        return corrupt(check);
    check->seen[page / 8] |= (uint8_t)(1U << page % 8);
    return true;
}

static bool check_overflow(struct check *check, uint64_t page, size_t bytes)
{
    uint8_t head[PAGE_HEAD];
    uint32_t count;
    if (page >= check->pages || !read_at(check, head, sizeof head, page * check->page_bytes))
        return corrupt(check);
    memcpy(&count, head + 12, sizeof count);
    if (u64_at(head) != page || u16_at(head + 10) != P_OVERFLOW || count == 0 ||
        (uint64_t)count * check->page_bytes < PAGE_HEAD + bytes)
        return corrupt(check);
    for (uint32_t p = 0; p < count; p++) {
        if (!take(check, page + p))
            return false;
    }
    return true;
}

/* Keys ascend through all the leaves of a tree. */
static bool check_order(struct check *check, const uint8_t *key, size_t bytes)
{
    const size_t before = check->last.length;
    const size_t common = bytes < before ? bytes : before;
    int order = 0;
    if (check->by_number && bytes != sizeof(uint64_t))
        return corrupt(check);
    if (check->by_number && before)
        order = u64_at((const uint8_t *)check->last.data) < u64_at(key) ? -1 : 1;
    else if (check->entries > 0)
        order = common ? memcmp(check->last.data, key, common) : 0;
    if (check->entries > 0 && (order > 0 || (order == 0 && before >= bytes)))
        return corrupt(check);
    bal_buf_clear(&check->last);
    bal_buf_append(&check->last, key, bytes);
    check->entries++;
    return true;
}

static bool check_leaf_node(struct check *check, const uint8_t *node, size_t room)
{
    const size_t key_bytes = u16_at(node + 6);
    const size_t value_bytes = u16_at(node) | (size_t)u16_at(node + 2) << 16;
    const uint16_t flags = u16_at(node + 4);
    const bool is_big = flags == F_BIGDATA;
    if ((flags && !is_big) || room < NODE_HEAD + key_bytes ||
        room - NODE_HEAD - key_bytes < (is_big ? sizeof(uint64_t) : value_bytes))
        return corrupt(check);
    return check_order(check, node + NODE_HEAD, key_bytes) &&
           (!is_big || check_overflow(check, u64_at(node + NODE_HEAD + key_bytes), value_bytes));
}

/* A page on the way down, and its next node. */
struct step {
    uint8_t *bytes;
    unsigned at;
};

static unsigned lower_of(const uint8_t *page)
{
    return u16_at(page + 12);
}

static bool check_page_head(struct check *check, const uint8_t *page, uint64_t number,
                            unsigned depth)
{
    const unsigned lower = lower_of(page), upper = u16_at(page + 14);
    const unsigned kind = depth == check->depth ? P_LEAF : P_BRANCH;
    return (u64_at(page) == number && u16_at(page + 10) == kind && lower > PAGE_HEAD &&
            lower % 2 == 0 && lower <= upper && upper <= check->page_bytes) ||
           corrupt(check);
}

static bool check_node(struct check *check, const uint8_t *page, unsigned node, bool is_leaf)
{
    if (node < u16_at(page + 14) || node + NODE_HEAD > check->page_bytes)
        return corrupt(check);
    const size_t room = check->page_bytes - node;
    if (is_leaf)
        return check_leaf_node(check, page + node, room);
    return room >= NODE_HEAD + (size_t)u16_at(page + node + 6) || corrupt(check);
}

static uint64_t child_of(const uint8_t *node)
{
    return u16_at(node) | (uint64_t)u16_at(node + 2) << 16 | (uint64_t)u16_at(node + 4) << 32;
}

/* Reads a page into the step of its depth. */
static bool step_down(struct check *check, struct step *step, uint64_t page, unsigned depth)
{
    step->bytes = bal_alloc(check->page_bytes);
    step->at = PAGE_HEAD;
    return take(check, page) &&
           read_at(check, step->bytes, check->page_bytes, page * check->page_bytes) &&
           check_page_head(check, step->bytes, page, depth);
}

/* All pages of a tree, depth first. */
static bool walk(struct check *check, uint64_t root)
{
    struct step steps[DEPTH_MOST + 1] = {{.bytes = NULL}};
    unsigned depth = 1;
    bool good = step_down(check, &steps[depth], root, depth);
    while (good && depth > 0) {
        struct step *step = &steps[depth];
        const bool is_leaf = depth == check->depth;
        if (step->at >= lower_of(step->bytes)) {
            free(step->bytes);
            step->bytes = NULL;
            depth--;
            continue;
        }
        const unsigned node = u16_at(step->bytes + step->at);
        step->at += 2;
        good = check_node(check, step->bytes, node, is_leaf);
        if (good && !is_leaf) {
            depth++;
            good = step_down(check, &steps[depth], child_of(step->bytes + node), depth);
        }
    }
    for (unsigned d = 1; d <= depth; d++)
        free(steps[d].bytes);
    return good;
}

static bool check_tree(struct check *check, const struct tree *tree, bool by_number)
{
    check->entries = 0;
    check->by_number = by_number;
    check->depth = tree->depth;
    bal_buf_clear(&check->last);
    if (tree->root == NO_PAGE)
        return tree->entries == 0 && tree->depth == 0 ? true : corrupt(check);
    if (tree->depth == 0 || tree->depth > DEPTH_MOST)
        return corrupt(check);
    return walk(check, tree->root) && (check->entries == tree->entries || corrupt(check));
}

static bool read_meta(struct check *check, unsigned number, struct meta *out)
{
    uint8_t head[PAGE_HEAD];
    *out = (struct meta){.magic = 0};
    const uint64_t at = (uint64_t)number * check->page_bytes;
    if (!read_at(check, head, sizeof head, at) || !read_at(check, out, sizeof *out, at + PAGE_HEAD))
        return false;
    if (!(u16_at(head + 10) & P_META) || out->magic != (uint32_t)MAGIC ||
        out->version != DATA_VERSION) {
        check->code = MDB_INVALID;
        return false;
    }
    return true;
}

/* What kind of trees these are: LMDB would look for values in lists of their own, or compare keys
 * by another order. The tree of free pages also bears flags of the environment, above those of a
 * tree.
 */
static bool are_ours(const struct meta *meta)
{
    return (meta->tree[0].flags & TREE_FLAGS) == MDB_INTEGERKEY && meta->tree[1].flags == 0;
}

/* The newest of both meta pages; the size of the file is as of a moment later. */
static bool read_metas(struct check *check, struct meta *newest, struct stat *file)
{
    struct meta first, second;
    check->page_bytes = 0;
    if (!read_meta(check, 0, &first))
        return false;
    check->page_bytes = first.tree[0].pad;
    if (check->page_bytes < PAGE_LEAST || check->page_bytes > PAGE_MOST ||
        (check->page_bytes & (check->page_bytes - 1)) != 0)
        return corrupt(check);
    if (!read_meta(check, 1, &second))
        return false;
    *newest = second.txn > first.txn ? second : first;
    if (fstat(check->fd, file) != 0)
        check->code = errno;
    return !check->code;
}

static bool check_file(struct check *check)
{
    struct meta newest;
    struct stat file;
    if (!read_metas(check, &newest, &file))
        return false;
    check->txn = newest.txn;
    if (newest.tree[0].pad != check->page_bytes || !are_ours(&newest) ||
        newest.last_page >= PARTITION_MOST_BYTES / check->page_bytes)
        return corrupt(check);
    check->pages = (uint64_t)file.st_size / check->page_bytes;
    if (newest.last_page < check->pages)
        check->pages = newest.last_page + 1;
    check->seen = bal_calloc(1, check->pages / 8 + 1);
    return check_tree(check, &newest.tree[0], true) && check_tree(check, &newest.tree[1], false);
}

/* Whether somebody has written since. */
static bool has_moved(const struct check *check)
{
    struct check again = {.fd = check->fd};
    struct meta newest;
    struct stat file;
    return read_metas(&again, &newest, &file) && newest.txn != check->txn;
}

/* `*moved`: what was found may be of two states of the file. */
static int check_once(const char *path, bool *moved)
{
    struct check check = {.fd = open(path, O_RDONLY | O_CLOEXEC)};
    struct stat facts;
    *moved = false;
    if (check.fd < 0)
        return errno;
    if (fstat(check.fd, &facts) != 0)
        check.code = errno;
    else if (facts.st_size > 0 && !check_file(&check))
        *moved = check.code == MDB_CORRUPTED && has_moved(&check);
    (void)close(check.fd); /* nothing was written */
    free(check.seen);
    bal_buf_finish(&check.last);
    return check.code;
}

int partition_check(const char *path)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    bool moved;
    int code = check_once(path, &moved);
    for (int waited = 0; moved && waited < WAIT_MS; waited += PAUSE_MS) {
        (void)nanosleep(&pause, NULL);
        code = check_once(path, &moved);
    }
    return code;
}

int partition_settle(const char *path)
{
    uint8_t *metas = bal_alloc((size_t)METAS * PAGE_MOST);
    struct meta first;
    struct check check = {.fd = open(path, O_RDWR | O_DSYNC | O_CLOEXEC)};
    struct stat facts = {.st_size = 0};
    if (check.fd < 0 || fstat(check.fd, &facts) != 0)
        check.code = errno;
    if (!check.code && facts.st_size > 0 && read_meta(&check, 0, &first)) {
        const size_t bytes = METAS * (size_t)first.tree[0].pad;
        if (bytes > (size_t)METAS * PAGE_MOST)
            check.code = MDB_CORRUPTED;
        else if (read_at(&check, metas, bytes, 0) &&
                 pwrite(check.fd, metas, bytes, 0) != (ssize_t)bytes)
            check.code = EIO;
    }
    if (check.fd >= 0 && close(check.fd) != 0 && !check.code)
        check.code = errno;
    free(metas);
    if (!check.code && bal_folder_sync_of(path, NULL))
        check.code = EIO;
    return check.code;
}
