// SPDX-License-Identifier: EUPL-1.2
// The retention report as JSON (schema/retention.v1.schema.json) and as a CSV table.
#include <balise/retention.h>
#include <balise/wire.h>
#include <balise/zone.h>

#include <inttypes.h>
#include <string.h>
#include <time.h>

static void add_text(struct bal_buf *out, const char *name, const char *text)
{
    bal_buf_printf(out, "\"%s\":", name);
    if (text[0] == '\0')
        bal_buf_addc(out, "null");
    else
        bal_json_string(out, bal_slice_of(text));
}

/* "" for a day that there is not. */
static void day_text(int32_t day, char text[BAL_DATE_BYTES])
{
    text[0] = '\0';
    if (day != INT32_MAX)
        bal_day_text(day, text);
}

static void time_text(int64_t time_s, char text[BAL_TIME_BYTES])
{
    const time_t time = (time_t)time_s;
    struct tm utc;
    text[0] = '\0';
    if (gmtime_r(&time, &utc))
        (void)strftime(text, BAL_TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

static void add_tier(struct bal_buf *out, const struct bal_retention_tier *tier)
{
    char oldest[BAL_DATE_BYTES], next[BAL_DATE_BYTES];
    day_text(tier->oldest_day, oldest);
    day_text(tier->next_purge, next);
    bal_buf_addc(out, "{");
    add_text(out, "tier", tier->name);
    bal_buf_printf(out, ",\"limit\":%" PRId64 ",\"ceiling\":%" PRId64 ",\"unit\":\"%s\"",
                   tier->limit, tier->ceiling, tier->unit);
    bal_buf_printf(out, ",\"files\":%" PRIu64 ",\"bytes\":%" PRIu64 ",", tier->files, tier->bytes);
    add_text(out, "oldest", oldest);
    bal_buf_addc(out, ",");
    add_text(out, "next_purge", next);
    bal_buf_addc(out, ",\"last_proof\":");
    if (tier->proof_time[0] == '\0') {
        bal_buf_addc(out, "null}");
        return;
    }
    bal_buf_addc(out, "{");
    add_text(out, "time", tier->proof_time);
    bal_buf_addc(out, ",");
    add_text(out, "period", tier->proof_period);
    bal_buf_addc(out, ",");
    add_text(out, "tracer", tier->proof_result);
    bal_buf_addc(out, "}}");
}

static void add_unproved(struct bal_buf *out, const struct bal_retention_unproved *unproved)
{
    char period[BAL_DATE_BYTES], since[BAL_TIME_BYTES];
    bal_day_text(unproved->period, period);
    time_text(unproved->since_s, since);
    bal_buf_addc(out, "{");
    add_text(out, "tier", unproved->tier);
    bal_buf_addc(out, ",");
    add_text(out, "period", period);
    bal_buf_addc(out, ",");
    add_text(out, "since", since);
    bal_buf_addc(out, "}");
}

static void add_problems(struct bal_buf *out, struct bal_slice lines)
{
    const char *between = "";
    for (size_t start = 0, i = 0; i < lines.length; i++) {
        if (lines.data[i] != '\n')
            continue;
        bal_buf_addc(out, between);
        bal_json_string(out, (struct bal_slice){.data = lines.data + start, .length = i - start});
        between = ",";
        start = i + 1;
    }
}

void bal_retention_json(const struct bal_retention *retention, struct bal_buf *out)
{
    char time[BAL_TIME_BYTES];
    time_text(retention->time_s, time);
    bal_buf_addc(out, "{");
    add_text(out, "time", time);
    bal_buf_printf(out, ",\"clean\":%s,\"tiers\":[",
                   retention->problem_count == 0 ? "true" : "false");
    for (size_t t = 0; t < BAL_RETENTION_TIERS; t++) {
        bal_buf_addc(out, t > 0 ? "," : "");
        add_tier(out, &retention->tier[t]);
    }
    bal_buf_addc(out, "],\"unproved\":[");
    for (size_t u = 0; u < retention->unproved_count; u++) {
        bal_buf_addc(out, u > 0 ? "," : "");
        add_unproved(out, &retention->unproved[u]);
    }
    bal_buf_addc(out, "],\"problems\":[");
    add_problems(out, bal_buf_slice(&retention->problems));
    bal_buf_addc(out, "]}\n");
}

void bal_retention_csv(const struct bal_retention *retention, struct bal_buf *out)
{
    bal_buf_addc(out, "tier,kept at most,oldest,files,bytes,next purge,last proof,of,tracer\n");
    for (size_t t = 0; t < BAL_RETENTION_TIERS; t++) {
        const struct bal_retention_tier *tier = &retention->tier[t];
        char oldest[BAL_DATE_BYTES], next[BAL_DATE_BYTES];
        day_text(tier->oldest_day, oldest);
        day_text(tier->next_purge, next);
        bal_buf_printf(out, "%s,%" PRId64 " %s,%s,%" PRIu64 ",%" PRIu64 ",%s,", tier->name,
                       tier->limit, tier->unit, oldest[0] ? oldest : "-", tier->files, tier->bytes,
                       next[0] ? next : "-");
        bal_buf_printf(out, "%s,%s,%s\n", tier->proof_time[0] ? tier->proof_time : "none yet",
                       tier->proof_period[0] ? tier->proof_period : "-",
                       tier->proof_result[0] ? tier->proof_result : "-");
    }
}
