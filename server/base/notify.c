// SPDX-License-Identifier: EUPL-1.2
// The service manager's socket. libsystemd would bring a dozen libraries into the process for one
// datagram.
#include <balise/notify.h>

#include <balise/buf.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { TEXT_BYTES = 512 };

static int connect_to(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const size_t length = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || length >= sizeof address.sun_path)
        return -1;
    memcpy(address.sun_path, name, length);
    if (name[0] == '@')
        address.sun_path[0] = '\0'; // abstract: as long as its name, without an end
    const socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, bytes) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/** A number of the environment; 0 when it is none. */
static uint64_t number_in(const char *name)
{
    const char *const text = getenv(name);
    uint64_t number = 0;
    if (!text || bal_slice_u64(bal_slice_of(text), INT64_MAX / 1000, &number) != BAL_OK)
        return 0;
    return number;
}

void bal_notifier_init(struct bal_notifier *notifier)
{
    const char *const name = getenv("NOTIFY_SOCKET");
    const uint64_t pid = number_in("WATCHDOG_PID");
    *notifier = (struct bal_notifier){.fd = name ? connect_to(name) : -1};
    if (notifier->fd >= 0 && (pid == 0 || pid == (uint64_t)getpid()))
        notifier->watchdog_ns = (int64_t)number_in("WATCHDOG_USEC") * 1000;
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
}

void bal_notifier_tell(const struct bal_notifier *notifier, const char *format, ...)
{
    char text[TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): started in the line above
    const int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (notifier->fd < 0 || length <= 0)
        return;
    const size_t bytes = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
    (void)send(notifier->fd, text, bytes, MSG_NOSIGNAL); // a manager that is busy or gone
}

void bal_notifier_finish(struct bal_notifier *notifier)
{
    if (notifier->fd >= 0)
        (void)close(notifier->fd);
    *notifier = (struct bal_notifier){.fd = -1};
}
