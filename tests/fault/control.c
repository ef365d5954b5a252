// SPDX-License-Identifier: EUPL-1.2
// The control that a test has mapped, the table of descriptors, and the record of changes. Nothing
// in here allocates by the program's malloc, which is one of the calls that fail.
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FILES = 4096 };
static struct fault_control *mapped;
struct fault_control *fault_control;
static char folder[512];
static size_t folder_length;
static struct fault_file files[FILES];
static int record_fd = -1;
static pthread_mutex_t record_mutex;

static void in_child(void)
{
    fault_control = NULL;
    record_fd = -1;
}

__attribute__((constructor)) static void begin(void)
{
    const char *const path = getenv("BALISE_FAULT");
    const char *const where = getenv("BALISE_FAULT_FOLDER");
    const char *const record = getenv("BALISE_FAULT_RECORD");
    if (!path || !where || strlen(where) >= sizeof folder)
        return;
    folder_length = strlen(where);
    memcpy(folder, where, folder_length + 1);
    const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    void *memory =
        (void *)syscall(SYS_mmap, NULL, sizeof *mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || memory == MAP_FAILED)
        abort();
    (void)syscall(SYS_close, fd);
    pthread_mutexattr_t recursive;
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&record_mutex, &recursive);
    (void)pthread_atfork(NULL, NULL, in_child);
    if (record)
        fault_record_open(record);
    mapped = memory;
    fault_control = mapped;
}

bool fault_is_inside(const char *path)
{
    return folder_length > 0 && strncmp(path, folder, folder_length) == 0 &&
           (path[folder_length] == '/' || path[folder_length] == '\0');
}

struct fault_file *fault_file_of(int fd)
{
    static struct fault_file other;
    return fd >= 0 && fd < FILES ? &files[fd] : &other;
}

bool fault_now(enum fault_kind kind, const char *path)
{
    struct fault_control *control = fault_control;
    if (!control || (control->only[0] && !(path && strstr(path, control->only))))
        return false;
    control->seen[kind]++;
    if (control->kind != (int64_t)kind || control->before-- > 0 || control->times-- <= 0)
        return false;
    control->failed++;
    errno = (int)control->code;
    return true;
}

bool fault_is_done(void)
{
    return fault_control && fault_control->done;
}

/* ---- the record ---- */

void fault_record_open(const char *path)
{
    record_fd =
        (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (record_fd < 0)
        abort();
}

void fault_record_lock(void)
{
    if (fault_control && record_fd >= 0)
        (void)pthread_mutex_lock(&record_mutex);
}

void fault_record_unlock(void)
{
    if (fault_control && record_fd >= 0)
        (void)pthread_mutex_unlock(&record_mutex);
}

void fault_record(const struct fault_change *change)
{
    struct {
        char what, durable, lost, nothing;
        uint32_t path, path2, length;
        uint64_t inode, offset;
    } head = {.what = change->what,
              .durable = (char)change->durable,
              .lost = (char)change->lost,
              .path = change->path ? (uint32_t)strlen(change->path) : 0,
              .path2 = change->path2 ? (uint32_t)strlen(change->path2) : 0,
              .length = change->data ? (uint32_t)change->length : 0,
              .inode = change->inode,
              .offset = change->offset};
    if (!fault_control || record_fd < 0)
        return;
    struct iovec parts[] = {{&head, sizeof head},
                            {(void *)change->path, head.path},
                            {(void *)change->path2, head.path2},
                            {(void *)change->data, head.length}};
    const long wanted = (long)(sizeof head + head.path + head.path2 + head.length);
    if (syscall(SYS_writev, record_fd, parts, 4) != wanted)
        abort(); /* a record with a hole proves nothing */
    fault_control->recorded++;
}
