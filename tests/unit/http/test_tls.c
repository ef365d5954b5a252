// SPDX-License-Identifier: EUPL-1.2
// TLS with throw-away certificates: the protocols that are offered, what is left out, and reloads.
#include "h2.h"

#include <malloc.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

static char folder[] = "/tmp/balise-tls-XXXXXX";
static char certificate[64], key[64];

static EVP_PKEY *write_key(void)
{
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    FILE *file = fopen(key, "w");
    assert_non_null(pair);
    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, pair, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(file), 0);
    return pair;
}

/** Replaces both files by a new self-signed certificate with this name. */
static void write_certificate(const char *name)
{
    EVP_PKEY *pair = write_key();
    X509 *x509 = X509_new();
    assert_int_equal(X509_set_version(x509, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x509), 1), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x509), -60));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x509), 3600));
    X509_NAME *subject = X509_get_subject_name(x509);
    assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                                (const unsigned char *)name, -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(x509, subject), 1);
    assert_int_equal(X509_set_pubkey(x509, pair), 1);
    assert_true(X509_sign(x509, pair, EVP_sha256()) > 0);
    FILE *file = fopen(certificate, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, x509), 1);
    assert_int_equal(fclose(file), 0);
    X509_free(x509);
    EVP_PKEY_free(pair);
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(certificate, sizeof certificate, "%s/cert.pem", folder);
    snprintf(key, sizeof key, "%s/key.pem", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(certificate);
    (void)unlink(key);
    return rmdir(folder);
}

static int open_with_tls(void **state)
{
    const int failed = world_open(state);
    write_certificate("first.example");
    world_config.public_side.listener.tls = (struct bal_tls_files){certificate, key};
    return failed;
}

static int serve(void **state)
{
    const int failed = open_with_tls(state);
    world_serve();
    return failed;
}

static const unsigned char both[] = "\x02h2\x08http/1.1";
static const unsigned char one[] = "\x08http/1.1";

/** Greets over an open connection; .ssl is NULL when the handshake fails. `offer`: the protocols of
 * ALPN. */
static struct h2 greet(int fd, const unsigned char *offer, int newest)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    assert_int_equal(SSL_CTX_set_alpn_protos(context, offer, (unsigned)strlen((const char *)offer)),
                     0);
    assert_int_equal(SSL_CTX_set_min_proto_version(context, TLS1_VERSION), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(context, newest), 1);
    SSL_CTX_set_security_level(context, 0);
    struct h2 h2 = {.fd = fd, .ssl = SSL_new(context)};
    SSL_CTX_free(context);
    assert_int_equal(SSL_set_fd(h2.ssl, h2.fd), 1);
    if (SSL_connect(h2.ssl) == 1)
        return h2;
    SSL_free(h2.ssl);
    h2.ssl = NULL;
    return h2;
}

static struct h2 dial(const unsigned char *offer, int newest)
{
    return greet(client_dial(bal_server_port(world_server, false, 0)), offer, newest);
}

static void expect_protocol(const struct h2 *h2, const char *protocol)
{
    const unsigned char *chosen = NULL;
    unsigned length = 0;
    SSL_get0_alpn_selected(h2->ssl, &chosen, &length);
    assert_int_equal(length, strlen(protocol));
    if (length > 0)
        assert_memory_equal(chosen, protocol, length);
}

static void expect_name(const struct h2 *h2, const char *name)
{
    char text[64] = {0};
    X509 *x509 = SSL_get1_peer_certificate(h2->ssl);
    assert_non_null(x509);
    assert_true(X509_NAME_get_text_by_NID(X509_get_subject_name(x509), NID_commonName, text,
                                          sizeof text) > 0);
    X509_free(x509);
    assert_string_equal(text, name);
}

static void expect_beacon_over_http1(const struct h2 *h2)
{
    static const char beacon[] =
        "POST /balise/b HTTP/1.1\r\n" HOST FROM_PORTAL "Content-Length: 4\r\n\r\nview";
    char answer[512] = {0};
    assert_int_equal(SSL_write(h2->ssl, beacon, sizeof beacon - 1), (int)sizeof beacon - 1);
    assert_true(SSL_read(h2->ssl, answer, sizeof answer - 1) > 0);
    assert_non_null(strstr(answer, "HTTP/1.1 204 "));
}

static void a_browser_gets_http_2_by_alpn(void **state)
{
    (void)state;
    struct h2 h2 = dial(both, TLS1_3_VERSION);
    assert_non_null(h2.ssl);
    expect_protocol(&h2, "h2");
    h2_hello(&h2);
    uint32_t stream = 0;
    h2_beacon(&h2, 1, "view");
    assert_int_equal(h2_answer(&h2, &stream), 204);
    h2_close(&h2);
}

static void http_1_is_there_for_who_speaks_nothing_else(void **state)
{
    (void)state;
    struct h2 h2 = dial(one, TLS1_2_VERSION);
    assert_non_null(h2.ssl);
    expect_protocol(&h2, "http/1.1");
    expect_beacon_over_http1(&h2);
    h2_close(&h2);
}

static void http1_only_does_not_offer_http_2(void **state)
{
    (void)open_with_tls(state);
    world_config.public_side.http1_only = true;
    world_serve();
    struct h2 h2 = dial(both, TLS1_3_VERSION);
    assert_non_null(h2.ssl);
    expect_protocol(&h2, "http/1.1");
    expect_beacon_over_http1(&h2);
    h2_close(&h2);
}

static void versions_before_tls_1_2_are_refused(void **state)
{
    (void)state;
    struct h2 old = dial(both, TLS1_1_VERSION);
    assert_null(old.ssl);
    h2_close(&old);
}

static void privacy_28_no_session_can_be_resumed(void **state)
{
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct h2 h2 = dial(one, version);
        assert_non_null(h2.ssl);
        expect_beacon_over_http1(&h2);
        SSL_SESSION *session = SSL_get1_session(h2.ssl);
        assert_false(session && SSL_SESSION_is_resumable(session));
        assert_false(session && SSL_SESSION_has_ticket(session));
        SSL_SESSION_free(session);
        h2_close(&h2);
    }
}

static void reload_and_wait_for(const char *name)
{
    write_certificate(name);
    struct bal_error error = {0};
    assert_int_equal(bal_server_read_certificates(world_server, &error), BAL_OK);
    bal_server_use_certificates(world_server);
    // The loops learn of it by a message.
    for (bool is_new = false; !is_new;) {
        struct h2 after = dial(one, TLS1_3_VERSION);
        char text[64] = {0};
        X509 *x509 = SSL_get1_peer_certificate(after.ssl);
        assert_true(X509_NAME_get_text_by_NID(X509_get_subject_name(x509), NID_commonName, text,
                                              sizeof text) > 0);
        is_new = strcmp(text, name) == 0;
        X509_free(x509);
        expect_beacon_over_http1(&after);
        h2_close(&after);
    }
}

static void a_reload_gives_new_connections_the_new_certificate(void **state)
{
    (void)state;
    struct h2 before = dial(one, TLS1_3_VERSION);
    expect_name(&before, "first.example");
    reload_and_wait_for("second.example");
    reload_and_wait_for("third.example");
    expect_beacon_over_http1(&before); // unharmed
    h2_close(&before);
}

static void a_connection_that_was_open_before_a_reload_may_greet_after_it(void **state)
{
    (void)state;
    const int waiting = client_dial(bal_server_port(world_server, false, 0));
    struct h2 other = dial(one, TLS1_3_VERSION); // so the one before it has been accepted
    expect_beacon_over_http1(&other);
    h2_close(&other);
    reload_and_wait_for("second.example");
    reload_and_wait_for("third.example");
    struct h2 late = greet(waiting, one, TLS1_3_VERSION);
    assert_non_null(late.ssl);
    expect_name(&late, "first.example");
    expect_beacon_over_http1(&late);
    h2_close(&late);
}

static void after_a_reload_that_fails_the_old_certificate_stays(void **state)
{
    (void)state;
    EVP_PKEY *pair = write_key(); // not the certificate's
    EVP_PKEY_free(pair);
    struct bal_error error = {0};
    assert_int_equal(bal_server_read_certificates(world_server, &error), BAL_EINVAL);
    assert_non_null(strstr(error.text, key));
    struct h2 h2 = dial(one, TLS1_3_VERSION);
    expect_name(&h2, "first.example");
    expect_beacon_over_http1(&h2);
    h2_close(&h2);
}

static void a_certificate_that_was_read_again_is_not_used_until_it_is_said(void **state)
{
    (void)state;
    write_certificate("second.example");
    struct bal_error error = {0};
    assert_int_equal(bal_server_read_certificates(world_server, &error), BAL_OK);
    struct h2 h2 = dial(one, TLS1_3_VERSION);
    expect_name(&h2, "first.example"); // a loop would have learnt of it before it accepted this
    expect_beacon_over_http1(&h2);
    h2_close(&h2);
    reload_and_wait_for("third.example");
}

static void a_missing_certificate_is_an_error_that_names_the_file(void **state)
{
    (void)open_with_tls(state);
    assert_int_equal(unlink(certificate), 0);
    struct bal_error error = {0};
    assert_int_equal(world_try_to_serve(&error), BAL_EINVAL);
    assert_non_null(strstr(error.text, certificate));
    assert_null(world_server);
}

static void a_client_that_does_not_finish_its_handshake_does_not_hold_up_a_stop(void **state)
{
    (void)state;
    struct client silent = client_open(false), babbling = client_open(false);
    client_send(&babbling, "\x16\x03\x01");
    struct h2 h2 = dial(one, TLS1_3_VERSION); // both are in by now
    expect_beacon_over_http1(&h2);
    assert_true(world_stop(20));
    assert_true(client_sees_the_end(&silent));
    h2_close(&h2);
    client_close(&silent);
    client_close(&babbling);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_browser_gets_http_2_by_alpn, serve, world_close),
        cmocka_unit_test_setup_teardown(http_1_is_there_for_who_speaks_nothing_else, serve,
                                        world_close),
        cmocka_unit_test_teardown(http1_only_does_not_offer_http_2, world_close),
        cmocka_unit_test_setup_teardown(versions_before_tls_1_2_are_refused, serve, world_close),
        cmocka_unit_test_setup_teardown(privacy_28_no_session_can_be_resumed, serve, world_close),
        cmocka_unit_test_setup_teardown(a_reload_gives_new_connections_the_new_certificate, serve,
                                        world_close),
        cmocka_unit_test_setup_teardown(
            a_connection_that_was_open_before_a_reload_may_greet_after_it, serve, world_close),
        cmocka_unit_test_setup_teardown(after_a_reload_that_fails_the_old_certificate_stays, serve,
                                        world_close),
        cmocka_unit_test_setup_teardown(
            a_certificate_that_was_read_again_is_not_used_until_it_is_said, serve, world_close),
        cmocka_unit_test_teardown(a_missing_certificate_is_an_error_that_names_the_file,
                                  world_close),
        cmocka_unit_test_setup_teardown(
            a_client_that_does_not_finish_its_handshake_does_not_hold_up_a_stop, serve,
            world_close),
    };
    (void)mallopt(M_PERTURB, 0xdd); // whoever reads what was freed reads nonsense
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
