// SPDX-License-Identifier: EUPL-1.2
// Files of whole blocks, written in place, durably: what the journal and its keys stand on. Past
// the page cache there is no state between a write and the medium that a failed sync could lose
// silently, and an overwritten key is overwritten where it lies.
#include "blocks.h"

#include <balise/buf.h>
#include <balise/log.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bal_status blocks_status(int code)
{
    switch (code) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return BAL_ENOSPC;
    case EACCES:
    case EPERM:
    case EROFS:
        return BAL_EPERM;
    default:
        return BAL_EIO;
    }
}

size_t blocks_round_up(size_t bytes)
{
    return (bytes + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
}

bal_status blocks_open(const char *path, struct blocks *out, struct bal_error *error)
{
    *out =
        (struct blocks){.fd = open(path, O_RDWR | O_DIRECT | O_DSYNC | O_CLOEXEC), .direct = true};
    if (out->fd < 0 && errno == EINVAL) {
        bal_log(BAL_LOG_WARNING, "store", "no_direct_io", BAL_NUM("errno", errno));
        *out = (struct blocks){.fd = open(path, O_RDWR | O_DSYNC | O_CLOEXEC), .direct = false};
    }
    if (out->fd < 0)
        return bal_error_set(error, blocks_status(errno), "%s: %s", path, strerror(errno));
    return BAL_OK;
}

void blocks_close(struct blocks *blocks)
{
    if (blocks->fd >= 0 && close(blocks->fd))
        bal_log(BAL_LOG_WARNING, "store", "close", BAL_NUM("errno", errno));
    blocks->fd = -1;
}

/* Some filesystems take O_DIRECT at open and refuse it at the first transfer. */
static bool leave_direct(struct blocks *blocks)
{
    if (!blocks->direct ||
        fcntl(blocks->fd, F_SETFL, 0)) /* O_DSYNC cannot be cleared this way and stays */
        return false;
    bal_log(BAL_LOG_WARNING, "store", "no_direct_io", BAL_NUM("errno", EINVAL));
    blocks->direct = false;
    return true;
}

bal_status blocks_write(struct blocks *blocks, const uint8_t *data, size_t length, uint64_t at)
{
    assert(((uintptr_t)data | length | at) % BLOCK_BYTES == 0);
    size_t done = 0;
    while (done < length) {
        const ssize_t n = pwrite(blocks->fd, data + done, length - done, (off_t)(at + done));
        if (n > 0 && (size_t)n % BLOCK_BYTES == 0)
            done += (size_t)n;
        else if (n >= 0)
            return BAL_EIO; /* a torn block */
        else if (errno == EINVAL && leave_direct(blocks))
            continue;
        else if (errno != EINTR)
            return blocks_status(errno);
    }
    return BAL_OK;
}

bal_status blocks_read(struct blocks *blocks, uint8_t *data, size_t length, uint64_t at)
{
    assert(((uintptr_t)data | length | at) % BLOCK_BYTES == 0);
    size_t done = 0;
    while (done < length) {
        const ssize_t n = pread(blocks->fd, data + done, length - done, (off_t)(at + done));
        if (n > 0)
            done += (size_t)n;
        if (n == 0 || (n > 0 && (size_t)n % BLOCK_BYTES != 0))
            break; /* the end of the file */
        if (n < 0 && errno == EINVAL && leave_direct(blocks))
            continue;
        if (n < 0 && errno != EINTR)
            return BAL_EIO;
    }
    memset(data + done, 0, length - done);
    return BAL_OK;
}

static bal_status write_zeroes(int fd, uint64_t bytes)
{
    const size_t chunk = (size_t)1 << 20;
    uint8_t *zeroes = bal_calloc(1, chunk);
    bal_status status = BAL_OK;
    for (uint64_t at = 0; at < bytes && status == BAL_OK;) {
        const size_t wanted = bytes - at < chunk ? (size_t)(bytes - at) : chunk;
        const ssize_t n = pwrite(fd, zeroes, wanted, (off_t)at);
        if (n > 0)
            at += (uint64_t)n;
        else if (n == 0 || errno != EINTR)
            status = n == 0 ? BAL_EIO : blocks_status(errno);
    }
    free(zeroes);
    return status;
}

bal_status blocks_create(const char *folder, const char *path, uint64_t bytes,
                         struct bal_error *error)
{
    struct bal_buf temporary = {0};
    bal_buf_printf(&temporary, "%s.new", path);
    bal_buf_append(&temporary, "", 1);
    const int fd = open(temporary.data, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bal_status status = fd < 0 ? blocks_status(errno) : BAL_OK;
    if (status == BAL_OK)
        status = write_zeroes(fd, bytes);
    if (status == BAL_OK && fsync(fd))
        status = blocks_status(errno);
    if (fd >= 0 && close(fd) && status == BAL_OK)
        status = blocks_status(errno);
    if (status == BAL_OK && rename(temporary.data, path))
        status = blocks_status(errno);
    if (status && fd >= 0)
        (void)unlink(temporary.data);
    bal_buf_finish(&temporary);
    if (status)
        return bal_error_set(error, status, "%s: cannot be created: %s", path,
                             bal_status_text(status));
    return bal_folder_sync(folder, error);
}
