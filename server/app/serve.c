// SPDX-License-Identifier: EUPL-1.2
// `balise serve`: builds everything from the bottom up, waits for a signal, takes it down in
// reverse.
#include "command.h"

#include <balise/audit.h>
#include <balise/http.h>
#include <balise/log.h>
#include <balise/tokens.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { DRAIN_SECONDS = 10 };

struct serving {
    struct bal_config *config;
    struct app_pipeline pipeline;
    struct bal_tokens *tokens;
    struct bal_server *server;
};

/* No core image (it would hold addresses), no debugger of another user, and no death by a closed
 * socket or a full disk's signal. */
static void harden(void)
{
    const struct rlimit none = {0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
}

/* Keys and sketches are locked, but a request on a loop's stack could be swapped out; hibernation
 * writes even locked memory. The first line is the heading. */
static void warn_of_swap(void)
{
    FILE *list = fopen("/proc/swaps", "re");
    int64_t areas = -1;
    for (int c; list && (c = fgetc(list)) != EOF;)
        areas += c == '\n';
    if (areas > 0)
        bal_log(BAL_LOG_WARNING, "serve", "swap_on", BAL_NUM("areas", areas));
    if (list)
        (void)fclose(list);
}

/* Signals are taken by sigwait on the main thread only; every other thread inherits this mask. */
static sigset_t block_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    return set;
}

static void say_listening(const struct serving *serving)
{
    char hash[BAL_HASH_TEXT_BYTES], head[BAL_ANCHOR_TEXT_BYTES];
    bal_config_hash(serving->config, hash);
    bal_audit_head(bal_store_audit(serving->pipeline.store), head);
    bal_log(BAL_LOG_INFO, "serve", "started", BAL_NAME("config", hash), BAL_NAME("audit", head));
    for (size_t i = 0; i < serving->config->public_side.listener.listen_count; i++)
        bal_log(BAL_LOG_INFO, "serve", "listening", BAL_NAME("side", "public"),
                BAL_NAME("host", serving->config->public_side.listener.listen[i].host),
                BAL_NUM("port", bal_server_port(serving->server, false, i)));
    for (size_t i = 0; i < serving->config->private_side.listener.listen_count; i++)
        bal_log(BAL_LOG_INFO, "serve", "listening", BAL_NAME("side", "private"),
                BAL_NAME("host", serving->config->private_side.listener.listen[i].host),
                BAL_NUM("port", bal_server_port(serving->server, true, i)));
}

static bal_status start(struct serving *serving, struct bal_error *error)
{
    bal_status status =
        app_pipeline_open(serving->config, bal_clock_system(), &serving->pipeline, error);
    if (!status)
        status =
            bal_tokens_open(serving->config->data_dir, bal_clock_system(), &serving->tokens, error);
    if (!status)
        status = bal_store_start(serving->pipeline.store, error);
    if (status)
        return status;
    const struct bal_server_parts parts = {.config = serving->config,
                                           .clock = bal_clock_system(),
                                           .ingest = serving->pipeline.ingest,
                                           .store = serving->pipeline.store,
                                           .tokens = serving->tokens,
                                           .audit = bal_store_audit(serving->pipeline.store)};
    return bal_server_start(&parts, &serving->server, error);
}

/* Which regions there are is a matter of privacy: in the audit log before it applies. */
static bal_status tell_databases(struct serving *serving, struct bal_error *error)
{
    return bal_audit_append(bal_store_audit(serving->pipeline.store), error, "reload",
                            BAL_NUM("geoip.databases", serving->config->geoip.database_count));
}

static void reload(struct serving *serving)
{
    struct bal_error error = {0};
    struct bal_geo *geo = NULL;
    bal_status status = bal_geo_open(serving->config, &geo, &error);
    if (!status && serving->config->geoip.database_count > 0)
        status = tell_databases(serving, &error);
    if (!status) {
        bal_ingest_set_geo(serving->pipeline.ingest, geo);
        status = bal_server_reload(serving->server, &error);
    } else {
        bal_geo_close(geo);
    }
    if (status)
        bal_log(BAL_LOG_ERROR, "serve", "reload_refused", BAL_NAME("reason", error.text));
    else
        bal_log(BAL_LOG_INFO, "serve", "reloaded",
                BAL_NUM("databases", serving->config->geoip.database_count));
}

/* False when a thread had to be left behind: the process must then end without tearing down what
 * that thread may still use. */
static bool stop(struct serving *serving)
{
    const bool whole = bal_server_stop(serving->server, DRAIN_SECONDS);
    if (serving->pipeline.store)
        bal_store_stop(serving->pipeline.store);
    if (!whole) {
        bal_store_close(serving->pipeline.store);
        return false;
    }
    bal_tokens_close(serving->tokens);
    app_pipeline_close(&serving->pipeline);
    bal_config_destroy(serving->config);
    return true;
}

static void wait_for_end(struct serving *serving, const sigset_t *signals)
{
    for (int signal_number = 0; sigwait(signals, &signal_number) == 0;) {
        if (signal_number != SIGHUP) {
            bal_log(BAL_LOG_INFO, "serve", "stopping", BAL_NUM("signal", signal_number));
            return;
        }
        reload(serving);
    }
}

int serve_run(int argc, char **argv)
{
    const char *config = NULL;
    const struct app_option options[] = {{.name = "config", .value = &config}};
    struct serving serving = {0};
    struct bal_error error = {0};
    int result = app_options(argc, argv, options, 1, NULL, 0);
    if (!result)
        result = app_load(config, &serving.config);
    if (result)
        return result;
    harden();
    warn_of_swap();
    const sigset_t signals = block_signals();
    if (start(&serving, &error) == BAL_OK) {
        say_listening(&serving);
        wait_for_end(&serving, &signals);
    } else {
        result = app_failed(&error);
    }
    if (!stop(&serving))
        _exit(result);
    if (!result)
        bal_log(BAL_LOG_INFO, "serve", "stopped", BAL_NUM("status", 0));
    return result;
}
