// SPDX-License-Identifier: EUPL-1.2
// bare PORT [LOOPS [CERTIFICATE KEY]]: the fastest HTTP server that the library lets one write. It
// answers each request 204 and looks at nothing. What balise costs is told as a multiple of it.
// An answer with an empty vector would cost HTTP/1.1 a second write and a turn of the poller
// (h2o_send_inline does that): this one has no vector. Settings are those of server/http.
#define H2O_USE_LIBUV 0
#include <arpa/inet.h>
#include <errno.h>
#include <h2o.h>
#include <h2o/http1.h>
#include <h2o/http2.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static h2o_globalconf_t config;
static SSL_CTX *tls;
static int listener;

static int on_request(h2o_handler_t *handler, h2o_req_t *req)
{
    static h2o_generator_t nothing_more = {NULL, NULL};
    (void)handler;
    req->res.status = 204;
    req->res.reason = "No Content";
    h2o_start_response(req, &nothing_more);
    h2o_send(req, NULL, 0, H2O_SEND_STATE_FINAL);
    return 0;
}

static void on_connect(h2o_socket_t *socket, const char *error)
{
    for (int i = 0; i < 16 && !error; i++) {
        h2o_socket_t *accepted = h2o_evloop_socket_accept(socket);
        if (!accepted)
            return;
        h2o_accept(socket->data, accepted);
    }
}

static void *loop_main(void *unused)
{
    static _Thread_local h2o_context_t context;
    static _Thread_local h2o_accept_ctx_t accept;
    h2o_context_init(&context, h2o_evloop_create(), &config);
    accept = (h2o_accept_ctx_t){.ctx = &context, .hosts = config.hosts, .ssl_ctx = tls};
    h2o_socket_t *socket =
        h2o_evloop_socket_create(context.loop, dup(listener), H2O_SOCKET_FLAG_DONT_READ);
    socket->data = &accept;
    h2o_socket_read_start(socket, on_connect);
    while (h2o_evloop_run(context.loop, INT32_MAX) == 0 || errno == EINTR)
        continue;
    return unused;
}

static int open_listener(uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int on = 1;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        bind(fd, (const struct sockaddr *)&address, sizeof address) || listen(fd, SOMAXCONN)) {
        perror("listen");
        exit(1);
    }
    return fd;
}

static SSL_CTX *open_tls(const char *certificate, const char *key)
{
    SSL_CTX *made = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_options(made, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
    if (!SSL_CTX_set_num_tickets(made, 0) ||
        SSL_CTX_use_certificate_chain_file(made, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(made, key, SSL_FILETYPE_PEM) != 1)
        exit(1);
    h2o_ssl_register_alpn_protocols(made, h2o_alpn_protocols);
    return made;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    const unsigned long loops = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    signal(SIGPIPE, SIG_IGN);
    h2o_config_init(&config);
    h2o_hostconf_t *host =
        h2o_config_register_host(&config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_create_handler(&host->fallback_path, sizeof(h2o_handler_t))->on_req = on_request;
    listener = open_listener((uint16_t)strtoul(argv[1], NULL, 10));
    tls = argc > 4 ? open_tls(argv[3], argv[4]) : NULL;
    for (unsigned long i = 1; i < loops; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, loop_main, NULL))
            return 1;
    }
    (void)loop_main(NULL);
    return 0;
}
