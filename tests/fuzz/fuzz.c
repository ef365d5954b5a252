// SPDX-License-Identifier: EUPL-1.2
// Files and folders for the targets, and how they end when something does not hold.
#include "fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FILES = 4, SOURCE_MAX_BYTES = 1 << 22 };

void fuzz_must(bool holds, const char *sentence)
{
    if (!holds) {
        (void)fprintf(stderr, "fuzz: this does not hold: %s\n", sentence);
        abort();
    }
}

const char *fuzz_file(unsigned number, struct bal_slice bytes)
{
    static struct {
        int fd;
        char path[32];
    } files[FILES];
    fuzz_must(number < FILES, "there are four files");
    if (files[number].path[0] == '\0') {
        files[number].fd = memfd_create("fuzz", MFD_CLOEXEC);
        (void)snprintf(files[number].path, sizeof files[number].path, "/proc/self/fd/%d",
                       files[number].fd);
    }
    const int fd = files[number].fd;
    fuzz_must(fd >= 0 && ftruncate(fd, 0) == 0 &&
                  pwrite(fd, bytes.data ? bytes.data : "", bytes.length, 0) ==
                      (ssize_t)bytes.length,
              "a file in memory can be written");
    return files[number].path;
}

struct bal_buf fuzz_source_file(const char *name)
{
    struct bal_buf path = {0}, content = {0};
    bal_buf_printf(&path, "%s/%s", BALISE_SOURCE_DIR, name);
    bal_buf_append(&path, "", 1);
    fuzz_must(bal_file_read(path.data, SOURCE_MAX_BYTES, &content, NULL) == BAL_OK,
              "the source tree has the file");
    bal_buf_finish(&path);
    return content;
}

/* ---- a folder ---- */

static char folder[64];

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *where)
{
    (void)facts;
    (void)kind;
    (void)where;
    return remove(path);
}

void fuzz_remove(const char *path)
{
    enum { DESCRIPTORS = 8 };
    (void)nftw(path, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
}

static void remove_folder(void)
{
    fuzz_remove(folder);
}

const char *fuzz_folder(void)
{
    if (folder[0] == '\0') {
        const bool has_memory = access("/dev/shm", W_OK) == 0;
        (void)snprintf(folder, sizeof folder, "%s/balise-fuzz-XXXXXX",
                       has_memory ? "/dev/shm" : "/tmp");
        fuzz_must(mkdtemp(folder) != NULL, "a folder can be made");
        (void)atexit(remove_folder);
    }
    return folder;
}

/* ---- inputs ---- */

struct bal_slice fuzz_take(struct bal_slice *rest, size_t length)
{
    const size_t taken = length < rest->length ? length : rest->length;
    const struct bal_slice out = {.data = rest->data, .length = taken};
    if (taken > 0) {
        *rest = (struct bal_slice){.data = rest->data + taken, .length = rest->length - taken};
    }
    return out;
}

bool fuzz_line(struct bal_slice *rest, struct bal_slice *line)
{
    if (rest->length == 0) {
        return false;
    }
    const char *const end = memchr(rest->data, '\n', rest->length);
    *line = fuzz_take(rest, end ? (size_t)(end - rest->data) : rest->length);
    (void)fuzz_take(rest, 1);
    return true;
}

void fuzz_damage(struct bal_buf *bytes, struct bal_slice strokes)
{
    enum { HEAD_BYTES = 3 };
    while (strokes.length >= HEAD_BYTES) {
        const struct bal_slice head = fuzz_take(&strokes, HEAD_BYTES);
        const uint8_t *const h = (const uint8_t *)head.data;
        const size_t at = ((size_t)h[0] << 8 | h[1]) % (bytes->length + 1);
        const struct bal_slice over = fuzz_take(&strokes, h[2]);
        if (h[2] == 0) {
            bytes->length = at;
        } else if (over.length > 0) {
            const size_t room = bytes->length - at;
            memcpy(bytes->data + at, over.data, over.length < room ? over.length : room);
        }
    }
}
