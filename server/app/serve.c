// SPDX-License-Identifier: EUPL-1.2
// `balise serve`: builds everything from the bottom up, waits for a signal, takes it down in
// reverse.
#include "serving.h"

#include <balise/audit.h>
#include <balise/log.h>
#include <balise/retention.h>
#include <balise/sandbox.h>
#include <balise/swap.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { DRAIN_SECONDS = 10, SECOND_NS = 1000000000 };

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
 * writes even locked memory. */
static void warn_of_swap(void)
{
    const int64_t areas = bal_swap_areas();
    if (areas > 0)
        bal_log(BAL_LOG_WARNING, "serve", "swap_on", BAL_NUM("areas", areas));
}

/* They may claim any address, and so as many visitors as they like. */
static void warn_of_strangers(const struct bal_config *config)
{
    const size_t strangers = bal_config_trusted_strangers(config);
    if (strangers > 0)
        bal_log(BAL_LOG_WARNING, "serve", "strangers_trusted", BAL_NUM("networks", strangers));
}

/* Signals are taken by sigtimedwait on the main thread only; every other thread inherits this mask.
 */
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

static bool is_sandboxed(const struct bal_config *config)
{
    return config->sandbox && bal_sandbox_is_built();
}

static bal_status limit_files(const struct bal_config *config, struct bal_error *error)
{
    if (!is_sandboxed(config)) {
        bal_log(BAL_LOG_WARNING, "serve", "no_sandbox",
                BAL_NAME("reason", config->sandbox ? "a build for tests" : "configuration"));
        return BAL_OK;
    }
    int version = 0;
    const bal_status status = bal_sandbox_limit_files(config, &version, error);
    if (!status && version < BAL_SANDBOX_FILES)
        bal_log(BAL_LOG_WARNING, "serve", "files_not_limited", BAL_NUM("landlock", version));
    return status;
}

static bal_status limit_calls(const struct bal_config *config, struct bal_error *error)
{
    return is_sandboxed(config) ? bal_sandbox_limit_calls(config, error) : BAL_OK;
}

/* What `balise retention --verify` would say is for it to say; that it would is in the log. */
static void warn_of_retention(const struct serving *serving)
{
    struct bal_retention report;
    const bal_status status =
        bal_retention_read(serving->config, bal_clock_now_ms(bal_clock_system()),
                           serving->pipeline.store, &report, NULL);
    if (status || report.problem_count > 0)
        bal_log(BAL_LOG_WARNING, "serve", "retention_not_kept",
                BAL_NUM("problems", report.problem_count), BAL_NUM("status", status));
    bal_retention_finish(&report);
}

static struct bal_source source_of(const struct serving *serving)
{
    return serving->remote ? bal_source_of_remote(serving->remote)
                           : bal_source_of_store(serving->pipeline.store);
}

static bal_status start(struct serving *serving, struct bal_error *error)
{
    bal_status status =
        app_pipeline_open(serving->config, bal_clock_system(), &serving->pipeline, error);
    if (!status)
        status =
            bal_tokens_open(serving->config->data_dir, bal_clock_system(), &serving->tokens, error);
    if (!status)
        status = limit_files(serving->config, error);
    if (!status)
        status = bal_store_start(serving->pipeline.store, error);
    if (status)
        return status;
    if (bal_config_asks_cluster(serving->config))
        status = bal_remote_open(serving->config, bal_clock_system(), &serving->remote, error);
    if (status)
        return status;
    serving->budgets =
        bal_budgets_create(serving->pipeline.store, serving->config, bal_clock_system());
    struct bal_server_parts parts = {.config = serving->config,
                                     .clock = bal_clock_system(),
                                     .ingest = serving->pipeline.ingest,
                                     .store = serving->pipeline.store,
                                     .source = source_of(serving),
                                     .tokens = serving->tokens,
                                     .audit = bal_store_audit(serving->pipeline.store),
                                     .budgets = serving->budgets};
    const struct bal_alerts_parts alerts = {
        .config = serving->config, .clock = bal_clock_system(), .budgets = serving->budgets};
    const struct bal_cluster_parts cluster = {.config = serving->config,
                                              .clock = bal_clock_system(),
                                              .store = serving->pipeline.store,
                                              .audit = parts.audit};
    status = bal_alerts_start(&alerts, &serving->alerts, error);
    if (!status)
        status = bal_cluster_start(&cluster, &serving->cluster, error);
    parts.cluster = serving->cluster;
    if (!status)
        status = bal_server_start(&parts, &serving->server, error);
    return status ? status : limit_calls(serving->config, error);
}

/* False when a thread had to be left behind: the process must then end without tearing down what
 * that thread may still use, a read transaction of the store first of all. Once the writer has
 * stopped, all that was acknowledged is in a checkpoint. */
static bool stop(struct serving *serving)
{
    bal_alerts_stop(serving->alerts);
    bal_cluster_stop(serving->cluster);
    const bool whole = bal_server_stop(serving->server, DRAIN_SECONDS);
    if (serving->pipeline.store)
        bal_store_stop(serving->pipeline.store);
    if (!whole)
        return false;
    bal_cluster_close(serving->cluster);
    bal_remote_close(serving->remote);
    bal_budgets_destroy(serving->budgets);
    bal_tokens_close(serving->tokens);
    app_pipeline_close(&serving->pipeline);
    bal_config_destroy(serving->fresh);
    bal_config_destroy(serving->config);
    return true;
}

/* Looks after the threads for the service manager, which ends a process that has gone silent; asks
 * four times in the time that it waits. */
static void keep_watch(struct serving *serving)
{
    const bool loops = bal_server_is_alive(serving->server);
    const bool writer = bal_store_is_alive(serving->pipeline.store);
    if (loops && writer)
        bal_notifier_tell(&serving->notifier, "WATCHDOG=1");
    else
        bal_log(BAL_LOG_WARNING, "serve", "stuck", BAL_NUM("loops", !loops),
                BAL_NUM("writer", !writer));
}

static void wait_for_end(struct serving *serving, const sigset_t *signals)
{
    const int64_t pause_ns = serving->notifier.watchdog_ns / 4;
    const struct timespec pause = {.tv_sec = pause_ns / SECOND_NS, .tv_nsec = pause_ns % SECOND_NS};
    int64_t next_ns = bal_clock_steady_ns() + pause_ns;
    for (;;) {
        const int signal_number = sigtimedwait(signals, NULL, pause_ns > 0 ? &pause : NULL);
        if (signal_number == SIGHUP) {
            serving_reload(serving);
        } else if (signal_number > 0) {
            bal_log(BAL_LOG_INFO, "serve", "stopping", BAL_NUM("signal", signal_number));
            bal_notifier_tell(&serving->notifier, "STOPPING=1");
            return;
        }
        if (pause_ns > 0 && bal_clock_steady_ns() >= next_ns) {
            keep_watch(serving);
            next_ns = bal_clock_steady_ns() + pause_ns;
        }
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
    warn_of_strangers(serving.config);
    bal_notifier_init(&serving.notifier);
    const sigset_t signals = block_signals();
    if (start(&serving, &error) == BAL_OK) {
        say_listening(&serving);
        warn_of_retention(&serving);
        bal_notifier_tell(&serving.notifier, "READY=1\nSTATUS=Serving");
        wait_for_end(&serving, &signals);
    } else {
        result = app_failed(&error);
    }
    if (!stop(&serving))
        _exit(result);
    bal_notifier_finish(&serving.notifier);
    if (!result)
        bal_log(BAL_LOG_INFO, "serve", "stopped", BAL_NUM("status", 0));
    return result;
}
