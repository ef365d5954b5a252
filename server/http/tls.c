// SPDX-License-Identifier: EUPL-1.2
// TLS from certificate files. Nothing about a visitor is kept between connections: no ticket, no
// session cache, and so no early data either, which could be replayed and counted twice.
#include "tls.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <time.h>

// Never written; the library's vectors have no const.
static char http1[] = "http/1.1";
static const h2o_iovec_t http1_alone[] = {{http1, sizeof http1 - 1}, {NULL, 0}};

/** An encrypted key must not make a server ask its terminal. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return 0;
}

static bal_status fail(struct bal_error *error, const char *file, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    const bal_status status = bal_error_set(error, BAL_EINVAL, "%s: %s (%s)", file, what,
                                            reason ? reason : "no reason given");
    ERR_clear_error();
    return status;
}

static bal_status load(SSL_CTX *tls, const struct bal_tls_files *files, struct bal_error *error)
{
    SSL_CTX_set_default_passwd_cb(tls, no_passphrase);
    if (SSL_CTX_use_certificate_chain_file(tls, files->certificate_file) != 1)
        return fail(error, files->certificate_file, "not a certificate chain in PEM");
    if (SSL_CTX_use_PrivateKey_file(tls, files->key_file, SSL_FILETYPE_PEM) != 1)
        return fail(error, files->key_file, "not a private key in PEM for that certificate");
    if (SSL_CTX_check_private_key(tls) != 1)
        return fail(error, files->key_file, "not the key of the certificate");
    return BAL_OK;
}

bal_status tls_create(const struct bal_tls_files *files, bool http1_only, SSL_CTX **out,
                      struct bal_error *error)
{
    ERR_clear_error();
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (!tls)
        return bal_error_set(error, BAL_ENOSPC, "cannot make a TLS context");
    SSL_CTX_set_options(tls, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
    bal_status status = BAL_OK;
    if (SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_num_tickets(tls, 0) != 1 || SSL_CTX_set_max_early_data(tls, 0) != 1 ||
        SSL_CTX_set_cipher_list(tls, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
        status = fail(error, files->certificate_file, "the TLS library refuses our settings");
    if (!status)
        status = load(tls, files, error);
    if (status) {
        SSL_CTX_free(tls);
        return status;
    }
    h2o_ssl_register_alpn_protocols(tls, http1_only ? http1_alone : h2o_alpn_protocols);
    *out = tls;
    return BAL_OK;
}

int64_t tls_end_s(const SSL_CTX *tls)
{
    struct tm end;
    const X509 *certificate = tls ? SSL_CTX_get0_certificate(tls) : NULL;
    if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1)
        return 0;
    return timegm(&end);
}
