// SPDX-License-Identifier: EUPL-1.2
// The list of files that ought to be there is no file of its own, which whoever deletes the others
// would delete too: it is read out of the signed audit log.
#include "ledger.h"

#include <balise/zone.h>
#include <stdlib.h>
#include <string.h>

void ledger_finish(struct ledger *ledger)
{
    free(ledger->files);
    *ledger = (struct ledger){0};
}

static size_t find(const struct ledger *ledger, enum partition_kind kind, int32_t period)
{
    size_t at = 0;
    while (at < ledger->count &&
           (ledger->files[at].kind != kind || ledger->files[at].period != period))
        at++;
    return at;
}

static void add(struct ledger *ledger, enum partition_kind kind, int32_t period)
{
    if (find(ledger, kind, period) < ledger->count)
        return;
    if (ledger->count == ledger->room) {
        ledger->room = ledger->room > 0 ? 2 * ledger->room : 64;
        ledger->files = bal_realloc(ledger->files, ledger->room * sizeof *ledger->files);
    }
    ledger->files[ledger->count++] = (struct ledger_file){.kind = kind, .period = period};
}

void ledger_drop(struct ledger *ledger, enum partition_kind kind, int32_t period)
{
    const size_t at = find(ledger, kind, period);
    if (at == ledger->count)
        return;
    ledger->count--;
    memmove(&ledger->files[at], &ledger->files[at + 1],
            (ledger->count - at) * sizeof *ledger->files);
}

/* The file that a record is of; false for one of the open tier, which the ledger has not. */
static bool file_of(const struct bal_audit_record *record, struct ledger_file *file)
{
    const struct bal_slice tier = bal_audit_find(record, BAL_SLICE("tier"));
    const struct bal_slice period = bal_audit_find(record, BAL_SLICE("period"));
    for (unsigned kind = PARTITION_HOURLY; kind < PARTITION_KINDS; kind++) {
        file->kind = (enum partition_kind)kind;
        if (bal_slice_equal(tier, bal_slice_of(partition_kind_name(file->kind))))
            return bal_day_parse(period.data, period.length, &file->period) == BAL_OK;
    }
    return false;
}

void ledger_take(void *ledger, const struct bal_audit_record *record)
{
    struct ledger_file file;
    const bool made = bal_slice_equal(record->what, BAL_SLICE("file_made"));
    if (!made && !bal_slice_equal(record->what, BAL_SLICE("purge")) &&
        !bal_slice_equal(record->what, BAL_SLICE("file_given_up")))
        return;
    if (!file_of(record, &file))
        return;
    if (made)
        add(ledger, file.kind, file.period);
    else
        ledger_drop(ledger, file.kind, file.period);
}

static bal_status keep_kind(struct ledger *ledger, struct partitions *partitions,
                            struct bal_audit *audit, enum partition_kind kind)
{
    int32_t *periods = NULL;
    size_t count = 0;
    bal_status status = partition_list(partitions, kind, &periods, &count);
    for (size_t p = 0; p < count && !status; p++) {
        char date[BAL_DATE_BYTES];
        if (find(ledger, kind, periods[p]) < ledger->count)
            continue;
        bal_day_text(periods[p], date);
        status =
            bal_audit_append(audit, NULL, "file_made", BAL_NAME("tier", partition_kind_name(kind)),
                             BAL_NAME("period", date));
        if (!status)
            add(ledger, kind, periods[p]);
    }
    free(periods);
    return status;
}

bal_status ledger_keep(struct ledger *ledger, struct partitions *partitions,
                       struct bal_audit *audit)
{
    const bal_status status = keep_kind(ledger, partitions, audit, PARTITION_HOURLY);
    return status ? status : keep_kind(ledger, partitions, audit, PARTITION_DAILY);
}

void ledger_missing(const struct ledger *ledger, struct partitions *partitions,
                    const int32_t first[PARTITION_KINDS], struct ledger *out)
{
    *out = (struct ledger){0};
    for (size_t f = 0; f < ledger->count; f++) {
        const struct ledger_file *file = &ledger->files[f];
        if (file->period >= first[file->kind] &&
            !partition_exists(partitions, file->kind, file->period))
            add(out, file->kind, file->period);
    }
}
