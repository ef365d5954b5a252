// SPDX-License-Identifier: EUPL-1.2
// Small files of lines that people's commands change while a server reads them.
#include "text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static bal_status refused(struct bal_error *error, const char *verb, const char *path)
{
    const int number = errno;
    const bool denied = number == EACCES || number == EPERM || number == EROFS;
    return bal_error_set(error, denied ? BAL_EPERM : BAL_EIO, "cannot %s %s: %s", verb, path,
                         strerror(number));
}

char *text_file_path(const char *folder, const char *name)
{
    struct bal_buf path = {0};
    bal_buf_printf(&path, "%s/%s", folder, name);
    bal_buf_append(&path, "", 1);
    return path.data; // freed by free()
}

struct bal_slice text_cut(struct bal_slice *rest, char sign)
{
    const char *const at = rest->length > 0 ? memchr(rest->data, sign, rest->length) : NULL;
    const struct bal_slice before = {.data = rest->data,
                                     .length = at ? (size_t)(at - rest->data) : rest->length};
    const size_t used = before.length + (at != NULL);
    *rest = (struct bal_slice){.data = rest->data ? rest->data + used : NULL,
                               .length = rest->length - used};
    return before;
}

bool text_line_next(struct bal_slice *content, struct bal_slice *line)
{
    if (!content->length)
        return false;
    *line = text_cut(content, '\n');
    return true;
}

bal_status text_file_read(const char *folder, const char *name, struct bal_buf *content,
                          struct bal_error *error)
{
    char *const path = text_file_path(folder, name);
    const bal_status status = bal_file_may_be_there(path)
                                  ? bal_file_read(path, TEXT_FILE_MAX_BYTES, content, error)
                                  : BAL_OK;
    free(path);
    return status;
}

static bal_status take_lock(const char *path, int *out, struct bal_error *error)
{
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    if (fd < 0)
        return refused(error, "open", path);
    if (bal_file_lock(fd, LOCK_EX)) {
        const bal_status status = refused(error, "lock", path);
        (void)close(fd); // nothing was written
        return status;
    }
    *out = fd;
    return BAL_OK;
}

// With mode 0600 the service could not read it otherwise.
static bal_status give_to_owner(const char *folder, const char *path, struct bal_error *error)
{
    return bal_file_give_to_owner(folder, path) ? refused(error, "give away", path) : BAL_OK;
}

bal_status text_file_begin(struct text_file *file, const char *folder, const char *name,
                           struct bal_error *error)
{
    *file = (struct text_file){.path = text_file_path(folder, name), .folder = folder, .lock = -1};
    struct bal_buf lock_name = {0};
    bal_buf_printf(&lock_name, "%s.lock", file->path);
    bal_buf_append(&lock_name, "", 1);
    file->lock_path = lock_name.data;
    if (mkdir(folder, 0750) && errno != EEXIST)
        return refused(error, "create folder", folder);
    bal_status status = take_lock(file->lock_path, &file->lock, error);
    if (!status)
        status = give_to_owner(folder, file->lock_path, error);
    return status ? status : text_file_read(folder, name, &file->content, error);
}

bal_status text_file_replace(struct text_file *file, struct bal_slice content,
                             struct bal_error *error)
{
    const bal_status status = bal_file_replace(file->path, content, 0600, error);
    return status ? status : give_to_owner(file->folder, file->path, error);
}

void text_file_end(struct text_file *file)
{
    if (file->lock >= 0)
        (void)close(file->lock); // gives the lock to the next in line
    bal_buf_finish(&file->content);
    free(file->lock_path);
    free(file->path);
}
