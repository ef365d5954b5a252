// SPDX-License-Identifier: EUPL-1.2
// The machine that balise runs on. Of the running server no more is asked than the kernel tells
// about whoever holds the lock of the data folder; where that is nobody who can be seen, it is
// said.
#include "look.h"

#include <balise/sandbox.h>
#include <balise/swap.h>
#include <balise/privacy.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

enum { DISK_LEAST_MEBIBYTES = 512, WORD_BYTES = 64, LINE_BYTES = 256, PATH_BYTES = 4096 };

static void check_disk(const struct look *look)
{
    const char *const folder = look->words->config->data_dir;
    struct statvfs disk;
    if (statvfs(folder, &disk) != 0) {
        look_found(look, BAL_ODD, "disk", "%s: %s: is data_dir right, and was the server started?",
                   folder, strerrordesc_np(errno));
        return;
    }
    const uint64_t mebibytes = (uint64_t)disk.f_bavail * disk.f_frsize >> 20;
    if (mebibytes < DISK_LEAST_MEBIBYTES)
        look_found(look, BAL_ODD, "disk",
                   "%" PRIu64
                   " MiB are left for %s: make room, for on a full disk no view is taken "
                   "and no day is closed",
                   mebibytes, folder);
    else
        look_found(look, BAL_WELL, "disk", "%" PRIu64 " MiB are left for %s", mebibytes, folder);
}

/* Whoever holds flock(2) on a file alone, by the kernel's list of locks: "1: FLOCK ADVISORY WRITE
 * 4242 fd:01:131 0 EOF". */
static bool holder_of(const char *path, char pid[WORD_BYTES])
{
    struct stat file;
    FILE *const locks = stat(path, &file) == 0 ? fopen("/proc/locks", "re") : NULL;
    if (!locks)
        return false;
    char line[LINE_BYTES], of[WORD_BYTES], wanted[WORD_BYTES];
    (void)snprintf(wanted, sizeof wanted, "%02x:%02x:%ju", major(file.st_dev), minor(file.st_dev),
                   (uintmax_t)file.st_ino);
    bool is_held = false;
    while (!is_held && fgets(line, sizeof line, locks))
        is_held = sscanf(line, "%*s FLOCK ADVISORY WRITE %63s %63s", pid, of) == 2 &&
                  strcmp(of, wanted) == 0;
    (void)fclose(locks);
    return is_held;
}

/* The server that has the data folder, if it can be seen. */
static bool server_of(const struct look *look, char pid[WORD_BYTES])
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/lock", look->words->config->data_dir);
    return holder_of(path, pid);
}

/* What the kernel says of a process: the word behind `name` in one of its files. */
static bool word_of(const char *pid, const char *file, const char *name, char word[WORD_BYTES])
{
    char path[PATH_BYTES], line[LINE_BYTES];
    (void)snprintf(path, sizeof path, "/proc/%s/%s", pid, file);
    FILE *const lines = fopen(path, "re");
    bool is_told = false;
    while (lines && !is_told && fgets(line, sizeof line, lines))
        is_told = strncmp(line, name, strlen(name)) == 0 &&
                  sscanf(line + strlen(name), " %63s", word) == 1;
    if (lines)
        (void)fclose(lines);
    return is_told;
}

static void check_locked_memory(const struct look *look)
{
    const struct bal_config *const config = look->words->config;
    const size_t needed =
        bal_keyring_bytes(config->site_count, (size_t)config->privacy.visitors_kibibytes * 1024);
    char pid[WORD_BYTES], limit[WORD_BYTES]; // a number or "unlimited"
    if (!server_of(look, pid) || !word_of(pid, "limits", "Max locked memory", limit)) {
        look_found(look, BAL_ODD, "memlock",
                   "no server is to be seen that has %s (look on its machine, as its user or as "
                   "root): whether it may lock the %zu bytes it needs is not known",
                   config->data_dir, needed);
        return;
    }
    uint64_t bytes = UINT64_MAX;
    const bool is_enough =
        strcmp(limit, "unlimited") == 0 ||
        (bal_slice_u64(bal_slice_of(limit), UINT64_MAX, &bytes) == BAL_OK && bytes >= needed);
    if (is_enough)
        look_found(look, BAL_WELL, "memlock", "the server needs %zu bytes of locked memory, of %s",
                   needed, limit);
    else
        look_found(look, BAL_ODD, "memlock",
                   "the server may lock %s bytes and needs %zu at its next start, which would be "
                   "refused: raise LimitMEMLOCK= of the unit or lower privacy.visitors_kibibytes",
                   limit, needed);
}

static void check_swap(const struct look *look)
{
    const int64_t areas = bal_swap_areas();
    if (areas == 0)
        look_found(look, BAL_WELL, "swap", "this machine has none");
    else if (areas > 0)
        look_found(look, BAL_ODD, "swap",
                   "this machine has %" PRId64 " areas: keys and sketches are never written there, "
                   "but a request may be without MemorySwapMax=0, and all of it by hibernation: "
                   "encrypt swap, or do without",
                   areas);
}

static void check_sandbox(const struct look *look)
{
    char pid[WORD_BYTES], filter[WORD_BYTES];
    if (!server_of(look, pid) || !word_of(pid, "status", "Seccomp:", filter))
        return; // said with locked memory
    if (!look->words->config->sandbox || strcmp(filter, "2") != 0)
        look_found(
            look, BAL_ODD, "sandbox",
            "the server has none (\"sandbox\": false, or a build for tests): whoever took it "
            "over would have every system call and file of its user");
    else if (bal_sandbox_files_version() < BAL_SANDBOX_FILES)
        look_found(look, BAL_ODD, "sandbox",
                   "system calls are limited, files are not: this kernel has no Landlock (Linux "
                   "5.19 or later, with landlock in lsm=); the unit and permissions stand alone");
    else
        look_found(look, BAL_WELL, "sandbox", "the server has only the calls and files it needs");
}

void look_at_machine(const struct look *look)
{
    check_disk(look);
    check_locked_memory(look);
    check_swap(look);
    check_sandbox(look);
}
