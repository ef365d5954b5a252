// SPDX-License-Identifier: EUPL-1.2
// seek PATTERNS < DATA: every occurrence of any of many byte strings, as lines "OFFSET NUMBER",
// where NUMBER counts the lines of the file PATTERNS from 0. A line is a string in hexadecimal, 8
// to 4,096 bytes long. Thousands of canaries in an image of a process's memory: that asks for one
// pass, so the first 8 bytes at each offset are looked up in a table of bits, and rarely further.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_BYTES = 8, MOST_BYTES = 4096, BITS = 22 };

struct pattern {
    uint64_t head;
    uint8_t *bytes;
    size_t length;
    size_t number;
};

struct patterns {
    struct pattern *all;
    size_t count;
    uint8_t bits[1 << (BITS - 3)];
};

static uint64_t head_of(const uint8_t *at)
{
    uint64_t head;
    memcpy(&head, at, sizeof head);
    return head;
}

static size_t bit_of(uint64_t head)
{
    return (size_t)(head * UINT64_C(0x9e3779b97f4a7c15) >> (64 - BITS));
}

static void *need(void *memory)
{
    if (!memory) {
        (void)fprintf(stderr, "seek: out of memory\n");
        exit(1);
    }
    return memory;
}

static int by_head(const void *a, const void *b)
{
    const struct pattern *const x = a, *const y = b;
    return (x->head > y->head) - (x->head < y->head);
}

/** A line of hexadecimal; its length in bytes, 0 when it is not one of an allowed length. */
static size_t decode(const char *line, uint8_t *out)
{
    size_t length = 0;
    unsigned byte = 0;
    for (; length < MOST_BYTES && sscanf(line + 2 * length, "%2x", &byte) == 1; length++) {
        out[length] = (uint8_t)byte;
    }
    return length >= LEAST_BYTES && line[2 * length] == '\n' ? length : 0;
}

static int read_patterns(const char *path, struct patterns *patterns)
{
    static char line[2 * MOST_BYTES + 2];
    static uint8_t bytes[MOST_BYTES];
    FILE *const file = fopen(path, "re");
    size_t number = 0;
    int good = file != NULL;
    for (; good && fgets(line, sizeof line, file); number++) {
        const size_t length = decode(line, bytes);
        good = length > 0;
        if (!good) {
            break;
        }
        patterns->all = need(realloc(patterns->all, (patterns->count + 1) * sizeof *patterns->all));
        struct pattern *const pattern = &patterns->all[patterns->count++];
        *pattern = (struct pattern){.head = head_of(bytes),
                                    .bytes = need(malloc(length)),
                                    .length = length,
                                    .number = number};
        memcpy(pattern->bytes, bytes, length);
        const size_t bit = bit_of(pattern->head);
        patterns->bits[bit / 8] |= (uint8_t)(1u << bit % 8);
    }
    if (file) {
        (void)fclose(file);
    }
    if (patterns->count > 0) {
        qsort(patterns->all, patterns->count, sizeof *patterns->all, by_head);
    }
    return good && patterns->count > 0;
}

/** All patterns that begin at `at`, of which `left` bytes are there. */
static void compare(const struct patterns *patterns, const uint8_t *at, size_t left,
                    uint64_t offset)
{
    const uint64_t head = head_of(at);
    size_t low = 0, high = patterns->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (patterns->all[middle].head < head) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < patterns->count && patterns->all[low].head == head; low++) {
        const struct pattern *const pattern = &patterns->all[low];
        if (pattern->length <= left && !memcmp(at, pattern->bytes, pattern->length)) {
            printf("%llu %zu\n", (unsigned long long)offset, pattern->number);
        }
    }
}

static int scan(const struct patterns *patterns, FILE *in)
{
    enum { WINDOW = 1 << 22 };
    uint8_t *const window = need(malloc(WINDOW));
    uint64_t begin = 0; // the offset of the window
    size_t held = 0;
    int more = 1;
    while (more) {
        const size_t got = fread(window + held, 1, WINDOW - held, in);
        held += got;
        more = got > 0;
        // The tail is looked at again with what follows it, so that nothing hides across windows.
        const size_t keep = more && held > MOST_BYTES ? MOST_BYTES : (more ? held : 0);
        const size_t end = held - keep;
        for (size_t i = 0; i < end && i + LEAST_BYTES <= held; i++) {
            const size_t bit = bit_of(head_of(window + i));
            if (patterns->bits[bit / 8] >> bit % 8 & 1) {
                compare(patterns, window + i, held - i, begin + i);
            }
        }
        memmove(window, window + end, keep);
        begin += end;
        held = keep;
    }
    free(window);
    return !ferror(in);
}

int main(int argc, char **argv)
{
    static struct patterns patterns;
    if (argc != 2 || !read_patterns(argv[1], &patterns)) {
        (void)fprintf(stderr, "usage: seek PATTERNS < DATA\n");
        return 2;
    }
    const int good = scan(&patterns, stdin);
    for (size_t i = 0; i < patterns.count; i++) {
        free(patterns.all[i].bytes);
    }
    free(patterns.all);
    return good ? 0 : 1;
}
