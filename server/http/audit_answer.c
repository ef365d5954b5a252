// SPDX-License-Identifier: EUPL-1.2
// /api/v1/audit: the end of the audit log as JSON, for a DPO who has no account on the machine.
// What is wrong with a log is the business of `balise audit verify`, which reads all of it.
#include "readers.h"

#include <balise/audit.h>
#include <balise/wire.h>

#include <inttypes.h>

enum { LIMIT = 100, LIMIT_MAX = 1000 };

struct listing {
    struct bal_buf *out;
    struct bal_buf value;
    char head[BAL_ANCHOR_TEXT_BYTES];
    bool more;
};

static void add_pair(struct listing *listing, const struct bal_audit_pair *pair, bool first)
{
    bal_buf_clear(&listing->value);
    bal_audit_value(pair->value, &listing->value);
    bal_buf_addc(listing->out, first ? "" : ",");
    bal_json_string(listing->out, pair->key);
    bal_buf_addc(listing->out, ":");
    bal_json_string(listing->out, bal_buf_slice(&listing->value));
}

static void on_record(void *context, const struct bal_audit_record *record)
{
    struct listing *listing = context;
    struct bal_buf *out = listing->out;
    bal_buf_printf(out, "%s{\"n\":%" PRIu64 ",\"time\":", listing->more ? ",\n" : "", record->n);
    bal_json_string(out, record->time);
    bal_buf_addc(out, ",\"what\":");
    bal_json_string(out, record->what);
    bal_buf_addc(out, ",\"details\":{");
    for (size_t i = 0; i < record->pair_count; i++)
        add_pair(listing, &record->pairs[i], i == 0);
    bal_buf_addc(out, "},\"hash\":");
    bal_json_string(out, record->hash);
    bal_buf_addc(out, "}");
    bal_audit_anchor(record, listing->head);
    listing->more = true;
}

void audit_answer(const char *data_dir, const struct bal_parameter *parameters, size_t count,
                  struct bal_answer *answer)
{
    uint64_t limit = LIMIT;
    for (size_t i = 0; i < count; i++) {
        const struct bal_parameter *parameter = &parameters[i];
        if (!bal_slice_equal(parameter->name, BAL_SLICE("limit")) ||
            bal_slice_u64(parameter->value, LIMIT_MAX, &limit) != BAL_OK || limit == 0) {
            answer_refuse(answer, 400, "The one parameter is limit, from 1 to 1000.");
            return;
        }
    }
    struct listing listing = {.out = &answer->body};
    answer->status = 200;
    answer->media_type = "application/json";
    bal_buf_addc(&answer->body, "{\"records\":[");
    const bal_status status = bal_audit_read(data_dir, limit, on_record, &listing, NULL);
    bal_buf_addc(&answer->body, "],\n\"head\":");
    bal_json_string(&answer->body, bal_slice_of(listing.head));
    bal_buf_addc(&answer->body, "}\n");
    if (status)
        answer_refuse(answer, 500, "The audit log cannot be read: balise audit verify says why.");
    bal_buf_finish(&listing.value);
}
