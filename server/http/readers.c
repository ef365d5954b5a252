// SPDX-License-Identifier: EUPL-1.2
// A small work queue with its threads. One lock guards the queue and every job's way home: a
// message is sent while it is held, so a loop that has had itself forgotten gets no message more.
#include "readers.h"

#include "metrics.h"
#include "reply.h"

#include <balise/bytes.h>
#include <balise/forget.h>
#include <balise/lock.h>
#include <balise/retention.h>
#include <balise/wire.h>

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUEUED_AT_MOST 64
#define PARAMETERS_AT_MOST 32

struct readers {
    const struct bal_config *config;
    const struct bal_clock *clock;
    struct bal_store *store;
    struct bal_source source;                  /**< of answers */
    struct bal_audit *audit;                   // may be NULL
    struct bal_budgets *budgets;               // the same
    char nowhere[BAL_SITE_NAME_MAX_BYTES + 1]; // the name of a site that there is not

    pthread_rwlock_t reload_lock;      // guards reloaded, also while an answer reads of it
    const struct bal_config *reloaded; // as of the last reload

    pthread_mutex_t lock; // guards what follows, and job->home
    pthread_cond_t work;
    struct job *first, **last;
    int queued;
    bool stopping;
    struct job **running; // [thread], NULL while it waits

    pthread_t *threads;
    int thread_count;
};

struct job *job_create(enum job_kind kind, struct bal_slice query, enum bal_format format,
                       const struct bal_grant *grant)
{
    struct job *job = bal_calloc(1, sizeof *job);
    job->kind = kind;
    job->query = bal_alloc(query.length + 1);
    if (query.length > 0)
        memcpy(job->query, query.data, query.length);
    job->query_bytes = query.length;
    job->format = format;
    job->grant = *grant;
    h2o_linklist_init_anchor(&job->waiting);
    return job;
}

void job_destroy(struct job *job)
{
    if (!job)
        return;
    bal_buf_finish(&job->answer.body);
    bal_buf_finish(&job->body);
    free(job->query);
    free(job);
}

void answer_refuse(struct bal_answer *answer, int status, const char *detail)
{
    bal_buf_clear(&answer->body);
    answer->status = status;
    answer->media_type = PROBLEM;
    bal_problem_write(&answer->body, status, reply_title(status), detail);
}

/**
 * A token of one site asks for another: the question is put about a site that does not exist, so
 * that the answer is the one of an unknown site to the byte, and made by the same code.
 */
static void narrow(const struct readers *readers, const struct bal_grant *grant,
                   struct bal_parameter *parameters, size_t count)
{
    if (grant->site[0] == '\0')
        return;
    const struct bal_slice own = bal_slice_of(grant->site);
    for (size_t i = 0; i < count; i++)
        if (bal_slice_equal(parameters[i].name, BAL_SLICE("site")) &&
            !bal_slice_equal(parameters[i].value, own))
            parameters[i].value = bal_slice_of(readers->nowhere);
}

static void answer_annotations(const struct readers *readers, struct job *job,
                               const struct bal_parameter *parameters, size_t count)
{
    const struct annotations_asked asked = {.config = readers->config,
                                            .clock = readers->clock,
                                            .audit = readers->audit,
                                            .grant = &job->grant,
                                            .kind = job->kind,
                                            .parameters = parameters,
                                            .count = count,
                                            .body = bal_buf_slice(&job->body)};
    annotations_answer(&asked, &job->answer);
}

static bool is_of_annotations(enum job_kind kind)
{
    return kind == JOB_ANNOTATIONS || kind == JOB_ANNOTATE || kind == JOB_UNANNOTATE;
}

static void answer_record(struct readers *readers, struct job *job,
                          const struct bal_parameter *parameters, size_t count)
{
    pthread_rwlock_rdlock(&readers->reload_lock);
    const struct record_asked asked = {.config = readers->reloaded,
                                       .clock = readers->clock,
                                       .parameters = parameters,
                                       .count = count,
                                       .format = job->format,
                                       .markdown = job->markdown};
    record_answer(&asked, &job->answer);
    pthread_rwlock_unlock(&readers->reload_lock);
}

/* Judges by the budgets in force. */
static void answer_report(struct readers *readers, struct job *job,
                          const struct bal_kpi_request *request, int64_t now_ms)
{
    pthread_rwlock_rdlock(&readers->reload_lock);
    bal_report_answer(&readers->source, readers->reloaded, request, now_ms, &job->answer);
    pthread_rwlock_unlock(&readers->reload_lock);
}

static void answer_asked(struct readers *readers, struct job *job, struct bal_parameter *parameters,
                         size_t count)
{
    const struct bal_kpi_request request = {
        .parameters = parameters, .count = count, .format = job->format};
    if (job->kind == JOB_AUDIT) {
        audit_answer(readers->config->data_dir, parameters, count, &job->answer);
    } else if (job->kind == JOB_RECORD) {
        answer_record(readers, job, parameters, count);
    } else {
        const int64_t now_ms = bal_clock_now_ms(readers->clock);
        narrow(readers, &job->grant, parameters, count);
        if (job->kind == JOB_BUDGETS)
            bal_budgets_answer(readers->budgets, &request, &job->answer);
        else if (is_of_annotations(job->kind))
            answer_annotations(readers, job, parameters, count);
        else if (job->kind == JOB_EQUITY)
            bal_equity_answer(&readers->source, readers->config, &request, now_ms, &job->answer);
        else if (job->kind == JOB_REPORT)
            answer_report(readers, job, &request, now_ms);
        else
            bal_kpi_answer(&readers->source, readers->config, &request, now_ms, &job->answer);
    }
}

/* What has parameters. */
static void answer_query(struct readers *readers, struct job *job)
{
    struct bal_parameter parameters[PARAMETERS_AT_MOST];
    struct bal_buf memory = {0};
    size_t count = 0;
    const struct bal_slice query = {.data = job->query, .length = job->query_bytes};
    if (bal_parameters_parse(query, &memory, parameters, PARAMETERS_AT_MOST, &count) != BAL_OK) {
        answer_refuse(&job->answer, 400, "The query is not a list of percent-encoded parameters.");
    } else {
        answer_asked(readers, job, parameters, count);
    }
    bal_buf_finish(&memory);
}

static void answer_retention(const struct readers *readers, struct job *job)
{
    struct bal_retention report;
    const bal_status status = bal_retention_read(readers->config, bal_clock_now_ms(readers->clock),
                                                 readers->store, &report, NULL);
    if (status) {
        answer_refuse(&job->answer, 500, "The data folder cannot be read.");
    } else {
        job->answer.status = 200;
        job->answer.media_type = "application/json";
        bal_retention_json(&report, &job->answer.body);
    }
    bal_retention_finish(&report);
}

/** Behind what the loop has written already. */
static void answer_metrics(const struct readers *readers, struct job *job)
{
    const struct metrics_asked asked = {.config = readers->config,
                                        .store = readers->store,
                                        .budgets = readers->budgets,
                                        .now_ms = bal_clock_now_ms(readers->clock),
                                        .grant = &job->grant};
    metrics_told(&asked, &job->answer.body);
    job->answer.status = 200;
    job->answer.media_type = METRICS_TYPE;
}

static void work_on(struct readers *readers, struct job *job)
{
    if (job->kind == JOB_METRICS) {
        answer_metrics(readers, job);
        return; // no tag
    }
    if (job->kind == JOB_RETENTION && job->query_bytes > 0)
        answer_refuse(&job->answer, 400, "There are no parameters.");
    else if (job->kind == JOB_RETENTION)
        answer_retention(readers, job);
    else
        answer_query(readers, job);
    // Of the bytes, so it is strong. A new version of the program may hash otherwise: then all are
    // sent once more.
    const uint64_t form = bal_hash_bytes(bal_slice_of(job->answer.media_type), 0);
    (void)snprintf(job->etag, sizeof job->etag, "\"%016" PRIx64 "\"",
                   bal_hash_bytes(bal_buf_slice(&job->answer.body), form));
}

/** The next job of thread `i`, or NULL when it is time to end. */
static struct job *next_job(struct readers *readers, int i)
{
    pthread_mutex_lock(&readers->lock);
    while (!readers->first && !readers->stopping)
        pthread_cond_wait(&readers->work, &readers->lock);
    struct job *job = readers->stopping ? NULL : readers->first;
    if (job) {
        readers->first = job->next;
        if (!readers->first)
            readers->last = &readers->first;
        readers->queued--;
        readers->running[i] = job;
    }
    pthread_mutex_unlock(&readers->lock);
    return job;
}

static void send_home(struct readers *readers, int i, struct job *job)
{
    pthread_mutex_lock(&readers->lock);
    readers->running[i] = NULL;
    const bool homeless = !job->home;
    if (!homeless)
        h2o_multithread_send_message(job->home, &job->message);
    pthread_mutex_unlock(&readers->lock);
    if (homeless)
        job_destroy(job);
}

struct thread_start {
    struct readers *readers;
    int index;
};

static void *reader_main(void *memory)
{
    const struct thread_start start = *(struct thread_start *)memory;
    free(memory);
    struct job *job;
    (void)pthread_setname_np(pthread_self(), "reader");
    while ((job = next_job(start.readers, start.index)) != NULL) {
        work_on(start.readers, job);
        send_home(start.readers, start.index, job);
        bal_forget_stack(true); // a query is no hot path
    }
    return NULL;
}

static void name_nowhere(struct readers *readers)
{
    for (unsigned i = 0;; i++) {
        snprintf(readers->nowhere, sizeof readers->nowhere, "unknown-%u", i);
        if (bal_config_site(readers->config, bal_slice_of(readers->nowhere)) < 0)
            return;
    }
}

bal_status readers_create(const struct bal_server_parts *parts, struct readers **out,
                          struct bal_error *error)
{
    const int wanted = parts->config->query.threads > 0 ? parts->config->query.threads : 1;
    struct readers *readers = bal_calloc(1, sizeof *readers);
    *readers = (struct readers){.config = parts->config,
                                .reloaded = parts->config,
                                .clock = parts->clock,
                                .store = parts->store,
                                .source = parts->source,
                                .audit = parts->audit,
                                .budgets = parts->budgets};
    /* A reload waits for answers that are being made, not for those that come after it. */
    const bal_status status = bal_rwlock_init(&readers->reload_lock, error);
    if (status) {
        free(readers);
        return status;
    }
    readers->last = &readers->first;
    readers->running = bal_calloc((size_t)wanted, sizeof(struct job *));
    readers->threads = bal_calloc((size_t)wanted, sizeof *readers->threads);
    pthread_mutex_init(&readers->lock, NULL);
    pthread_cond_init(&readers->work, NULL);
    name_nowhere(readers);
    for (; readers->thread_count < wanted; readers->thread_count++) {
        struct thread_start *start = bal_alloc(sizeof *start);
        *start = (struct thread_start){.readers = readers, .index = readers->thread_count};
        if (pthread_create(&readers->threads[readers->thread_count], NULL, reader_main, start)) {
            free(start);
            break;
        }
    }
    *out = readers;
    if (readers->thread_count == wanted)
        return BAL_OK;
    return bal_error_set(error, BAL_ENOSPC, "cannot start the reader threads (%d wanted)", wanted);
}

/** Whoever watches over a server that is busy does not wait behind what makes it so. */
static void enqueue(struct readers *readers, struct job *job)
{
    struct job **place = job->kind == JOB_METRICS ? &readers->first : readers->last;
    job->next = *place;
    *place = job;
    if (!job->next)
        readers->last = &job->next;
    readers->queued++;
}

int readers_waiting(struct readers *readers)
{
    pthread_mutex_lock(&readers->lock);
    const int waiting = readers->queued;
    pthread_mutex_unlock(&readers->lock);
    return waiting;
}

void readers_set_config(struct readers *readers, const struct bal_config *config)
{
    pthread_rwlock_wrlock(&readers->reload_lock);
    readers->reloaded = config;
    pthread_rwlock_unlock(&readers->reload_lock);
}

bool readers_submit(struct readers *readers, struct job *job, h2o_multithread_receiver_t *home)
{
    pthread_mutex_lock(&readers->lock);
    const bool taken = readers->queued < QUEUED_AT_MOST && !readers->stopping;
    if (taken) {
        job->home = home;
        enqueue(readers, job);
        pthread_cond_signal(&readers->work);
    }
    pthread_mutex_unlock(&readers->lock);
    return taken;
}

void readers_forget(struct readers *readers, const h2o_multithread_receiver_t *home)
{
    pthread_mutex_lock(&readers->lock);
    for (int i = 0; i < readers->thread_count; i++)
        if (readers->running[i] && readers->running[i]->home == home)
            readers->running[i]->home = NULL;
    for (struct job *job = readers->first; job; job = job->next)
        if (job->home == home)
            job->home = NULL;
    pthread_mutex_unlock(&readers->lock);
}

bool readers_destroy(struct readers *readers, const struct timespec *deadline)
{
    if (!readers)
        return true;
    pthread_mutex_lock(&readers->lock);
    readers->stopping = true;
    pthread_cond_broadcast(&readers->work);
    pthread_mutex_unlock(&readers->lock);
    int left = 0;
    for (int i = 0; i < readers->thread_count; i++) {
        if (pthread_timedjoin_np(readers->threads[i], NULL, deadline) == 0)
            continue;
        (void)pthread_detach(readers->threads[i]);
        left++;
    }
    if (left > 0)
        return false;
    while (readers->first) {
        struct job *job = readers->first;
        readers->first = job->next;
        assert(!job->home && "the loops end before the readers");
        job_destroy(job);
    }
    pthread_rwlock_destroy(&readers->reload_lock);
    pthread_mutex_destroy(&readers->lock);
    pthread_cond_destroy(&readers->work);
    free(readers->running);
    free(readers->threads);
    free(readers);
    return true;
}
