// SPDX-License-Identifier: EUPL-1.2
// HTTP/1.1: one request under way a connection. Answers end by Content-Length or have no body.
#include "load.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void http1_open(struct connection *connection)
{
    bal_buf_clear(&connection->input);
}

static void http1_close(struct connection *connection)
{
    if (connection->in_flight > 0)
        load_answered(connection->load, connection->due_ns, 0);
    connection->in_flight = 0;
}

static void http1_request(struct connection *connection, const struct beacon *beacon,
                          int64_t due_ns)
{
    const struct options *options = &connection->load->options;
    const bool last = options->protocol == HTTP1_TLS;
    connection->due_ns = due_ns;
    connection->in_flight = 1;
    bal_buf_printf(&connection->output,
                   "POST %s HTTP/1.1\r\nhost: portal.example\r\n%scontent-type: "
                   "text/plain;charset=UTF-8\r\ncontent-length: %zu\r\nuser-agent: %.*s\r\norigin: "
                   "%.*s\r\nx-forwarded-for: %.*s\r\n\r\n",
                   options->target, last ? "connection: close\r\n" : "", beacon->body.length,
                   (int)beacon->agent.length, beacon->agent.data, (int)beacon->origin.length,
                   beacon->origin.data, (int)beacon->address.length, beacon->address.data);
    bal_buf_add(&connection->output, beacon->body);
}

/** The length of the answer in the input, 0 while it is not complete. */
static size_t answer_length(const struct bal_buf *input)
{
    const char *head_end = memmem(input->data, input->length, "\r\n\r\n", 4);
    if (!head_end)
        return 0;
    const size_t head = (size_t)(head_end - input->data) + 4;
    size_t body = 0;
    for (const char *line = input->data; line < head_end;) {
        static const char name[] = "content-length:";
        const char *end = memchr(line, '\r', (size_t)(head_end - line) + 1);
        if (strncasecmp(line, name, sizeof name - 1) == 0)
            body = strtoul(line + sizeof name - 1, NULL, 10);
        line = end ? end + 2 : head_end;
    }
    return input->length >= head + body ? head + body : 0;
}

static bool http1_take(struct connection *connection, const char *data, size_t length)
{
    struct bal_buf *input = &connection->input;
    bal_buf_append(input, data, length);
    const size_t answer = answer_length(input);
    if (answer == 0)
        return true;
    const int status = answer > 12 ? (int)strtol(input->data + 9, NULL, 10) : 0; // "HTTP/1.1 204 …"
    connection->in_flight = 0;
    load_answered(connection->load, connection->due_ns, status);
    bal_buf_clear(input);
    return connection->load->options.protocol != HTTP1_TLS;
}

const struct speaker http1_speaker = {http1_open, http1_close, http1_request, http1_take};
