// SPDX-License-Identifier: EUPL-1.2
// Reads the body of an annotation. Rare and small, so the library's tree will do.
#include <balise/wire.h>

#include <jansson.h>
#include <stddef.h>

static const struct {
    struct bal_slice name;
    size_t place;
} members[] = {{{"time", 4}, offsetof(struct bal_annotation_body, time)},
               {{"kind", 4}, offsetof(struct bal_annotation_body, kind)},
               {{"text", 4}, offsetof(struct bal_annotation_body, text)}};

static struct bal_slice *place_of(struct bal_slice name, struct bal_annotation_body *out)
{
    for (size_t m = 0; m < sizeof members / sizeof *members; m++) {
        if (bal_slice_equal(name, members[m].name))
            return (struct bal_slice *)(void *)((char *)out + members[m].place);
    }
    return NULL;
}

static struct bal_slice keep(struct bal_buf *memory, const json_t *value)
{
    const struct bal_slice kept = {.data = memory->data + memory->length,
                                   .length = json_string_length(value)};
    bal_buf_append(memory, json_string_value(value), kept.length);
    return kept;
}

static const char *take_members(json_t *object, struct bal_annotation_body *out,
                                struct bal_buf *memory)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        struct bal_slice *const place = place_of(bal_slice_of(name), out);
        if (!place)
            return "The members are time, kind and text.";
        if (!json_is_string(value))
            return "time, kind and text are strings.";
        *place = keep(memory, value);
    }
    return NULL;
}

const char *bal_annotation_decode(struct bal_slice body, struct bal_annotation_body *out,
                                  struct bal_buf *memory)
{
    json_t *object = NULL;
    *out = (struct bal_annotation_body){.time = {0}};
    if (body.length > 0)
        object = json_loadb(body.data, body.length, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(object)) {
        json_decref(object);
        return "The body is not a JSON object.";
    }
    (void)bal_buf_reserve(memory, body.length); // once: the members point into it
    const char *const wrong = take_members(object, out, memory);
    json_decref(object);
    return wrong;
}
