// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_TESTS_HTTP_H2_H
#define BALISE_TESTS_HTTP_H2_H

/** Just enough of HTTP/2 (RFC 9113) and HPACK (RFC 7541) to send a beacon and read a status, over
 * TCP or TLS. */

#include "client.h"

#include <openssl/ssl.h>

struct h2 {
    int fd;
    SSL *ssl; // or NULL
    struct bal_buf in;
};

enum {
    H2_DATA = 0,
    H2_HEADERS = 1,
    H2_RESET = 3,
    H2_SETTINGS = 4,
    H2_GOAWAY = 7,
    H2_CONTINUATION = 9
};

struct h2_frame {
    unsigned type, flags;
    uint32_t stream;
    struct bal_buf payload;
};

static inline void h2_write(const struct h2 *h2, const void *data, size_t length)
{
    const char *at = data;
    while (length > 0) {
        const ssize_t n = h2->ssl ? (ssize_t)SSL_write(h2->ssl, at, (int)length)
                                  : send(h2->fd, at, length, MSG_NOSIGNAL);
        assert_true(n > 0);
        at += n;
        length -= (size_t)n;
    }
}

static inline void h2_send(const struct h2 *h2, unsigned type, unsigned flags, uint32_t stream,
                           struct bal_slice payload)
{
    const unsigned char head[9] = {(unsigned char)(payload.length >> 16),
                                   (unsigned char)(payload.length >> 8),
                                   (unsigned char)payload.length,
                                   (unsigned char)type,
                                   (unsigned char)flags,
                                   (unsigned char)(stream >> 24),
                                   (unsigned char)(stream >> 16),
                                   (unsigned char)(stream >> 8),
                                   (unsigned char)stream};
    h2_write(h2, head, sizeof head);
    if (payload.length > 0)
        h2_write(h2, payload.data, payload.length);
}

static inline void h2_hello(const struct h2 *h2)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    h2_write(h2, preface, sizeof preface - 1);
    h2_send(h2, H2_SETTINGS, 0, 0, (struct bal_slice){0});
}

/** A literal header field without indexing and without Huffman coding (RFC 7541 §6.2.2). */
static inline void h2_field(struct bal_buf *block, const char *name, const char *value)
{
    assert_true(strlen(name) < 127 && strlen(value) < 127);
    const unsigned char lengths[2] = {(unsigned char)strlen(name), (unsigned char)strlen(value)};
    bal_buf_append(block, "", 1);
    bal_buf_append(block, &lengths[0], 1);
    bal_buf_append(block, name, lengths[0]);
    bal_buf_append(block, &lengths[1], 1);
    bal_buf_append(block, value, lengths[1]);
}

static inline void h2_beacon(const struct h2 *h2, uint32_t stream, const char *body)
{
    struct bal_buf block = {0};
    h2_field(&block, ":method", "POST");
    h2_field(&block, ":scheme", h2->ssl ? "https" : "http");
    h2_field(&block, ":authority", "portal.example");
    h2_field(&block, ":path", "/balise/b");
    h2_field(&block, "origin", ORIGIN);
    h2_send(h2, H2_HEADERS, 4, stream, bal_buf_slice(&block)); // END_HEADERS
    h2_send(h2, H2_DATA, 1, stream, bal_slice_of(body));       // END_STREAM
    bal_buf_finish(&block);
}

static inline bool h2_need(struct h2 *h2, size_t length)
{
    while (h2->in.length < length) {
        char *room = bal_buf_reserve(&h2->in, 4096);
        const ssize_t n =
            h2->ssl ? (ssize_t)SSL_read(h2->ssl, room, 4096) : recv(h2->fd, room, 4096, 0);
        if (n < 0 && !h2->ssl && (errno == EAGAIN || errno == EWOULDBLOCK))
            fail_msg("no frame in time");
        if (n <= 0)
            return false;
        h2->in.length += (size_t)n;
    }
    return true;
}

/** The next frame, to be released by bal_buf_finish of its payload; false when the server has
 * closed. */
static inline bool h2_read(struct h2 *h2, struct h2_frame *frame)
{
    *frame = (struct h2_frame){0};
    if (!h2_need(h2, 9))
        return false;
    unsigned char head[9];
    memcpy(head, h2->in.data, sizeof head);
    const size_t length = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
    frame->type = head[3];
    frame->flags = head[4];
    frame->stream =
        (uint32_t)head[5] << 24 | (uint32_t)head[6] << 16 | (uint32_t)head[7] << 8 | head[8];
    if (!h2_need(h2, 9 + length))
        return false;
    bal_buf_append(&frame->payload, h2->in.data + 9, length);
    memmove(h2->in.data, h2->in.data + 9 + length, h2->in.length - 9 - length);
    h2->in.length -= 9 + length;
    return true;
}

/** The status in a header block whose first field it is: a static entry, or a literal of that name.
 */
static inline int h2_status(const struct h2_frame *frame)
{
    static const int known[] = {200, 204, 206, 304, 400, 404, 500};
    const unsigned char first = (unsigned char)frame->payload.data[0];
    if (first >= 0x88 && first <= 0x8e)
        return known[first - 0x88];
    char digits[4] = {0};
    memcpy(digits, frame->payload.data + 2, 3); // 0x08 or 0x48, a length, the digits
    return (int)strtol(digits, NULL, 10);
}

/** The next response's status and stream; 0 when the server has closed. */
static inline int h2_answer(struct h2 *h2, uint32_t *stream)
{
    struct h2_frame frame;
    while (h2_read(h2, &frame)) {
        const int status = frame.type == H2_HEADERS ? h2_status(&frame) : 0;
        const bool reset = frame.type == H2_RESET;
        *stream = frame.stream;
        bal_buf_finish(&frame.payload);
        if (reset)
            fail_msg("stream %u was reset", *stream);
        if (status)
            return status;
    }
    return 0;
}

static inline struct h2 h2_open(void)
{
    const struct h2 h2 = {.fd = client_dial(bal_server_port(world_server, false, 0))};
    h2_hello(&h2);
    return h2;
}

static inline void h2_close(struct h2 *h2)
{
    SSL_free(h2->ssl);
    close(h2->fd);
    bal_buf_finish(&h2->in);
    *h2 = (struct h2){.fd = -1};
}

#endif
