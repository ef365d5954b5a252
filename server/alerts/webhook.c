// SPDX-License-Identifier: EUPL-1.2
// One signed post. A connection of its own each time: there is one a day. The secret is read anew,
// so that it can be changed without a restart; nothing of the answer is kept but its status.
#include "webhook.h"

#include <balise/hmac.h>
#include <balise/outgoing.h>

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ANSWER_MAX_BYTES = 65536, HEADER_BYTES = 128 };

bal_status webhook_secret(const struct bal_config *config, struct bal_buf *secret,
                          struct bal_error *error)
{
    const char *const path = config->webhook.secret_file;
    const bal_status status = bal_file_read(path, SECRET_FILE_MAX_BYTES, secret, error);
    if (status)
        return status;
    const char *const end = secret->length > 0 ? memchr(secret->data, '\n', secret->length) : NULL;
    const size_t line = end ? (size_t)(end - secret->data) : secret->length;
    if (line > 0)
        explicit_bzero(secret->data + line, secret->length - line);
    secret->length = line;
    if (line >= SECRET_LEAST_BYTES)
        return BAL_OK;
    return bal_error_set(error, BAL_EINVAL, "%s: the first line has fewer than %d bytes", path,
                         SECRET_LEAST_BYTES);
}

static void forget(struct bal_buf *secret)
{
    if (secret->data)
        explicit_bzero(secret->data, secret->capacity);
    bal_buf_finish(secret);
}

/* ---- what the library calls ---- */

static size_t on_answer(char *data, size_t size, size_t count, void *context)
{
    size_t *const seen = context;
    (void)data;
    *seen += size * count;
    return *seen > ANSWER_MAX_BYTES ? 0 : size * count; // 0 ends the transfer
}

/* ---- one post ---- */

static bool sign(const struct bal_config *config, struct bal_slice body, int64_t now_s,
                 struct curl_slist **headers)
{
    struct bal_buf secret = {0}, text = {0};
    char hex[BAL_HMAC_TEXT_BYTES], header[HEADER_BYTES];
    const bool known = webhook_secret(config, &secret, NULL) == BAL_OK;
    if (known) {
        bal_buf_printf(&text, "%" PRId64 ".", now_s);
        bal_buf_add(&text, body);
        bal_hmac_sha256(bal_buf_slice(&secret), bal_buf_slice(&text), hex);
        (void)snprintf(header, sizeof header, "Balise-Signature: sha256=%s", hex);
        *headers = curl_slist_append(*headers, header);
        (void)snprintf(header, sizeof header, "Balise-Timestamp: %" PRId64, now_s);
        *headers = curl_slist_append(*headers, header);
    }
    bal_buf_finish(&text);
    forget(&secret);
    return known;
}

/* False when the library lacks something: then nothing is sent. */
static bool set_options(CURL *easy, const struct bal_config *config, struct bal_slice body,
                        const atomic_bool *stopping)
{
    const bool secure = strncmp(config->webhook.url, "https:", 6) == 0;
    if (!bal_outgoing_prepare(easy, config->webhook.ca_file, stopping))
        return false;
    CURLcode failed = curl_easy_setopt(easy, CURLOPT_URL, config->webhook.url);
    failed |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, secure ? "https" : "http");
    if (!secure) // to this machine: no proxy has a part in it
        failed |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
    failed |= curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)config->webhook.seconds);
    failed |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)body.length);
    failed |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
    return failed == CURLE_OK;
}

static bool perform(CURL *easy, struct webhook_result *result)
{
    const CURLcode code = curl_easy_perform(easy);
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &result->status);
    result->reason = code == CURLE_OK ? "status" : curl_easy_strerror(code);
    return code == CURLE_OK && result->status >= 200 && result->status < 300;
}

bool webhook_post(const struct bal_config *config, struct bal_slice body, int64_t now_s,
                  const atomic_bool *stopping, struct webhook_result *result)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    CURL *const easy = curl_easy_init();
    size_t seen = 0;
    bool arrived = false;
    *result = (struct webhook_result){.reason = "the library cannot start"};
    if (!sign(config, body, now_s, &headers))
        result->reason = "the secret cannot be read";
    else if (easy && set_options(easy, config, body, stopping) &&
             curl_easy_setopt(easy, CURLOPT_WRITEDATA, &seen) == CURLE_OK &&
             curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK)
        arrived = perform(easy, result);
    curl_slist_free_all(headers);
    curl_easy_cleanup(easy);
    return arrived;
}
