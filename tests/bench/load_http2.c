// SPDX-License-Identifier: EUPL-1.2
// HTTP/2 without TLS, with prior knowledge: many requests under way a connection. The library
// compresses headers as a proxy's would be.
#include "load.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

struct stream {
    const struct beacon *beacon;
    int64_t due_ns;
    size_t body_sent;
    int status;
    struct stream *next_free;
};

struct session {
    nghttp2_session *session;
    struct stream *streams, *free;
};

static ssize_t on_read_body(nghttp2_session *session, int32_t id, uint8_t *out, size_t room,
                            uint32_t *flags, nghttp2_data_source *source, void *user)
{
    (void)session;
    (void)id;
    (void)user;
    struct stream *stream = source->ptr;
    const struct bal_slice body = stream->beacon->body;
    const size_t left = body.length - stream->body_sent;
    const size_t bytes = left < room ? left : room;
    memcpy(out, body.data + stream->body_sent, bytes);
    stream->body_sent += bytes;
    if (bytes == left)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)bytes;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
                     void *user)
{
    (void)value_length;
    (void)flags;
    (void)user;
    struct stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (stream && name_length == 7 && memcmp(name, ":status", 7) == 0)
        stream->status = (int)strtol((const char *)value, NULL, 10); // the library terminates it
    return 0;
}

static int on_stream_close(nghttp2_session *nghttp2, int32_t id, uint32_t error, void *user)
{
    struct connection *connection = user;
    struct session *session = connection->state;
    struct stream *stream = nghttp2_session_get_stream_user_data(nghttp2, id);
    if (!stream)
        return 0;
    connection->in_flight--;
    load_answered(connection->load, stream->due_ns, error == NGHTTP2_NO_ERROR ? stream->status : 0);
    stream->next_free = session->free;
    session->free = stream;
    return 0;
}

/** Moves what the session has to say into the output. */
static void speak(struct connection *connection)
{
    const struct session *session = connection->state;
    const uint8_t *data;
    for (ssize_t bytes; (bytes = nghttp2_session_mem_send(session->session, &data)) > 0;)
        bal_buf_append(&connection->output, data, (size_t)bytes);
}

static void http2_open(struct connection *connection)
{
    const uint32_t count = connection->load->options.streams;
    struct session *session = bal_calloc(1, sizeof *session);
    session->streams = bal_calloc(count, sizeof *session->streams);
    for (uint32_t i = 0; i < count; i++) {
        session->streams[i].next_free = session->free;
        session->free = &session->streams[i];
    }
    nghttp2_session_callbacks *callbacks = NULL;
    if (nghttp2_session_callbacks_new(&callbacks))
        abort();
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    if (nghttp2_session_client_new(&session->session, callbacks, connection) ||
        nghttp2_submit_settings(session->session, NGHTTP2_FLAG_NONE, NULL, 0))
        abort();
    nghttp2_session_callbacks_del(callbacks);
    connection->state = session;
    speak(connection);
}

static void http2_close(struct connection *connection)
{
    struct session *session = connection->state;
    if (!session)
        return;
    for (; connection->in_flight > 0; connection->in_flight--)
        load_answered(connection->load, 0, 0);
    nghttp2_session_del(session->session);
    free(session->streams);
    free(session);
    connection->state = NULL;
}

static nghttp2_nv header(const char *name, struct bal_slice value)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
                        .value = (uint8_t *)(uintptr_t)value.data,
                        .namelen = strlen(name),
                        .valuelen = value.length,
                        .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

static void http2_request(struct connection *connection, const struct beacon *beacon,
                          int64_t due_ns)
{
    struct session *session = connection->state;
    struct stream *stream = session->free;
    session->free = stream->next_free;
    *stream = (struct stream){.beacon = beacon, .due_ns = due_ns};
    char length[24];
    const int digits = snprintf(length, sizeof length, "%zu", beacon->body.length);
    const nghttp2_nv headers[] = {
        header(":method", BAL_SLICE("POST")),
        header(":scheme", BAL_SLICE("http")),
        header(":authority", BAL_SLICE("portal.example")),
        header(":path", bal_slice_of(connection->load->options.target)),
        header("content-type", BAL_SLICE("text/plain;charset=UTF-8")),
        header("content-length", (struct bal_slice){.data = length, .length = (size_t)digits}),
        header("user-agent", beacon->agent),
        header("origin", beacon->origin),
        header("x-forwarded-for", beacon->address),
    };
    const nghttp2_data_provider body = {.source.ptr = stream, .read_callback = on_read_body};
    connection->in_flight++;
    if (nghttp2_submit_request(session->session, NULL, headers, sizeof headers / sizeof *headers,
                               &body, stream) < 0)
        abort();
    speak(connection);
}

static bool http2_take(struct connection *connection, const char *data, size_t length)
{
    const struct session *session = connection->state;
    const ssize_t taken = nghttp2_session_mem_recv(session->session, (const uint8_t *)data, length);
    speak(connection);
    return taken == (ssize_t)length && (nghttp2_session_want_read(session->session) ||
                                        nghttp2_session_want_write(session->session));
}

const struct speaker http2_speaker = {http2_open, http2_close, http2_request, http2_take};
