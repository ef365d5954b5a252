// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HTTP_REAPER_H
#define BALISE_HTTP_REAPER_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

/**
 * Ends connections that hold what they do not use: those whose client has owed the same thing (the
 * rest of a request, the taking of an answer, any request at all) for as long as the side is
 * patient; and, while the process has more than three quarters of the memory that it may, those
 * that hold the most. A request that waits for the server is nothing that its client owes.
 */
struct reaper {
    int statm; /**< /proc/self/statm, or -1 */
    int64_t passed_at_ns, weighed_at_ns, trimmed_at_ns;
    bool weigh_closely; /**< half of what the process may have is used */
};

/** Both on the loop's thread. */
void reaper_init(struct reaper *reaper);
void reaper_finish(struct reaper *reaper);

/** After a turn; does something once in a while. */
void reaper_turn(struct loop *loop);
/** Milliseconds until a turn is due without any event; INT32_MAX when there is no connection. */
int32_t reaper_patience(const struct loop *loop);

#endif
