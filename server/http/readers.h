// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HTTP_READERS_H
#define BALISE_HTTP_READERS_H

#include "lib.h"

#include <balise/clock.h>
#include <balise/http.h>
#include <balise/query.h>
#include <balise/tokens.h>

/**
 * The reader threads: answers to queries read the disk, so no loop computes one. A bounded queue;
 * past it the caller says 503.
 */
struct readers;

enum { ETAG_BYTES = 19 };

/** What a reader is asked for. */
enum job_kind {
    JOB_KPI,
    JOB_EQUITY,
    JOB_BUDGETS,
    JOB_REPORT,
    JOB_RETENTION,
    JOB_AUDIT,
    JOB_RECORD,
    JOB_METRICS,
    JOB_ANNOTATIONS, /**< list */
    JOB_ANNOTATE,
    JOB_UNANNOTATE
};

/** One query on its way. Made by a loop, worked on by a reader, home again by a message; freed by
 * job_destroy. */
struct job {
    h2o_multithread_message_t message; /**< first, so that a message is its job */
    h2o_linklist_t waiting;            /**< of the loop: its parked request */
    h2o_linklist_t of_loop;            /**< of the loop: all its jobs */
    struct job *next;                  /**< of the readers: their queue */
    h2o_multithread_receiver_t
        *home; /**< guarded by the readers' lock; NULL once the loop has gone */
    enum job_kind kind;
    char *query; /**< as it was sent, undecoded; owned */
    size_t query_bytes;
    struct bal_buf body; /**< of the request; owned */
    enum bal_format format;
    bool markdown; /**< Accept asks for it */
    struct bal_grant grant;
    struct bal_answer answer; /**< valid once home */
    char etag[ETAG_BYTES];    /**< of the answer, with its quotes; "": it is never the same */
};

struct job *job_create(enum job_kind kind, struct bal_slice query, enum bal_format format,
                       const struct bal_grant *grant);
void job_destroy(struct job *job); /**< accepts NULL */

/** Sends a job's answer, or 304 to one who has it already. On the request's loop. */
void answer_send(h2o_req_t *req, const struct job *job);

/** Makes an answer a problem document (RFC 9457), whatever it was. */
void answer_refuse(struct bal_answer *answer, int status, const char *detail);

/** JOB_AUDIT: the last records of the audit log (`limit`, 100), the newest last. */
void audit_answer(const char *data_dir, const struct bal_parameter *parameters, size_t count,
                  struct bal_answer *answer);

/** JOB_RECORD: the record of processing activities (`lang`, the notice's; `format`, what Accept
 * asks for). */
struct record_asked {
    const struct bal_config *config;
    const struct bal_clock *clock;
    const struct bal_parameter *parameters;
    size_t count;
    enum bal_format format;
    bool markdown; /**< before `format` */
};
void record_answer(const struct record_asked *asked, struct bal_answer *answer);

/** JOB_ANNOTATIONS, JOB_ANNOTATE and JOB_UNANNOTATE. */
struct annotations_asked {
    const struct bal_config *config;
    const struct bal_clock *clock;
    struct bal_audit *audit;
    const struct bal_grant *grant;
    enum job_kind kind;
    const struct bal_parameter *parameters;
    size_t count;
    struct bal_slice body;
};
void annotations_answer(const struct annotations_asked *asked, struct bal_answer *answer);

/** Starts config->query.threads threads. Borrows all of it until destroyed. */
BAL_MUST_USE bal_status readers_create(const struct bal_server_parts *parts, struct readers **out,
                                       struct bal_error *error);

/** From now on the record of processing is that of `config`, and reports judge by its budgets. It
 * is borrowed; nobody uses the one before any more once this has returned, for which it waits until
 * reports that are being made are. */
void readers_set_config(struct readers *readers, const struct bal_config *config);

/** Takes the job unless it returns false: the queue is full. Its home's callback gets it back. Any
 * loop. */
bool readers_submit(struct readers *readers, struct job *job, h2o_multithread_receiver_t *home);

/** Jobs that wait for a thread. Any thread. */
int readers_waiting(struct readers *readers);

/** No message is sent to `home` once this has returned; jobs that are out free themselves. */
void readers_forget(struct readers *readers, const h2o_multithread_receiver_t *home);

/** Ends the threads and frees; false, with nothing freed, when one does not end before the deadline
 * (CLOCK_REALTIME) and is left to itself. Accepts NULL. */
BAL_MUST_USE bool readers_destroy(struct readers *readers, const struct timespec *deadline);

#endif
