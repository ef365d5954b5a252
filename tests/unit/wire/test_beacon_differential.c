// SPDX-License-Identifier: EUPL-1.2
// The decoder against the reference: on every file of the corpus and on mutations of them. The
// random numbers are seeded, so a failure comes again; it prints the body.
#include "beacon_reference.h"
#include "corpus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define FOLDER BALISE_SOURCE_DIR "/tests/corpus/beacon/"

enum { MUTATIONS = 200000, BODY_BYTES = 2 * BAL_BEACON_MAX_BYTES };

struct body {
    char data[BODY_BYTES];
    size_t length;
};

static size_t valid_count; // the corpus starts with them

static uint64_t random_state = 20261123;

// xorshift64*, S. Vigna, "An experimental exploration of Marsaglia's xorshift generators,
// scrambled".
static uint64_t random_below(uint64_t n)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (random_state * UINT64_C(2685821657736338717) >> 16) % n;
}

static void assert_agreement(const char *name, const char *data, size_t length)
{
    char *const exact = bal_alloc(length); // a sanitizer sees a read past its end
    if (length > 0) {
        memcpy(exact, data, length);
    }
    const char *const disagreement =
        reference_disagreement((struct bal_slice){.data = exact, .length = length});
    if (disagreement != NULL) {
        print_error("%s: %s:\n", name, disagreement);
        for (size_t i = 0; i < length; i++) {
            const unsigned char c = (unsigned char)data[i];
            print_error(c >= 0x20 && c < 0x7f ? "%c" : "\\x%02x", c);
        }
        print_error("\n");
        fail();
    }
    free(exact);
}

static void agrees_on_every_file_of_the_corpus(void **state)
{
    const struct corpus *const corpus = *state;
    for (size_t i = 0; i < corpus->count; i++) {
        const struct corpus_file *const file = &corpus->files[i];
        assert_agreement(file->name, file->data, file->length);
    }
    assert_true(corpus->count > 300);
}

static void accepts_the_valid_and_refuses_the_invalid(void **state)
{
    (void)state;
    struct corpus valid = {0};
    struct corpus invalid = {0};
    struct bal_beacon beacon;
    corpus_add(&valid, FOLDER "valid");
    corpus_add(&invalid, FOLDER "invalid");
    for (size_t i = 0; i < valid.count; i++) {
        const struct corpus_file *const file = &valid.files[i];
        const struct bal_slice body = {.data = file->data, .length = file->length};
        const enum bal_beacon_fault fault = bal_beacon_decode(body, &beacon);
        if (fault != BAL_BEACON_NONE) {
            fail_msg("%s is refused: %s", file->name, bal_beacon_fault_text(fault));
        }
    }
    for (size_t i = 0; i < invalid.count; i++) {
        const struct corpus_file *const file = &invalid.files[i];
        const struct bal_slice body = {.data = file->data, .length = file->length};
        if (bal_beacon_decode(body, &beacon) == BAL_BEACON_NONE) {
            fail_msg("%s is accepted", file->name);
        }
    }
    corpus_finish(&valid);
    corpus_finish(&invalid);
}

// Replaces `old_length` bytes at `at`; nothing when it would not fit.
static void splice(struct body *body, size_t at, size_t old_length, const char *text, size_t length)
{
    if (at + old_length > body->length || body->length - old_length + length > BODY_BYTES) {
        return;
    }
    memmove(body->data + at + length, body->data + at + old_length, body->length - at - old_length);
    memcpy(body->data + at, text, length);
    body->length = body->length - old_length + length;
}

static size_t find_byte(const struct body *body, const char *bytes)
{
    const size_t start = (size_t)random_below(body->length);
    for (size_t i = 0; i < body->length; i++) {
        const size_t at = (start + i) % body->length;
        if (strchr(bytes, body->data[at]) != NULL) {
            return at;
        }
    }
    return body->length;
}

static void flip_a_byte(struct body *body)
{
    body->data[random_below(body->length)] ^= (char)(1 << random_below(8));
}

static void replace_a_byte(struct body *body)
{
    static const char likely[] =
        "{}[]:,\"\\/.-+eE0123456789 \t\r\n?#u\x00\x1f\x7f\x80\xbf\xc2\xed\xf0\xff";
    body->data[random_below(body->length)] = likely[random_below(sizeof(likely) - 1)];
}

static void cut_the_end(struct body *body)
{
    body->length = (size_t)random_below(body->length + 1);
}

static void remove_some(struct body *body)
{
    splice(body, (size_t)random_below(body->length), (size_t)random_below(4) + 1, "", 0);
}

static void write_number(char out[48])
{
    static const char *const edges[] = {"0",
                                        "-0",
                                        "600000",
                                        "600001",
                                        "599999.95",
                                        "600000.0",
                                        "100",
                                        "100.0",
                                        "99.99995",
                                        "4000000000",
                                        "4000000001",
                                        "1000000",
                                        "1000001",
                                        "0.05",
                                        "0.04999",
                                        "0.00005",
                                        "1e5",
                                        "6E+5",
                                        "1.0",
                                        "10000000000000000000",
                                        "99999999999999999999",
                                        "0.000000000000000001",
                                        "1e-400",
                                        "0e999999",
                                        "00",
                                        "1.",
                                        ".5",
                                        "1e",
                                        "-",
                                        "600000.00000000001",
                                        "1e99999999999999999",
                                        "-1e-9",
                                        "12345e-9"};
    static const unsigned long scales[] = {10, 1000, 100000, 1000000, 10000000000};
    const unsigned long whole = random_below(scales[random_below(5)]);
    const unsigned long part = random_below(scales[random_below(4)]);
    switch (random_below(6)) {
    case 0:
        (void)snprintf(out, 48, "%s", edges[random_below(sizeof(edges) / sizeof(edges[0]))]);
        return;
    case 1:
        (void)snprintf(out, 48, "%lu", whole);
        return;
    case 2:
        (void)snprintf(out, 48, "%lu.%lu", whole, part);
        return;
    case 3:
        (void)snprintf(out, 48, "%lu.%lu5", random_below(100),
                       random_below(100000)); // halves of a tick
        return;
    case 4:
        (void)snprintf(out, 48, "%lu.%lue-%lu", whole, part, random_below(25));
        return;
    default:
        (void)snprintf(out, 48, "%luE%s%lu", whole, random_below(2) ? "+" : "", random_below(8));
    }
}

static void change_a_number(struct body *body)
{
    const size_t colon = find_byte(body, ":");
    size_t end = colon + 1;
    while (end < body->length && strchr("0123456789.eE+-", body->data[end]) != NULL &&
           body->data[end] != '\0') {
        end++;
    }
    if (end > colon + 1) {
        char number[48];
        write_number(number);
        splice(body, colon + 1, end - colon - 1, number, strlen(number));
    }
}

static void change_a_word(struct body *body)
{
    static const char *const words[] = {"v",
                                        "path",
                                        "type",
                                        "protocol",
                                        "ttfb",
                                        "fcp",
                                        "lcp",
                                        "inp",
                                        "cls",
                                        "redirect",
                                        "dns",
                                        "tcp",
                                        "tls",
                                        "request",
                                        "response",
                                        "domInteractive",
                                        "domContentLoaded",
                                        "load",
                                        "transferSize",
                                        "requests",
                                        "weight",
                                        "elements",
                                        "errors",
                                        "soft-navigation",
                                        "navigate",
                                        "restore",
                                        "h2",
                                        "h3-29",
                                        "http/1.1",
                                        "/",
                                        "/a?b",
                                        "l\\u0063p",
                                        "\\u0076",
                                        "/\\u00e9",
                                        "/\\ud83d\\ude00",
                                        "/\\ud83d",
                                        "/\xc3\xa9",
                                        "",
                                        "domContentLoadedd",
                                        "protocols"};
    const size_t quote = find_byte(body, "\"");
    if (quote >= body->length) {
        return;
    }
    const char *const end = memchr(body->data + quote + 1, '"', body->length - quote - 1);
    if (end != NULL) {
        const char *const word = words[random_below(sizeof(words) / sizeof(words[0]))];
        splice(body, quote + 1, (size_t)(end - body->data) - quote - 1, word, strlen(word));
    }
}

static void insert_space(struct body *body)
{
    const size_t at = find_byte(body, "{}:,");
    splice(body, at + random_below(2), 0, &" \t\r\n"[random_below(4)], 1);
}

// A part of one body, often whole members, into another.
static void take_from(struct body *body, const struct corpus *corpus)
{
    const struct corpus_file *const other = &corpus->files[random_below(corpus->count)];
    if (other->length == 0 || other->length > 1000) {
        return;
    }
    const char *const comma = memchr(other->data, ',', other->length);
    const char *const brace = memrchr(other->data, '}', other->length);
    if (comma != NULL && brace > comma && random_below(4) > 0) {
        splice(body, find_byte(body, ",}"), 0, comma, (size_t)(brace - comma));
        return;
    }
    const size_t from = (size_t)random_below(other->length);
    splice(body, (size_t)random_below(body->length), 0, other->data + from,
           (size_t)random_below(other->length - from) + 1);
}

static void mutate(struct body *body, const struct corpus *corpus)
{
    static void (*const mutations[])(struct body *) = {
        flip_a_byte,     replace_a_byte, cut_the_end,  remove_some,  change_a_number,
        change_a_number, change_a_word,  insert_space, insert_space, change_a_number};
    const uint64_t kind = random_below(sizeof(mutations) / sizeof(mutations[0]) + 1);
    if (body->length == 0) {
        return;
    }
    if (kind < sizeof(mutations) / sizeof(mutations[0])) {
        mutations[kind](body);
    } else {
        take_from(body, corpus);
    }
}

static void agrees_on_two_hundred_thousand_mutations(void **state)
{
    const struct corpus *const corpus = *state;
    static struct body body;
    size_t accepted = 0;
    for (size_t i = 0; i < MUTATIONS; i++) {
        // Mostly valid ones: an invalid body rarely becomes valid.
        const size_t among = random_below(4) > 0 ? valid_count : corpus->count;
        const struct corpus_file *const file = &corpus->files[random_below(among)];
        if (file->length > BODY_BYTES) {
            continue;
        }
        body.length = file->length;
        memcpy(body.data, file->data, file->length);
        for (uint64_t times = random_below(3) + 1; times > 0; times--) {
            mutate(&body, corpus);
        }
        assert_agreement("mutation", body.data, body.length);
        struct bal_beacon beacon;
        accepted += bal_beacon_decode((struct bal_slice){.data = body.data, .length = body.length},
                                      &beacon) == BAL_BEACON_NONE;
    }
    print_message("%zu of %d mutations are beacons\n", accepted, MUTATIONS);
    assert_true(accepted > MUTATIONS / 10);
}

static int open_corpus(void **state)
{
    static struct corpus corpus;
    corpus_add(&corpus, FOLDER "valid");
    valid_count = corpus.count;
    corpus_add(&corpus, FOLDER "invalid");
    corpus_add(&corpus, BALISE_SOURCE_DIR "/tests/fuzz/corpus/beacon");
    *state = &corpus;
    return 0;
}

static int close_corpus(void **state)
{
    corpus_finish(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_on_every_file_of_the_corpus),
        cmocka_unit_test(accepts_the_valid_and_refuses_the_invalid),
        cmocka_unit_test(agrees_on_two_hundred_thousand_mutations),
    };
    return cmocka_run_group_tests(tests, open_corpus, close_corpus);
}
