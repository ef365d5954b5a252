// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_NOTIFY_H
#define BALISE_NOTIFY_H

#include <balise/status.h>
#include <stdint.h>

/**
 * What a process tells its service manager, after sd_notify(3): datagrams of "NAME=value" lines to
 * the socket that $NOTIFY_SOCKET names, by a path or, behind an @, in the abstract namespace.
 * Without a manager nothing happens; what it does not take is lost, and no error. One thread.
 */
struct bal_notifier {
    int fd;              /**< -1: nobody listens */
    int64_t watchdog_ns; /**< a manager that has not heard WATCHDOG=1 for so long ends the process;
                            0: it does not watch */
};

/** Reads the environment ($NOTIFY_SOCKET, $WATCHDOG_USEC, $WATCHDOG_PID), and takes its part out of
 * it: no child speaks for this process. Before there are threads. */
void bal_notifier_init(struct bal_notifier *notifier);
/** "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=…"; several lines in one. */
void bal_notifier_tell(const struct bal_notifier *notifier, const char *format, ...)
    BAL_PRINTF(2, 3);
void bal_notifier_finish(struct bal_notifier *notifier);

#endif
