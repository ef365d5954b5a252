// SPDX-License-Identifier: EUPL-1.2
// Which layout should an open cell have? Views of Zipf-distributed pages are added to the cells of
// the six base margins under each layout: time a view, and heap in use at the end. The winner is
// server/core/cell.c; the others live here only.
//   cmake --preset release -B build/bench -DBALISE_TESTS=ON && cmake --build build/bench --target
//   bench_cells
#include <balise/cell.h>

#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define VIEWS 400000u
#define GROUP 256u /* views that the writer adds margin by margin */
#define REGIONS 30u

/* Layout 1: a dense table of 32-bit counters. */
struct dense {
    uint32_t count[BAL_METRIC_COUNT][BAL_BUCKET_COUNT];
};

static void *dense_create(void)
{
    return bal_calloc(1, sizeof(struct dense));
}

static void dense_add(void *cell, const uint16_t *bucket)
{
    struct dense *d = cell;
    for (size_t m = 0; m < BAL_METRIC_COUNT; m++)
        if (bucket[m] != BAL_BUCKET_ABSENT)
            d->count[m][bucket[m]]++;
}

/* Layout 2: one open-address table a cell, from (metric, bucket) to a count. */
struct table {
    uint32_t mask, used;
    struct entry {
        uint16_t key; /* 1 + metric * BAL_BUCKET_COUNT + bucket */
        uint16_t count;
    } * entry;
};

static void *table_create(void)
{
    struct table *t = bal_calloc(1, sizeof(*t));
    t->mask = 31;
    t->entry = bal_calloc(t->mask + 1, sizeof(t->entry[0]));
    return t;
}

static struct entry *table_find(const struct table *t, uint16_t key)
{
    uint32_t i = (key * 0x9e3779b1u >> 12) & t->mask;
    while (t->entry[i].key != 0 && t->entry[i].key != key)
        i = (i + 1) & t->mask;
    return &t->entry[i];
}

static void table_grow(struct table *t)
{
    struct entry *old = t->entry;
    const uint32_t slots = t->mask + 1;
    t->mask = slots * 2 - 1;
    t->entry = bal_calloc(slots * 2, sizeof(t->entry[0]));
    for (uint32_t i = 0; i < slots; i++)
        if (old[i].key != 0)
            *table_find(t, old[i].key) = old[i];
    free(old);
}

static void table_add(void *cell, const uint16_t *bucket)
{
    struct table *t = cell;
    for (size_t m = 0; m < BAL_METRIC_COUNT; m++) {
        if (bucket[m] == BAL_BUCKET_ABSENT)
            continue;
        const uint16_t key = (uint16_t)(1 + m * BAL_BUCKET_COUNT + bucket[m]);
        struct entry *entry = table_find(t, key);
        if (entry->key == 0) {
            entry->key = key;
            entry->count = 1;
            if (++t->used * 4 > t->mask * 3)
                table_grow(t);
        } else {
            entry->count++;
        }
    }
}

/* Layout 3: the product's: a list of views, then one block of windows. */
static void *cell_create(void)
{
    return bal_cell_create();
}

static void cell_add(void *cell, const uint16_t *bucket)
{
    bal_cell_add(cell, bucket);
}

static const struct layout {
    const char *name;
    void *(*create)(void);
    void (*add)(void *cell, const uint16_t *bucket);
    uint32_t most_pages; /* beyond them the memory of this machine would be the measure */
} layouts[] = {
    {"dense u32", dense_create, dense_add, 1000},
    {"table u16", table_create, table_add, 30000},
    {"list, then block", cell_create, cell_add, 30000},
};

struct view {
    uint32_t index[6]; /* the cell in each base margin: page, browser, protocol, type, page+device,
                          region+device */
    uint16_t bucket[BAL_METRIC_COUNT];
};

static uint64_t random_state = 88172645463325252u;

static uint32_t random_below(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 32) * n >> 32);
}

static double random_normal(void)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += random_below(1u << 30) / (double)(1u << 30);
    return sum;
}

/* Log-normal values with sigma 0.6 are normal bucket numbers with sigma 0.6 * 37 / ln 2 = 32. */
static void draw_buckets(uint32_t page, uint16_t bucket[BAL_METRIC_COUNT])
{
    for (uint32_t m = 0; m < BAL_METRIC_COUNT; m++) {
        const bool often_zero =
            m == BAL_CLS || m == BAL_ERRORS || (m >= BAL_REDIRECT && m <= BAL_TLS);
        const double middle = 300 + 20.0 * m + (page * 2654435761u >> 24) / 4.0;
        bucket[m] = (uint16_t)fmin(fmax(middle + 32 * random_normal(), 1), BAL_BUCKET_COUNT - 1);
        if (often_zero && random_below(10) < 6)
            bucket[m] = 0;
        else if (m == BAL_INP && random_below(10) < 3)
            bucket[m] = BAL_BUCKET_ABSENT;
    }
}

static void draw_views(struct view *views, uint32_t pages)
{
    double *zipf = bal_calloc(pages, sizeof(zipf[0]));
    double sum = 0;
    for (uint32_t p = 0; p < pages; p++)
        zipf[p] = sum += 1.0 / (p + 1);
    for (uint32_t v = 0; v < VIEWS; v++) {
        const double at = sum * random_below(1u << 30) / (double)(1u << 30);
        uint32_t low = 0, high = pages - 1;
        while (low < high) {
            const uint32_t middle = (low + high) / 2;
            if (zipf[middle] < at)
                low = middle + 1;
            else
                high = middle;
        }
        const uint32_t device = random_below(3);
        views[v] = (struct view){.index = {low, random_below(7), random_below(4), random_below(5),
                                           low * 4 + device, random_below(REGIONS) * 4 + device}};
        draw_buckets(low, views[v].bucket);
    }
    free(zipf);
}

static size_t heap_bytes(void)
{
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static double seconds_now(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t))
        abort();
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Cells are not freed: each run is a child process with a heap of its own. */
static void run(const struct layout *layout, const struct view *views, uint32_t pages)
{
    const uint32_t cells[6] = {pages, 7, 4, 5, pages * 4, REGIONS * 4};
    void **margin[6];
    for (size_t i = 0; i < 6; i++)
        margin[i] = bal_calloc(cells[i], sizeof(void *));
    const size_t before = heap_bytes();
    const double start = seconds_now();
    double warm = start;
    for (uint32_t from = 0; from < VIEWS; from += GROUP) {
        const uint32_t end = from + GROUP < VIEWS ? from + GROUP : VIEWS;
        if (from <= VIEWS / 2 && from + GROUP > VIEWS / 2)
            warm = seconds_now();
        for (size_t i = 0; i < 6; i++)
            for (uint32_t v = from; v < end; v++) {
                void **cell = &margin[i][views[v].index[i]];
                if (!*cell)
                    *cell = layout->create();
                layout->add(*cell, views[v].bucket);
            }
    }
    const double end = seconds_now();
    printf("%-17s %6u pages: %6.0f ns a view from empty, %6.0f in the second half, %8.1f MB heap\n",
           layout->name, pages, (end - start) * 1e9 / VIEWS, (end - warm) * 1e9 / (VIEWS / 2.0),
           (double)(heap_bytes() - before) / 1e6);
}

static void run_apart(const struct layout *layout, const struct view *views, uint32_t pages)
{
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        run(layout, views, pages);
        exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        abort();
}

int main(int argc, char **argv)
{
    static const uint32_t pages[] = {10, 1000, 30000};
    struct view *views = bal_calloc(VIEWS, sizeof(views[0]));
    const size_t only = argc > 1 ? strtoul(argv[1], NULL, 10)
                                 : SIZE_MAX; /* the layout's number, for perf and callgrind */
    for (size_t p = 0; p < sizeof(pages) / sizeof(pages[0]); p++) {
        draw_views(views, pages[p]);
        for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
            if (pages[p] <= layouts[i].most_pages && (only == SIZE_MAX || only == i))
                run_apart(&layouts[i], views, pages[p]);
    }
    free(views);
    return 0;
}
