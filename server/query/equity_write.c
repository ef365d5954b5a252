// SPDX-License-Identifier: EUPL-1.2
// Owns the forms of an answer about equity (schema/equity.v1.schema.json): the figures as in any
// other answer, and beside them the gap.
#include "equity.h"

#include <balise/wire.h>

static void add_region(struct bal_buf *out, bal_region region)
{
    char text[BAL_REGION_TEXT_BYTES];
    if (region != BAL_REGION_UNKNOWN && bal_region_text(region, text))
        bal_json_string(out, bal_slice_of(text));
    else
        bal_buf_addc(out, "null");
}

static void add_medians(struct bal_buf *out, const struct equity *equity)
{
    bal_buf_addc(out, ",\"median\":{");
    for (size_t m = 0; m < equity->ask->metric_count; m++) {
        const struct territory *const median = equity->median[m];
        bal_buf_addc(out, m > 0 ? "," : "");
        json_key(out, bal_metric_info(equity->ask->metrics[m])->name);
        add_region(out, median ? median->region : BAL_REGION_UNKNOWN);
    }
    bal_buf_addc(out, "}");
}

static void json_territory(struct bal_buf *out, const struct ask *ask,
                           const struct territory *territory)
{
    const char *const place = place_name(territory->place);
    bal_buf_addc(out, "{\"region\":");
    bal_json_string(out, territory->row->text[0]);
    bal_buf_addc(out, ",\"place\":");
    if (place)
        bal_json_string(out, bal_slice_of(place));
    else
        bal_buf_addc(out, "null");
    bal_buf_addc(out, ",");
    json_head(out, territory->row, territory->row->partial);
    for (size_t m = 0; m < ask->metric_count; m++) {
        json_begin_figures(out, bal_metric_info(ask->metrics[m])->name, &territory->figures[m]);
        bal_buf_addc(out, "}");
    }
    bal_buf_addc(out, ",\"gap\":{");
    for (size_t m = 0; m < ask->metric_count; m++) {
        bal_buf_addc(out, m > 0 ? "," : "");
        json_difference(out, bal_metric_info(ask->metrics[m])->name, &territory->gap[m]);
    }
    bal_buf_addc(out, "}}");
}

static void write_json(struct bal_buf *out, const struct equity *equity)
{
    json_begin_range(out, equity->ask);
    bal_buf_printf(out, ",\"k\":%u,\"home\":", equity->ask->k);
    add_region(out, equity->home);
    add_medians(out, equity);
    bal_buf_addc(out, ",\"rows\":[");
    for (size_t i = 0; i < equity->count; i++) {
        bal_buf_addc(out, i > 0 ? ",\n" : "\n");
        json_territory(out, equity->ask, &equity->all[i]);
    }
    bal_buf_addc(out, "\n],");
    json_coverage(out, equity->ask, equity->coverage);
    bal_buf_addc(out, "}\n");
}

static void write_lines(struct bal_buf *out, const struct equity *equity)
{
    for (size_t i = 0; i < equity->count; i++) {
        json_territory(out, equity->ask, &equity->all[i]);
        bal_buf_addc(out, "\n");
    }
}

static void csv_territory(struct bal_buf *out, const struct ask *ask,
                          const struct territory *territory)
{
    bal_csv_field(out, territory->row->text[0]);
    bal_buf_addc(out, ",");
    bal_csv_field(out, bal_slice_of(place_name(territory->place)));
    bal_buf_addc(out, ",");
    csv_head(out, territory->row);
    for (size_t m = 0; m < ask->metric_count; m++) {
        csv_figures(out, &territory->figures[m]);
        csv_number(out, territory->gap[m].p75);
        csv_number(out, territory->gap[m].low);
        csv_number(out, territory->gap[m].high);
    }
    bal_buf_addc(out, "\r\n");
}

static void write_csv(struct bal_buf *out, const struct equity *equity)
{
    bal_buf_addc(out, "region,place,views,visitors,visitors_are");
    for (size_t m = 0; m < equity->ask->metric_count; m++) {
        const char *const name = bal_metric_info(equity->ask->metrics[m])->name;
        csv_names(out, name, "");
        bal_buf_printf(out, ",%s_gap,%s_gap_low,%s_gap_high", name, name, name);
    }
    bal_buf_addc(out, "\r\n");
    for (size_t i = 0; i < equity->count; i++)
        csv_territory(out, equity->ask, &equity->all[i]);
}

void equity_write(const struct equity *equity, struct bal_answer *answer)
{
    static const struct {
        const char *media_type;
        void (*write)(struct bal_buf *out, const struct equity *equity);
    } forms[BAL_FORMAT_COUNT] = {[BAL_FORMAT_JSON] = {"application/json", write_json},
                                 [BAL_FORMAT_CSV] = {CSV_MEDIA_TYPE, write_csv},
                                 [BAL_FORMAT_NDJSON] = {"application/x-ndjson", write_lines}};
    const enum bal_format format = equity->ask->format;
    forms[format].write(&answer->body, equity);
    answer->status = 200;
    answer->media_type = forms[format].media_type;
    if (format == BAL_FORMAT_CSV)
        csv_file_name(answer->file_name, equity->ask, "-equity");
    if (format != BAL_FORMAT_JSON)
        coverage_text(answer->coverage,
                      &(struct tail){.ask = equity->ask, .coverage = equity->coverage});
}
