// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_SANDBOX_H
#define BALISE_SANDBOX_H

#include <balise/config.h>

/**
 * What a server gives up for good, so that whoever takes it over finds nothing to work with: the
 * files it was not told about, and the system calls that serving does not need. Both are inherited
 * by threads and by nothing else, since no program can be started any more. Builds with sanitizers
 * or coverage, whose own code needs more, have no sandbox: `bal_sandbox_is_built` says so.
 * `sandbox: false` leaves it out.
 */

/** False in a build whose instruments would not work in it. */
bool bal_sandbox_is_built(void);

/** The version of the kernel's Landlock, of which BAL_SANDBOX_FILES is the least that is used; 0:
 * it has none. */
int bal_sandbox_files_version(void);
enum { BAL_SANDBOX_FILES = 2 };

/**
 * From here on this thread, and those it starts, see the data folder (to read and write) and the
 * folders of the configuration, of the files it names and of OpenSSL's settings (to read); with a
 * webhook or a cluster also what resolving a name and checking a certificate takes. Folders, not
 * files, because files are replaced by renewals. Call it before there are threads and once the data
 * folder is there. `*version` is the kernel's; below BAL_SANDBOX_FILES nothing has changed.
 * BAL_EPERM when a kernel that has it refuses.
 */
BAL_MUST_USE bal_status bal_sandbox_limit_files(const struct bal_config *config, int *version,
                                                struct bal_error *error);

/**
 * From here on all threads of the process have the system calls of serving alone, and can gain no
 * privilege: no program, no socket, no connection to anywhere (but with a webhook or a cluster), no
 * executable memory, no other process. What is not allowed answers ENOSYS, as on a kernel without
 * it. Call it when every listener and thread is there. BAL_EPERM when the kernel has no such
 * filter.
 */
BAL_MUST_USE bal_status bal_sandbox_limit_calls(const struct bal_config *config,
                                                struct bal_error *error);

#endif
