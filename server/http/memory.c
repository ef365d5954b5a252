// SPDX-License-Identifier: EUPL-1.2
// The memory of requests: three of the library's exported functions, written anew. Its own keep
// what was in a block for the next request to find, and take 4 KiB for a request's headers and 8
// KiB for its body, of which a beacon fills a tenth: wiping them was a quarter of a view's cost,
// and 500 requests under way did not fit the processor's cache. Here a block is 1 KiB, is wiped as
// far as it was used, and is then kept for the next request.
#include "memory.h"

#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_BYTES = 1024,
    KEPT = 1024,        // blocks a thread keeps, of requests and of bodies each
    INPUT_BYTES = 4096, // the least that the library reads at once
    INPUTS_KEPT = 256,
    ALIGNMENT = 16
};

// The library declares these types and leaves them open.
struct st_h2o_mem_pool_chunk_t {
    struct st_h2o_mem_pool_chunk_t *next;
    size_t pad;
    char bytes[BLOCK_BYTES - ALIGNMENT];
};
struct st_h2o_mem_pool_direct_t {
    struct st_h2o_mem_pool_direct_t *next;
    size_t size;
    char bytes[];
};
// Filled by the library (h2o_mem_link_shared).
struct st_h2o_mem_pool_shared_ref_t {
    struct st_h2o_mem_pool_shared_ref_t *next;
    struct st_h2o_mem_pool_shared_entry_t *entry;
};
// What is kept is a list through the first word of each.
struct st_h2o_mem_recycle_chunk_t {
    struct st_h2o_mem_recycle_chunk_t *next;
};

// Instead of a count of references: it lies in the pool and ends with it.
#define OF_THE_POOL SIZE_MAX

static _Thread_local h2o_mem_recycle_t kept_blocks = {.max = KEPT};
// What sockets are read into. The library's own prototype is left for bodies.
static _Thread_local h2o_buffer_prototype_t inputs = {.allocator = {.max = INPUTS_KEPT},
                                                      ._initial_buf = {.capacity = INPUT_BYTES}};

void memory_init(void)
{
    inputs.mmap_settings = h2o_socket_buffer_prototype.mmap_settings;
    h2o_socket_buffer_prototype._initial_buf.capacity = BLOCK_BYTES - offsetof(h2o_buffer_t, _buf);
    h2o_socket_buffer_prototype.allocator.max = KEPT;
}

void memory_take_in(h2o_socket_t *sock)
{
    h2o_buffer_set_prototype(&sock->input, &inputs);
}

static void keep(h2o_mem_recycle_t *allocator, void *wiped)
{
    if (allocator->cnt == allocator->max) {
        free(wiped);
        return;
    }
    struct st_h2o_mem_recycle_chunk_t *kept = wiped;
    kept->next = allocator->_link;
    allocator->_link = kept;
    allocator->cnt++;
}

/** Only buffers of their first size come here. Bodies and answers were filled from the start; in an
 * input the library decodes chunks in place, so of that all is wiped. */
void h2o_mem_free_recycle(h2o_mem_recycle_t *allocator, void *memory)
{
    h2o_buffer_t *buffer = memory;
    const size_t filled = allocator == &inputs.allocator
                              ? INPUT_BYTES
                              : (size_t)(buffer->bytes - buffer->_buf) + buffer->size;
    explicit_bzero(buffer, offsetof(h2o_buffer_t, _buf) + filled);
    keep(allocator, buffer);
}

void *h2o_mem_alloc_pool(h2o_mem_pool_t *pool, size_t bytes)
{
    const size_t wanted = bytes > 0 ? (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT : ALIGNMENT;
    if (wanted >= sizeof pool->chunks->bytes / 4) {
        struct st_h2o_mem_pool_direct_t *direct = h2o_mem_alloc(sizeof *direct + wanted);
        direct->next = pool->directs;
        direct->size = sizeof *direct + wanted;
        pool->directs = direct;
        return direct->bytes;
    }
    if (!pool->chunks || sizeof pool->chunks->bytes - pool->chunk_offset < wanted) {
        struct st_h2o_mem_pool_chunk_t *fresh =
            h2o_mem_alloc_recycle(&kept_blocks, sizeof *pool->chunks);
        fresh->next = pool->chunks;
        pool->chunks = fresh;
        pool->chunk_offset = 0;
    }
    void *out = pool->chunks->bytes + pool->chunk_offset;
    pool->chunk_offset += wanted;
    return out;
}

size_t memory_of_pool(const h2o_mem_pool_t *pool)
{
    size_t bytes = 0;
    for (const struct st_h2o_mem_pool_chunk_t *chunk = pool->chunks; chunk; chunk = chunk->next)
        bytes += sizeof *chunk;
    for (const struct st_h2o_mem_pool_direct_t *direct = pool->directs; direct;
         direct = direct->next)
        bytes += direct->size;
    return bytes;
}

void *memory_with_end(h2o_mem_pool_t *pool, size_t bytes, void (*on_end)(void *))
{
    struct st_h2o_mem_pool_shared_ref_t *ref = h2o_mem_alloc_pool(pool, sizeof *ref);
    ref->entry = h2o_mem_alloc_pool(pool, sizeof *ref->entry + bytes);
    *ref->entry = (struct st_h2o_mem_pool_shared_entry_t){.refcnt = OF_THE_POOL, .dispose = on_end};
    ref->next = pool->shared_refs;
    pool->shared_refs = ref;
    return ref->entry->bytes;
}

void h2o_mem_clear_pool(h2o_mem_pool_t *pool)
{
    for (struct st_h2o_mem_pool_shared_ref_t *ref = pool->shared_refs; ref; ref = ref->next) {
        if (ref->entry->refcnt == OF_THE_POOL)
            ref->entry->dispose(ref->entry->bytes);
        else
            h2o_mem_release_shared(ref->entry->bytes);
    }
    pool->shared_refs = NULL;
    while (pool->directs) {
        struct st_h2o_mem_pool_direct_t *direct = pool->directs;
        pool->directs = direct->next;
        free(direct);
    }
    size_t used = pool->chunk_offset; // of the newest; those before it are full
    while (pool->chunks) {
        struct st_h2o_mem_pool_chunk_t *chunk = pool->chunks;
        pool->chunks = chunk->next;
        explicit_bzero(chunk, offsetof(struct st_h2o_mem_pool_chunk_t, bytes) + used);
        keep(&kept_blocks, chunk);
        used = sizeof chunk->bytes;
    }
}
