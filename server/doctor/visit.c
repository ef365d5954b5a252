// SPDX-License-Identifier: EUPL-1.2
// A request with libcurl. It follows no redirection, so that what is told is of the address that
// was asked for, and reads no more than a page may have.
#include "visit.h"

#include <balise/outgoing.h>

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { BODY_MAX_BYTES = 8 << 20, SECONDS = 20, HEADER_BYTES = 512 };

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct bal_buf *const body = context;
    if (body->length + size * count > BODY_MAX_BYTES)
        return 0; // ends the transfer
    bal_buf_append(body, data, size * count);
    return size * count;
}

static void copy_header(CURL *easy, const char *name, char *out, size_t bytes)
{
    struct curl_header *header = NULL;
    if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
        (void)snprintf(out, bytes, "%s", header->value);
}

static void copy_policies(CURL *easy, struct bal_buf *out)
{
    struct curl_header *header = NULL;
    for (size_t n = 0; curl_easy_header(easy, "content-security-policy", n, CURLH_HEADER, -1,
                                        &header) == CURLHE_OK;
         n++)
        bal_buf_printf(out, "%s\n", header->value);
    bal_buf_append(out, "", 1);
}

static int64_t certificate_end_s(CURL *easy)
{
    static const char field[] = "Expire date:";
    struct curl_certinfo *chain = NULL;
    if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &chain) != CURLE_OK || !chain ||
        chain->num_of_certs < 1)
        return -1;
    for (const struct curl_slist *line = chain->certinfo[0]; line; line = line->next) {
        if (strncmp(line->data, field, sizeof field - 1) == 0)
            return curl_getdate(line->data + sizeof field - 1, NULL);
    }
    return -1;
}

static CURLcode prepare(CURL *easy, const struct visit_words *words, struct bal_buf *body)
{
    if (!bal_outgoing_prepare(easy, words->ca_file, NULL))
        return CURLE_FAILED_INIT;
    CURLcode failed = curl_easy_setopt(easy, CURLOPT_URL, words->url);
    failed |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    failed |= curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip, br");
    failed |= curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)SECONDS);
    failed |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "balise-doctor/" BALISE_VERSION);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, body);
    if (words->origin)
        failed |= curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, "{}");
    return failed;
}

static struct curl_slist *headers_of(const struct visit_words *words)
{
    char line[HEADER_BYTES];
    struct curl_slist *headers = NULL;
    if (words->known_tag) {
        (void)snprintf(line, sizeof line, "If-None-Match: %s", words->known_tag);
        headers = curl_slist_append(headers, line);
    }
    if (words->origin) {
        (void)snprintf(line, sizeof line, "Origin: %s", words->origin);
        headers = curl_slist_append(headers, line);
        headers = curl_slist_append(headers, "Content-Type: text/plain;charset=UTF-8");
    }
    return headers;
}

void visit_make(const struct visit_words *words, struct visit *out)
{
    struct curl_slist *headers = headers_of(words);
    CURL *easy = curl_easy_init();
    char date[64] = "";
    if (!easy || prepare(easy, words, &out->body) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers) != CURLE_OK) {
        out->failure = "libcurl cannot start";
        goto undo_easy;
    }
    const CURLcode code = curl_easy_perform(easy);
    out->failure = code == CURLE_OK ? NULL : curl_easy_strerror(code);
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &out->status);
    copy_header(easy, "content-encoding", out->encoding, sizeof out->encoding);
    copy_header(easy, "etag", out->tag, sizeof out->tag);
    copy_header(easy, "content-type", out->type, sizeof out->type);
    copy_header(easy, "date", date, sizeof date);
    out->date_s = curl_getdate(date, NULL);
    out->valid_to_s = certificate_end_s(easy);
    copy_policies(easy, &out->policies);
undo_easy:
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
}

void visit_finish(struct visit *visit)
{
    bal_buf_finish(&visit->body);
    bal_buf_finish(&visit->policies);
}
