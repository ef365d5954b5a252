// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_LOG_H
#define BALISE_LOG_H

#include <stddef.h>
#include <stdint.h>

/**
 * Log lines are facts in logfmt on a descriptor of our own: `level=info mod=store event=checkpoint
 * cells=57 ms=4`. A line is made of literals, numbers, and names that come from the configuration
 * or from this program. There is deliberately no way to format a string, so that nothing a visitor
 * sent can get here: a lint keeps BAL_NAME out of http/, ingest/, wire/, privacy/ and geo/. Each
 * (module, event) is limited to 20 lines a minute; what was left out is said by the next line
 * (`left_out=`). Any thread; one write(2) a line.
 */
enum bal_log_level { BAL_LOG_ERROR, BAL_LOG_WARNING, BAL_LOG_INFO, BAL_LOG_DEBUG };

struct bal_log_field {
    const char *key;
    const char *name; /**< NULL for a number */
    int64_t number;
};

#define BAL_NUM(key_, number_) ((struct bal_log_field){.key = (key_), .number = (int64_t)(number_)})
#define BAL_NAME(key_, text_) ((struct bal_log_field){.key = (key_), .name = (text_)})

void bal_log_write(enum bal_log_level level, const char *module, const char *event,
                   const struct bal_log_field *fields, size_t count);

/** bal_log(BAL_LOG_INFO, "store", "checkpoint", BAL_NUM("cells", n)); at least one field. */
#define bal_log(level, module, event, ...)                                                         \
    bal_log_write((level), (module), (event), (const struct bal_log_field[]){__VA_ARGS__},         \
                  sizeof((const struct bal_log_field[]){__VA_ARGS__}) /                            \
                      sizeof(struct bal_log_field))

/** Set once at start: the least level that is written (default info) and the descriptor (default
 * 2). */
void bal_log_configure(enum bal_log_level least, int descriptor);

#endif
