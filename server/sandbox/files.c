// SPDX-License-Identifier: EUPL-1.2
// The file tree, by Landlock. The C library has no functions for it, so its three calls are made
// here. A rule holds for a folder and what is below it, also for what is put there later.
#include <balise/sandbox.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14) // since version 3, Linux 6.2
#endif
#define TRUNCATE_VERSION 3

#define READING (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define KEEPING                                                                                    \
    (READING | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |                       \
     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |                                \
     LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REFER | LANDLOCK_ACCESS_FS_TRUNCATE)
#define NEVER                                                                                      \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_SOCK |    \
     LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

// What every server reads: OpenSSL's settings, and how much memory it has itself.
static const char *const of_every_server[] = {"/etc/ssl", "/usr/lib/ssl", "/proc/self"};
// What the name of a listener, a webhook or a cluster takes: files below /etc, which are replaced,
// so that no single one can be named (they stay what their owners let this user read), and name
// services.
static const char *const of_names[] = {"/etc", "/lib", "/lib64", "/usr/lib"};
// What a webhook or a cluster takes besides.
static const char *const of_a_client[] = {"/usr/share/ca-certificates",
                                          "/usr/local/share/ca-certificates"};

bool bal_sandbox_is_built(void)
{
#ifdef BALISE_NO_SANDBOX
    return false;
#else
    return true;
#endif
}

int bal_sandbox_files_version(void)
{
    const long version =
        syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version > 0 ? (int)version : 0;
}

/** The rules under construction. */
struct rules {
    int fd;
    uint64_t known; /**< rights that this kernel knows */
    int failed;     /**< the first errno; 0 */
};

static void failed(struct rules *rules, int code)
{
    if (rules->failed == 0)
        rules->failed = code;
}

/** What is not there, or not for us, needs no rule; a rule that is missing for any other reason
 * would keep the server from its own files for good. */
static bool is_elsewhere(int code)
{
    return code == ENOENT || code == ENOTDIR || code == EACCES;
}

static void allow(struct rules *rules, const char *folder, uint64_t rights)
{
    const int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        if (!is_elsewhere(errno))
            failed(rules, errno);
        return;
    }
    const struct landlock_path_beneath_attr rule = {.allowed_access = rights & rules->known,
                                                    .parent_fd = fd};
    if (syscall(SYS_landlock_add_rule, rules->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        failed(rules, errno);
    (void)close(fd);
}

static void allow_folder_of(struct rules *rules, const char *file)
{
    char folder[PATH_MAX];
    const char *const slash = strrchr(file, '/');
    const size_t length = !slash ? 0 : slash == file ? 1 : (size_t)(slash - file);
    if (length >= sizeof folder)
        return;
    memcpy(folder, length > 0 ? file : ".", length > 0 ? length : 1);
    folder[length > 0 ? length : 1] = '\0';
    allow(rules, folder, READING);
}

/** Where it is said to be, and where it is: a renewed certificate is a link to a new file. */
static void allow_file(struct rules *rules, const char *file)
{
    if (!file || file[0] == '\0')
        return;
    allow_folder_of(rules, file);
    char *const real = realpath(file, NULL);
    if (real)
        allow_folder_of(rules, real);
    else if (!is_elsewhere(errno))
        failed(rules, errno);
    free(real);
}

static void allow_names(struct rules *rules)
{
    allow_file(rules, "/etc/resolv.conf"); // often a link to below /run
    for (size_t i = 0; i < sizeof of_names / sizeof of_names[0]; i++)
        allow(rules, of_names[i], READING);
}

static void allow_all(struct rules *rules, const struct bal_config *config)
{
    const struct bal_tls_files *const tls[] = {&config->public_side.listener.tls,
                                               &config->private_side.listener.tls};
    allow(rules, config->data_dir, KEEPING);
    allow_file(rules, config->path);
#ifdef BALISE_TEST_HOOKS
    const char *const counts = getenv("GCOV_PREFIX");
    if (counts)
        allow(rules, counts, KEEPING); // what ran is written there at the end
#endif
    allow_file(rules, getenv("OPENSSL_CONF"));
    for (size_t i = 0; i < sizeof tls / sizeof tls[0]; i++) {
        allow_file(rules, tls[i]->certificate_file);
        allow_file(rules, tls[i]->key_file);
    }
    for (size_t i = 0; i < config->geoip.database_count; i++)
        allow_file(rules, config->geoip.databases[i]);
    for (size_t i = 0; i < sizeof of_every_server / sizeof of_every_server[0]; i++)
        allow(rules, of_every_server[i], READING);
    if (bal_config_listens_by_name(config) || bal_config_connects_out(config))
        allow_names(rules);
    if (!bal_config_connects_out(config))
        return;
    allow_file(rules, config->webhook.secret_file);
    allow_file(rules, config->webhook.ca_file);
    allow_file(rules, config->cluster.password_file);
    allow_file(rules, config->cluster.ca_file);
    for (size_t i = 0; i < sizeof of_a_client / sizeof of_a_client[0]; i++)
        allow(rules, of_a_client[i], READING);
}

bal_status bal_sandbox_limit_files(const struct bal_config *config, int *version,
                                   struct bal_error *error)
{
    *version = bal_sandbox_files_version();
    if (*version < BAL_SANDBOX_FILES)
        return BAL_OK;
    struct rules rules = {.fd = -1, .known = KEEPING | NEVER};
    if (*version < TRUNCATE_VERSION)
        rules.known &= ~LANDLOCK_ACCESS_FS_TRUNCATE;
    const struct landlock_ruleset_attr handled = {.handled_access_fs = rules.known};
    rules.fd = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
    if (rules.fd < 0)
        return bal_error_set(error, BAL_EPERM, "cannot limit files: %s", strerrordesc_np(errno));
    allow_all(&rules, config);
    if (rules.failed == 0 && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
                              syscall(SYS_landlock_restrict_self, rules.fd, 0) != 0))
        rules.failed = errno;
    (void)close(rules.fd);
    if (rules.failed == 0)
        return BAL_OK;
    return bal_error_set(error, BAL_EPERM, "cannot limit files: %s", strerrordesc_np(rules.failed));
}
