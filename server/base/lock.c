// SPDX-License-Identifier: EUPL-1.2
#include <balise/lock.h>

bal_status bal_rwlock_init(pthread_rwlock_t *lock, struct bal_error *error)
{
    pthread_rwlockattr_t attributes;
    int failed = pthread_rwlockattr_init(&attributes);
    if (!failed) {
        failed = pthread_rwlockattr_setkind_np(&attributes,
                                               PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
        failed = failed ? failed : pthread_rwlock_init(lock, &attributes);
        (void)pthread_rwlockattr_destroy(&attributes); // holds nothing
    }
    return failed ? bal_error_set(error, BAL_EIO, "cannot make a lock") : BAL_OK;
}
