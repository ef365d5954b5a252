// SPDX-License-Identifier: EUPL-1.2
// Slices, growing buffers and memory. Slices carry their length everywhere, so that bytes with a
// NUL inside stay what they are until the edge. Memory never runs out politely: a server that
// cannot allocate cannot keep its promises either, and the journal makes an abort safe; so no
// caller has an untested branch for it.
#include <balise/buf.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_CAPACITY = 64 };

_Noreturn void bal_out_of_memory(void)
{
    static const char line[] = "level=error mod=base event=out_of_memory\n";
    const ssize_t written = write(STDERR_FILENO, line, sizeof line - 1);
    (void)written; // nothing can be done about a closed standard error while aborting
    abort();
}

void *bal_alloc(size_t bytes)
{
    void *const memory = malloc(bytes ? bytes : 1);
    if (!memory) {
        bal_out_of_memory();
    }
    return memory;
}

void *bal_calloc(size_t count, size_t bytes)
{
    const bool nothing = !count || !bytes;
    void *const memory = calloc(nothing ? 1 : count, nothing ? 1 : bytes);
    if (!memory) {
        bal_out_of_memory();
    }
    return memory;
}

void *bal_calloc_aligned(size_t alignment, size_t bytes)
{
    const size_t whole = (bytes + alignment - 1) / alignment * alignment;
    void *const memory = aligned_alloc(alignment, whole ? whole : alignment);
    if (!memory) {
        bal_out_of_memory();
    }
    return memset(memory, 0, whole);
}

void *bal_realloc(void *memory, size_t bytes)
{
    void *const moved = realloc(memory, bytes ? bytes : 1);
    if (!moved) {
        bal_out_of_memory();
    }
    return moved;
}

struct bal_slice bal_slice_of(const char *text)
{
    return (struct bal_slice){.data = text, .length = text ? strlen(text) : 0};
}

bool bal_slice_equal(struct bal_slice a, struct bal_slice b)
{
    return a.length == b.length && (!a.length || !memcmp(a.data, b.data, a.length));
}

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool bal_slice_equal_nocase(struct bal_slice a, struct bal_slice b)
{
    if (a.length != b.length) {
        return false;
    }
    for (size_t i = 0; i < a.length; i++) {
        if (lower(a.data[i]) != lower(b.data[i])) {
            return false;
        }
    }
    return true;
}

int bal_slice_compare(struct bal_slice a, struct bal_slice b)
{
    const size_t common = a.length < b.length ? a.length : b.length;
    const int order = common ? memcmp(a.data, b.data, common) : 0;
    if (order) {
        return order;
    }
    return (a.length > b.length) - (a.length < b.length);
}

bool bal_slice_starts(struct bal_slice s, struct bal_slice prefix)
{
    return s.length >= prefix.length &&
           (!prefix.length || !memcmp(s.data, prefix.data, prefix.length));
}

bool bal_slice_contains(struct bal_slice s, struct bal_slice part)
{
    if (!part.length) {
        return true;
    }
    return s.length >= part.length && memmem(s.data, s.length, part.data, part.length);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct bal_slice bal_slice_trim(struct bal_slice s)
{
    while (s.length && is_blank(s.data[0])) {
        s.data++;
        s.length--;
    }
    while (s.length && is_blank(s.data[s.length - 1])) {
        s.length--;
    }
    return s;
}

char *bal_slice_dup(struct bal_slice s)
{
    char *const text = bal_alloc(s.length + 1);
    if (s.length) {
        memcpy(text, s.data, s.length);
    }
    text[s.length] = '\0';
    return text;
}

bal_status bal_slice_u64(struct bal_slice s, uint64_t max, uint64_t *out)
{
    if (!s.length) {
        return BAL_EINVAL;
    }
    uint64_t number = 0;
    bool too_large = false;
    for (size_t i = 0; i < s.length; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') {
            return BAL_EINVAL;
        }
        const uint64_t digit = (uint64_t)(s.data[i] - '0');
        too_large = too_large || number > (UINT64_MAX - digit) / 10;
        number = number * 10 + digit;
    }
    if (too_large || number > max) {
        return BAL_ERANGE;
    }
    *out = number;
    return BAL_OK;
}

void bal_buf_finish(struct bal_buf *buf)
{
    free(buf->data);
    *buf = (struct bal_buf){0};
}

void bal_buf_clear(struct bal_buf *buf)
{
    buf->length = 0;
}

char *bal_buf_reserve(struct bal_buf *buf, size_t more)
{
    if (buf->data && buf->capacity - buf->length >= more) {
        return buf->data + buf->length;
    }
    if (more > SIZE_MAX / 2 - buf->length) {
        bal_out_of_memory();
    }
    const size_t needed = buf->length + more;
    size_t capacity = buf->capacity ? buf->capacity : FIRST_CAPACITY;
    while (capacity < needed) {
        capacity *= 2;
    }
    buf->data = bal_realloc(buf->data, capacity);
    buf->capacity = capacity;
    return buf->data + buf->length;
}

void bal_buf_append(struct bal_buf *buf, const void *data, size_t length)
{
    if (!length) {
        return;
    }
    memcpy(bal_buf_reserve(buf, length), data, length);
    buf->length += length;
}

void bal_buf_add(struct bal_buf *buf, struct bal_slice s)
{
    bal_buf_append(buf, s.data, s.length);
}

void bal_buf_addc(struct bal_buf *buf, const char *text)
{
    bal_buf_append(buf, text, strlen(text));
}

void bal_buf_printf(struct bal_buf *buf, const char *format, ...)
{
    char *end = bal_buf_reserve(buf, FIRST_CAPACITY);
    va_list arguments;
    va_list again;
    va_start(arguments, format);
    va_copy(again, arguments);
    const int length = vsnprintf(end, buf->capacity - buf->length, format, arguments);
    va_end(arguments);
    if (length < 0) {
        abort(); // an encoding error: only %ls can do that, and nobody here uses it
    }
    const size_t room = (size_t)length + 1; // vsnprintf writes a NUL that does not count
    if (room > buf->capacity - buf->length) {
        end = bal_buf_reserve(buf, room);
        if (vsnprintf(end, room, format, again) != length) {
            abort();
        }
    }
    va_end(again);
    buf->length += (size_t)length;
}

struct bal_slice bal_buf_slice(const struct bal_buf *buf)
{
    return (struct bal_slice){.data = buf->data, .length = buf->length};
}
