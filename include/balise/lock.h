// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_LOCK_H
#define BALISE_LOCK_H

#include <balise/error.h>
#include <pthread.h>

/**
 * A read-write lock whose writer goes first: with glibc's default, readers that never pause could
 * keep a reload waiting. A thread must not take it for reading twice. BAL_EIO when the system
 * refuses. Destroyed by pthread_rwlock_destroy.
 */
BAL_MUST_USE bal_status bal_rwlock_init(pthread_rwlock_t *lock, struct bal_error *error);

#endif
