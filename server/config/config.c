// SPDX-License-Identifier: EUPL-1.2
// Reads the configuration file, and checks what one field alone cannot say (names and origins that
// must be unique, files that come in pairs). Fields are the table's business (fields.c), and the
// walk along it reader.c's.
#include "reader.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX_BYTES = 4 << 20 };

/* ---- checks across fields ------------------------------------------------------------------- */

static bal_status check_name(struct reader *reader, const struct bal_config *config, unsigned site)
{
    for (unsigned other = 0; other < site; other++) {
        if (!strcmp(config->sites[site].name, config->sites[other].name)) {
            char path[PATH_BYTES];
            (void)snprintf(path, sizeof path, "sites[%u].name", site);
            return bal_reader_refuse(reader, path, BAL_EINVAL,
                                     "%s must be unique: it is the name of sites[%u] too", path,
                                     other);
        }
    }
    return BAL_OK;
}

struct origin {
    const char *text;
    unsigned site;
    size_t index;
};

static int compare_origins(const void *a, const void *b)
{
    const struct origin *const x = a, *const y = b;
    const int order = strcmp(x->text, y->text);
    if (order) {
        return order;
    }
    if (x->site != y->site) {
        return x->site < y->site ? -1 : 1;
    }
    return (x->index > y->index) - (x->index < y->index);
}

static bal_status check_origins(struct reader *reader, const struct bal_config *config)
{
    size_t count = 0;
    for (unsigned s = 0; s < config->site_count; s++) {
        count += config->sites[s].origin_count;
    }
    struct origin *const all = bal_calloc(count, sizeof *all);
    size_t n = 0;
    for (unsigned s = 0; s < config->site_count; s++) {
        for (size_t i = 0; i < config->sites[s].origin_count; i++) {
            all[n++] = (struct origin){config->sites[s].origins[i], s, i};
        }
    }
    qsort(all, count, sizeof *all, compare_origins);
    bal_status status = BAL_OK;
    for (size_t i = 1; i < count && !status; i++) {
        if (!strcmp(all[i].text, all[i - 1].text)) {
            char path[PATH_BYTES];
            (void)snprintf(path, sizeof path, "sites[%u].origins[%zu]", all[i].site, all[i].index);
            status = bal_reader_refuse(reader, path, BAL_EINVAL,
                                       "%s must be unique: it is an origin of sites[%u] too", path,
                                       all[i - 1].site);
        }
    }
    free(all);
    return status;
}

static bal_status check_tls(struct reader *reader, const struct bal_tls_files *tls,
                            const char *path)
{
    if (!tls->certificate_file == !tls->key_file) {
        return BAL_OK;
    }
    return bal_reader_refuse(reader, path, BAL_EINVAL,
                             "%s needs both certificate_file and key_file, or none", path);
}

/**
 * An address that both listeners have could be bound by one alone. That is a mistake of the
 * configuration, to be named by its lines, and not an address in use at the start.
 */
static bal_status check_listen(struct reader *reader, const struct bal_config *config)
{
    const struct bal_listener_config *const open = &config->public_side.listener;
    const struct bal_listener_config *const closed = &config->private_side.listener;
    for (size_t i = 0; i < closed->listen_count; i++) {
        for (size_t j = 0; j < open->listen_count; j++) {
            const struct bal_listen *const a = &closed->listen[i], *const b = &open->listen[j];
            if (a->port == 0 || a->port != b->port || strcmp(a->host, b->host) != 0) {
                continue;
            }
            char path[PATH_BYTES];
            (void)snprintf(path, sizeof path, "private.listen[%zu]", i);
            return bal_reader_refuse(reader, path, BAL_EINVAL,
                                     "%s must not be public.listen[%zu] too", path, j);
        }
    }
    return BAL_OK;
}

static bool has_page(const struct bal_site *site, const char *page)
{
    bool found = site->page_count == 0 || !page || !strcmp(page, "(other)");
    for (size_t p = 0; p < site->page_count; p++) {
        found = found || !strcmp(site->pages[p], page);
    }
    return found;
}

/** A budget that could never be told is a slip of the pen. */
static bal_status check_budget(struct reader *reader, const struct bal_site *site, unsigned s,
                               size_t b)
{
    const struct bal_budget *const budget = &site->budgets[b];
    char path[PATH_BYTES];
    if (!has_page(site, budget->page)) {
        (void)snprintf(path, sizeof path, "sites[%u].budgets[%zu].page", s, b);
        return bal_reader_refuse(reader, path, BAL_EINVAL, "%s must be one of sites[%u].pages",
                                 path, s);
    }
    if (budget->poor < 1 && bal_metric_info(budget->metric)->poor_ticks == 0) {
        (void)snprintf(path, sizeof path, "sites[%u].budgets[%zu].poor", s, b);
        return bal_reader_refuse(reader, path, BAL_EINVAL,
                                 "%s must be left out: no limits of %s are published", path,
                                 bal_metric_info(budget->metric)->name);
    }
    return BAL_OK;
}

static bal_status check_budgets(struct reader *reader, const struct bal_config *config)
{
    bal_status status = BAL_OK;
    for (unsigned s = 0; s < config->site_count; s++) {
        for (size_t b = 0; b < config->sites[s].budget_count && !status; b++) {
            status = check_budget(reader, &config->sites[s], s, b);
        }
    }
    return status;
}

static bal_status check_webhook(struct reader *reader, const struct bal_config *config)
{
    if (!config->webhook.url || config->webhook.secret_file) {
        return BAL_OK;
    }
    return bal_reader_refuse(reader, "webhook", BAL_EINVAL,
                             "webhook.url needs webhook.secret_file");
}

/** Nobody else is let in then. */
static bal_status check_proxies(struct reader *reader, const struct bal_config *config)
{
    if (!config->public_side.proxy_protocol || config->public_side.trusted_proxy_count > 0) {
        return BAL_OK;
    }
    return bal_reader_refuse(reader, "public", BAL_EINVAL,
                             "public.proxy_protocol needs public.trusted_proxies");
}

static bal_status check_cluster(struct reader *reader, const struct bal_config *config)
{
    const char *needs = NULL;
    if (bal_config_ships(config) && !config->cluster.node) {
        needs = "cluster.nodes needs cluster.node, a name for this machine";
    } else if (!bal_config_ships(config) && bal_config_asks_cluster(config)) {
        needs = "query.source \"cluster\" needs cluster.nodes";
    }
    return needs ? bal_reader_refuse(reader, "cluster", BAL_EINVAL, "%s", needs) : BAL_OK;
}

static bal_status check(struct reader *reader, const struct bal_config *config)
{
    bal_status status = BAL_OK;
    for (unsigned i = 0; i < config->site_count && !status; i++) {
        status = check_name(reader, config, i);
    }
    status = status ? status : check_origins(reader, config);
    status = status ? status : check_tls(reader, &config->public_side.listener.tls, "public.tls");
    status = status ? status : check_tls(reader, &config->private_side.listener.tls, "private.tls");
    status = status ? status : check_budgets(reader, config);
    status = status ? status : check_webhook(reader, config);
    status = status ? status : check_proxies(reader, config);
    status = status ? status : check_cluster(reader, config);
    return status ? status : check_listen(reader, config);
}

/* ---- loading -------------------------------------------------------------------------------- */

static bal_status parse(struct reader *reader, struct bal_config *config)
{
    json_error_t problem;
    json_t *const root =
        json_loadb(reader->text.data, reader->text.length, JSON_REJECT_DUPLICATES, &problem);
    if (!root) {
        if (reader->error && !reader->error->code) {
            reader->error->line = problem.line;
            reader->error->column = problem.column;
        }
        return bal_error_set(reader->error, BAL_EINVAL, "%s", problem.text);
    }
    bal_status status = BAL_OK;
    if (json_is_object(root)) {
        status = bal_reader_fields(reader, "", "", root, config);
    } else {
        status = bal_reader_refuse(reader, "", BAL_EINVAL, "the configuration must be an object");
    }
    json_decref(root);
    return status ? status : check(reader, config);
}

static bal_status load(const char *path, const struct bal_config *running, struct bal_config **out,
                       struct bal_error *error)
{
    struct bal_buf file = {0};
    bal_status status = bal_file_read(path, FILE_MAX_BYTES, &file, error);
    if (status) {
        return status;
    }
    struct bal_config *const config = bal_calloc(1, sizeof *config);
    config->path = bal_slice_dup(bal_slice_of(path));
    // An empty file has no data, which jansson takes for a wrong argument: it gets an empty text.
    const struct bal_slice text = file.length > 0 ? bal_buf_slice(&file) : BAL_SLICE("");
    struct reader reader = {.text = text, .running = running, .error = error};
    status = parse(&reader, config);
    bal_buf_finish(&file);
    if (status) {
        bal_config_destroy(config);
        return status;
    }
    *out = config;
    return BAL_OK;
}

bal_status bal_config_load(const char *path, struct bal_config **out, struct bal_error *error)
{
    return load(path, NULL, out, error);
}

/** Takes the text of a line off the front of `text`. */
static struct bal_slice next_line(struct bal_slice *text)
{
    const char *const end = memchr(text->data, '\n', text->length);
    const size_t length = end ? (size_t)(end - text->data) : 0;
    const struct bal_slice line = {.data = text->data, .length = length};
    text->data += end ? length + 1 : 0;
    text->length -= end ? length + 1 : 0;
    return line;
}

/** BAL_EINVAL when something differs that only a restart changes. */
static bal_status check_fixed(const struct bal_config *running, const struct bal_config *fresh,
                              struct bal_error *error)
{
    struct bal_buf before = {0}, after = {0};
    bal_config_print_fixed(running, &before);
    bal_config_print_fixed(fresh, &after);
    struct bal_slice old = bal_buf_slice(&before), new = bal_buf_slice(&after);
    struct bal_slice a = next_line(&old), b = next_line(&new);
    while (a.length > 0 && bal_slice_equal(a, b)) {
        a = next_line(&old);
        b = next_line(&new);
    }
    bal_status status = BAL_OK;
    if (a.length > 0 || b.length > 0) {
        const struct bal_slice line = b.length > 0 ? b : a;
        const void *const end = memchr(line.data, ' ', line.length);
        const int path = end ? (int)((const char *)end - line.data) : 0;
        status = bal_error_set(error, BAL_EINVAL, "%.*s has changed, which needs a restart", path,
                               line.data);
    }
    bal_buf_finish(&before);
    bal_buf_finish(&after);
    return status;
}

bal_status bal_config_load_again(const struct bal_config *running, struct bal_config **out,
                                 struct bal_error *error)
{
    struct bal_config *fresh = NULL;
    bal_status status = load(running->path, running, &fresh, error);
    if (!status) {
        status = check_fixed(running, fresh, error);
    }
    if (status) {
        bal_config_destroy(fresh);
        return status;
    }
    *out = fresh;
    return BAL_OK;
}

void bal_config_destroy(struct bal_config *config)
{
    if (!config) {
        return;
    }
    bal_fields_finish("", config);
    free(config->path);
    free(config);
}

bool bal_switch_is_on(enum bal_switch table, uint64_t views)
{
    return table == BAL_ON || (table == BAL_AUTO && views >= BAL_AUTO_LEAST_VIEWS);
}

bool bal_config_ships(const struct bal_config *config)
{
    return config->cluster.node_count > 0;
}

bool bal_config_asks_cluster(const struct bal_config *config)
{
    return strcmp(config->query.source, "cluster") == 0;
}

bool bal_config_connects_out(const struct bal_config *config)
{
    return bal_config_ships(config) || config->webhook.url;
}

static bool has_name(const struct bal_listener_config *listener)
{
    unsigned char address[sizeof(struct in6_addr)];
    for (size_t i = 0; i < listener->listen_count; i++) {
        const char *const host = listener->listen[i].host;
        if (inet_pton(AF_INET, host, address) != 1 && inet_pton(AF_INET6, host, address) != 1)
            return true;
    }
    return false;
}

bool bal_config_listens_by_name(const struct bal_config *config)
{
    return has_name(&config->public_side.listener) || has_name(&config->private_side.listener);
}

int bal_config_site(const struct bal_config *config, struct bal_slice name)
{
    for (int i = 0; i < config->site_count; i++) {
        if (bal_slice_equal(bal_slice_of(config->sites[i].name), name)) {
            return i;
        }
    }
    return -1;
}
