// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HTTP_MEMORY_H
#define BALISE_HTTP_MEMORY_H

#include "lib.h"

/** Sets how the library takes memory on this thread; before it takes any. See memory.c. */
void memory_init(void);
/** For a socket that was just accepted on this thread. */
void memory_take_in(h2o_socket_t *sock);
/** Memory of a pool, with a function that is called when the pool ends, whatever ends it. */
void *memory_with_end(h2o_mem_pool_t *pool, size_t bytes, void (*on_end)(void *));
/** What a pool has taken, in bytes. */
size_t memory_of_pool(const h2o_mem_pool_t *pool);

#endif
