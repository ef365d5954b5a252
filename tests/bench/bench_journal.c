// SPDX-License-Identifier: EUPL-1.2
// How should a group of views reach the disk before it is acknowledged? Each layout writes the same
// Zipf-distributed views in groups: time (wall, processor) and bytes a view. The winner is
// server/store/journal.c; this is a page, not the product.
//   sealed   fixed records, encrypted, whole 4 KiB blocks, O_DIRECT|O_DSYNC
//   delta    (cell, metric, bucket, times), sorted and packed, the same blocks
//   lmdb     one transaction a group that adds to a 1,200 byte record a cell
// Run with a folder on the disk to be measured: bench_journal /var/tmp
#include <balise/buf.h>
#include <balise/metric.h>

#include <fcntl.h>
#include <lmdb.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096u
#define FILE_BYTES (32u << 20)
#define RECORD_BYTES 52u
#define MARGINS 6u
#define MOST_VIEWS 256u
#define BUFFER_BYTES (1u << 20)
#define VALUE_BYTES 1200u

struct view {
    uint32_t cell[MARGINS];
    uint16_t bucket[BAL_METRIC_COUNT];
};

struct run {
    uint8_t *buffer; /* aligned */
    uint64_t at, sequence;
    int fd;
    MDB_env *env;
    MDB_dbi dbi;
    uint8_t key[crypto_aead_chacha20poly1305_ietf_KEYBYTES];
};

static uint64_t random_state = 88172645463325252u;

static void check(bool ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(1);
    }
}

static uint32_t random_below(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 32) * n >> 32);
}

/* About Zipf: the page's rank is uniform in its logarithm over 1 … 1,024. */
static void draw(struct view *view)
{
    const uint32_t page = (1u << random_below(10)) + random_below(512) % (1u << random_below(10));
    const uint32_t device = random_below(3);
    *view = (struct view){.cell = {page, 10000 + random_below(7), 20000 + random_below(4),
                                   30000 + random_below(5), 40000 + page * 4 + device,
                                   50000 + random_below(30) * 4 + device}};
    for (uint32_t m = 0; m < BAL_METRIC_COUNT; m++)
        view->bucket[m] = (uint16_t)(300 + 20 * m + random_below(64) + random_below(64));
}

static void write_blocks(struct run *run, size_t length)
{
    const size_t padded = (length + BLOCK - 1) / BLOCK * BLOCK;
    memset(run->buffer + length, 0, padded - length);
    if (run->at + padded > FILE_BYTES)
        run->at = 0;
    check(pwrite(run->fd, run->buffer, padded, (off_t)run->at) == (ssize_t)padded, "pwrite");
    run->at += padded;
}

static void write_sealed(struct run *run, const struct view *views, size_t count)
{
    static uint8_t plain[MOST_VIEWS * RECORD_BYTES];
    for (size_t v = 0; v < count; v++) {
        memcpy(plain + v * RECORD_BYTES, views[v].cell, 14);
        memcpy(plain + v * RECORD_BYTES + 14, views[v].bucket, sizeof(views[v].bucket));
    }
    uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES] = {0};
    run->sequence++;
    memcpy(nonce, &run->sequence, sizeof(run->sequence));
    unsigned long long sealed = 0;
    check(crypto_aead_chacha20poly1305_ietf_encrypt(run->buffer + 48, &sealed, plain,
                                                    count * RECORD_BYTES, NULL, 0, NULL, nonce,
                                                    run->key) == 0,
          "seal");
    write_blocks(run, 48 + (size_t)sealed);
}

static int compare_u64(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static size_t put_varint(uint8_t *out, uint64_t v)
{
    size_t n = 0;
    for (; v > 127; v >>= 7)
        out[n++] = (uint8_t)(v | 128);
    out[n++] = (uint8_t)v;
    return n;
}

static void write_delta(struct run *run, const struct view *views, size_t count)
{
    static uint64_t items[MOST_VIEWS * MARGINS * BAL_METRIC_COUNT];
    size_t n = 0;
    for (size_t v = 0; v < count; v++)
        for (size_t i = 0; i < MARGINS; i++)
            for (uint64_t m = 0; m < BAL_METRIC_COUNT; m++)
                items[n++] = (uint64_t)views[v].cell[i] << 32 | m << 16 | views[v].bucket[m];
    qsort(items, n, sizeof(items[0]), compare_u64);
    size_t length = 48;
    uint64_t before = 0;
    for (size_t i = 0; i < n;) {
        size_t times = 1;
        while (i + times < n && items[i + times] == items[i])
            times++;
        length += put_varint(run->buffer + length, items[i] - before);
        length += put_varint(run->buffer + length, times);
        before = items[i];
        i += times;
    }
    write_blocks(run, length);
}

static void write_lmdb(struct run *run, const struct view *views, size_t count)
{
    MDB_txn *txn = NULL;
    check(mdb_txn_begin(run->env, NULL, 0, &txn) == 0, "mdb_txn_begin");
    for (size_t v = 0; v < count; v++)
        for (size_t i = 0; i < MARGINS; i++) {
            uint32_t cell = views[v].cell[i];
            uint8_t bytes[VALUE_BYTES] = {0};
            MDB_val key = {.mv_size = sizeof(cell), .mv_data = &cell};
            MDB_val value = {0};
            if (mdb_get(txn, run->dbi, &key, &value) == 0)
                memcpy(bytes, value.mv_data, VALUE_BYTES);
            for (size_t m = 0; m < BAL_METRIC_COUNT; m++)
                bytes[views[v].bucket[m]]++;
            value = (MDB_val){.mv_size = VALUE_BYTES, .mv_data = bytes};
            check(mdb_put(txn, run->dbi, &key, &value, 0) == 0, "mdb_put");
        }
    check(mdb_txn_commit(txn) == 0, "mdb_txn_commit");
}

static double seconds(clockid_t clock)
{
    struct timespec t;
    check(clock_gettime(clock, &t) == 0, "clock_gettime");
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t bytes_written(void)
{
    char text[512] = {0};
    const int fd = open("/proc/self/io", O_RDONLY | O_CLOEXEC);
    check(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && close(fd) == 0, "/proc/self/io");
    const char *line = strstr(text, "\nwrite_bytes: ");
    return line ? strtoull(line + 14, NULL, 10) : 0;
}

static void measure(struct run *run, const char *name,
                    void (*write)(struct run *, const struct view *, size_t))
{
    static const uint32_t sizes[][2] = {{1, 2000}, {16, 1500}, {256, 300}}; /* views, groups */
    static struct view views[MOST_VIEWS];
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        const uint64_t written = bytes_written();
        const double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
        for (uint32_t g = 0; g < sizes[s][1]; g++) {
            for (uint32_t v = 0; v < sizes[s][0]; v++)
                draw(&views[v]);
            write(run, views, sizes[s][0]);
        }
        const double n = (double)sizes[s][1] * sizes[s][0];
        printf("%-7s groups of %3u: %8.0f ns a view, %7.0f of it processor, %8.0f bytes a view\n",
               name, sizes[s][0], (seconds(CLOCK_MONOTONIC) - wall) * 1e9 / n,
               (seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e9 / n,
               (double)(bytes_written() - written) / n);
    }
}

int main(int argc, char **argv)
{
    struct run run = {.buffer = aligned_alloc(BLOCK, BUFFER_BYTES)};
    check(run.buffer && sodium_init() >= 0 && chdir(argc > 1 ? argv[1] : ".") == 0, "folder");
    memset(run.buffer, 0, BUFFER_BYTES);
    crypto_aead_chacha20poly1305_ietf_keygen(run.key);
    run.fd = open(".", O_TMPFILE | O_RDWR | O_DIRECT | O_DSYNC | O_CLOEXEC, 0600);
    check(run.fd >= 0, "a temporary file with O_DIRECT");
    for (uint32_t at = 0; at < FILE_BYTES; at += BUFFER_BYTES)
        check(pwrite(run.fd, run.buffer, BUFFER_BYTES, at) == BUFFER_BYTES, "zeroes");
    measure(&run, "sealed", write_sealed);
    measure(&run, "delta", write_delta);
    MDB_txn *txn = NULL;
    check(mdb_env_create(&run.env) == 0 && mdb_env_set_mapsize(run.env, 1u << 30) == 0, "lmdb");
    check(mdb_env_open(run.env, "bench.mdb", MDB_NOSUBDIR | MDB_NOLOCK, 0600) == 0, "lmdb");
    check(unlink("bench.mdb") == 0 && mdb_txn_begin(run.env, NULL, 0, &txn) == 0, "lmdb");
    check(mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &run.dbi) == 0 && mdb_txn_commit(txn) == 0,
          "lmdb");
    measure(&run, "lmdb", write_lmdb);
    mdb_env_close(run.env);
    check(close(run.fd) == 0, "close");
    free(run.buffer);
    return 0;
}
