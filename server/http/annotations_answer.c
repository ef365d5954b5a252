// SPDX-License-Identifier: EUPL-1.2
// /api/v1/annotations: what people mark on a site's time axis. A reader's work, changes too: they
// are rare, and each waits for the disk.
#include "readers.h"

#include "reply.h"

#include <balise/annotations.h>
#include <balise/wire.h>

#include <stdio.h>
#include <string.h>

#define DAY_S INT64_C(86400)
enum { AHEAD_DAYS = 366, MONTH_DAYS = 31 };

struct parameters {
    struct bal_slice site, from, to, id;
};

static bool take_parameters(const struct annotations_asked *asked, struct parameters *out)
{
    *out = (struct parameters){.site = {0}};
    for (size_t i = 0; i < asked->count; i++) {
        const struct bal_parameter *const p = &asked->parameters[i];
        struct bal_slice *place = NULL;
        if (bal_slice_equal(p->name, BAL_SLICE("site")))
            place = &out->site;
        else if (asked->kind == JOB_ANNOTATIONS && bal_slice_equal(p->name, BAL_SLICE("from")))
            place = &out->from;
        else if (asked->kind == JOB_ANNOTATIONS && bal_slice_equal(p->name, BAL_SLICE("to")))
            place = &out->to;
        else if (asked->kind == JOB_UNANNOTATE && bal_slice_equal(p->name, BAL_SLICE("id")))
            place = &out->id;
        if (!place || place->data)
            return false;
        *place = p->value;
    }
    return true;
}

/* ---- one as JSON ---- */

static void write_annotation(struct bal_buf *out, const struct bal_site *site,
                             const struct bal_annotation *annotation)
{
    char time[BAL_TIME_BYTES];
    bal_time_text(site->zone, annotation->time_s, time);
    bal_buf_printf(out, "{\"id\":\"%s\",\"time\":\"%s\",\"kind\":\"%s\",\"text\":", annotation->id,
                   time, bal_annotation_kind_name(annotation->kind));
    bal_json_string(out, bal_slice_of(annotation->text));
    bal_buf_addc(out, "}");
}

/* ---- GET ---- */

struct listing {
    struct bal_buf *out;
    const struct bal_site *site;
    const char *before;
};

static void on_annotation(void *context, const struct bal_annotation *annotation)
{
    struct listing *const listing = context;
    bal_buf_addc(listing->out, listing->before);
    write_annotation(listing->out, listing->site, annotation);
    listing->before = ",\n";
}

static bool take_day(const struct bal_site *site, struct bal_slice text, int64_t *start_s)
{
    int32_t day = 0;
    if (!text.data)
        return true;
    if (bal_day_parse(text.data, text.length, &day) != BAL_OK)
        return false;
    *start_s = bal_zone_day_start(site->zone, day);
    return true;
}

static void list(const struct annotations_asked *asked, const struct bal_site *site,
                 const struct parameters *parameters, struct bal_answer *answer)
{
    struct listing listing = {.out = &answer->body, .site = site, .before = "\n"};
    struct bal_annotation_scan scan = {.site = bal_slice_of(site->name),
                                       .to_s = INT64_MAX,
                                       .each = on_annotation,
                                       .context = &listing};
    if (!take_day(site, parameters->from, &scan.from_s)) {
        answer_refuse(answer, 400, "\"from\" is not a date; write YYYY-MM-DD.");
        return;
    }
    if (!take_day(site, parameters->to, &scan.to_s)) {
        answer_refuse(answer, 400, "\"to\" is not a date; write YYYY-MM-DD.");
        return;
    }
    bal_buf_addc(&answer->body, "{\"site\":");
    bal_json_string(&answer->body, bal_slice_of(site->name));
    bal_buf_addc(&answer->body, ",\"annotations\":[");
    answer->status = 200;
    answer->media_type = JSON;
    const bal_status status = bal_annotation_list(asked->config->data_dir, &scan, NULL);
    bal_buf_addc(&answer->body, "\n]}\n");
    if (status)
        answer_refuse(answer, 500, "The annotations cannot be read.");
}

/* ---- POST and DELETE ---- */

// RFC 3339, a date for its midnight on the site, nothing for now.
static bool take_time(const struct annotations_asked *asked, const struct bal_site *site,
                      struct bal_slice text, int64_t *time_s)
{
    const int64_t now_s = bal_clock_now_ms(asked->clock) / 1000;
    int32_t day = 0;
    *time_s = now_s;
    if (!text.data)
        return true;
    if (bal_day_parse(text.data, text.length, &day) == BAL_OK)
        *time_s = bal_zone_day_start(site->zone, day);
    else if (bal_time_parse(text.data, text.length, time_s) != BAL_OK)
        return false;
    const int64_t kept_days = asked->config->retention.daily_months * MONTH_DAYS;
    return *time_s >= 0 && *time_s > now_s - kept_days * DAY_S &&
           *time_s < now_s + AHEAD_DAYS * DAY_S;
}

// NULL, or what is wrong.
static const char *read_body(const struct annotations_asked *asked, const struct bal_site *site,
                             struct bal_annotation *annotation)
{
    struct bal_annotation_body body;
    struct bal_buf memory = {0};
    const char *wrong = bal_annotation_decode(asked->body, &body, &memory);
    if (!wrong && !bal_annotation_is_text(body.text))
        wrong = "\"text\" is 1 to 200 characters without control characters.";
    if (!wrong && !bal_annotation_kind_find(body.kind, &annotation->kind))
        wrong = "\"kind\" is deployment, incident or other.";
    if (!wrong && !take_time(asked, site, body.time, &annotation->time_s))
        wrong = "\"time\" is a time such as 2026-11-23T14:00:00+01:00 or a date, not older than "
                "the figures that are kept and at most a year ahead; without it, now.";
    if (!wrong)
        memcpy(annotation->text, body.text.data, body.text.length);
    bal_buf_finish(&memory);
    return wrong;
}

static void add(const struct annotations_asked *asked, const struct bal_annotations *place,
                const struct bal_site *site, struct bal_answer *answer)
{
    struct bal_annotation annotation = {.site = ""};
    const char *const wrong = read_body(asked, site, &annotation);
    if (wrong) {
        answer_refuse(answer, 400, wrong);
        return;
    }
    (void)snprintf(annotation.site, sizeof annotation.site, "%s", site->name);
    const bal_status status = bal_annotation_add(place, &annotation, NULL);
    if (status == BAL_ENOSPC) {
        answer_refuse(answer, 409,
                      "The site has 1000 annotations, or all sites together have 4 MiB of them: "
                      "take some back first.");
    } else if (status) {
        answer_refuse(answer, 500, "The annotation could not be kept.");
    } else {
        answer->status = 201;
        answer->media_type = JSON;
        write_annotation(&answer->body, site, &annotation);
        bal_buf_addc(&answer->body, "\n");
    }
}

static void take_back(const struct bal_annotations *place, const struct bal_site *site,
                      struct bal_slice id, struct bal_answer *answer)
{
    if (!id.data) {
        answer_refuse(answer, 400, "The parameter \"id\" is required: that of an annotation.");
        return;
    }
    const bal_status status = bal_annotation_remove(place, bal_slice_of(site->name), id, NULL);
    if (status == BAL_ENOTFOUND) {
        answer_refuse(answer, 404, "There is no such annotation.");
    } else if (status) {
        answer_refuse(answer, 500, "The annotation could not be taken back.");
    } else {
        answer->status = 204;
        answer->media_type = JSON;
    }
}

void annotations_answer(const struct annotations_asked *asked, struct bal_answer *answer)
{
    struct parameters parameters;
    const bool possible = take_parameters(asked, &parameters);
    const int index = bal_config_site(asked->config, parameters.site);
    if (parameters.site.data && index < 0) {
        bal_kpi_unknown_site(answer);
        return;
    }
    if (!possible || !parameters.site.data) {
        answer_refuse(answer, 400,
                      asked->kind == JOB_ANNOTATIONS  ? "The parameters are site, from and to."
                      : asked->kind == JOB_UNANNOTATE ? "The parameters are site and id."
                                                      : "The one parameter is site.");
        return;
    }
    const struct bal_site *const site = &asked->config->sites[index];
    const struct bal_annotations place = {
        .data_dir = asked->config->data_dir, .audit = asked->audit, .grant = asked->grant};
    if (asked->kind == JOB_ANNOTATIONS)
        list(asked, site, &parameters, answer);
    else if (asked->kind == JOB_ANNOTATE)
        add(asked, &place, site, answer);
    else
        take_back(&place, site, parameters.id, answer);
}
