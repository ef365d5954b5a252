// SPDX-License-Identifier: EUPL-1.2
// Finds the line of a key. jansson tells the line of a syntax error but keeps none for values, and
// "privacy.k is out of range" without a line is a poor answer for a file of 400. So only when an
// error is to be told, the text (known to be JSON by then) is walked once along the key's path. No
// value is decoded: it is skipped by counting brackets outside strings.
#include "locate.h"

#include <stdbool.h>
#include <string.h>

struct walk {
    const char *at, *end;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/** The next character that means something, or 0 at the end. */
static char peek(struct walk *walk)
{
    while (walk->at < walk->end && is_space(*walk->at)) {
        walk->at++;
    }
    return walk->at < walk->end ? *walk->at : '\0';
}

static bool take(struct walk *walk, char expected)
{
    if (peek(walk) != expected) {
        return false;
    }
    walk->at++;
    return true;
}

/** The string that begins here, between its quotes and as it is written. */
static struct bal_slice take_string(struct walk *walk)
{
    if (!take(walk, '"')) {
        return BAL_SLICE("");
    }
    const char *const start = walk->at;
    while (walk->at < walk->end && *walk->at != '"') {
        walk->at += *walk->at == '\\' && walk->end - walk->at > 1 ? 2 : 1;
    }
    const struct bal_slice inside = {.data = start, .length = (size_t)(walk->at - start)};
    (void)take(walk, '"');
    return inside;
}

/** Skips the value that begins here, and stops before the `,`, `}` or `]` that follows it. */
static void skip_value(struct walk *walk)
{
    size_t depth = 0;
    for (char c = peek(walk); c; c = peek(walk)) {
        const bool closes = c == '}' || c == ']';
        if (!depth && (closes || c == ',')) {
            return;
        }
        if (c == '"') {
            (void)take_string(walk);
            continue;
        }
        depth += c == '{' || c == '[';
        depth -= closes;
        walk->at++;
    }
}

/** What is left of the path after this key, or NULL when the path does not begin with it. */
static const char *after_key(const char *path, struct bal_slice key)
{
    if (strncmp(path, key.data, key.length) != 0) {
        return NULL;
    }
    const char *const rest = path + key.length;
    return *rest == '.' || *rest == '[' || !*rest ? rest : NULL;
}

/**
 * Goes to the value of the path's next key; `found` is then where the key stands. A key may hold
 * the path's own signs ("privacy.k" as one wrong key): the one that explains most of the path wins.
 */
static const char *enter_object(struct walk *walk, const char *path, const char **found)
{
    const char *best = NULL, *value = NULL;
    while (peek(walk) == '"') {
        const char *const start = walk->at;
        const char *const rest = after_key(path, take_string(walk));
        if (!take(walk, ':')) {
            break;
        }
        if (rest && (!best || rest > best)) {
            best = rest;
            value = walk->at;
            *found = start;
        }
        skip_value(walk);
        (void)take(walk, ',');
    }
    walk->at = value ? value : walk->at;
    return best;
}

/** Goes to the item of the path's next index, "[2]"; `found` is then where it begins. */
static const char *enter_array(struct walk *walk, const char *path, const char **found)
{
    size_t index = 0;
    const char *rest = path + 1;
    for (; *rest >= '0' && *rest <= '9' && index < SIZE_MAX / 16; rest++) {
        index = index * 10 + (size_t)(*rest - '0');
    }
    for (; index > 0; index--) {
        skip_value(walk);
        if (!take(walk, ',')) {
            return NULL;
        }
    }
    const char first = peek(walk);
    if (*rest != ']' || !first || first == ']') {
        return NULL;
    }
    *found = walk->at;
    return rest + 1;
}

static struct place_in_text place_of(struct bal_slice text, const char *at)
{
    struct place_in_text place = {.line = 1, .column = 1};
    for (const char *c = text.data; c < at; c++) {
        const bool ends = *c == '\n';
        place.line += ends;
        place.column = ends ? 1 : place.column + 1;
    }
    return place;
}

struct place_in_text bal_config_locate(struct bal_slice text, const char *path)
{
    struct walk walk = {.at = text.data, .end = text.data + text.length};
    (void)peek(&walk);
    const char *found = walk.at;
    while (path && *path) {
        if (*path == '[') {
            path = take(&walk, '[') ? enter_array(&walk, path, &found) : NULL;
        } else {
            path += *path == '.';
            path = take(&walk, '{') ? enter_object(&walk, path, &found) : NULL;
        }
    }
    return place_of(text, found);
}
