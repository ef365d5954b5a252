// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_CONFIG_H
#define BALISE_CONFIG_H

#include <balise/error.h>
#include <balise/buf.h>
#include <balise/metric.h>
#include <balise/zone.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * The configuration: one JSON file (RFC 8259), described by schema/config.v1.schema.json and by the
 * one table of fields in server/config/fields.c, which drives defaults, bounds, `check-config` and
 * `--help`; a test holds the two together. Unknown and duplicate keys and values out of range are
 * errors that name line, key and range. Immutable once loaded; any thread may read it.
 */
/** What a site's figures of a day should stay within. */
struct bal_budget {
    enum bal_metric metric;
    char *page;  /**< a template; NULL: the whole site */
    double p75;  /**< greatest, in wire units */
    double poor; /**< greatest share of poor views; 1: no limit */
};

struct bal_site {
    char *name; /**< [a-z0-9][a-z0-9-]{0,63}; in keys and URLs */
    char **origins;
    size_t origin_count; /**< RFC 6454 serialised origins, lower case: "https://portal.example" */
    char *time_zone;
    struct bal_zone *zone;
    char **pages; /**< allowed templates, "/dossier/:id"; none: masking and the cap alone decide */
    size_t page_count;
    struct bal_budget *budgets;
    size_t budget_count;
};

/** One address to listen on: "127.0.0.1:8080", "[::1]:8080"; port 0 lets the system choose. */
struct bal_listen {
    char *host; /**< without the brackets of an IPv6 address */
    uint16_t port;
};

/** A network in CIDR form, IPv4 as v4-mapped IPv6. */
struct bal_network {
    uint8_t address[16];
    uint8_t bits; /**< 0 … 128 */
};

/** Parses "192.0.2.0/24", "2001:db8::/32" or a bare address; BAL_EINVAL also when bits past the
 * length are set, BAL_ERANGE for too long a length. */
BAL_MUST_USE bal_status bal_network_parse(struct bal_slice text, struct bal_network *out);
/** Whether a network holds addresses of strangers whatever it begins with: it is wider than the
 * widest that is anybody's own, 10.0.0.0/8 and fc00::/7 (RFC 1918, RFC 4193). One of IPv6 that has
 * all of IPv4 in it, mapped, is. */
bool bal_network_is_of_strangers(const struct bal_network *network);

#define BAL_LOOPS_AT_MOST 64 /**< of public.loops, also where each core gets one */

struct bal_tls_files {
    char *certificate_file; /**< NULL: cleartext */
    char *key_file;
};

struct bal_listener_config {
    struct bal_listen *listen;
    size_t listen_count;
    struct bal_tls_files tls;
};

/** Whether a table is told: always, never, or on days with so many views that it shows something.
 */
enum bal_switch { BAL_OFF, BAL_AUTO, BAL_ON };
#define BAL_AUTO_LEAST_VIEWS 2000 /**< document views of a site's day */
/** Whether a table is told, by the document views of the day that decides. */
bool bal_switch_is_on(enum bal_switch table, uint64_t views);

struct bal_config {
    char *path; /**< the file it was read from */
    char *data_dir;
    bool sandbox; /**< the server gives up what it does not need */
    struct bal_site *sites;
    uint16_t site_count;
    struct {
        struct bal_listener_config listener;
        char *prefix; /**< "/balise", no trailing slash */
        struct bal_network *trusted_proxies;
        size_t trusted_proxy_count;
        bool forwarded;              /**< they write Forwarded, not X-Forwarded-For */
        bool proxy_protocol;         /**< they announce each connection */
        int loops;                   /**< event loops; 0: one a core */
        int64_t connections;         /**< at the most, all loops together */
        int64_t network_connections; /**< of one network that is no proxy of ours */
        int64_t patience_seconds;    /**< with a client that is slow or idle */
        int64_t memory_mebibytes;    /**< of the process, past which connections are closed */
        int64_t views_a_minute;      /**< of one network to one site */
        int64_t queue_views;         /**< views a loop may hold unanswered; past it 503 */
        bool http1_only;
        char *language; /**< of the notice, where the visitor chose none: "fr", "en" */
    } public_side;
    struct {
        struct bal_listener_config listener;
        int64_t requests_a_minute; /**< of a token */
    } private_side;
    struct {
        char **databases;
        size_t database_count;
        bool overseas_apart; /**< false folds RE GP MQ GF YT PM BL MF WF PF NC TF into FR */
    } geoip;
    struct {
        int64_t k;                  /**< 10; ceiling of weakening: >= 5 */
        int64_t network_visitors;   /**< of one network, in a k test; 0: half of k */
        int64_t pages_a_day;        /**< open pages a site and day, 1,500 */
        int64_t visitors_kibibytes; /**< the locked arena for keys and visitors sketches */
    } privacy;
    /** The tables that are told beside those of one dimension by day. */
    struct {
        enum bal_switch page_blocks;   /**< pages by blocks of hours; auto: by yesterday's views */
        enum bal_switch page_device;   /**< auto: by the day's own views */
        enum bal_switch region_device; /**< on */
        enum bal_switch page_region;   /**< off */
    } margins;
    struct {
        int64_t hourly_days;  /**< 90, at most 395 */
        int64_t daily_months; /**< 25, at most 25 */
    } retention;
    struct {
        bool journal;
        int64_t journal_kibibytes; /**< both halves together */
        int64_t free_mebibytes;    /**< left on the disk, or views are refused */
        int64_t checkpoint_seconds;
    } store;
    struct {
        char *name, *contact, *dpo_contact; /**< for the documents; NULL where it is not told */
    } controller;
    struct {
        char *public_key, *signature, *handover; /**< base64; NULL where it is not told */
    } dpo;
    struct {
        char *url;         /**< NULL: nothing is sent */
        char *secret_file; /**< signs it */
        char *ca_file;     /**< NULL: the system's */
        int64_t seconds;   /**< of an attempt */
    } webhook;
    struct {
        char **nodes; /**< "http://127.0.0.1:8123"; none: nothing leaves this machine */
        size_t node_count;
        char *name; /**< in the servers' remote_servers; NULL: one server without replicas */
        char *database, *user;
        char *password_file; /**< NULL: none */
        char *ca_file;       /**< NULL: the system's */
        char *node;          /**< this machine's name among those that ship; NULL without nodes */
        int64_t batch_rows, interval_seconds;
        int64_t seconds; /**< of a request */
    } cluster;
    struct {
        char *source;    /**< "store" or "cluster" */
        int threads;     /**< reader threads, 2 */
        int64_t seconds; /**< longest answer */
        int64_t answer_mebibytes;
    } query;
};

/**
 * Reads and checks a configuration file; `create/destroy`. Opens each site's zone: only while the
 * process has one thread. What is wrong in the file is told by the text ("privacy.k must be …"),
 * where by the error's line and column.
 */
BAL_MUST_USE bal_status bal_config_load(const char *path, struct bal_config **out,
                                        struct bal_error *error);
/**
 * Reads the file of a running configuration again, for a reload. BAL_EINVAL also when a field has
 * changed that is not `is_reloaded`. Any thread: time zones are those of the running one.
 */
BAL_MUST_USE bal_status bal_config_load_again(const struct bal_config *running,
                                              struct bal_config **out, struct bal_error *error);
void bal_config_destroy(struct bal_config *config); /**< accepts NULL */

/** How many of public.trusted_proxies are of strangers: whoever asks from there may claim any
 * address. */
size_t bal_config_trusted_strangers(const struct bal_config *config);
/** Whether told figures go to a cluster. */
bool bal_config_ships(const struct bal_config *config);
/** Whether answers are read from the cluster. */
bool bal_config_asks_cluster(const struct bal_config *config);
/** Whether this process opens connections of its own: to the cluster or to the webhook. Else it
 * only takes them. */
bool bal_config_connects_out(const struct bal_config *config);
/** Whether a listener has a name for an address, which is to be resolved. */
bool bal_config_listens_by_name(const struct bal_config *config);

/** Index of a site by name, or -1. */
int bal_config_site(const struct bal_config *config, struct bal_slice name);

/** Which values of a field protect visitors less than its default does. Those are within the
 * field's bounds, but hold only with the DPO's signature (dpo.h). */
enum bal_weaker {
    BAL_WEAKER_NEVER,
    BAL_WEAKER_LOWER,  /**< a lower number */
    BAL_WEAKER_HIGHER, /**< a higher number */
    BAL_WEAKER_ON      /**< a switch that is "on" where the default is not */
};

/** One field, for `check-config`, help and the schema test. */
struct bal_field_info {
    const char *path;         /**< "privacy.k", "sites[].name" */
    const char *type;         /**< "string" "integer" "number" "boolean" "array" */
    const char *default_text; /**< JSON; NULL when required */
    int64_t min, max; /**< of numbers; of arrays the number of items, of strings the bytes; 0, 0
                         for booleans */
    const char *help;
    enum bal_weaker weaker;              /**< which values are weaker than the default */
    bool is_privacy;                     /**< the audit log tells its value at each start */
    bool is_reloaded;                    /**< a reload changes it; all others need a restart */
    const struct bal_field_place *place; /**< how the loader reads and keeps it; of config/ alone */
};
const struct bal_field_info *bal_config_fields(size_t *count);

/** Every field with its effective value as JSON, in the order of the table; a site's as
 * "sites[0].name". Both texts are borrowed for the call. */
void bal_config_tell(const struct bal_config *config,
                     void (*each)(void *context, const char *path, const char *value),
                     void *context);

/** The fields whose values are weaker than their defaults, in the order of the table; their number,
 * which may be above `room`. */
size_t bal_config_weaker(const struct bal_config *config, const struct bal_field_info **out,
                         size_t room);
/**
 * Appends what the DPO signs: a first line that says what it is, then one line for each weaker
 * setting ("privacy.k=5") and for each origin of each site ("site portal https://portal.example"),
 * in the order of their bytes. Nothing when no setting is weaker.
 */
void bal_config_signed_text(const struct bal_config *config, struct bal_buf *out);

/** Prints every field with its effective value, one a line, for `check-config`. The caller finishes
 * `out`. */
void bal_config_print(const struct bal_config *config, struct bal_buf *out);

#endif
