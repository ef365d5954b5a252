// SPDX-License-Identifier: EUPL-1.2
// Functions of the library that are replaced by ours, since this release has no setting for what
// they let through: the dynamic linker gives the library itself the executable's definition. Each
// looks first and then calls the original, so that the protocol stays the library's. Types that its
// public headers do not tell are declared here as far as they are looked at.
#include "overrides.h"

#include "loop.h"

#include <assert.h>
#include <dlfcn.h>
#include <string.h>

// Above any browser's; the library itself would take 417,792 bytes, and over HTTP/2 any number.
#define HEAD_BYTES_AT_MOST ((size_t)16 * 1024)
#define FIELDS_AT_MOST 128
// A client may reset a connection's worth of streams, and one in two after that.
#define RESETS_FREE 100
// What a client did wrong, as RFC 9113 §7 numbers it, negated as the library has it.
#define PROTOCOL_ERROR (-1)
#define ENHANCE_YOUR_CALM (-11)
enum { FRAME_HEAD_BYTES = 9, FRAME_CONTINUATION = 9, END_HEADERS = 4 };

struct phr_header {
    const char *name; // NULL: a folded line
    size_t name_len;
    const char *value;
    size_t value_len;
};

typedef int parse_request_fn(const char *, size_t, const char **, size_t *, const char **, size_t *,
                             int *, struct phr_header *, size_t *, size_t);
typedef int parse_fields_fn(h2o_req_t *, void *, const uint8_t *, size_t, int *, size_t *, void **,
                            const char **);
typedef ssize_t decode_frame_fn(void *, const uint8_t *, size_t, const void *, const char **);
typedef void *stream_open_fn(h2o_conn_t *, uint32_t, h2o_req_t *, const void *);
typedef void stream_reset_fn(h2o_conn_t *, void *);
typedef void encode_goaway_fn(h2o_buffer_t **, uint32_t, int, h2o_iovec_t);

parse_request_fn phr_parse_request;
parse_fields_fn h2o_hpack_parse_headers;
decode_frame_fn h2o_http2_decode_frame;
stream_open_fn h2o_http2_stream_open;
stream_reset_fn h2o_http2_stream_reset;
encode_goaway_fn h2o_http2_encode_goaway_frame;

static struct {
    parse_request_fn *parse_request;
    parse_fields_fn *parse_fields;
    decode_frame_fn *decode_frame;
    stream_open_fn *stream_open;
    stream_reset_fn *stream_reset;
    encode_goaway_fn *encode_goaway;
} library;

static void find(void *pointer, const char *name)
{
    void *const found = dlsym(RTLD_NEXT, name);
    assert(found && "the HTTP library is another one than this was built for");
    memcpy(pointer, &found, sizeof found); // ISO C has no cast from an object to a function
}

void overrides_bind(void)
{
    find(&library.parse_request, "phr_parse_request");
    find(&library.parse_fields, "h2o_hpack_parse_headers");
    find(&library.decode_frame, "h2o_http2_decode_frame");
    find(&library.stream_open, "h2o_http2_stream_open");
    find(&library.stream_reset, "h2o_http2_stream_reset");
    find(&library.encode_goaway, "h2o_http2_encode_goaway_frame");
}

static void count(enum guard guard)
{
    struct loop *loop = loop_current();
    if (loop)
        counter_add(&loop->counters.guarded[guard], 1);
}

/* ---- HTTP/1.1 ------------------------------------------------------------------------------- */

/**
 * Whether everybody who reads this request finds its end at the same place (RFC 9112 §3.2, §5.2,
 * §6.3). The library takes the last of several lengths; a proxy in front may have taken the first.
 */
static bool is_unambiguous(int minor_version, const struct phr_header *headers, size_t count)
{
    int hosts = 0, lengths = 0, encodings = 0;
    for (size_t i = 0; i < count; i++) {
        const struct bal_slice name = {.data = headers[i].name, .length = headers[i].name_len};
        if (!headers[i].name)
            return false;
        hosts += bal_slice_equal_nocase(name, BAL_SLICE("host"));
        lengths += bal_slice_equal_nocase(name, BAL_SLICE("content-length"));
        encodings += bal_slice_equal_nocase(name, BAL_SLICE("transfer-encoding"));
    }
    const bool is_1_0 = minor_version == 0;
    return hosts <= 1 && (hosts == 1 || is_1_0) && lengths + encodings <= 1 &&
           !(encodings > 0 && is_1_0);
}

/** The beginning of HTTP/2, or an empty line after a request: no request, and no error either. */
static bool is_none(const char *data, size_t length)
{
    const struct bal_slice said = {.data = data, .length = length};
    size_t ends = 0;
    while (ends < length && (data[ends] == '\r' || data[ends] == '\n'))
        ends++;
    return ends == length || bal_slice_starts(said, BAL_SLICE("PRI * HTTP/2"));
}

/** -1 is a 400 and the end of the connection, -2 "not yet whole". */
int phr_parse_request(const char *data, size_t length, const char **method, size_t *method_length,
                      const char **path, size_t *path_length, int *minor_version,
                      struct phr_header *headers, size_t *header_count, size_t seen)
{
    const int parsed = library.parse_request(data, length, method, method_length, path, path_length,
                                             minor_version, headers, header_count, seen);
    const size_t head_bytes = parsed >= 0 ? (size_t)parsed : parsed == -2 ? length : 0;
    if (head_bytes > HEAD_BYTES_AT_MOST) {
        count(GUARD_HEADERS);
        return -1;
    }
    if (parsed >= 0 && !is_unambiguous(*minor_version, headers, *header_count)) {
        count(GUARD_FRAMING);
        return -1;
    }
    if (parsed == -1 && !is_none(data, length))
        count(GUARD_FRAMING);
    return parsed;
}

/* ---- HTTP/2 --------------------------------------------------------------------------------- */

/** Skips an integer with a prefix of so many bits (RFC 7541 §5.1) and returns it; too large a one
 * is SIZE_MAX. */
static size_t skip_integer(const uint8_t **at, const uint8_t *end, unsigned bits)
{
    const uint8_t most = (uint8_t)((1U << bits) - 1);
    size_t value = *(*at)++ & most;
    if (value < most)
        return value;
    for (unsigned shift = 0; *at < end && shift < 28; shift += 7) {
        const uint8_t byte = *(*at)++;
        value += (size_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    return SIZE_MAX;
}

static void skip_string(const uint8_t **at, const uint8_t *end)
{
    const size_t length = *at < end ? skip_integer(at, end, 7) : 0;
    *at += length < (size_t)(end - *at) ? length : (size_t)(end - *at);
}

/** Field lines and table updates of a block (RFC 7541 §6); of a broken one, those before it breaks:
 * the library finds that out. */
static size_t fields_of(const uint8_t *at, const uint8_t *end)
{
    size_t fields = 0;
    for (; at < end; fields++) {
        const uint8_t first = *at;
        const bool indexed = first & 0x80, update = (first & 0xe0) == 0x20;
        const size_t name = skip_integer(&at, end,
                                         indexed          ? 7
                                         : (first & 0x40) ? 6
                                         : update         ? 5
                                                          : 4);
        if (indexed || update)
            continue;
        if (name == 0)
            skip_string(&at, end);
        skip_string(&at, end);
    }
    return fields;
}

/** What the library lets pass of RFC 9113 §8.2 and §8.3.1: a field without a name, two fields
 * of HTTP/1.1's connections, a path of nothing. */
static bool is_malformed(const h2o_req_t *req)
{
    if (req->input.path.base && req->input.path.len == 0)
        return true;
    for (size_t i = 0; i < req->headers.size; i++) {
        const struct bal_slice name = slice_of(*req->headers.entries[i].name);
        if (name.length == 0 || bal_slice_equal(name, BAL_SLICE("keep-alive")) ||
            bal_slice_equal(name, BAL_SLICE("proxy-connection")))
            return true;
    }
    return false;
}

/**
 * One byte may stand for a field of kilobytes that is in the table, and each becomes an entry of
 * the request's list: the library bounds neither. Trailers (they have no pseudo-headers) would join
 * that list after the headers, where a visitor's X-Forwarded-For comes after his proxy's own; they
 * are read, for the table's sake, and forgotten (RFC 9110 §6.5.1).
 */
int h2o_hpack_parse_headers(h2o_req_t *req, void *table, const uint8_t *data, size_t length,
                            int *pseudo, size_t *content_length, void **digests, const char **error)
{
    const bool too_many =
        length > HEAD_BYTES_AT_MOST ||
        (length > FIELDS_AT_MOST && fields_of(data, data + length) > FIELDS_AT_MOST);
    if (too_many) {
        count(GUARD_HEADERS);
        *error = "too many header fields";
        return ENHANCE_YOUR_CALM;
    }
    const size_t headers = req->headers.size;
    const int result =
        library.parse_fields(req, table, data, length, pseudo, content_length, digests, error);
    const bool malformed = result == 0 && is_malformed(req);
    if (!pseudo)
        req->headers.size = headers;
    if (!malformed)
        return result;
    count(GUARD_FRAMING);
    *error = "a malformed request";
    return PROTOCOL_ERROR;
}

static bool is_condemned(struct loop *loop, const uint8_t *data)
{
    for (h2o_linklist_t *at = loop->condemned.next; at != &loop->condemned; at = at->next) {
        const struct connection *connection =
            H2O_STRUCT_FROM_MEMBER(struct connection, condemned, at);
        if ((const uint8_t *)connection->sock->input->bytes == data)
            return true;
    }
    return false;
}

/**
 * The frame that `data` begins with. A type that nobody knows is to be ignored (RFC 9113 §5.5), but
 * the library writes a line to stderr for each: it is given an acknowledged ping instead. A header
 * block that goes on after the goodbye has been said would keep it in a loop without end.
 */
ssize_t h2o_http2_decode_frame(void *frame, const uint8_t *data, size_t length,
                               const void *settings, const char **error)
{
    static const uint8_t acknowledged_ping[FRAME_HEAD_BYTES + 8] = {0, 0, 8, 6, 1};
    struct loop *loop = loop_current();
    if (loop && is_condemned(loop, data)) {
        *error = "too many streams reset";
        return ENHANCE_YOUR_CALM;
    }
    const ssize_t bytes = library.decode_frame(frame, data, length, settings, error);
    if (bytes < 0)
        return bytes;
    const unsigned type = data[3];
    if (type == FRAME_CONTINUATION && loop && loop->draining) {
        *error = "shutting down";
        return PROTOCOL_ERROR;
    }
    if (type == FRAME_CONTINUATION && bytes == FRAME_HEAD_BYTES && !(data[4] & END_HEADERS)) {
        count(GUARD_HEADERS);
        *error = "a CONTINUATION frame of nothing";
        return ENHANCE_YOUR_CALM;
    }
    if (type > FRAME_CONTINUATION)
        (void)library.decode_frame(frame, acknowledged_ping, sizeof acknowledged_ping, settings,
                                   error);
    return bytes;
}

void *h2o_http2_stream_open(h2o_conn_t *conn, uint32_t stream_id, h2o_req_t *upgraded,
                            const void *priority)
{
    struct connection *connection = connection_of(conn);
    if (connection)
        connection->opened++;
    return library.stream_open(conn, stream_id, upgraded, priority);
}

/** Whoever resets it, the client or the library because of what the client sent: the requests of
 * reset streams are beyond the limit of those that are open. */
void h2o_http2_stream_reset(h2o_conn_t *conn, void *stream)
{
    struct connection *connection = connection_of(conn);
    if (connection && ++connection->reset > RESETS_FREE + connection->opened / 2 &&
        !h2o_linklist_is_linked(&connection->condemned)) {
        count(GUARD_RESETS);
        connection_condemn(connection);
    }
    library.stream_reset(conn, stream);
}

/** The end of a connection: for an error, unless it is 0. */
void h2o_http2_encode_goaway_frame(h2o_buffer_t **buffer, uint32_t last_stream_id, int error,
                                   h2o_iovec_t more)
{
    struct loop *loop = loop_current();
    if (loop && error != 0)
        counter_add(&loop->counters.goaways, 1);
    library.encode_goaway(buffer, last_stream_id, error, more);
}
