// SPDX-License-Identifier: EUPL-1.2
// The log. A line is built on the stack and leaves in one write(2), so that lines of several
// threads never mix and nothing is lost in a buffer when the process is killed. A flood of one kind
// of line (a full disk, a flapping proxy) is cut to 20 a minute, so that the log can neither fill
// the disk nor become a clock of single requests.
#include <balise/bytes.h>
#include <balise/clock.h>
#include <balise/log.h>

#include "log_limit.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 1024 };

static _Atomic int least_level = BAL_LOG_INFO;
static _Atomic int log_descriptor = STDERR_FILENO;
static pthread_mutex_t limit_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct bal_log_limit limit;

struct line {
    size_t length;
    char text[LINE_BYTES];
};

bool bal_log_limit_admit(struct bal_log_limit *l, uint64_t kind, int64_t now_ns, uint64_t *left_out)
{
    struct bal_log_kind *slot = &l->kinds[BAL_LOG_KINDS];
    for (size_t i = 0; i < BAL_LOG_KINDS; i++) {
        struct bal_log_kind *const candidate = &l->kinds[(kind + i) % BAL_LOG_KINDS];
        if (candidate->kind == kind || !candidate->kind) {
            slot = candidate;
            break;
        }
    }
    if (!slot->kind || now_ns - slot->since_ns >= BAL_LOG_WINDOW_NS) {
        slot->kind = kind;
        slot->since_ns = now_ns;
        slot->written = 0;
    }
    if (slot->written >= BAL_LOG_LINES_A_WINDOW) {
        slot->left_out++;
        return false;
    }
    slot->written++;
    *left_out = slot->left_out;
    slot->left_out = 0;
    return true;
}

static bool may_write(const char *module, const char *event, uint64_t *left_out)
{
    // By content, not by address: two translation units may hold two copies of a literal.
    const uint64_t kind =
        bal_hash_bytes(bal_slice_of(event), bal_hash_bytes(bal_slice_of(module), 0));
    const int64_t now_ns = bal_clock_steady_ns();
    (void)pthread_mutex_lock(
        &limit_mutex); // cannot fail: a plain mutex that is never locked twice by a thread
    const bool admitted = bal_log_limit_admit(&limit, kind ? kind : 1, now_ns, left_out);
    (void)pthread_mutex_unlock(&limit_mutex);
    return admitted;
}

static const char *level_name(enum bal_log_level level)
{
    switch (level) {
    case BAL_LOG_ERROR:
        return "error";
    case BAL_LOG_WARNING:
        return "warning";
    case BAL_LOG_INFO:
        return "info";
    case BAL_LOG_DEBUG:
        return "debug";
    }
    return "unknown";
}

static void put(struct line *line, char c)
{
    if (line->length < LINE_BYTES - 1) { // the last byte is the newline's; what is too long is cut
        line->text[line->length++] = c;
    }
}

static void put_text(struct line *line, const char *text)
{
    for (; *text; text++) {
        put(line, *text);
    }
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

static bool needs_quotes(const char *name)
{
    bool quotes = !*name;
    for (; *name; name++) {
        quotes = quotes || *name == ' ' || *name == '"' || *name == '=' || is_control(*name);
    }
    return quotes;
}

static void put_name(struct line *line, const char *name)
{
    if (!needs_quotes(name)) {
        put_text(line, name);
        return;
    }
    put(line, '"');
    for (; *name; name++) {
        if (*name == '"' || *name == '\\') {
            put(line, '\\');
        }
        put(line, is_control(*name) ? '?' : *name);
    }
    put(line, '"');
}

static void put_field(struct line *line, const struct bal_log_field *field)
{
    put(line, ' ');
    put_text(line, field->key);
    put(line, '=');
    if (field->name) {
        put_name(line, field->name);
        return;
    }
    char number[24];
    const int length = snprintf(number, sizeof number, "%" PRId64, field->number);
    if (length > 0 && (size_t)length < sizeof number) {
        put_text(line, number);
    }
}

void bal_log_write(enum bal_log_level level, const char *module, const char *event,
                   const struct bal_log_field *fields, size_t count)
{
    uint64_t left_out = 0;
    if ((int)level > atomic_load_explicit(&least_level, memory_order_relaxed) ||
        !may_write(module, event, &left_out)) {
        return;
    }
    struct line line = {0};
    put_text(&line, "level=");
    put_text(&line, level_name(level));
    put_text(&line, " mod=");
    put_text(&line, module);
    put_text(&line, " event=");
    put_text(&line, event);
    if (left_out) { // before the fields, so that a long line cannot cut it off
        put_field(&line, &BAL_NUM("left_out", left_out));
    }
    for (size_t i = 0; i < count; i++) {
        put_field(&line, &fields[i]);
    }
    line.text[line.length++] = '\n';

    const int saved = errno; // logging must not disturb what its caller is about to report
    ssize_t written = 0;
    do {
        written = write(atomic_load_explicit(&log_descriptor, memory_order_relaxed), line.text,
                        line.length);
    } while (written < 0 && errno == EINTR);
    errno = saved; // a log that cannot be written has nobody to complain to
}

void bal_log_configure(enum bal_log_level least, int descriptor)
{
    atomic_store(&least_level, (int)least);
    atomic_store(&log_descriptor, descriptor);
}
