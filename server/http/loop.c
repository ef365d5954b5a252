// SPDX-License-Identifier: EUPL-1.2
// The life of one event loop: a turn of the library, then the flight that filled during it leaves.
// A stop is a slope, not a cliff: accept what waits, let the library say goodbye, answer what is
// parked, end idle connections, and at the deadline cut the rest. It never waits for a client.
#include "loop.h"

#include "memory.h"
#include "parked.h"
#include "reply.h"
#include "server.h"

#include <balise/forget.h>
#include <balise/log.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define GRACE_NS (100 * 1000000LL)      // a request that is on its way when the stop comes
#define LAST_WORDS_NS (250 * 1000000LL) // from the cut until the thread ends
#define PATIENCE_MS 60000
#define PATIENCE_DRAINING_MS 20

enum order { ORDER_TLS, ORDER_ANSWER, ORDER_DRAIN };

struct command {
    h2o_multithread_message_t message; // first, so that a message is its command
    enum order order;
    SSL_CTX *tls;
    int64_t deadline_ns;
};

static _Thread_local struct loop *current;

struct loop *loop_current(void)
{
    return current;
}

static void start_draining(struct loop *loop, int64_t deadline_ns)
{
    if (loop->draining)
        return;
    loop->draining = true;
    loop->deadline_ns = deadline_ns;
    loop->drained_at_ns = bal_clock_steady_ns() + GRACE_NS;
    accept_stop(loop);
    h2o_context_request_shutdown(&loop->context);
}

static void on_commands(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    struct loop *loop = H2O_STRUCT_FROM_MEMBER(struct loop, commands, receiver);
    h2o_linklist_t *next;
    for (h2o_linklist_t *at = messages->next; at != messages; at = next) {
        next = at->next;
        struct command *command = H2O_STRUCT_FROM_MEMBER(struct command, message.link, at);
        if (command->order == ORDER_DRAIN) {
            start_draining(loop, command->deadline_ns);
        } else if (command->order == ORDER_ANSWER) {
            atomic_store(&loop->answered, true);
        } else {
            // Connections that were accepted hold references of their own to the old one.
            SSL_CTX_free(loop->accept.ssl_ctx);
            loop->accept.ssl_ctx = command->tls;
        }
        free(command);
    }
    h2o_linklist_init_anchor(messages); // all of them are freed
}

static void on_landings(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    flights_on_landed(&H2O_STRUCT_FROM_MEMBER(struct loop, landings, receiver)->flights, messages);
}

static void on_answers(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    (void)receiver;
    while (!h2o_linklist_is_empty(messages)) {
        struct job *job = H2O_STRUCT_FROM_MEMBER(struct job, message.link, messages->next);
        h2o_linklist_unlink(&job->message.link);
        if (h2o_linklist_is_linked(&job->of_loop))
            h2o_linklist_unlink(&job->of_loop);
        h2o_req_t *req = parked_take(&job->waiting);
        if (req)
            answer_send(req, job);
        job_destroy(job);
    }
}

static void open_loop(struct loop *loop)
{
    memory_init();
    current = loop;
    reaper_init(&loop->reaper);
    loop->evloop = h2o_evloop_create();
    h2o_context_init(&loop->context, loop->evloop, &loop->side->conf);
    h2o_multithread_queue_t *queue = loop->context.queue;
    h2o_multithread_register_receiver(queue, &loop->landings, on_landings);
    h2o_multithread_register_receiver(queue, &loop->answers, on_answers);
    h2o_multithread_register_receiver(queue, &loop->commands, on_commands);
    loop->accept.ctx = &loop->context;
    loop->accept.hosts = loop->side->conf.hosts;
    h2o_linklist_init_anchor(&loop->jobs);
    if (loop->beacons)
        flights_init(&loop->flights, loop->server->parts.store, loop->server->parts.config,
                     loop->server->parts.clock, &loop->counters, &loop->landings);
    accept_start(loop);

    pthread_mutex_lock(&loop->lock);
    loop->started = true;
    pthread_cond_signal(&loop->changed);
    pthread_mutex_unlock(&loop->lock);
}

static bool busy(struct loop *loop)
{
    return (loop->beacons && flights_busy(&loop->flights)) || !h2o_linklist_is_empty(&loop->jobs);
}

/** The deadline: nobody waits any more, for anything. */
static void cut_everything(struct loop *loop, int64_t now_ns)
{
    loop->cut = true;
    loop->given_up_at_ns = now_ns + LAST_WORDS_NS;
    if (loop->beacons)
        flights_ground(&loop->flights);
    while (!h2o_linklist_is_empty(&loop->jobs)) {
        struct job *job = H2O_STRUCT_FROM_MEMBER(struct job, of_loop, loop->jobs.next);
        h2o_linklist_unlink(&job->of_loop);
        h2o_req_t *req = parked_take(&job->waiting);
        if (req)
            reply_busy(req, "The server is stopping.");
    }
    if (loop->server->readers)
        readers_forget(loop->server->readers, &loop->answers);
}

/** One step down the slope; true at its foot. */
static bool drain(struct loop *loop)
{
    const int64_t now_ns = bal_clock_steady_ns();
    if (!loop->cut && now_ns >= loop->deadline_ns)
        cut_everything(loop, now_ns);
    const bool quiet = loop->cut || !busy(loop);
    if (quiet && h2o_linklist_is_empty(&loop->connections))
        return true;
    if (loop->cut) {
        // First a turn in which what was answered can be written, then the end.
        accept_shutdown(loop, now_ns > loop->deadline_ns + LAST_WORDS_NS / 2 ? SHUT_RDWR : SHUT_RD);
        return now_ns >= loop->given_up_at_ns;
    }
    // The library reads the end of the stream, finishes what it is writing, and closes.
    if (quiet && now_ns >= loop->drained_at_ns)
        accept_shutdown(loop, SHUT_RD);
    return false;
}

static int32_t patience(const struct loop *loop)
{
    int32_t wait = loop->draining ? PATIENCE_DRAINING_MS : PATIENCE_MS;
    const int32_t reaper = reaper_patience(loop);
    wait = reaper < wait ? reaper : wait;
    if (loop->beacons) {
        const int32_t flights = flights_patience(&loop->flights);
        wait = flights < wait ? flights : wait;
    }
    return wait;
}

static void close_loop(struct loop *loop)
{
    if (!loop->cut)
        cut_everything(loop, bal_clock_steady_ns());
    // Nobody sends any more; what was sent before must still be taken out of the inboxes.
    while (!h2o_linklist_is_empty(&loop->landings._messages) ||
           !h2o_linklist_is_empty(&loop->answers._messages) ||
           !h2o_linklist_is_empty(&loop->commands._messages))
        (void)h2o_evloop_run(loop->evloop, 0);
    if (loop->beacons)
        flights_finish(&loop->flights);
    reaper_finish(&loop->reaper);
    SSL_CTX_free(loop->accept.ssl_ctx);
    loop->left_over = !h2o_linklist_is_empty(&loop->connections);
    if (loop->left_over)
        return; // the library asserts that a context has no connection when it is disposed
    // The order to stop may have arrived before its sender has done waking this thread.
    pthread_mutex_lock(&loop->lock);
    pthread_mutex_unlock(&loop->lock);
    h2o_multithread_unregister_receiver(loop->context.queue, &loop->landings);
    h2o_multithread_unregister_receiver(loop->context.queue, &loop->answers);
    h2o_multithread_unregister_receiver(loop->context.queue, &loop->commands);
    h2o_timeout_unlink(&loop->context.http2._graceful_shutdown_timeout);
    h2o_context_dispose(&loop->context);
    h2o_evloop_destroy(loop->evloop);
}

/** The library counts by its own context, which only this thread may read. */
static void count_refusals(struct loop *loop)
{
    uint64_t refused = 0;
    for (int e = 0; e < H2O_STATUS_ERROR_MAX; e++)
        refused += loop->context.emitted_error_status[e];
    for (int e = 0; e < H2O_HTTP2_ERROR_MAX; e++)
        refused += loop->context.http2.events.protocol_level_errors[e];
    atomic_store_explicit(&loop->counters.refused, refused, memory_order_relaxed);
}

static void *loop_main(void *memory)
{
    struct loop *loop = memory;
    (void)pthread_setname_np(pthread_self(), loop->beacons ? "public" : "private");
    open_loop(loop);
    for (bool ended = false; !ended;) {
        if (h2o_evloop_run(loop->evloop, patience(loop)) != 0 && errno != EINTR)
            bal_log(BAL_LOG_ERROR, "http", "poll_failed", BAL_NUM("errno", errno));
        if (loop->beacons)
            flights_turn(&loop->flights, loop->draining);
        reaper_turn(loop);
        count_refusals(loop);
        bal_forget_stack(loop->accept.ssl_ctx != NULL);
        ended = loop->draining && drain(loop);
    }
    close_loop(loop);
    return NULL;
}

bal_status loop_start(struct loop *loop, SSL_CTX *tls, struct bal_error *error)
{
    const bal_status status = accept_prepare(loop, error);
    if (status)
        return status;
    pthread_mutex_init(&loop->lock, NULL);
    pthread_cond_init(&loop->changed, NULL);
    atomic_store(&loop->answered, true);
    if (tls)
        SSL_CTX_up_ref(tls);
    loop->accept.ssl_ctx = tls;
    const int failed = pthread_create(&loop->thread, NULL, loop_main, loop);
    if (failed) {
        SSL_CTX_free(tls);
        accept_abandon(loop);
        return bal_error_set(error, BAL_ENOSPC, "cannot start a loop's thread: %s",
                             strerrordesc_np(failed));
    }
    pthread_mutex_lock(&loop->lock);
    while (!loop->started)
        pthread_cond_wait(&loop->changed, &loop->lock);
    pthread_mutex_unlock(&loop->lock);
    return BAL_OK;
}

static void send_command(struct loop *loop, struct command command)
{
    struct command *sent = bal_alloc(sizeof *sent);
    *sent = command;
    // The lock is held while the message is sent: the receiver's queue cannot go meanwhile.
    pthread_mutex_lock(&loop->lock);
    h2o_multithread_send_message(&loop->commands, &sent->message);
    pthread_mutex_unlock(&loop->lock);
}

void loop_set_tls(struct loop *loop, SSL_CTX *tls)
{
    SSL_CTX_up_ref(tls);
    send_command(loop, (struct command){.order = ORDER_TLS, .tls = tls});
}

bool loop_is_alive(struct loop *loop)
{
    if (!atomic_exchange(&loop->answered, false))
        return false;
    send_command(loop, (struct command){.order = ORDER_ANSWER});
    return true;
}

void loop_drain(struct loop *loop, int64_t deadline_ns)
{
    send_command(loop, (struct command){.order = ORDER_DRAIN, .deadline_ns = deadline_ns});
}

bool loop_join(struct loop *loop, const struct timespec *until)
{
    if (pthread_timedjoin_np(loop->thread, NULL, until) != 0) {
        (void)pthread_detach(loop->thread);
        return false;
    }
    pthread_mutex_destroy(&loop->lock);
    pthread_cond_destroy(&loop->changed);
    return true;
}
