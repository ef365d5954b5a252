// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_CONFIG_READER_H
#define BALISE_CONFIG_READER_H

#include <balise/config.h>

#include <jansson.h>

/** What one call of bal_config_load works with. */
struct reader {
    struct bal_slice text;            /**< the file */
    const struct bal_config *running; /**< whose zones are taken; NULL: the machine's */
    struct bal_error *error;
};

/** A value on its way from JSON to its place. */
struct value {
    const struct bal_field_info *field;
    const char *path; /**< where it stands: "sites[0].origins" */
    json_t *json;
};

/** How the values of one kind are read, shown and freed. `field` points to the member at the
 * place's offset. */
struct codec {
    bal_status (*set)(struct reader *reader, struct value value, void *member);
    json_t *(*get)(const struct bal_field_info *field, const void *member); /**< a new reference */
    void (*finish)(const struct bal_field_info *field, void *member); /**< NULL: nothing to free */
};

extern const struct codec bal_codec_int, bal_codec_int64, bal_codec_bool, bal_codec_string,
    bal_codec_strings;
extern const struct codec bal_codec_zone, bal_codec_overseas, bal_codec_switch, bal_codec_listen,
    bal_codec_networks, bal_codec_sites, bal_codec_number, bal_codec_metric, bal_codec_budgets;

struct bal_field_place {
    const struct codec *codec;
    size_t offset;       /**< in struct bal_config, in struct bal_site for "sites[].", in struct
                            bal_budget for "sites[].budgets[]." */
    size_t count_offset; /**< arrays: from the array's member to its count */
    const char *(*form)(
        struct bal_slice text); /**< strings and their arrays: see form.h; NULL: any text */
    size_t item_max;            /**< greatest length of an item of an array of strings */
    const char *below,
        *above; /**< added to the error when an integer is out of range on that side; may be NULL */
};

/** Sets the reader's error with the line of `path`, the key the text speaks of. Returns the
 * code. */
bal_status bal_reader_refuse(struct reader *reader, const char *path, bal_status code,
                             const char *format, ...) BAL_PRINTF(4, 5);

#define PATH_BYTES 160
#define SITE_SCOPE "sites[]."
#define BUDGET_SCOPE "sites[].budgets[]."

/**
 * Sets every field of a scope ("", SITE_SCOPE, BUDGET_SCOPE) from an object or from its default;
 * unknown and missing keys are errors. `path` is the object's own, "" or "sites[0].", `base` the
 * struct the offsets are of.
 */
bal_status bal_reader_fields(struct reader *reader, const char *scope, const char *path,
                             json_t *object, void *base);

/** Whether a value is an array of as many items as its field allows. */
bal_status bal_reader_array(struct reader *reader, struct value value);

/** Sets the fields of a scope from an item of an array, which must be an object. */
bal_status bal_reader_object(struct reader *reader, struct value array, size_t index,
                             const char *scope, void *base);

/** An item of an array with its path, which is written to `path`. */
struct value bal_reader_item(struct value array, size_t index, char path[PATH_BYTES]);

/** Appends what only a restart changes, as bal_config_print does. */
void bal_config_print_fixed(const struct bal_config *config, struct bal_buf *out);

/** True for the fields of a scope, and not of a deeper one. */
bool bal_field_in_scope(const struct bal_field_info *field, const char *scope);

/** Frees what the fields of a scope hold. */
void bal_fields_finish(const char *scope, void *base);

#endif
