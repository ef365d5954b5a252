// SPDX-License-Identifier: EUPL-1.2
// `balise audit`: reads the audit log beside a running server. It asks nobody and needs no key, so
// that a DPO can run it on a copy.
#include "command.h"

#include <balise/audit.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LAST = 50 };

/* ---- verify ---- */

static int verify(const char *place, const char *anchor)
{
    struct bal_audit_report report;
    struct bal_error error = {0};
    const bal_status status = bal_audit_verify(place, anchor, &report, &error);
    if (report.records > 0)
        (void)printf("%" PRIu64 " record%s right, the last is %s\nkey %s\n", report.records,
                     report.records == 1 ? " is" : "s are", report.head, report.key);
    if (status)
        return app_failed(&error);
    if (report.torn_bytes > 0)
        (void)printf("%zu bytes after the last record: a write that a crash cut off; the next "
                     "start takes them away and says so\n",
                     report.torn_bytes);
    (void)printf("%s\n", anchor ? "the anchor is in it"
                                : "no --anchor was given: an end that was cut off would not show");
    return EXIT_OK;
}

/* ---- list ---- */

/* For a terminal: what is no letter of a text does nothing there. */
static void print_value(struct bal_slice value, struct bal_buf *memory)
{
    bal_buf_clear(memory);
    bal_audit_value(value, memory);
    for (size_t i = 0; i < memory->length; i++) {
        const unsigned char c = (unsigned char)memory->data[i];
        (void)putchar(c < ' ' || c == 0x7f ? '?' : c);
    }
}

static void print_record(void *context, const struct bal_audit_record *record)
{
    struct bal_buf *memory = context;
    (void)printf("%" PRIu64 "  %.*s  %.*s\n", record->n, (int)record->time.length,
                 record->time.data, (int)record->what.length, record->what.data);
    for (size_t i = 0; i < record->pair_count; i++) {
        (void)printf("    %.*s = ", (int)record->pairs[i].key.length, record->pairs[i].key.data);
        print_value(record->pairs[i].value, memory);
        (void)putchar('\n');
    }
}

static int list(const char *place, uint64_t last)
{
    struct bal_buf memory = {0};
    struct bal_error error = {0};
    const bal_status status = bal_audit_read(place, (size_t)last, print_record, &memory, &error);
    bal_buf_finish(&memory);
    return status ? app_failed(&error) : EXIT_OK;
}

/* ---- begin ---- */

static int begin(const struct bal_config *config)
{
    char anchor[BAL_ANCHOR_TEXT_BYTES];
    struct bal_error error = {0};
    if (bal_audit_begin(config->data_dir, bal_clock_system(), anchor, &error) != BAL_OK)
        return app_failed(&error);
    (void)printf("another log has begun; tell the DPO its anchor, and keep the one before\n%s\n",
                 anchor);
    return EXIT_OK;
}

enum verb { VERIFY, LIST, BEGIN, VERBS };

static enum verb verb_of(const char *text)
{
    static const char *const names[VERBS] = {"verify", "list", "begin"};
    enum verb verb = VERIFY;
    while (verb < VERBS && !(text && strcmp(text, names[verb]) == 0))
        verb++;
    return verb;
}

int audit_run(int argc, char **argv)
{
    const char *path = NULL, *anchor = NULL, *last_text = NULL, *log = NULL, *verb[1] = {NULL};
    const struct app_option options[] = {{.name = "config", .value = &path},
                                         {.name = "anchor", .value = &anchor},
                                         {.name = "last", .value = &last_text},
                                         {.name = "log", .value = &log}};
    struct bal_config *config = NULL;
    uint64_t last = LAST;
    int result = app_options(argc, argv, options, sizeof options / sizeof options[0], verb, 1);
    if (result)
        return result;
    const enum verb what = verb_of(verb[0]);
    if (what == VERBS)
        return app_usage("audit: say what to do: verify, list or begin");
    const char *wrong = anchor && what != VERIFY ? "anchor" : NULL;
    if (last_text && what != LIST)
        wrong = "last";
    if (log && what == BEGIN)
        wrong = "log";
    if (wrong)
        return app_usage("audit %s has no option --%s", verb[0], wrong);
    if (last_text && bal_slice_u64(bal_slice_of(last_text), UINT32_MAX, &last) != BAL_OK)
        return app_usage("--last is a number; 0: all");
    if (log && path)
        return app_usage("audit %s: --config or --log, not both", verb[0]);
    if (!log)
        result = app_load(path, &config);
    if (result)
        return result;
    const char *place = log ? log : config->data_dir;
    if (what == BEGIN)
        result = begin(config);
    else
        result = what == LIST ? list(place, last) : verify(place, anchor);
    bal_config_destroy(config);
    return result;
}
