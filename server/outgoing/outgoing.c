// SPDX-License-Identifier: EUPL-1.2
// The options of libcurl that are a matter of safety, in one place.
#include <balise/outgoing.h>

#include <curl/curl.h>

enum { CONNECT_SECONDS = 5 };

static int on_progress(void *context, curl_off_t to_get, curl_off_t got, curl_off_t to_send,
                       curl_off_t sent)
{
    const atomic_bool *const stopping = context;
    (void)to_get;
    (void)got;
    (void)to_send;
    (void)sent;
    return atomic_load(stopping); // not 0 ends the transfer
}

bool bal_outgoing_prepare(void *easy, const char *ca_file, const atomic_bool *stopping)
{
    CURLcode failed = curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    failed |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    failed |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (ca_file)
        failed |= curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    failed |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    failed |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "balise/" BALISE_VERSION);
    if (stopping) {
        failed |= curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
        failed |= curl_easy_setopt(easy, CURLOPT_XFERINFODATA, stopping);
        failed |= curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    }
    return failed == CURLE_OK;
}
